package table

import (
	"bufio"
	"errors"
	"io"
	"strings"
)

// maxLine is the largest number of bytes of a line: no row that people fill in is longer.
const maxLine = 8 << 10

// A lineReader cuts a text into lines that end with CR, LF or both.
type lineReader struct {
	src    *bufio.Reader
	line   []byte
	number int
}

func newLineReader(src io.Reader) *lineReader {
	return &lineReader{src: bufio.NewReaderSize(src, 64<<10)}
}

var errLongLine = errors.New("line too long")

// next gives the next line, which is valid until the next call. The error is errLongLine for a line that
// had to be left out, io.EOF behind the last line, or that of the source.
func (l *lineReader) next() ([]byte, error) {
	l.line = l.line[:0]
	l.number++
	for begun := false; ; begun = true {
		c, err := l.src.ReadByte()
		switch {
		case errors.Is(err, io.EOF) && begun:
			return l.end()
		case err != nil:
			return nil, err
		case c == '\n':
			return l.end()
		case c == '\r':
			if next, err := l.src.Peek(1); err == nil && next[0] == '\n' {
				_, _ = l.src.Discard(1) // it has been peeked at
			}
			return l.end()
		case len(l.line) <= maxLine:
			l.line = append(l.line, c)
		}
	}
}

func (l *lineReader) end() ([]byte, error) {
	if len(l.line) > maxLine {
		return nil, errLongLine
	}
	return l.line, nil
}

// split cuts a line into its fields and appends them to into. Quotes around a field are taken off and double ones inside made
// single. A quoted field ends on its line: a forgotten quote spoils one row and not all that follow.
func split(line string, separator byte, into []string) (fields []string, reason string) {
	for {
		var field string
		if start := strings.TrimLeft(line, " "); start != "" && start[0] == '"' {
			var closed bool
			if field, line, closed = unquote(start[1:]); !closed {
				return into, "a quote is not closed on the same line"
			}
			if line = strings.TrimLeft(line, " "); line != "" && line[0] != separator {
				return into, "text stands behind the closing quote of a field"
			}
		} else {
			end := strings.IndexByte(line, separator)
			if end < 0 {
				end = len(line)
			}
			field, line = line[:end], line[end:]
		}
		into = append(into, field)
		if line == "" {
			return into, ""
		}
		line = line[1:]
	}
}

// unquote gives what stands before the closing quote, and what stands behind it.
func unquote(s string) (field, rest string, closed bool) {
	double := false
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] != '"':
		case i+1 < len(s) && s[i+1] == '"':
			double = true
			i++
		default:
			if field = s[:i]; double {
				field = strings.ReplaceAll(field, `""`, `"`)
			}
			return field, s[i+1:], true
		}
	}
	return "", "", false
}
