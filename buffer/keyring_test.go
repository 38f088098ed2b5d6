package buffer

import (
	"bytes"
	"crypto/cipher"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// ring is the key ring as somebody reads it who has the folder and the key file.
func ring(t *testing.T, o Options) *keyring {
	t.Helper()
	device, err := readKeyFile(o.KeyFile)
	if err != nil {
		t.Fatal(err)
	}
	r, _, err := readKeyring(o.Dir, []cipher.AEAD{device})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// opens says whether one of the data keys that are there opens a sealed pass.
func opens(t *testing.T, o Options, key, sealed []byte) bool {
	t.Helper()
	ad := passData(key)
	return opensWith(t, o, sealed, ad[:])
}

func opensWith(t *testing.T, o Options, sealed, data []byte) bool {
	t.Helper()
	return slices.ContainsFunc(ring(t, o).keys, func(k dataKey) bool {
		aead, err := newAEAD(k.key[:])
		if err != nil {
			t.Fatal(err)
		}
		_, err = aead.Open(nil, nil, sealed, data)
		return err == nil
	})
}

// ringBox is the sealed part of the key ring as it lies on disk.
func ringBox(t *testing.T, o Options) []byte {
	t.Helper()
	content, err := os.ReadFile(ringPaths(o.Dir)[0])
	if err != nil {
		t.Fatal(err)
	}
	return content[ringHead : ringHead+48]
}

// secondNames gives files further names, under which what lies on the disk of each can be read even when it was replaced or deleted:
// what must be gone has to be overwritten where it stands.
func secondNames(t *testing.T, paths ...string) (content func() []byte) {
	t.Helper()
	dir := t.TempDir()
	var names []string
	for _, path := range paths {
		name := filepath.Join(dir, filepath.Base(path))
		if err := os.Link(path, name); err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
	}
	return func() (all []byte) {
		t.Helper()
		for _, name := range names {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, text...)
		}
		return all
	}
}

func TestOneOfTheTwoCopiesOfTheDataKeysIsEnough(t *testing.T) {
	for i := range 2 {
		for name, damage := range map[string]func(path string, content []byte) error{
			"missing":  func(path string, _ []byte) error { return os.Remove(path) },
			"empty":    func(path string, _ []byte) error { return os.WriteFile(path, nil, 0o600) },
			"torn":     func(path string, c []byte) error { return os.WriteFile(path, c[:40], 0o600) },
			"one bit":  func(path string, c []byte) error { c[ringHead+20] ^= 1; return os.WriteFile(path, c, 0o600) },
			"no magic": func(path string, c []byte) error { c[0] ^= 1; return os.WriteFile(path, c, 0o600) },
			"zeros":    func(path string, c []byte) error { return os.WriteFile(path, make([]byte, len(c)), 0o600) },
		} {
			o := testOptions(t)
			j := open(t, o)
			appendInOrder(t, j, 1, 3)
			shut(t, j)
			path := ringPaths(o.Dir)[i]
			content, err := os.ReadFile(path)
			if err == nil {
				err = damage(path, content)
			}
			if err != nil {
				t.Fatal(err)
			}
			j = open(t, o)
			if got := row(t, j.Source(""), 0); len(got) != 3 {
				t.Errorf("copy %d %s: row %v", i, name, got)
			}
			shut(t, j)
			a, _ := os.ReadFile(ringPaths(o.Dir)[0])
			b, _ := os.ReadFile(ringPaths(o.Dir)[1])
			if len(a) == 0 || !bytes.Equal(a[:ringHead], b[:ringHead]) || !bytes.Equal(a, b) {
				t.Errorf("copy %d %s: it was not mended", i, name)
			}
		}
	}
}

func TestWithoutDataKeysNothingHappens(t *testing.T) {
	o := testOptions(t)
	j := open(t, o)
	appendInOrder(t, j, 1, 3)
	shut(t, j)
	var kept [][]byte
	for _, path := range ringPaths(o.Dir) {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		kept = append(kept, content)
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := Open(t.Context(), o); !errors.Is(err, ErrKey) {
		t.Errorf("opened: %v", err)
	}
	for i, path := range ringPaths(o.Dir) {
		if _, err := os.Stat(path); err == nil {
			t.Errorf("%s was made", path)
		}
		if err := os.WriteFile(path, kept[i], 0o600); err != nil {
			t.Fatal(err)
		}
	}
	j = open(t, o)
	if got := row(t, j.Source(""), 0); len(got) != 3 {
		t.Errorf("row %v", got)
	}
}

// The younger copy counts after a power cut between the two, and an older one is never the end of a key that was made.
func TestAPowerCutBetweenTheTwoCopies(t *testing.T) {
	o := testOptions(t)
	o.tuning.segmentPasses = 2
	j := open(t, o)
	appendInOrder(t, j, 1, 2)
	broken := errors.New("cut")
	j.keys.mu.Lock()
	j.keys.write = func(path string, content []byte) error {
		if path == ringPaths(o.Dir)[1] {
			return broken
		}
		return overwrite(path, content)
	}
	j.keys.mu.Unlock()
	if _, err := j.Append(t.Context(), testPass(3)); !errors.Is(err, broken) {
		t.Errorf("a pass was taken whose key is not on both: %v", err)
	}
	j.keys.mu.Lock()
	j.keys.write = overwrite
	j.keys.mu.Unlock()
	shut(t, j)
	j = open(t, o)
	appendInOrder(t, j, 3, 5)
	shut(t, j)
	j = open(t, o)
	if got := row(t, j.Source(""), 0); len(got) != 5 {
		t.Errorf("row %v", got)
	}
}

func FuzzOpenRing(f *testing.F) {
	device, err := newAEAD(make([]byte, keyLen))
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte(ringMagic + "\x01\x00\x00\x00\x24"))
	f.Add([]byte(ringMagic + "\xff\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, content []byte) {
		if plain, _ := openRing(content, []cipher.AEAD{device}); plain != nil {
			t.Error("opened what nobody has sealed")
		}
		(&keyring{}).adopt(content)
	})
}
