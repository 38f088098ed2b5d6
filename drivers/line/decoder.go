package line

import (
	"fmt"

	"github.com/acs-agent/acs-agent/drivers/serialport"
)

// decoder is a serialport.Decoder.
type decoder struct {
	reader  string
	meaning *meaning
	lines   serialport.Lines
}

func newDecoder(reader string, o *options, m *meaning) *decoder {
	return &decoder{reader: reader, meaning: m, lines: serialport.Lines{Ends: o.Suffix.ends, Endless: o.Suffix.none}}
}

// Pending is how many bytes of an unfinished line there are.
func (d *decoder) Pending() int { return d.lines.Pending() }

// Reset forgets them.
func (d *decoder) Reset() { d.lines.Reset() }

// Decode takes bytes as they come.
func (d *decoder) Decode(chunk []byte, out serialport.Out) {
	d.lines.Feed(chunk, func(line []byte, cut int) { d.line(line, cut, out) })
}

// Silence ends a line that has no suffix. Where lines have one, what has none is a key of a keypad or noise, and may not become
// the beginning of the next card.
func (d *decoder) Silence(out serialport.Out) {
	if d.lines.Endless {
		d.lines.Flush(func(line []byte, cut int) { d.line(line, cut, out) })
		return
	}
	if n := d.lines.Pending(); n > 0 {
		out.Odd(d.reader, fmt.Errorf("%d bytes without an end of line: a key of a keypad, noise, or another suffix than configured", n))
	}
	d.lines.Reset()
}

func (d *decoder) line(line []byte, cut int, out serialport.Out) {
	if cut > 0 {
		out.Odd(d.reader, fmt.Errorf("a line of %d bytes, longer than %d: is the suffix right?", cut+len(line), serialport.MaxFrame))
		return
	}
	p, err := d.meaning.pass(line)
	if err != nil {
		out.Odd(d.reader, fmt.Errorf("a line of %d bytes: %w", len(line), err))
	}
	if p != nil {
		p.Reader = d.reader
		out.Pass(p)
	}
}
