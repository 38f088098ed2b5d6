package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const (
	theStore = "example.org/store/v4"
	theArena = "example.org/arena"

	wrongLine = "shift(1 << 32)"
	rightLine = "shift(1) << 32"
)

// storeFile is a file of the store with a line that is wrong, and imports something that is too big.
func storeFile(line string) string {
	return "package store\n\nimport (\n\tbig \"example.org/big\"\n\t\"example.org/big/more\"\n)\n\nfunc f() {\n\t\t" + line + "\n}\n"
}

// testChanges are one of each kind.
func testChanges() changes {
	sum := sha256.Sum256([]byte("package messages\n"))
	return changes{
		[]correction{{module: theArena, file: "arena.go", wrong: wrongLine, right: rightLine, why: "it is wrong"}},
		[]standIn{{theStore, "example.org/big", "proto", "it is big"}},
		[]exchange{
			{theStore, "messages/messages.go", hex.EncodeToString(sum[:]), "pb", "it is big"},
			{theStore, "messages/examples.go", hex.EncodeToString(sum[:]), "", "it is big"},
		},
		[]addition{{theArena, "sound", "it is wrong"}},
	}
}

// A project has a go.mod, and a module cache with what it is built from.
type project struct{ root, out, goMod string }

func newProject(t *testing.T, arenaLine string) project {
	t.Helper()
	root := t.TempDir()
	p := project{root, filepath.Join(root, "build", "overlay.json"), filepath.Join(root, "go.mod")}
	save(t, p.goMod, "module project\n")
	for path, text := range map[string]string{
		theArena + "/go.mod":               "module " + theArena + "\n",
		theArena + "/arena.go":             "package arena\n\nfunc f() {\n\t\t" + arenaLine + "\n}\n",
		theStore + "/go.mod":               "module " + theStore + "\n",
		theStore + "/store.go":             storeFile("f()"),
		theStore + "/store_test.go":        "package store\n",
		theStore + "/README.md":            "# store\n",
		theStore + "/messages/messages.go": "package messages\n",
		theStore + "/messages/examples.go": "package messages\n",
		theStore + "/messages/other.go":    "package messages // other\n",
	} {
		save(t, p.cached(path), text)
	}
	return p
}

func (p project) cached(path string) string { return filepath.Join(p.root, "cache", path) }

func (p project) run(c changes) (said string, err error) {
	var b strings.Builder
	err = run(p.out, p.goMod, c, func(module string) (string, error) { return p.cached(module), nil }, &b)
	return b.String(), err
}

// copyOf reads the copy of a module.
func (p project) copyOf(t *testing.T, module string) map[string]string {
	t.Helper()
	files := map[string]string{}
	folder := os.DirFS(filepath.Join(p.root, "build", "overlay", "_"+strings.ReplaceAll(module, "/", "_")))
	err := fs.WalkDir(folder, ".", func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		text, err := fs.ReadFile(folder, path)
		files[path] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func (p project) overlay(t *testing.T) map[string]string {
	t.Helper()
	var o struct{ Replace map[string]string }
	if err := json.Unmarshal([]byte(load(t, p.out)), &o); err != nil {
		t.Fatal(err)
	}
	return o.Replace
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

func TestCopiesAreBuiltInsteadOfModules(t *testing.T) {
	p := newProject(t, wrongLine)
	if _, err := p.run(testChanges()); err != nil {
		t.Fatal(err)
	}
	mod := load(t, p.overlay(t)[p.goMod])
	if !strings.HasPrefix(mod, "module project\n") {
		t.Errorf("go.mod became\n%s", mod)
	}
	for module, folder := range map[string]string{
		theArena: "./build/overlay/_example.org_arena",
		theStore: "./build/overlay/_example.org_store_v4",
	} {
		if !strings.Contains(mod, "\nreplace "+module+" => "+folder+"\n") {
			t.Errorf("%s is not replaced in\n%s", module, mod)
		}
	}
}

func TestCopiesHaveTheChanges(t *testing.T) {
	p := newProject(t, wrongLine)
	left := filepath.Join(p.root, "build", "overlay", "_example.org_arena", "of_an_older_version.go")
	save(t, left, "package arena\n")
	for range 2 { // also over what an earlier run has left
		if _, err := p.run(testChanges()); err != nil {
			t.Fatal(err)
		}
	}
	arena, store := p.copyOf(t, theArena), p.copyOf(t, theStore)
	if want := "package arena\n\nfunc f() {\n\t\t" + rightLine + "\n}\n"; arena["arena.go"] != want {
		t.Errorf("arena.go became\n%s", arena["arena.go"])
	}
	want := strings.Replace(storeFile("f()"), `"example.org/big"`, `"`+theStore+`/standin/proto"`, 1)
	if store["store.go"] != want {
		t.Errorf("store.go became\n%s", store["store.go"])
	}
	for name, files := range map[string][]string{
		theArena: {"arena.go", "go.mod", "standin/sound/sound.go"},
		theStore: {"go.mod", "messages/other.go", "messages/pb.go", "messages/wire.go", "standin/proto/proto.go", "store.go"},
	} {
		var got []string
		for path := range p.copyOf(t, name) {
			got = append(got, path)
		}
		if slices.Sort(got); !slices.Equal(got, files) {
			t.Errorf("the copy of %s has %q, want %q", name, got, files)
		}
	}
}

// A build may be reading the copies while the overlay for another one is made.
func TestFilesThatAreRightAreLeftAlone(t *testing.T) {
	p := newProject(t, wrongLine)
	if _, err := p.run(testChanges()); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(p.root, "build", "overlay", "_example.org_arena", "arena.go")
	if err := os.Chmod(file, 0o400); err != nil {
		t.Fatal(err)
	}
	before, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.run(testChanges()); err != nil {
		t.Fatal(err)
	}
	if after, err := os.Stat(file); err != nil || !os.SameFile(before, after) || after.ModTime() != before.ModTime() {
		t.Errorf("it was written again: %v", err)
	}
}

func TestLeavesOutWhatIsCorrectedUpstream(t *testing.T) {
	p := newProject(t, rightLine)
	said, err := p.run(changes{corrections: testChanges().corrections})
	if err != nil {
		t.Fatal(err)
	}
	if len(p.overlay(t)) != 0 || !strings.Contains(said, "corrected upstream") {
		t.Errorf("overlay %v, said %s", p.overlay(t), said)
	}
}

func TestFailsOnWhatItDoesNotKnow(t *testing.T) {
	for name, change := range map[string]struct{ file, text string }{
		"another line":              {theArena + "/arena.go", "somethingElse()\n"},
		"the line twice":            {theArena + "/arena.go", wrongLine + "\n\t" + wrongLine + "\n"},
		"the line and the right":    {theArena + "/arena.go", wrongLine + "\n\t" + rightLine + "\n"},
		"no file to correct":        {theArena + "/arena.go", ""},
		"nothing to stand in for":   {theStore + "/store.go", "package store\n"},
		"another file to exchange":  {theStore + "/messages/messages.go", "package messages // of another version\n"},
		"no file to exchange":       {theStore + "/messages/messages.go", ""},
		"another file to leave out": {theStore + "/messages/examples.go", "package messages // of another version\n"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newProject(t, wrongLine)
			if err := os.Remove(p.cached(change.file)); err != nil {
				t.Fatal(err)
			}
			if change.text != "" {
				save(t, p.cached(change.file), change.text)
			}
			if _, err := p.run(testChanges()); err == nil {
				t.Error("no error")
			}
			if _, err := os.Stat(p.out); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("an overlay was written: %v", err)
			}
		})
	}
}

// The versions that go.mod names are ones that badgerfix knows.
func TestKnowsTheVersionsInUse(t *testing.T) {
	goMod, err := goCommand("env", "GOMOD")
	if err != nil {
		t.Fatal(err)
	}
	if err := run(filepath.Join(t.TempDir(), "overlay.json"), goMod, published(), moduleDir, &strings.Builder{}); err != nil {
		t.Error(err)
	}
}
