package main

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// project writes a go.mod, and the files of the corrections with the given lines in place of the wrong ones.
func project(t *testing.T, line func(correction) string) (out, goMod string, find func(string) (string, error)) {
	t.Helper()
	root := t.TempDir()
	goMod = filepath.Join(root, "go.mod")
	save(t, goMod, "module project\n")
	for _, c := range corrections() {
		dir := filepath.Join(root, "cache", c.module)
		save(t, filepath.Join(dir, c.file), "package x\n\nfunc f() {\n\t\t"+line(c)+"\n}\n")
		save(t, filepath.Join(dir, "go.mod"), "module "+c.module+"\n")
		save(t, filepath.Join(dir, "other.go"), "package x\n")
		save(t, filepath.Join(dir, "other_test.go"), "package x\n")
		save(t, filepath.Join(dir, "README.md"), "# x\n")
	}
	return filepath.Join(root, "build", "overlay.json"), goMod, func(module string) (string, error) {
		return filepath.Join(root, "cache", module), nil
	}
}

func save(t *testing.T, path, text string) {
	t.Helper()
	if err := write(path, []byte(text)); err != nil {
		t.Fatal(err)
	}
}

func load(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func overlay(t *testing.T, path string) map[string]string {
	t.Helper()
	var o struct{ Replace map[string]string }
	if err := json.Unmarshal([]byte(load(t, path)), &o); err != nil {
		t.Fatal(err)
	}
	return o.Replace
}

func TestCorrectsWhatIsWrong(t *testing.T) {
	out, goMod, find := project(t, func(c correction) string { return c.wrong })
	for range 2 { // also over what an earlier run has left
		if err := run(out, goMod, find, &strings.Builder{}); err != nil {
			t.Fatal(err)
		}
	}
	replaced := overlay(t, out)
	if len(replaced) != 1 {
		t.Fatalf("overlay %v", replaced)
	}
	mod := load(t, replaced[goMod])
	if !strings.HasPrefix(mod, "module project\n") {
		t.Errorf("go.mod became\n%s", mod)
	}
	for _, c := range corrections() {
		folder := "build/overlay/_" + strings.ReplaceAll(c.module, "/", "_")
		if !strings.Contains(mod, "\nreplace "+c.module+" => ./"+folder+"\n") {
			t.Errorf("%s is not replaced in\n%s", c.module, mod)
		}
		folder = filepath.Join(filepath.Dir(goMod), folder)
		if got, want := load(t, filepath.Join(folder, c.file)), "package x\n\nfunc f() {\n\t\t"+c.right+"\n}\n"; got != want {
			t.Errorf("%s became\n%s", c.file, got)
		}
		load(t, filepath.Join(folder, "go.mod"))
		load(t, filepath.Join(folder, "other.go"))
		for _, name := range []string{"README.md", "other_test.go"} {
			if _, err := os.Stat(filepath.Join(folder, name)); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("%s was copied: %v", name, err)
			}
		}
	}
}

func TestLeavesOutWhatIsCorrectedUpstream(t *testing.T) {
	out, goMod, find := project(t, func(c correction) string { return c.right })
	var said strings.Builder
	if err := run(out, goMod, find, &said); err != nil {
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
		out, goMod, find := project(t, line)
		if err := run(out, goMod, find, &strings.Builder{}); err == nil {
			t.Errorf("%s: no error", name)
		}
		if _, err := os.Stat(out); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: an overlay was written: %v", name, err)
		}
	}
}

// The versions that go.mod names are ones that badgerfix knows.
func TestKnowsTheVersionsInUse(t *testing.T) {
	goMod, err := goCommand("env", "GOMOD")
	if err != nil {
		t.Fatal(err)
	}
	if err := run(filepath.Join(t.TempDir(), "overlay.json"), goMod, moduleDir, &strings.Builder{}); err != nil {
		t.Error(err)
	}
}
