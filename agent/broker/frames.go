package broker

import (
	"bufio"
	"errors"
	"fmt"
	"io"
)

// MaxMessage is the largest payload, in bytes, that a connection made by Dial delivers whole. Of a longer one at least
// MaxMessage+1 bytes arrive and the rest is thrown away as it comes in, so that one message cannot take all the memory of a
// small gateway. Who receives more than MaxMessage bytes knows by that that the message was too long.
const MaxMessage = 64 << 10

const (
	publish = 3 // the MQTT packet type of a message, upper half of the first byte
	// maxFrame is the longest rest of a packet that is let through: topic and packet id at their largest, and a payload of
	// which one byte more is left than is allowed.
	maxFrame = 2 + 65535 + 2 + MaxMessage + 1
)

var errFrame = errors.New("the broker sent something that is not MQTT")

// frameReader reads a stream of MQTT packets and shortens messages that are too long.
type frameReader struct {
	in *bufio.Reader
	// head is what is left to deliver of the fixed header, pass how much of the body follows, skip how much is thrown away then.
	head       []byte
	pass, skip int
	header     [5]byte
}

func newFrameReader(in io.Reader) *frameReader { return &frameReader{in: bufio.NewReader(in)} }

func (f *frameReader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for len(f.head) == 0 && f.pass == 0 {
		if f.skip > 0 {
			n, err := f.in.Discard(f.skip)
			f.skip -= n
			if err != nil {
				return 0, err
			}
		}
		if err := f.next(); err != nil {
			return 0, err
		}
	}
	if len(f.head) > 0 {
		n := copy(p, f.head)
		f.head = f.head[n:]
		return n, nil
	}
	n, err := f.in.Read(p[:min(len(p), f.pass)])
	f.pass -= n
	return n, err
}

// next reads a fixed header: type and flags, then the length of the rest in seven bits a byte, lowest first.
func (f *frameReader) next() error {
	first, err := f.in.ReadByte()
	if err != nil {
		return err
	}
	length := 0
	for i := range 5 {
		if i == 4 {
			return fmt.Errorf("%w: the length of a packet has more than four bytes", errFrame)
		}
		b, err := f.in.ReadByte()
		if err != nil {
			return unexpected(err)
		}
		length |= int(b&0x7F) << (7 * i)
		if b < 0x80 {
			break
		}
	}
	keep := min(length, maxFrame)
	if keep < length && first>>4 != publish {
		return fmt.Errorf("%w: a packet of type %d with %d bytes", errFrame, first>>4, length)
	}
	f.head = append(f.header[:0], first)
	for rest := keep; ; {
		b := byte(rest & 0x7F)
		if rest >>= 7; rest > 0 {
			b |= 0x80
		}
		f.head = append(f.head, b)
		if rest == 0 {
			break
		}
	}
	f.pass, f.skip = keep, length-keep
	return nil
}

func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
