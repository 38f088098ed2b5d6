package serialport

import "bytes"

// Lines cuts a stream into lines of text. The zero value cuts at every CR and LF, so that any run of them is one end. It keeps
// at most MaxFrame bytes: of a line that is longer it keeps the end.
type Lines struct {
	// Ends are the byte sequences of which each ends a line; nil means CR and LF. An empty sequence is not allowed.
	Ends [][]byte
	// Endless says that nothing ends a line but Flush.
	Endless bool

	buf []byte
	cut int
}

var crlf = [][]byte{{'\r'}, {'\n'}}

// Feed appends chunk and calls line for each line that is not empty, without its end. The bytes are valid during the call.
// cut is how many bytes at the beginning of the line were too many and are gone.
func (l *Lines) Feed(chunk []byte, line func(text []byte, cut int)) {
	ends := l.Ends
	switch {
	case l.Endless:
		ends = nil
	case ends == nil:
		ends = crlf
	}
	for _, c := range chunk {
		if len(l.buf) == MaxFrame {
			l.cut += MaxFrame / 2
			l.buf = append(l.buf[:0], l.buf[MaxFrame/2:]...)
		}
		l.buf = append(l.buf, c)
		for _, end := range ends {
			if bytes.HasSuffix(l.buf, end) {
				l.flush(len(end), line)
				break
			}
		}
	}
}

// Flush gives the unfinished line, if there is one, as Feed would.
func (l *Lines) Flush(line func(text []byte, cut int)) { l.flush(0, line) }

func (l *Lines) flush(end int, line func([]byte, int)) {
	text := l.buf[:len(l.buf)-end]
	if l.startsWithEnd() {
		// A line that ends in CR LF where CR alone is an end: the LF is what is left of it.
		text = bytes.TrimLeft(text, "\r\n")
	}
	if len(text) > 0 {
		line(text, l.cut)
	}
	l.Reset()
}

// startsWithEnd says that CR or LF is an end of line here, so that none of them can begin a line.
func (l *Lines) startsWithEnd() bool {
	if l.Ends == nil {
		return !l.Endless
	}
	for _, end := range l.Ends {
		if len(bytes.Trim(end, "\r\n")) == 0 {
			return true
		}
	}
	return false
}

// Pending is how many bytes of an unfinished line it holds; ends of lines without a line do not count.
func (l *Lines) Pending() int {
	if l.startsWithEnd() {
		return len(bytes.TrimLeft(l.buf, "\r\n"))
	}
	return len(l.buf)
}

// Reset forgets the unfinished line.
func (l *Lines) Reset() { l.buf, l.cut = l.buf[:0], 0 }
