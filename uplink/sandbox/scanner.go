package sandbox

import (
	"errors"
	"fmt"
	"io"
	"slices"
)

// scanWindow is how much of the stream is in memory at once, in bytes.
const scanWindow = 32 << 10

// A mistake is what is wrong with a request: where, and what; never what stands there.
type mistake struct {
	where, what string
}

func wrong(what string) error { return &mistake{what: what} }

func (m *mistake) Error() string {
	if m.where == "" {
		return "body: " + m.what
	}
	return m.where + ": " + m.what
}

// below puts a mistake under the member or element in which it was found. Other errors pass unchanged.
func below(err error, name string) error {
	var m *mistake
	if !errors.As(err, &m) {
		return err
	}
	switch {
	case m.where == "":
		m.where = name
	case m.where[0] == '[':
		m.where = name + m.where
	default:
		m.where = name + "." + m.where
	}
	return m
}

// A scanner reads JSON (RFC 8259) from a stream in constant memory. Unlike encoding/json it refuses duplicate members, unknown
// members, members in another letter case, invalid UTF-8, halves of surrogate pairs and U+FFFD, which is what is left of text
// that was damaged before. It knows objects with known members, arrays that are not empty, and strings: the documents have no more.
type scanner struct {
	from     io.Reader
	window   []byte
	pos, end int
	text     []byte
}

func newScanner(from io.Reader) *scanner {
	return &scanner{from: from, window: make([]byte, scanWindow)}
}

// next gives the next byte.
func (s *scanner) next() (byte, error) {
	if s.pos == s.end {
		if err := s.fill(); err != nil {
			return 0, err
		}
	}
	c := s.window[s.pos]
	s.pos++
	return c, nil
}

func (s *scanner) fill() error {
	n, err := io.ReadAtLeast(s.from, s.window, 1)
	s.pos, s.end = 0, n
	switch {
	case n > 0:
		return nil
	case errors.Is(err, io.EOF):
		return wrong("the JSON ends too early")
	default:
		return wrong("the body was cut off")
	}
}

// solid gives the next byte that is not white space.
func (s *scanner) solid() (byte, error) {
	for {
		c, err := s.next()
		if err != nil || c != ' ' && c != '\n' && c != '\r' && c != '\t' {
			return c, err
		}
	}
}

// finish makes sure that nothing but white space follows.
func (s *scanner) finish() error {
	for {
		for _, c := range s.window[s.pos:s.end] {
			if c != ' ' && c != '\n' && c != '\r' && c != '\t' {
				return wrong("something follows the JSON")
			}
		}
		n, err := io.ReadAtLeast(s.from, s.window, 1)
		s.pos, s.end = 0, n
		switch {
		case n > 0:
		case errors.Is(err, io.EOF):
			return nil
		default:
			return wrong("the body was cut off")
		}
	}
}

// object reads an object that has each of the members once, in any order. For each it calls value, with its number, which has
// to read the value.
func (s *scanner) object(members []string, value func(member int) error) error {
	c, err := s.solid()
	if err != nil {
		return err
	}
	if c != '{' {
		return wrong("is not an object")
	}
	var seen uint
	for first := true; ; first = false {
		c, err = s.solid()
		if err != nil {
			return err
		}
		if c == '}' && first {
			break
		}
		member, err := s.member(c, members)
		if err != nil {
			return err
		}
		if seen&(1<<member) != 0 {
			return below(wrong("stands there twice"), members[member])
		}
		seen |= 1 << member
		if err := value(member); err != nil {
			return below(err, members[member])
		}
		if c, err = s.solid(); err != nil {
			return err
		}
		if c == '}' {
			break
		}
		if c != ',' {
			return wrong("expected a comma or the end of the object")
		}
	}
	for i, name := range members {
		if seen&(1<<i) == 0 {
			return below(wrong("is missing"), name)
		}
	}
	return nil
}

// member reads the rest of a name, of which c is the first byte, and the colon.
func (s *scanner) member(c byte, members []string) (int, error) {
	if c != '"' {
		return 0, wrong("expected the name of a member")
	}
	name, err := s.quoted()
	if err != nil {
		return 0, err
	}
	member := slices.IndexFunc(members, func(known string) bool { return string(name) == known })
	if member < 0 {
		return 0, wrong("has a member that is not in the document")
	}
	if c, err = s.solid(); err != nil {
		return 0, err
	}
	if c != ':' {
		return 0, wrong("expected a colon")
	}
	return member, nil
}

// array reads an array of at least one element; element has to read each.
func (s *scanner) array(element func(i int) error) error {
	c, err := s.solid()
	if err != nil {
		return err
	}
	if c != '[' {
		return wrong("is not an array")
	}
	if c, err = s.solid(); err != nil {
		return err
	}
	if c == ']' {
		return wrong("is empty")
	}
	s.pos-- // the window was refilled, if at all, for this very byte
	for i := 0; ; i++ {
		if err := element(i); err != nil {
			return below(err, fmt.Sprintf("[%d]", i))
		}
		if c, err = s.solid(); err != nil {
			return err
		}
		if c == ']' {
			return nil
		}
		if c != ',' {
			return wrong("expected a comma or the end of the array")
		}
	}
}
