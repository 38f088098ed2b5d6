//go:build unix

package doctor

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// FuzzProcess holds that the user of a process is the one that the kernel names, or none.
func FuzzProcess(f *testing.F) {
	f.Add("Name:\tacs-agent\nUid:\t7\t8\t8\t8\nGid:\t9\t9\t9\t9\nGroups:\t20 7\n")
	f.Add("Uid:\nGid: x\nGroups: 99999999999 -1\n")
	f.Add("Uid: 1 4294967295\nUid: 2 3\n")
	f.Fuzz(func(t *testing.T, status string) {
		root := t.TempDir()
		if err := errors.Join(os.Mkdir(filepath.Join(root, "7"), 0o700), os.WriteFile(filepath.Join(root, "7", "status"), []byte(status), 0o600)); err != nil {
			t.Fatal(err)
		}
		a := accountOfProcess(root, 7)
		if a != nil && a.Name == "" {
			t.Fatalf("%+v", a)
		}
	})
}

// FuzzUnit holds that the doctor makes sense of whatever systemd says, or none.
func FuzzUnit(f *testing.F) {
	f.Add("LoadState=loaded\nActiveState=active\nSubState=running\nNRestarts=3\nUser=acs\n")
	f.Add("NRestarts=99999999999999999999\n=\n")
	f.Fuzz(func(t *testing.T, text string) {
		if u := readUnit(text); u == nil {
			t.Fatal("nothing")
		}
	})
}

// FuzzRefusals holds that a damaged note about refused log-ins never lets an account be locked: it is not known then whether a log-in was
// refused, and nobody logs in.
func FuzzRefusals(f *testing.F) {
	for _, seed := range []string{"", "{}", `{"exam":"2026-11-22T10:00:00Z"}`, "null", "[]", `{"exam":7}`, `{"exam":"x"}`, `{}{`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		r := &Refusals{File: filepath.Join(t.TempDir(), "refused.json")}
		if err := os.WriteFile(r.File, text, 0o600); err != nil {
			t.Fatal(err)
		}
		at, known := r.Last("exam")
		if !known && !at.IsZero() {
			t.Fatalf("%v, and it is not known", at)
		}
		if !known {
			if r.Set("exam", true) == nil {
				t.Fatal("what cannot be read was written over")
			}
			return
		}
		if err := r.Set("exam", true); err != nil {
			t.Fatal(err)
		}
		if at, known = r.Last("exam"); !known || time.Since(at) > time.Minute {
			t.Fatalf("a refusal was forgotten: %v, %v", at, known)
		}
	})
}
