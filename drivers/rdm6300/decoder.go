package rdm6300

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/acs-agent/acs-agent/agent/event"
	"github.com/acs-agent/acs-agent/drivers/serialport"
)

// A frame is STX, ten hexadecimal digits of the card number, two of the checksum, and ETX. The ID-12 family puts CR LF before
// the ETX. The checksum is the exclusive or of the five bytes of the number.
const (
	stx    = 0x02
	etx    = 0x03
	digits = 12 // of number and checksum
)

var (
	errChecksum = errors.New("a frame with a wrong checksum: noise on the line, or two readers on it")
	errZero     = errors.New("a frame with the card number zero: the reader lost the card while it read")
	errNoise    = errors.New("bytes that belong to no frame: check speed, wiring and ground")
)

// decoder is a serialport.Decoder. It resynchronises at every STX, which no frame has within it.
type decoder struct {
	reader string
	// frame is the unfinished frame from its STX on; empty while none has begun. Never longer than 16 bytes.
	frame []byte
	// noise counts the bytes since the last frame that belong to none.
	noise int
}

// Pending is how many bytes of an unfinished frame there are.
func (d *decoder) Pending() int { return len(d.frame) + d.noise }

// Reset forgets them.
func (d *decoder) Reset() { d.frame, d.noise = d.frame[:0], 0 }

// Silence reports an unfinished frame as noise.
func (d *decoder) Silence(out serialport.Out) {
	d.noise += len(d.frame)
	d.frame = d.frame[:0]
	d.reportNoise(out)
}

// Decode takes bytes as they come.
func (d *decoder) Decode(chunk []byte, out serialport.Out) {
	for _, c := range chunk {
		switch {
		case c == stx:
			d.noise += len(d.frame)
			d.frame = append(d.frame[:0], c)
		case len(d.frame) == 0:
			d.noise++
		case fits(len(d.frame)-1, c):
			d.frame = append(d.frame, c)
			if c == etx {
				d.reportNoise(out)
				d.finish(out)
			}
		default:
			d.noise += len(d.frame) + 1
			d.frame = d.frame[:0]
		}
		if d.noise >= serialport.MaxFrame {
			d.reportNoise(out)
		}
	}
}

// fits says whether c can stand at place i, counted from the first digit.
func fits(i int, c byte) bool {
	switch {
	case i < digits:
		return '0' <= c && c <= '9' || 'A' <= c && c <= 'F' || 'a' <= c && c <= 'f'
	case i == digits:
		return c == etx || c == '\r'
	case i == digits+1:
		return c == '\n'
	default:
		return i == digits+2 && c == etx
	}
}

// finish gives the complete frame to out.
func (d *decoder) finish(out serialport.Out) {
	raw := append([]byte(nil), d.frame...)
	d.frame = d.frame[:0]
	data := make([]byte, digits/2)
	if _, err := hex.Decode(data, raw[1:1+digits]); err != nil {
		out.Odd(d.reader, fmt.Errorf("a frame of %d bytes that is not hexadecimal", len(raw)))
		return
	}
	number, sum := data[:5], data[5]
	var all, or byte
	for _, b := range number {
		all ^= b
		or |= b
	}
	switch {
	case all != sum:
		out.Odd(d.reader, errChecksum)
	case or == 0:
		out.Odd(d.reader, errZero)
	default:
		out.Pass(&event.Pass{Reader: d.reader, Credential: event.Credential{
			Format: "rdm6300", Number: number, Bits: 40,
			Text: strings.ToUpper(string(raw[1:11])), Raw: raw,
		}})
	}
}

func (d *decoder) reportNoise(out serialport.Out) {
	if d.noise > 0 {
		out.Odd(d.reader, fmt.Errorf("%d %w", d.noise, errNoise))
		d.noise = 0
	}
}
