package buffer

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/dgraph-io/badger/v4"

	"github.com/acs-agent/acs-agent/agent/event"
)

// These files are the device's own. What a fuzz target holds of them is what a bad sector, another file under the same name or a torn write
// may do: never a misreading, and never a panic, at which every later start would end as well.

// FuzzNumbers holds that the file of numbers is taken at its word only if it is what the journal writes, to the byte: a number that
// is cut off would let numbers be given twice.
func FuzzNumbers(f *testing.F) {
	for _, seed := range []string{
		"", "stored 5\ngiven 4101\n", "stored 5\ngiven 4101", "stored 5\ngiven 41", "stored 9\ngiven 5\n", "stored 5\ngiven 18446744073709551616\n",
		"stored +5\ngiven 0x99\n", "stored 5\r\ngiven 4101\r\n", " stored 5\ngiven 4101\n\n", "stored 5\ngiven 4101\nstored 6\n", "stored 05\ngiven 7\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		n := numbers{path: filepath.Join(t.TempDir(), "journal.numbers")}
		if err := os.WriteFile(n.path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := n.read(); err != nil {
			if n.stored != 0 || n.given != 0 {
				t.Fatalf("%v, and yet it says %d and %d", err, n.stored, n.given)
			}
			return
		}
		if n.stored > n.given {
			t.Fatalf("%d were stored and %d given", n.stored, n.given)
		}
		if whole := fmt.Sprintf("stored %d\ngiven %d\n", n.stored, n.given); whole != string(text) {
			t.Fatalf("%q was read as %q", text, whole)
		}
	})
}

// FuzzTornRecord holds that nothing is ever removed of a manifest but a record that is not whole, and nothing of one to which
// nothing happened.
func FuzzTornRecord(f *testing.F) {
	whole := slices.Concat([]byte("Bdgr\x00\x01\x00\x08"), record(13), record(1800))
	f.Add(whole)
	f.Add(whole[:len(whole)-700])
	f.Add(append(bytes.Clone(whole[:len(whole)-700]), make([]byte, 700)...))
	f.Add(append(bytes.Clone(whole), make([]byte, 4096)...))
	f.Add([]byte("Bdgr\x00\x01\x00\x08\xff\xff\xff\xff\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, text []byte) {
		keep, torn := tornRecord(bytes.Clone(text))
		if !torn {
			return
		}
		if keep < manifestHead || keep >= len(text) || !unwritten(text, keep, len(text)) {
			t.Fatalf("of %d bytes %d are kept", len(text), keep)
		}
		// What is kept is whole, and nobody finds anything torn in it.
		if again, still := tornRecord(text[:keep]); still {
			t.Fatalf("of %d bytes %d were kept, and of those %d", len(text), keep, again)
		}
	})
}

// FuzzKeyFile holds that a key is 64 hexadecimal digits, and that what is none is not repeated in the error.
func FuzzKeyFile(f *testing.F) {
	whole := strings.Repeat("0123456789abcdef", 4)
	for _, seed := range []string{"", whole, whole + "\r\n", strings.ToUpper(whole), whole[:63], whole + "0", whole[:63] + "g", "\ufeff" + whole, strings.Repeat("\x00", 64)} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		path := filepath.Join(t.TempDir(), "key")
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		key, err := rawKey(path)
		if err == nil {
			if !strings.EqualFold(hex.EncodeToString(key), string(bytes.TrimSpace(text))) {
				t.Fatalf("%q became %x", text, key)
			}
			return
		}
		said := strings.ReplaceAll(err.Error(), path, "")
		if !errors.Is(err, ErrKey) || key != nil {
			t.Fatalf("key %x, error %v", key, err)
		}
		for _, word := range strings.FieldsFunc(string(text), func(r rune) bool { return r <= ' ' }) {
			if len(word) > 12 && strings.Contains(said, word) {
				t.Fatalf("the error repeats %q: %s", word, said)
			}
		}
	})
}

// FuzzOpening holds that whatever the note about starts says, the store is opened or known to be broken, and that after at most two
// attempts that did not come to their end it is the latter.
func FuzzOpening(f *testing.F) {
	for _, seed := range []string{"", `{"attempt":1,"boot":"a"}`, `{"attempt":2,"boot":"a"}`, `{"attempt":-9000000000000000000,"boot":"a"}`, `{"attempt":9,"boot":"b"}`, `[]`, `{"attempt":1e400}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		dir := filepath.Join(t.TempDir(), "journal")
		if err := os.WriteFile(dir+openingEnd, text, 0o600); err != nil {
			t.Fatal(err)
		}
		for n := 0; ; n++ {
			a, err := beginAttempt(dir, "a")
			if broken := (*broken)(nil); errors.As(err, &broken) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			if n >= mostAttempts {
				t.Fatalf("attempt %d is made", n+1)
			}
			if n == 0 && len(text)%2 == 0 { // a start that comes to its end counts no longer
				if err := a.end(); err != nil {
					t.Fatal(err)
				}
				n--
				text = append(text, 0)
			}
		}
	})
}

// FuzzRecords has the small records of the store read, whose values are not sealed, and the insides of those that are.
func FuzzRecords(f *testing.F) {
	f.Add(passKey(7, 9), (&segment{last: 9, bytes: 99}).summary())
	f.Add(asideKey("visits", 2, 17), encodeKeyRecord(4))
	f.Add(cursorKey("visits"), []byte{passVersion, 3, 'a', 'b'})
	f.Add([]byte{prefixAside, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, []byte{passVersion, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, key, value []byte) {
		if id, seq, ok := parsePassKey(key); ok && !bytes.Equal(passKey(id, seq), key) {
			t.Fatalf("%x was read as pass %d of segment %d", key, seq, id)
		}
		if name, state, seq, ok := parseAsideKey(key); ok && (name == "" || !bytes.Equal(asideKey(name, state, seq), key)) {
			t.Fatalf("%x was read as pass %d of %q", key, seq, name)
		}
		if first, ok := decodeKeyRecord(value); ok && !bytes.HasPrefix(value, encodeKeyRecord(first)) {
			t.Fatalf("%x was read as %d", value, first)
		}
		s := segment{first: 1}
		if s.readSummary(value) && len(value) != summaryLen {
			t.Fatalf("%x was read as %+v", value, s)
		}
		addressee, encoded, err := decodePass(value)
		if err == nil && len(addressee)+len(encoded)+2 != len(value) {
			t.Fatalf("%x: %x and %x", value, addressee, encoded)
		}
		var p event.Pass
		_ = event.Decode(encoded, &p) // has a target of its own
	})
}

// FuzzCheckIndex holds that a table whose index is not what its checksum says is told from one that the store can open: it would panic
// where nobody can catch it.
func FuzzCheckIndex(f *testing.F) {
	f.Add([]byte{})
	f.Add(bytes.Repeat([]byte{0, 0, 0, 4}, 8))
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0, 0, 0, 2, 0x10, 1})
	f.Fuzz(func(t *testing.T, text []byte) {
		path := filepath.Join(t.TempDir(), "000001.sst")
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		_ = checkIndex(path) // an error or none; it never reads outside of the file, and never panics
	})
}

// FuzzManifest has a manifest mended, as a start does before the store sees it: of the file only its end can go.
func FuzzManifest(f *testing.F) {
	f.Add([]byte("Bdgr\x00\x01\x00\x08"))
	f.Add([]byte("Bdgr\x00\x01\x00\x08\x00\x00\x00\x02\x00\x00\x00\x00\x0a\x00"))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, text []byte) {
		dir := t.TempDir()
		path := filepath.Join(dir, badger.ManifestFilename)
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := mendManifest(dir, slog.New(slog.DiscardHandler)); err != nil {
			t.Fatal(err)
		}
		left, err := os.ReadFile(path)
		if err != nil || !bytes.HasPrefix(text, left) {
			t.Fatalf("%d bytes became %d others, %v", len(text), len(left), err)
		}
	})
}

// FuzzAsideFolders holds that a name that somebody has given a folder beside the journal does no harm.
func FuzzAsideFolders(f *testing.F) {
	f.Add("journal.broken-20261122T101500Z")
	f.Add("journal.broken-")
	f.Add("000001.sst")
	f.Fuzz(func(t *testing.T, name string) {
		if name != filepath.Base(name) || strings.ContainsAny(name, "/\x00\\") || name == "." || name == ".." || len(name) > 200 {
			return
		}
		dir := t.TempDir()
		if os.Mkdir(filepath.Join(dir, name), 0o700) != nil {
			return
		}
		folders, err := asideFolders(filepath.Join(dir, "journal"))
		if err != nil || (len(folders) == 1) != strings.HasPrefix(name, "journal"+brokenEnd) {
			t.Fatalf("%s: %v, %v", strconv.Quote(name), folders, err)
		}
	})
}
