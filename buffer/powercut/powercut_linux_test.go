// The FUSE library does not build for 32 bits.

//go:build amd64 || arm64

package powercut

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// outcomes gives what is found in the files after cuts at the end of some work, with each of many choices.
func outcomes(t *testing.T, f Faults, work func(dir string) error) (found map[string]int) {
	t.Helper()
	d, dir := NewDisk(f), t.TempDir()
	m := mounted(t, d, dir)
	err := work(dir)
	d.Cut()
	d.Release()
	if unmountErr := m.Unmount(); unmountErr != nil {
		t.Fatal(unmountErr)
	}
	if err != nil {
		t.Fatal(err)
	}
	found = map[string]int{}
	for seed := range uint64(200) {
		found[describe(t, d.Survivor(rand.New(rand.NewPCG(seed, 0))))]++
	}
	return found
}

// mounted mounts a disk. Where that is not allowed there is no test; where everything has to be proven that is a failure.
func mounted(t *testing.T, d *Disk, dir string) *Mount {
	t.Helper()
	m, err := d.Mount(dir)
	switch {
	case err == nil:
		return m
	case os.Getenv("CI") == "true":
		t.Fatal(err)
	default:
		t.Skip(err)
	}
	return nil
}

// describe lists files, sorted, each with the bytes in it and how often they come.
func describe(t *testing.T, d *Disk) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "found")
	if err := d.Export(dir); err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, f := range files {
		text, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, f.Name()+":"+runs(text))
	}
	return strings.Join(list, " ")
}

// runs shortens a text: "a512" for 512 times a, zeros are dots.
func runs(text []byte) string {
	var b strings.Builder
	for len(text) > 0 {
		n := len(text) - len(bytes.TrimLeft(text, string(text[:1])))
		fmt.Fprintf(&b, "%c%d", max(text[0], '.'), n)
		text = text[n:]
	}
	return b.String()
}

// times gives so many times a letter.
func times(letter string, n int) []byte { return []byte(strings.Repeat(letter, n)) }

func put(path string, text []byte, synced bool) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := f.Write(text); err != nil || !synced {
		return err
	}
	return f.Sync()
}

func TestWhatSurvives(t *testing.T) {
	tests := []struct {
		name   string
		faults Faults
		work   func(dir string) error
		want   []string // what can be found, no more and no less
	}{
		{
			name: "what was synced is there",
			work: func(dir string) error { return put(dir+"/f", times("a", 1000), true) },
			want: []string{"f:a1000"},
		},
		{
			name: "what was not synced is there in whole, in part or not at all",
			work: func(dir string) error { return put(dir+"/f", times("a", 1024), false) },
			want: []string{"", "f:", "f:.1024", "f:a1024", "f:a512.512", "f:.512a512"},
		},
		{
			name: "a sector that is written again is old or new",
			work: func(dir string) error {
				if err := put(dir+"/f", times("a", 600), true); err != nil {
					return err
				}
				return put(dir+"/f", times("b", 100), false)
			},
			want: []string{"f:a600", "f:a600.100", "f:a600b100"},
		},
		{
			name: "a file takes along what was done to names before",
			work: func(dir string) error {
				if err := put(dir+"/f", times("a", 10), true); err != nil {
					return err
				}
				if err := os.Rename(dir+"/f", dir+"/g"); err != nil {
					return err
				}
				return put(dir+"/h", times("b", 10), true)
			},
			want: []string{"g:a10 h:b10"},
		},
		{
			name: "names change in order",
			work: func(dir string) error {
				if err := put(dir+"/f", times("a", 10), true); err != nil {
					return err
				}
				if err := os.Rename(dir+"/f", dir+"/g"); err != nil {
					return err
				}
				return os.Rename(dir+"/g", dir+"/h")
			},
			want: []string{"f:a10", "g:a10", "h:a10"},
		},
		{
			name: "a renamed file that was not synced can be empty",
			work: func(dir string) error {
				if err := put(dir+"/f", times("a", 10), true); err != nil {
					return err
				}
				if err := put(dir+"/new", times("b", 10), false); err != nil {
					return err
				}
				return os.Rename(dir+"/new", dir+"/f")
			},
			want: []string{"f:a10", "f:a10 new:", "f:a10 new:.10", "f:a10 new:b10", "f:.10", "f:b10"},
		},
		{
			name: "a file that was cut and removed",
			work: func(dir string) error {
				if err := put(dir+"/f", times("a", 10), true); err != nil {
					return err
				}
				if err := os.Truncate(dir+"/f", 0); err != nil {
					return err
				}
				return os.Remove(dir + "/f")
			},
			want: []string{"f:a10", "f:", ""},
		},
		{
			name: "a folder that is synced has its names",
			work: func(dir string) error {
				if err := put(dir+"/f", nil, false); err != nil {
					return err
				}
				f, err := os.Open(dir)
				if err != nil {
					return err
				}
				defer f.Close()
				return f.Sync()
			},
			want: []string{"f:"},
		},
		{
			name:   "a disk that lies loses what it called durable",
			faults: Faults{DeafTo: func(name string) bool { return name == "f" }},
			work:   func(dir string) error { return put(dir+"/f", times("a", 10), true) },
			want:   []string{"", "f:", "f:.10", "f:a10"},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			found := outcomes(t, test.faults, test.work)
			for what, n := range found {
				if !slices.Contains(test.want, what) {
					t.Errorf("found %d times and not wanted: %q", n, what)
				}
			}
			for _, what := range test.want {
				if found[what] == 0 {
					t.Errorf("never found: %q", what)
				}
			}
		})
	}
}

func TestARequestIsNotAnsweredAfterTheCut(t *testing.T) {
	for _, verdict := range []Verdict{CutBefore, CutAfter} {
		d := NewDisk(Faults{})
		d.Decide(func(op Op) Verdict {
			if op == (Op{Sync, "f"}) {
				return verdict
			}
			return GoOn
		})
		dir := t.TempDir()
		m := mounted(t, d, dir)
		answer := make(chan error)
		go func() { answer <- put(dir+"/f", times("a", 10), true) }()
		<-d.Dead()
		select {
		case err := <-answer:
			t.Errorf("answered: %v", err)
		case <-time.After(20 * time.Millisecond):
		}
		d.Release()
		if err := <-answer; !errors.Is(err, syscall.EIO) {
			t.Errorf("in the end: %v", err)
		}
		if err := m.Unmount(); err != nil {
			t.Error(err)
		}
		found := map[string]bool{}
		for seed := range uint64(50) {
			found[describe(t, d.Survivor(rand.New(rand.NewPCG(seed, 0))))] = true
		}
		if !found["f:a10"] || found[""] != (verdict == CutBefore) {
			t.Errorf("verdict %d: found %v", verdict, found)
		}
	}
}
