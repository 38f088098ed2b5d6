package pb

import (
	"encoding/binary"
	"errors"
)

// The kinds of fields, the lower three bits of a tag.
const (
	varint   = 0
	fixed64  = 1
	lengthed = 2
	fixed32  = 5
)

var errMalformed = errors.New("malformed protobuf message")

// appendNumber encodes a field behind b; zero is left out.
func appendNumber(b []byte, field, v uint64) []byte {
	if v == 0 {
		return b
	}
	return binary.AppendUvarint(binary.AppendUvarint(b, field<<3|varint), v)
}

// appendBytes encodes a field behind b; nothing is left out.
func appendBytes(b []byte, field uint64, v []byte) []byte {
	if len(v) == 0 {
		return b
	}
	return appendMessage(b, field, v)
}

// appendMessage encodes a field behind b; it is there also if it is empty.
func appendMessage(b []byte, field uint64, encoded []byte) []byte {
	b = binary.AppendUvarint(b, field<<3|lengthed)
	return append(binary.AppendUvarint(b, uint64(len(encoded))), encoded...)
}

// fields walks over an encoded message.
type fields struct {
	rest []byte
	err  error

	tag     uint64 // number of the field and kind
	number  uint64 // value of a varint
	content []byte // value of a field with a length, in the message's own memory
}

// next goes to the next field; false is the end or an error.
func (f *fields) next() bool {
	if len(f.rest) == 0 {
		return false
	}
	f.tag = f.uvarint()
	if n := f.tag >> 3; n < 1 || n > 1<<29-1 {
		f.err = errMalformed
	}
	switch f.tag & 7 {
	case varint:
		f.number = f.uvarint()
	case lengthed:
		f.content = f.take(f.uvarint())
	case fixed64:
		f.take(8)
	case fixed32:
		f.take(4)
	default:
		f.err = errMalformed
	}
	return f.err == nil
}

// copied returns the content in memory of its own, nil if it is empty.
func (f *fields) copied() []byte { return append([]byte(nil), f.content...) }

func (f *fields) uvarint() uint64 {
	v, n := binary.Uvarint(f.rest)
	if n <= 0 {
		f.err = errMalformed
		f.rest = nil
		return 0
	}
	f.rest = f.rest[n:]
	return v
}

func (f *fields) take(n uint64) []byte {
	if n > uint64(len(f.rest)) {
		f.err = errMalformed
		return nil
	}
	content := f.rest[:n]
	f.rest = f.rest[n:]
	return content
}
