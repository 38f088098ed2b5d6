package sandbox

import (
	"bytes"
	"fmt"
	"unicode/utf16"
	"unicode/utf8"
)

// maxText is the longest string that is read, in bytes of UTF-8; it bounds memory. No document names a bound.
const maxText = 64 << 10

// string reads a string. The result is valid until the next string is read.
func (s *scanner) string() ([]byte, error) {
	c, err := s.solid()
	if err != nil {
		return nil, err
	}
	if c != '"' {
		return nil, wrong("is not a string")
	}
	return s.quoted()
}

// quoted reads what follows an opening quotation mark.
func (s *scanner) quoted() ([]byte, error) {
	s.text = s.text[:0]
	for {
		plain := s.plain()
		if len(s.text)+len(plain) > maxText {
			return nil, wrong(fmt.Sprintf("is longer than %d bytes", maxText))
		}
		s.text = append(s.text, plain...)
		c, err := s.next()
		switch {
		case err != nil:
			return nil, err
		case c == '"':
			return s.text, checkText(s.text)
		case c == '\\':
			if err := s.escape(); err != nil {
				return nil, err
			}
		case c < ' ':
			return nil, wrong("has a control character that is not escaped")
		default: // the first of a new window
			s.text = append(s.text, c)
		}
	}
}

// plain takes what the window has before the next character that means something.
func (s *scanner) plain() []byte {
	rest := s.window[s.pos:s.end]
	for i, c := range rest {
		if c == '"' || c == '\\' || c < ' ' {
			rest = rest[:i]
			break
		}
	}
	s.pos += len(rest)
	return rest
}

func checkText(text []byte) error {
	switch {
	case !utf8.Valid(text):
		return wrong("is not UTF-8")
	case bytes.ContainsRune(text, utf8.RuneError):
		return wrong("has U+FFFD, the mark of damaged text")
	case bytes.IndexByte(text, 0) >= 0:
		return wrong("has a zero character")
	}
	return nil
}

// escape reads what follows a backslash.
func (s *scanner) escape() error {
	c, err := s.next()
	if err != nil {
		return err
	}
	switch c {
	case '"', '\\', '/':
		s.text = append(s.text, c)
	case 'b':
		s.text = append(s.text, '\b')
	case 'f':
		s.text = append(s.text, '\f')
	case 'n':
		s.text = append(s.text, '\n')
	case 'r':
		s.text = append(s.text, '\r')
	case 't':
		s.text = append(s.text, '\t')
	case 'u':
		return s.unicodeEscape()
	default:
		return wrong("has an unknown escape")
	}
	return nil
}

func (s *scanner) unicodeEscape() error {
	unit, err := s.hex()
	if err != nil {
		return err
	}
	if utf16.IsSurrogate(unit) {
		var second rune
		for _, expected := range []byte(`\u`) {
			c, err := s.next()
			if err != nil {
				return err
			}
			if c != expected {
				return wrong("has half of a surrogate pair")
			}
		}
		if second, err = s.hex(); err != nil {
			return err
		}
		if unit = utf16.DecodeRune(unit, second); unit == utf8.RuneError {
			return wrong("has half of a surrogate pair")
		}
	}
	s.text = utf8.AppendRune(s.text, unit)
	return nil
}

// hex reads four hexadecimal digits.
func (s *scanner) hex() (rune, error) {
	var unit rune
	for range 4 {
		c, err := s.next()
		if err != nil {
			return 0, err
		}
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, wrong("has an escape with a wrong digit")
		}
		unit = unit<<4 | rune(c)
	}
	return unit, nil
}
