package buffer

import (
	"bytes"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"testing"

	"github.com/acs-agent/acs-agent/agent/event"
)

func TestNothingOfAPersonIsInTheFiles(t *testing.T) {
	o := testOptions(t, "visits")
	j := open(t, o)
	appendInOrder(t, j, 1, 50)
	settle(t, j.Source("visits"), 40, event.Aside{Seq: 7, State: event.Dead, Reason: "secret reason"})
	files := func(when string) {
		p := testPass(7)
		for _, secret := range []string{p.Holder.IIN, p.Holder.Name, "Пробович", p.Reader, p.Note, p.Device, p.Credential.Text, "secret reason"} {
			err := filepath.WalkDir(filepath.Dir(o.Dir), func(path string, e fs.DirEntry, err error) error {
				if err != nil || e.IsDir() {
					return err
				}
				text, err := os.ReadFile(path)
				if bytes.Contains(text, []byte(secret)) {
					t.Errorf("%s: %q stands in %s", when, secret, e.Name())
				}
				return err
			})
			if err != nil {
				t.Error(err)
			}
		}
	}
	if runtime.GOOS != "windows" { // open files are locked there
		files("open")
	}
	shut(t, j)
	files("closed")
}

func TestTheKeyFileIsMadeOnce(t *testing.T) {
	o := testOptions(t)
	shut(t, open(t, o))
	text, err := os.ReadFile(o.KeyFile)
	if err != nil || !regexp.MustCompile(`^[0-9a-f]{64}\n$`).Match(text) {
		t.Fatalf("key file of %d bytes, %v", len(text), err)
	}
	info, err := os.Stat(o.KeyFile)
	if err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("rights %v, %v", info.Mode(), err)
	}
	shut(t, open(t, o))
	if again, _ := os.ReadFile(o.KeyFile); !bytes.Equal(again, text) {
		t.Error("the key file was written again")
	}
	if info, err := os.Stat(o.Dir); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o700 {
		t.Errorf("the folder has rights %v, %v", info.Mode(), err)
	}
}

func TestAKeyThatIsThereIsUsed(t *testing.T) {
	o := testOptions(t)
	key := []byte(hex.EncodeToString(bytes.Repeat([]byte{0xA5}, 32)))
	if err := os.WriteFile(o.KeyFile, key, 0o600); err != nil {
		t.Fatal(err)
	}
	shut(t, open(t, o))
	if again, _ := os.ReadFile(o.KeyFile); !bytes.Equal(again, key) {
		t.Error("the key file was written")
	}
}

func TestWithoutTheRightKeyNothingHappens(t *testing.T) {
	o := testOptions(t)
	j := open(t, o)
	appendInOrder(t, j, 1, 3)
	shut(t, j)
	right, err := os.ReadFile(o.KeyFile)
	if err != nil {
		t.Fatal(err)
	}
	for name, wrong := range map[string][]byte{
		"missing":         nil,
		"another":         []byte(hex.EncodeToString(make([]byte, 32))),
		"empty":           {},
		"short":           right[:62],
		"odd":             right[:63],
		"long":            slices.Concat(right[:64], []byte("0")),
		"not hexadecimal": bytes.Repeat([]byte("g"), 64),
	} {
		if err := os.Remove(o.KeyFile); err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
		if wrong != nil {
			if err := os.WriteFile(o.KeyFile, wrong, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := Open(t.Context(), o); !errors.Is(err, ErrKey) {
			t.Errorf("%s: %v", name, err)
		}
		if after, err := os.ReadFile(o.KeyFile); wrong == nil != errors.Is(err, fs.ErrNotExist) || !bytes.Equal(after, wrong) {
			t.Errorf("%s: the key file was touched", name)
		}
	}
	if err := os.WriteFile(o.KeyFile, right, 0o600); err != nil {
		t.Fatal(err)
	}
	if j = open(t, o); j.End() != 3 || len(row(t, j.Source(""), 0)) != 3 {
		t.Errorf("with the right key again there are %d passes", j.End())
	}
}

func TestASealedValueOpensAtItsPlaceOnly(t *testing.T) {
	o := testOptions(t)
	var r reports
	o.Report = r.add
	j := open(t, o)
	appendInOrder(t, j, 1, 3)
	first, err := j.get(passKey(1, 1))
	if err != nil {
		t.Fatal(err)
	}
	if err := j.store([]entry{{passKey(1, 2), first}}); err != nil { // nothing else is being written
		t.Fatal(err)
	}
	if got := row(t, j.Source(""), 0); len(got) != 2 || got[0] != "1" || got[1] != "3" {
		t.Errorf("row %v", got)
	}
	if errs := r.all(); len(errs) != 1 {
		t.Errorf("reported %v", errs)
	}
}

func TestOneProcessAtATime(t *testing.T) {
	o := testOptions(t)
	j := open(t, o)
	if _, err := Open(t.Context(), o); !errors.Is(err, ErrLocked) {
		t.Errorf("a second one: %v", err)
	}
	appendInOrder(t, j, 1, 1)
	shut(t, j)
	shut(t, open(t, o))
}
