package sandbox

import (
	"encoding/json"
	"io"
	"regexp"
)

const (
	// maxDepth bounds how deep values may lie in each other; the documents need three.
	maxDepth = 8
	// maxNumber is the longest number that is read, in bytes.
	maxNumber = 32
)

var (
	numberForm = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$`)
	nameForm   = regexp.MustCompile(`^[A-Za-z]{1,40}$`)
)

// readTree reads one JSON document as strictly as the scanner is, into map[string]any, []any, string, json.Number, bool and nil.
// It is for small documents: all of it is in memory, and the caller bounds from. What is wrong is a *mistake.
func readTree(from io.Reader) (any, error) {
	s := newScanner(from)
	v, err := s.value(0)
	if err != nil {
		return nil, err
	}
	return v, s.finish()
}

// value reads any value.
func (s *scanner) value(depth int) (any, error) {
	if depth > maxDepth {
		return nil, wrong("values lie too deep in each other")
	}
	c, err := s.solid()
	if err != nil {
		return nil, err
	}
	switch {
	case c == '"':
		text, err := s.quoted()
		return string(text), err
	case c == '{':
		return s.anyObject(depth)
	case c == '[':
		return s.anyArray(depth)
	case c == '-' || '0' <= c && c <= '9':
		return s.number(c)
	}
	return s.literal(c)
}

// anyObject reads what follows an opening brace.
func (s *scanner) anyObject(depth int) (any, error) {
	object := make(map[string]any)
	for {
		c, err := s.solid()
		if err != nil {
			return nil, err
		}
		if c == '}' && len(object) == 0 {
			return object, nil
		}
		if c != '"' {
			return nil, wrong("expected the name of a member")
		}
		text, err := s.quoted()
		if err != nil {
			return nil, err
		}
		name := string(text)
		if _, twice := object[name]; twice {
			return nil, below(wrong("stands there twice"), shownName(name))
		}
		if c, err = s.solid(); err != nil {
			return nil, err
		}
		if c != ':' {
			return nil, wrong("expected a colon")
		}
		if object[name], err = s.value(depth + 1); err != nil {
			return nil, below(err, shownName(name))
		}
		if c, err = s.solid(); err != nil {
			return nil, err
		}
		if c == '}' {
			return object, nil
		}
		if c != ',' {
			return nil, wrong("expected a comma or the end of the object")
		}
	}
}

// shownName is a member's name for lists and logs: one that no document would have could be anything.
func shownName(name string) string {
	if nameForm.MatchString(name) {
		return name
	}
	return "(a member)"
}

// anyArray reads what follows an opening bracket.
func (s *scanner) anyArray(depth int) (any, error) {
	array := []any{}
	c, err := s.solid()
	if err != nil || c == ']' {
		return array, err
	}
	s.pos-- // the window was refilled, if at all, for this very byte
	for {
		v, err := s.value(depth + 1)
		if err != nil {
			return nil, below(err, place(len(array)))
		}
		array = append(array, v)
		if c, err = s.solid(); err != nil {
			return nil, err
		}
		if c == ']' {
			return array, nil
		}
		if c != ',' {
			return nil, wrong("expected a comma or the end of the array")
		}
	}
}

// number reads the rest of a number, of which c is the first byte.
func (s *scanner) number(c byte) (any, error) {
	text := []byte{c}
	for {
		c, err := s.next()
		if err != nil {
			return nil, err
		}
		if ('0' > c || c > '9') && c != '-' && c != '+' && c != '.' && c != 'e' && c != 'E' {
			s.pos--
			break
		}
		if text = append(text, c); len(text) > maxNumber {
			return nil, wrong("is a number of too many digits")
		}
	}
	if !numberForm.Match(text) {
		return nil, wrong("is not a number of JSON")
	}
	return json.Number(text), nil
}

// literal reads the rest of true, false or null, of which c is the first byte.
func (s *scanner) literal(c byte) (any, error) {
	for text, v := range map[string]any{"true": true, "false": false, "null": nil} {
		if c != text[0] {
			continue
		}
		for i := 1; i < len(text); i++ {
			c, err := s.next()
			if err != nil {
				return nil, err
			}
			if c != text[i] {
				return nil, wrong("is not a value of JSON")
			}
		}
		return v, nil
	}
	return nil, wrong("is not a value of JSON")
}
