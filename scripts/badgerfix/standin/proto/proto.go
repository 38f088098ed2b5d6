// Package proto stands in for the functions of google.golang.org/protobuf/proto that Badger calls, with its signatures.
package proto

// A Message is one of package pb.
type Message interface {
	// Append encodes the message behind b.
	Append(b []byte) []byte
	// Decode replaces the message by the encoded one.
	Decode(b []byte) error
}

// MarshalOptions is what its methods are called on.
type MarshalOptions struct{}

// MarshalAppend encodes the message behind b and never fails.
func (MarshalOptions) MarshalAppend(b []byte, m Message) ([]byte, error) { return m.Append(b), nil }

// Marshal encodes the message and never fails.
func Marshal(m Message) ([]byte, error) { return m.Append([]byte{}), nil }

// Unmarshal replaces the message by the encoded one.
func Unmarshal(b []byte, m Message) error { return m.Decode(b) }

// Size is the length of the encoded message.
func Size(m Message) int { return len(m.Append(nil)) }
