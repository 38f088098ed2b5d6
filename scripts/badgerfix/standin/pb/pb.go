// Package pb stands in for the messages that Badger stores, with an encoding written by hand instead of the protobuf runtime,
// which is a tenth of the agent and keeps the linker from leaving out methods that nobody calls.
//
// The bytes are the same, since journals in the field were written by the published package; a test compares the two. One thing
// is refused that the runtime passes over: groups, which Badger never wrote. Names are Badger's.
package pb

// KV is a pair of a stream. The agent streams nothing; Badger's code wants the type.
type KV struct {
	Key, Value, UserMeta, Meta []byte
	Version, ExpiresAt         uint64 // ExpiresAt in Unix seconds
	StreamId                   uint32
	StreamDone                 bool
}

// KVList is a list of pairs in a stream.
type KVList struct {
	Kv       []*KV
	AllocRef uint64
}

// ManifestChangeSet is an entry of the file MANIFEST: changes that happen together or not at all.
type ManifestChangeSet struct {
	Changes []*ManifestChange
}

// ManifestChange says that a table was made or deleted.
type ManifestChange struct {
	Id             uint64 // of the table
	Op             ManifestChange_Operation
	Level          uint32 // of a table that was made
	KeyId          uint64
	EncryptionAlgo EncryptionAlgo
	Compression    uint32 // of a table that was made
}

// ManifestChange_Operation is what happened to a table.
type ManifestChange_Operation int32

// Tables are made and deleted.
const (
	ManifestChange_CREATE ManifestChange_Operation = 0
	ManifestChange_DELETE ManifestChange_Operation = 1
)

// EncryptionAlgo is how a table is encrypted, if it is.
type EncryptionAlgo int32

// EncryptionAlgo_aes is the only one.
const EncryptionAlgo_aes EncryptionAlgo = 0

// Checksum stands behind each block of a table.
type Checksum struct {
	Algo Checksum_Algorithm
	Sum  uint64
}

// Checksum_Algorithm is how a sum was made.
type Checksum_Algorithm int32

// Sums are made in two ways.
const (
	Checksum_CRC32C   Checksum_Algorithm = 0
	Checksum_XXHash64 Checksum_Algorithm = 1
)

// DataKey is an entry of the file KEYREGISTRY. The journal seals by itself, so that there are none.
type DataKey struct {
	KeyId     uint64
	Data, Iv  []byte
	CreatedAt int64 // Unix seconds
}

// Match says which keys a subscriber is told about. It is never stored.
type Match struct {
	Prefix      []byte
	IgnoreBytes string
}

// GetKey returns the key, also of no pair.
func (m *KV) GetKey() []byte {
	if m == nil {
		return nil
	}
	return m.Key
}

// GetKv returns the pairs, also of no list.
func (m *KVList) GetKv() []*KV {
	if m == nil {
		return nil
	}
	return m.Kv
}

// Append encodes the pair behind b.
func (m *KV) Append(b []byte) []byte {
	b = appendBytes(b, 1, m.Key)
	b = appendBytes(b, 2, m.Value)
	b = appendBytes(b, 3, m.UserMeta)
	b = appendNumber(b, 4, m.Version)
	b = appendNumber(b, 5, m.ExpiresAt)
	b = appendBytes(b, 6, m.Meta)
	b = appendNumber(b, 10, uint64(m.StreamId))
	if m.StreamDone {
		b = appendNumber(b, 11, 1)
	}
	return b
}

// Decode replaces the pair by the encoded one.
func (m *KV) Decode(b []byte) error {
	*m = KV{}
	f := fields{rest: b}
	for f.next() {
		switch f.tag {
		case 1<<3 | lengthed:
			m.Key = f.copied()
		case 2<<3 | lengthed:
			m.Value = f.copied()
		case 3<<3 | lengthed:
			m.UserMeta = f.copied()
		case 4<<3 | varint:
			m.Version = f.number
		case 5<<3 | varint:
			m.ExpiresAt = f.number
		case 6<<3 | lengthed:
			m.Meta = f.copied()
		case 10<<3 | varint:
			m.StreamId = uint32(f.number)
		case 11<<3 | varint:
			m.StreamDone = f.number != 0
		}
	}
	return f.err
}

// Append encodes the list behind b.
func (m *KVList) Append(b []byte) []byte {
	for _, kv := range m.Kv {
		b = appendMessage(b, 1, kv.Append(nil))
	}
	return appendNumber(b, 10, m.AllocRef)
}

// Decode replaces the list by the encoded one.
func (m *KVList) Decode(b []byte) error {
	*m = KVList{}
	f := fields{rest: b}
	for f.next() {
		switch f.tag {
		case 1<<3 | lengthed:
			kv := new(KV)
			if err := kv.Decode(f.content); err != nil {
				return err
			}
			m.Kv = append(m.Kv, kv)
		case 10<<3 | varint:
			m.AllocRef = f.number
		}
	}
	return f.err
}

// Append encodes the changes behind b.
func (m *ManifestChangeSet) Append(b []byte) []byte {
	for _, change := range m.Changes {
		b = appendMessage(b, 1, change.Append(nil))
	}
	return b
}

// Decode replaces the changes by the encoded ones.
func (m *ManifestChangeSet) Decode(b []byte) error {
	*m = ManifestChangeSet{}
	f := fields{rest: b}
	for f.next() {
		if f.tag == 1<<3|lengthed {
			change := new(ManifestChange)
			if err := change.Decode(f.content); err != nil {
				return err
			}
			m.Changes = append(m.Changes, change)
		}
	}
	return f.err
}

// Append encodes the change behind b.
func (m *ManifestChange) Append(b []byte) []byte {
	b = appendNumber(b, 1, m.Id)
	b = appendNumber(b, 2, uint64(m.Op))
	b = appendNumber(b, 3, uint64(m.Level))
	b = appendNumber(b, 4, m.KeyId)
	b = appendNumber(b, 5, uint64(m.EncryptionAlgo))
	return appendNumber(b, 6, uint64(m.Compression))
}

// Decode replaces the change by the encoded one.
func (m *ManifestChange) Decode(b []byte) error {
	*m = ManifestChange{}
	f := fields{rest: b}
	for f.next() {
		switch f.tag {
		case 1<<3 | varint:
			m.Id = f.number
		case 2<<3 | varint:
			m.Op = ManifestChange_Operation(f.number)
		case 3<<3 | varint:
			m.Level = uint32(f.number)
		case 4<<3 | varint:
			m.KeyId = f.number
		case 5<<3 | varint:
			m.EncryptionAlgo = EncryptionAlgo(f.number)
		case 6<<3 | varint:
			m.Compression = uint32(f.number)
		}
	}
	return f.err
}

// Append encodes the sum behind b.
func (m *Checksum) Append(b []byte) []byte {
	b = appendNumber(b, 1, uint64(m.Algo))
	return appendNumber(b, 2, m.Sum)
}

// Decode replaces the sum by the encoded one.
func (m *Checksum) Decode(b []byte) error {
	*m = Checksum{}
	f := fields{rest: b}
	for f.next() {
		switch f.tag {
		case 1<<3 | varint:
			m.Algo = Checksum_Algorithm(f.number)
		case 2<<3 | varint:
			m.Sum = f.number
		}
	}
	return f.err
}

// Append encodes the key behind b.
func (m *DataKey) Append(b []byte) []byte {
	b = appendNumber(b, 1, m.KeyId)
	b = appendBytes(b, 2, m.Data)
	b = appendBytes(b, 3, m.Iv)
	return appendNumber(b, 4, uint64(m.CreatedAt))
}

// Decode replaces the key by the encoded one.
func (m *DataKey) Decode(b []byte) error {
	*m = DataKey{}
	f := fields{rest: b}
	for f.next() {
		switch f.tag {
		case 1<<3 | varint:
			m.KeyId = f.number
		case 2<<3 | lengthed:
			m.Data = f.copied()
		case 3<<3 | lengthed:
			m.Iv = f.copied()
		case 4<<3 | varint:
			m.CreatedAt = int64(f.number)
		}
	}
	return f.err
}
