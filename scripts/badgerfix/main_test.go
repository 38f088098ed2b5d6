package main

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// published writes the files of the corrections with the given lines in place of the wrong ones.
func published(t *testing.T, line func(correction) string) func(string) (string, error) {
	root := t.TempDir()
	for _, c := range corrections() {
		text := "package x\n\nfunc f() {\n\t\t" + line(c) + "\n}\n"
		if err := write(filepath.Join(root, c.module, c.file), []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	return func(module string) (string, error) { return filepath.Join(root, module), nil }
}

func overlay(t *testing.T, path string) map[string]string {
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var o struct{ Replace map[string]string }
	if err := json.Unmarshal(text, &o); err != nil {
		t.Fatal(err)
	}
	return o.Replace
}

func TestCorrectsWhatIsWrong(t *testing.T) {
	out := filepath.Join(t.TempDir(), "overlay.json")
	var said strings.Builder
	if err := run(out, published(t, func(c correction) string { return c.wrong }), &said); err != nil {
		t.Fatal(err)
	}
	replaced := overlay(t, out)
	if len(replaced) != len(corrections()) {
		t.Fatalf("overlay %v", replaced)
	}
	for source, fixed := range replaced {
		before, _ := os.ReadFile(source)
		after, err := os.ReadFile(fixed)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Count(string(before), "\n") != strings.Count(string(after), "\n") {
			t.Errorf("%s: the number of lines has changed", source)
		}
		right := 0
		for _, c := range corrections() {
			right += strings.Count(string(after), "\t\t"+c.right+"\n")
		}
		if right != 1 {
			t.Errorf("%s became\n%s", source, after)
		}
	}
}

func TestLeavesOutWhatIsCorrectedUpstream(t *testing.T) {
	out := filepath.Join(t.TempDir(), "overlay.json")
	var said strings.Builder
	if err := run(out, published(t, func(c correction) string { return c.right }), &said); err != nil {
		t.Fatal(err)
	}
	if len(overlay(t, out)) != 0 || !strings.Contains(said.String(), "corrected upstream") {
		t.Errorf("overlay %v, said %s", overlay(t, out), &said)
	}
}

func TestFailsOnWhatItDoesNotKnow(t *testing.T) {
	for name, line := range map[string]func(correction) string{
		"another line": func(correction) string { return "somethingElse()" },
		"twice":        func(c correction) string { return c.wrong + "\n\t" + c.wrong },
		"both":         func(c correction) string { return c.wrong + "\n\t" + c.right },
	} {
		out := filepath.Join(t.TempDir(), "overlay.json")
		if err := run(out, published(t, line), &strings.Builder{}); err == nil {
			t.Errorf("%s: no error", name)
		}
		if _, err := os.Stat(out); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: an overlay was written: %v", name, err)
		}
	}
}

// The versions that go.mod names are ones that badgerfix knows.
func TestKnowsTheVersionsInUse(t *testing.T) {
	if err := run(filepath.Join(t.TempDir(), "overlay.json"), moduleDir, &strings.Builder{}); err != nil {
		t.Error(err)
	}
}
