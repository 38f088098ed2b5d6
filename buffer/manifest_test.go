package buffer

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"os"
	"path/filepath"
	"testing"
)

// record makes a record of the manifest of so many bytes, its head included.
func record(n int) []byte {
	body := bytes.Repeat([]byte{7}, n-recordHead)
	head := binary.BigEndian.AppendUint32(nil, uint32(len(body)))
	head = binary.BigEndian.AppendUint32(head, crc32.Checksum(body, crc32.MakeTable(crc32.Castagnoli)))
	return append(head, body...)
}

func TestOnlyATornLastRecordOfTheManifestIsRemoved(t *testing.T) {
	zero := func(text []byte, from, to int) []byte {
		clear(text[from:to])
		return text
	}
	flip := func(text []byte, at int) []byte {
		text[at] ^= 1
		return text
	}
	row := func(sizes ...int) []byte {
		text := bytes.Repeat([]byte{1}, manifestHead)
		for _, n := range sizes {
			text = append(text, record(n)...)
		}
		return text
	}
	for name, test := range map[string]struct {
		text []byte
		keep int // 0: everything
	}{
		"whole":                                    {text: row(100, 492, 300)},
		"empty":                                    {text: row()},
		"its second sector is not there":           {text: zero(row(400, 300), 512, 708), keep: 408},
		"its first sector is not there":            {text: zero(row(400, 300), 408, 512), keep: 408},
		"one in the middle is not there":           {text: zero(row(400, 1200), 1024, 1536), keep: 408},
		"nothing but its length is there":          {text: zero(row(500, 300), 512, 808), keep: 508},
		"it is all zeros, which the store accepts": {text: zero(row(400, 304), 408, 712)},
		"after zeros of an earlier cut":            {text: zero(append(zero(row(408, 96), 416, 512), record(600)...), 1024, 1112), keep: 416},
		"a bit of the last has changed":            {text: flip(row(400, 300), 600)},
		"a bit of an earlier one has changed":      {text: flip(row(400, 300), 200)},
		"an earlier sector is gone":                {text: zero(row(1200, 300), 512, 1024)},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "MANIFEST")
			if err := os.WriteFile(path, test.text, 0o600); err != nil {
				t.Fatal(err)
			}
			o := testOptions(t)
			if err := o.complete(); err != nil {
				t.Fatal(err)
			}
			if err := mendManifest(dir, o.Log); err != nil {
				t.Fatal(err)
			}
			want := test.text
			if test.keep > 0 {
				want = want[:test.keep]
			}
			if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, want) {
				t.Errorf("%d bytes are left, want %d; %v", len(got), len(want), err)
			}
		})
	}
}
