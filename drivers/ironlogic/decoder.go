package ironlogic

import (
	"errors"
	"fmt"

	"github.com/acs-agent/acs-agent/agent/event"
	"github.com/acs-agent/acs-agent/drivers/serialport"
)

// decoder is a serialport.Decoder for all readers of a line.
type decoder struct {
	lines   serialport.Lines
	readers []addressed
	// doubted are the readers of which a card in a strange byte order has been reported.
	doubted map[string]bool
}

func newDecoder(readers []addressed) *decoder {
	return &decoder{readers: readers, doubted: make(map[string]bool, len(readers))}
}

// Pending is how many bytes of an unfinished line there are.
func (d *decoder) Pending() int { return d.lines.Pending() }

// Reset forgets them.
func (d *decoder) Reset() { d.lines.Reset() }

// Silence reports an unfinished line as noise.
func (d *decoder) Silence(out serialport.Out) {
	if n := d.lines.Pending(); n > 0 {
		out.Odd("", fmt.Errorf("%d bytes without an end of line", n))
	}
	d.lines.Reset()
}

// Decode takes bytes as they come.
func (d *decoder) Decode(chunk []byte, out serialport.Out) {
	d.lines.Feed(chunk, func(line []byte, cut int) { d.line(line, cut, out) })
}

func (d *decoder) line(line []byte, cut int, out serialport.Out) {
	p, err := parse(line)
	if err != nil {
		out.Odd("", fmt.Errorf("a line of %d bytes: %w", cut+len(line), err))
		return
	}
	reader, found := d.reader(p.address, out)
	if !found || p.away {
		return
	}
	c, err := p.credential(line)
	switch {
	case c.Bits == 0:
		out.Odd(reader, fmt.Errorf("a line of %d bytes: %w", cut+len(line), err))
		return
	case err != nil && !d.doubted[reader]:
		d.doubted[reader] = true
		out.Odd(reader, err)
	}
	out.Pass(&event.Pass{Reader: reader, Credential: c})
}

// reader finds the reader with the address that a line bore.
func (d *decoder) reader(address string, out serialport.Out) (name string, found bool) {
	for _, r := range d.readers {
		if r.address == address {
			return r.name, true
		}
	}
	if len(d.readers) == 1 {
		only := d.readers[0]
		if only.address == "" {
			return only.name, true
		}
		if address == "" {
			// Nobody else can have sent it.
			out.Odd(only.name, errors.New("a line without an address was taken for the reader's own: remove address: from its settings"))
			return only.name, true
		}
	}
	if address == "" {
		out.Odd("", errors.New("a line without an address, at a port with several readers: only readers with the RS-485 firmware can share a port"))
		return "", false
	}
	out.Odd("", fmt.Errorf("a line with the address %s, which no reader has: write address: %q where it belongs, or add a reader", address, address))
	return "", false
}
