package buffer

import (
	"bytes"
	"crypto/cipher"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/acs-agent/acs-agent/agent/event"
)

func rotated(t *testing.T) (o Options, before []byte) {
	t.Helper()
	o = testOptions(t, "visits")
	o.tuning.segmentPasses = 4
	j := open(t, o)
	appendInOrder(t, j, 1, 10)
	settle(t, j.Source("visits"), 8, event.Aside{Seq: 3, State: event.Dead, Reason: "refused"})
	if err := j.Records("visits").Apply(t.Context(), event.Change{Key: "k", Value: []byte("kept")}); err != nil {
		t.Fatal(err)
	}
	shut(t, j)
	before, err := os.ReadFile(o.KeyFile)
	if err != nil {
		t.Fatal(err)
	}
	return o, before
}

// whole checks that everything that rotated has stored can be read.
func whole(t *testing.T, j *Journal, when string) {
	t.Helper()
	value, err := j.Records("visits").Get("k")
	v, verr := j.Verify(t.Context(), nil)
	if err != nil || string(value) != "kept" || verr != nil || !v.OK() || v.Passes < 10 || v.Asides != 1 {
		t.Errorf("%s: record %q, %v; %+v, %v", when, value, err, v, verr)
	}
}

func TestTheDeviceKeyIsChanged(t *testing.T) {
	o, before := rotated(t)
	old, lastKey := ringBox(t, o), secondNames(t, o.KeyFile)
	j := open(t, o)
	if err := j.Rotate(t.Context()); err != nil {
		t.Fatal(err)
	}
	whole(t, j, "after it")
	appendInOrder(t, j, 11, 20)
	shut(t, j)
	info, err := os.Stat(o.KeyFile)
	if err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("rights %v, %v", info.Mode(), err)
	}
	after, err := os.ReadFile(o.KeyFile)
	if err != nil || len(after) != len(before) || bytes.Equal(after, before) {
		t.Errorf("the key file is as it was, %v", err)
	}
	if left, _ := filepath.Glob(o.KeyFile + ".*"); len(left) > 0 {
		t.Errorf("left over: %v", left)
	}
	if bytes.Contains(lastKey(), bytes.TrimSpace(before)) {
		t.Error("the old key was deleted and not overwritten")
	}
	if contains(t, o, old) {
		t.Error("what the old key opens is still in the files")
	}
	if err := os.WriteFile(o.KeyFile, before, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), o); !errors.Is(err, ErrKey) {
		t.Errorf("with the old key: %v", err)
	}
	if err := os.WriteFile(o.KeyFile, after, 0o600); err != nil {
		t.Fatal(err)
	}
	j = open(t, o)
	whole(t, j, "opened again")
	if j.End() != 20 {
		t.Errorf("%d passes", j.End())
	}
}

// After a cut at any step the key file opens everything, and the next start finishes the change.
func TestAChangeOfTheDeviceKeyThatIsCut(t *testing.T) {
	for _, step := range []string{"made", "both", "linked", "renamed", "sealed"} {
		t.Run(step, func(t *testing.T) {
			o, before := rotated(t)
			cut := errors.New("cut")
			o.tuning.cut = func(at string) error {
				if at == step {
					return cut
				}
				return nil
			}
			j := open(t, o)
			if err := j.Rotate(t.Context()); !errors.Is(err, cut) {
				t.Fatalf("not cut: %v", err)
			}
			whole(t, j, "going on")
			if step == "renamed" { // a second attempt of the same process
				o.tuning.cut, j.opts.tuning.cut = nil, func(string) error { return nil }
				if err := j.Rotate(t.Context()); err != nil {
					t.Error(err)
				}
			}
			// What lies on disk now is what a power cut leaves: the key file by itself opens the data keys.
			if device, err := readKeyFile(o.KeyFile); err != nil {
				t.Error(err)
			} else if r, _, err := readKeyring(o.Dir, []cipher.AEAD{device}); err != nil || len(r.keys) == 0 {
				t.Errorf("the key file opens nothing: %v", err)
			}
			shut(t, j)
			o.tuning.cut = nil
			j = open(t, o)
			whole(t, j, "after the next start")
			shut(t, j)
			for _, end := range []string{nextKeyEnd, lastKeyEnd} {
				if _, err := os.Stat(o.KeyFile + end); !errors.Is(err, fs.ErrNotExist) {
					t.Errorf("%s is still there", end)
				}
			}
			if after, err := os.ReadFile(o.KeyFile); err != nil || bytes.Equal(after, before) {
				t.Errorf("the change was not finished, %v", err)
			}
			whole(t, open(t, o), "in the end")
		})
	}
}

// A copy that is torn while the device key changes leaves the other one.
func TestAChangeOfTheDeviceKeyThatTearsACopy(t *testing.T) {
	for nth := 1; nth <= 4; nth++ {
		o, _ := rotated(t)
		j := open(t, o)
		n := 0
		j.keys.mu.Lock()
		j.keys.write = func(path string, content []byte) error {
			if n++; n < nth {
				return overwrite(path, content)
			}
			torn := append(bytes.Clone(content[:len(content)/2]), make([]byte, len(content)-len(content)/2)...)
			return errors.Join(overwrite(path, torn), errors.New("torn"))
		}
		j.keys.mu.Unlock()
		if err := j.Rotate(t.Context()); err == nil {
			t.Errorf("writing %d: not told", nth)
		}
		j.keys.mu.Lock()
		j.keys.write = overwrite
		j.keys.mu.Unlock()
		shut(t, j)
		j = open(t, o)
		whole(t, j, "after the next start")
		shut(t, j)
	}
}

func TestAKeyThatCannotBeWrittenIsNotChanged(t *testing.T) {
	o, before := rotated(t)
	j := open(t, o)
	if err := os.Mkdir(o.KeyFile+nextKeyEnd, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := j.Rotate(t.Context()); err == nil {
		t.Error("not told")
	}
	whole(t, j, "after it")
	shut(t, j)
	if after, err := os.ReadFile(o.KeyFile); err != nil || !bytes.Equal(after, before) {
		t.Errorf("the key file was touched, %v", err)
	}
}
