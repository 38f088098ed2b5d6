package pb

import (
	"encoding/hex"
	"reflect"
	"strings"
	"testing"
)

// message is what package proto asks for.
type message interface {
	Append(b []byte) []byte
	Decode(b []byte) error
}

// samples are messages, and the bytes that the published package makes of them.
func samples() map[string]struct {
	message message
	encoded string
} {
	return map[string]struct {
		message message
		encoded string
	}{
		"no changes": {&ManifestChangeSet{}, ""},
		"tables made and deleted": {
			&ManifestChangeSet{Changes: []*ManifestChange{
				{Id: 1, Level: 6},
				{Id: 300, Op: ManifestChange_DELETE},
				{Id: 1<<64 - 1, Op: 7, Level: 1<<32 - 1, KeyId: 1 << 63, EncryptionAlgo: -1, Compression: 2},
				{},
			}},
			"0a0408011806" + "0a0508ac021001" +
				"0a2b" + "08ffffffffffffffffff01" + "1007" + "18ffffffff0f" + "2080808080808080808001" + "28ffffffffffffffffff01" + "3002" + "0a00",
		},
		"sum of nothing": {&Checksum{}, ""},
		"sum of a block": {&Checksum{Sum: 0xdeadbeef}, "10effdb6f50d"},
		"another sum":    {&Checksum{Algo: Checksum_XXHash64, Sum: 1 << 63}, "0801" + "1080808080808080808001"},
		"data key": {
			&DataKey{KeyId: 9, Data: []byte("key"), Iv: []byte{0, 255}, CreatedAt: 1700000000},
			"0809" + "12036b6579" + "1a0200ff" + "2080e2cfaa06",
		},
		"data key from before 1970": {&DataKey{CreatedAt: -1}, "20ffffffffffffffffff01"},
		"pairs": {
			&KVList{
				Kv: []*KV{
					{Key: []byte("k"), Value: []byte("v"), UserMeta: []byte{1}, Version: 5, ExpiresAt: 6, Meta: []byte{2}, StreamId: 7, StreamDone: true},
					{},
				},
				AllocRef: 8,
			},
			"0a14" + "0a016b" + "120176" + "1a0101" + "2005" + "2806" + "320102" + "5007" + "5801" + "0a00" + "5008",
		},
	}
}

func TestMessagesHaveTheirPublishedForm(t *testing.T) {
	for name, s := range samples() {
		if got := hex.EncodeToString(s.message.Append(nil)); got != s.encoded {
			t.Errorf("%s: encoded as\n%s, want\n%s", name, got, s.encoded)
		}
		b, err := hex.DecodeString(s.encoded)
		if err != nil {
			t.Fatal(err)
		}
		// What a message held before is gone.
		got := reflect.New(reflect.TypeOf(s.message).Elem()).Interface().(message)
		if err := got.Decode([]byte{0x08, 0x01}); err != nil {
			t.Fatal(err)
		}
		if err := got.Decode(b); err != nil || !reflect.DeepEqual(got, s.message) {
			t.Errorf("%s: decoded as %+v, %v", name, got, err)
		}
	}
}

func TestFieldsOfLaterVersionsArePassedOver(t *testing.T) {
	for name, field := range map[string]string{
		"number":            "7801",
		"eight bytes":       "790102030405060708",
		"bytes":             "7a03010203",
		"four bytes":        "7d01020304",
		"other kind":        "0a03010203",
		"the largest field": "f8ffffff0f01",
	} {
		b, err := hex.DecodeString("0801" + field + "1002")
		if err != nil {
			t.Fatal(err)
		}
		var sum Checksum
		if err := sum.Decode(b); err != nil || sum != (Checksum{Algo: 1, Sum: 2}) {
			t.Errorf("%s: %+v, %v", name, sum, err)
		}
	}
}

func TestDamagedMessagesAreRefused(t *testing.T) {
	for name, s := range map[string]string{
		"no value":                   "08",
		"a number without end":       "0880",
		"a number above 64 bits":     "08ffffffffffffffffff02",
		"a number of eleven bytes":   "0880808080808080808080" + "00",
		"a tag without end":          "80",
		"no field":                   "0001",
		"a field above the last":     "8080808010" + "01",
		"fewer bytes than it says":   "7a0301",
		"more bytes than can be":     "7affffffffffffffffff01" + "00",
		"fewer than eight bytes":     "7901020304050607",
		"fewer than four bytes":      "7d010203",
		"a group, which never was":   "7b7c",
		"the end of a group":         "7c",
		"a kind that does not exist": "7e",
		"the other of those kinds":   "7f",
	} {
		b, err := hex.DecodeString(s)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range []message{&ManifestChangeSet{}, &ManifestChange{}, &Checksum{}, &DataKey{}, &KVList{}, &KV{}} {
			if m.Decode(b) == nil {
				t.Errorf("%s: accepted as %T %+v", name, m, m)
			}
		}
	}
	for name, m := range map[string]message{"change": &ManifestChangeSet{}, "pair": &KVList{}} {
		if m.Decode([]byte{0x0a, 0x01, 0x08}) == nil {
			t.Errorf("a damaged %s in a message was accepted", name)
		}
	}
}

func TestDecodedBytesAreCopies(t *testing.T) {
	b := (&DataKey{Data: []byte("key")}).Append(nil)
	var key DataKey
	if err := key.Decode(b); err != nil {
		t.Fatal(err)
	}
	clear(b)
	if string(key.Data) != "key" {
		t.Errorf("%q", key.Data)
	}
}

// A sum is read with each block of a table.
func TestASumIsReadWithoutMemory(t *testing.T) {
	b := (&Checksum{Sum: 0xdeadbeef}).Append(nil)
	var sum Checksum
	if n := testing.AllocsPerRun(100, func() {
		if err := sum.Decode(b); err != nil {
			t.Fatal(err)
		}
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestNothingHasNoKeyAndNoPairs(t *testing.T) {
	if k, l := (*KV)(nil).GetKey(), (*KVList)(nil).GetKv(); k != nil || l != nil {
		t.Errorf("%q, %v", k, l)
	}
	kv := &KV{Key: []byte(strings.Repeat("k", 3))}
	if k, l := kv.GetKey(), (&KVList{Kv: []*KV{kv}}).GetKv(); string(k) != "kkk" || len(l) != 1 {
		t.Errorf("%q, %v", k, l)
	}
}
