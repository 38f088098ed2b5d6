//go:build !badgerfix

package pb

import (
	"bytes"
	"encoding/hex"
	"math/rand/v2"
	"reflect"
	"testing"

	published "github.com/dgraph-io/badger/v4/pb"
	"google.golang.org/protobuf/proto"
)

// Without the overlay, the published package is the judge: make unit and make fuzz run these tests so.

// A kind of message, ours and as published.
type kind struct {
	name  string
	empty func() message
	judge func() proto.Message
	// ours says with our type what a published message holds.
	ours func(proto.Message) message
}

func kinds() []kind {
	return []kind{
		{
			"changes", func() message { return new(ManifestChangeSet) },
			func() proto.Message { return new(published.ManifestChangeSet) },
			func(m proto.Message) message {
				set := new(ManifestChangeSet)
				for _, c := range m.(*published.ManifestChangeSet).Changes {
					set.Changes = append(set.Changes, &ManifestChange{
						c.Id, ManifestChange_Operation(c.Op), c.Level, c.KeyId, EncryptionAlgo(c.EncryptionAlgo), c.Compression,
					})
				}
				return set
			},
		},
		{
			"sum", func() message { return new(Checksum) },
			func() proto.Message { return new(published.Checksum) },
			func(m proto.Message) message {
				c := m.(*published.Checksum)
				return &Checksum{Checksum_Algorithm(c.Algo), c.Sum}
			},
		},
		{
			"data key", func() message { return new(DataKey) },
			func() proto.Message { return new(published.DataKey) },
			func(m proto.Message) message {
				k := m.(*published.DataKey)
				return &DataKey{k.KeyId, k.Data, k.Iv, k.CreatedAt}
			},
		},
		{
			"pairs", func() message { return new(KVList) },
			func() proto.Message { return new(published.KVList) },
			func(m proto.Message) message {
				l := m.(*published.KVList)
				list := &KVList{AllocRef: l.AllocRef}
				for _, kv := range l.Kv {
					list.Kv = append(list.Kv, &KV{
						Key: kv.Key, Value: kv.Value, UserMeta: kv.UserMeta, Meta: kv.Meta,
						Version: kv.Version, ExpiresAt: kv.ExpiresAt, StreamId: kv.StreamId, StreamDone: kv.StreamDone,
					})
				}
				return list
			},
		},
	}
}

func TestSamplesAreWhatIsPublished(t *testing.T) {
	for name, s := range samples() {
		for _, k := range kinds() {
			if reflect.TypeOf(k.empty()) != reflect.TypeOf(s.message) {
				continue
			}
			judge := k.judge()
			if err := proto.Unmarshal(s.message.Append(nil), judge); err != nil {
				t.Fatal(err)
			}
			b, err := proto.Marshal(judge)
			if err != nil {
				t.Fatal(err)
			}
			if hex.EncodeToString(b) != s.encoded || !reflect.DeepEqual(k.ours(judge), s.message) {
				t.Errorf("%s: %x, %v", name, b, k.ours(judge))
			}
		}
	}
}

func TestMessagesAreEncodedAsPublished(t *testing.T) {
	for _, k := range kinds() {
		for seed := range uint64(5000) {
			m := k.empty()
			fill(rand.New(rand.NewPCG(seed, 1)), reflect.ValueOf(m).Elem())
			b := m.Append(nil)
			judge := k.judge()
			if err := proto.Unmarshal(b, judge); err != nil {
				t.Fatalf("%s: %v: %x is refused: %v", k.name, m, b, err)
			}
			want, err := proto.Marshal(judge)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(b, want) {
				t.Fatalf("%s: encoded as %x, want %x", k.name, b, want)
			}
			got := k.empty()
			if err := got.Decode(want); err != nil {
				t.Fatalf("%s: %x: %v", k.name, want, err)
			}
			if !reflect.DeepEqual(got, m) || !reflect.DeepEqual(k.ours(judge), m) {
				t.Fatalf("%s: %x is decoded as %v and published as %v, want %v", k.name, want, got, k.ours(judge), m)
			}
		}
	}
}

// fill gives a message values that are often on an edge.
func fill(r *rand.Rand, v reflect.Value) {
	switch v.Kind() { //nolint:exhaustive // there are no others
	case reflect.Struct:
		for i := range v.NumField() {
			fill(r, v.Field(i))
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(r, v.Elem())
	case reflect.Slice:
		if n := r.IntN(4); n > 0 {
			v.Set(reflect.MakeSlice(v.Type(), n, n))
			for i := range n {
				fill(r, v.Index(i))
			}
		}
	case reflect.Bool:
		v.SetBool(r.IntN(2) == 0)
	case reflect.Uint8, reflect.Uint32, reflect.Uint64:
		v.SetUint(number(r))
	case reflect.Int32, reflect.Int64:
		v.SetInt(int64(number(r)))
	}
}

// number is as often long as short; what does not fit into a field is cut off.
func number(r *rand.Rand) uint64 { return r.Uint64() >> r.IntN(65) }

func FuzzDecode(f *testing.F) {
	for _, s := range samples() {
		f.Add(s.message.Append(nil))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, k := range kinds() {
			got, judge := k.empty(), k.judge()
			err, refused := got.Decode(b), proto.Unmarshal(b, judge)
			switch {
			case err != nil && refused == nil && hasGroup(b):
			case (err == nil) != (refused == nil):
				t.Fatalf("%s: %x: %v, published: %v", k.name, b, err, refused)
			case err == nil && !reflect.DeepEqual(got, k.ours(judge)):
				t.Fatalf("%s: %x is %v, published: %v", k.name, b, got, k.ours(judge))
			}
		}
	})
}

// hasGroup tells whether a group may begin somewhere: they are refused, and never were.
func hasGroup(b []byte) bool {
	for _, c := range b {
		if c&7 == 3 {
			return true
		}
	}
	return false
}
