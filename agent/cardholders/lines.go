package cardholders

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

// maxLine is the largest number of bytes of a line: no row of five short columns is longer.
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

// next gives the next line, which is valid until the next call and may be changed. The error is errLongLine for a line that
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
// single, in the line itself. A quoted field ends on its line: a forgotten quote spoils one row and not all that follow.
func split(line []byte, separator byte, into [][]byte) (fields [][]byte, reason string) {
	for {
		var field []byte
		if start := bytes.TrimLeft(line, " "); len(start) > 0 && start[0] == '"' {
			field, line = unquote(start)
			if line == nil {
				return into, "a quote is not closed on the same line"
			}
			if line = bytes.TrimLeft(line, " "); len(line) > 0 && line[0] != separator {
				return into, "text stands behind the closing quote of a field"
			}
		} else {
			end := bytes.IndexByte(line, separator)
			if end < 0 {
				end = len(line)
			}
			field, line = line[:end], line[end:]
		}
		into = append(into, field)
		if len(line) == 0 {
			return into, ""
		}
		line = line[1:]
	}
}

// unquote gives what stands between the quotes and what stands behind them; rest is nil if there is no closing quote.
func unquote(b []byte) (field, rest []byte) {
	field = b[:0]
	for i := 1; i < len(b); i++ {
		if b[i] == '"' {
			if i+1 == len(b) || b[i+1] != '"' {
				return field, b[i+1:]
			}
			i++
		}
		field = append(field, b[i])
	}
	return nil, nil
}
