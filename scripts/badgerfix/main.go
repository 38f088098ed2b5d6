// Command badgerfix makes corrected copies of two modules of the embedded store, and the overlay with which the go command
// builds them instead of the published ones:
//
//	go run ./scripts/badgerfix -o build/overlay.json
//	go build -overlay build/overlay.json -tags badgerfix ./agent
//
// The go command does not let an overlay touch the module cache. So the overlay puts another go.mod in the place of ours, equal
// but for lines that replace those modules by their copies; it has to be made anew when go.mod changes.
//
// What is wrong in the published files, and what it does to stored passes, stands beside each correction below. When a version
// in use has a correction already, badgerfix says so and leaves it out; when it knows a place no more, it fails.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// A correction replaces one line of one file of a module.
type correction struct {
	module, file string
	// wrong is the line as published, right the one that takes its place; both stand exactly once, without indentation.
	wrong, right string
	why          string
}

func corrections() []correction {
	return []correction{
		{
			module: "github.com/dgraph-io/ristretto/v2", file: "z/allocator.go",
			wrong: "atomic.StoreUint64(&a.compIdx, uint64((bufIdx+1)<<32))",
			right: "atomic.StoreUint64(&a.compIdx, uint64(bufIdx+1)<<32)",
			why:   "where int has 32 bits the shift gives 0 and a table overwrites its own beginning",
		},
		{
			module: "github.com/dgraph-io/badger/v4", file: "levels.go",
			wrong: "defer inflightBuilders.Done(err)",
			right: "defer func() { inflightBuilders.Done(err) }()",
			why:   "the error is read before it happens: a table that was not written is taken for written, and its sources are deleted",
		},
	}
}

func main() {
	out := flag.String("o", "build/overlay.json", "where the overlay is written; the copies go to the folder overlay beside it")
	flag.Parse()
	goMod, err := goCommand("env", "GOMOD")
	if err == nil {
		err = run(*out, goMod, moduleDir, os.Stdout)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "badgerfix:", err)
		os.Exit(1)
	}
}

// run writes the overlay for goMod to out; find tells where the source of a module is.
func run(out, goMod string, find func(module string) (string, error), say io.Writer) error {
	out, err := filepath.Abs(out)
	if err != nil {
		return err
	}
	mod, err := os.ReadFile(goMod)
	if err != nil {
		return err
	}
	folder := filepath.Join(filepath.Dir(out), "overlay")
	replaced := map[string]string{}
	for _, c := range corrections() {
		dir, err := find(c.module)
		if err != nil {
			return err
		}
		source := filepath.Join(dir, filepath.FromSlash(c.file))
		text, err := os.ReadFile(source)
		if err != nil {
			return err
		}
		text, err = c.apply(text)
		if errors.Is(err, errUpstream) {
			_, _ = fmt.Fprintf(say, "%s: corrected upstream, nothing to do; take the correction out of badgerfix\n", source)
			continue
		}
		if err != nil {
			return fmt.Errorf("%s: %w", source, err)
		}
		// The go command passes over folders that begin with an underscore: the copy is no package of this module.
		fixed := filepath.Join(folder, "_"+strings.ReplaceAll(c.module, "/", "_"))
		if err := copyModule(fixed, dir); err != nil {
			return err
		}
		if err := write(filepath.Join(fixed, filepath.FromSlash(c.file)), text); err != nil {
			return err
		}
		relative, err := filepath.Rel(filepath.Dir(goMod), fixed)
		if err != nil {
			return err
		}
		mod = fmt.Appendf(mod, "\nreplace %s => ./%s\n", c.module, filepath.ToSlash(relative))
		replaced[goMod] = filepath.Join(folder, "go.mod.corrected")
		_, _ = fmt.Fprintf(say, "%s: corrected (%s)\n", source, c.why)
	}
	if err := write(filepath.Join(folder, "go.mod.corrected"), mod); err != nil {
		return err
	}
	text, err := json.MarshalIndent(struct{ Replace map[string]string }{replaced}, "", "\t")
	if err != nil {
		return err
	}
	return write(out, append(text, '\n'))
}

// copyModule copies what a module is built from.
func copyModule(to, from string) error {
	if err := os.RemoveAll(to); err != nil {
		return err
	}
	return filepath.WalkDir(from, func(path string, e fs.DirEntry, err error) error {
		name := e.Name()
		switch {
		case err != nil:
			return err
		case e.IsDir():
			return nil
		case strings.HasSuffix(name, "_test.go"):
			return nil
		case name != "go.mod" && name != "LICENSE" && filepath.Ext(name) != ".go" && filepath.Ext(name) != ".s":
			return nil
		}
		relative, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return write(filepath.Join(to, relative), text)
	})
}

// errUpstream says that the published file has the correction.
var errUpstream = errors.New("corrected upstream")

// apply replaces the line, if the text is what the correction was made for.
func (c correction) apply(text []byte) ([]byte, error) {
	lines := bytes.Split(text, []byte("\n"))
	wrong, right := -1, 0
	for i, line := range lines {
		switch string(bytes.TrimSpace(line)) {
		case c.wrong:
			if wrong >= 0 {
				return nil, fmt.Errorf("%q stands there more than once", c.wrong)
			}
			wrong = i
		case c.right:
			right++
		}
	}
	switch {
	case wrong >= 0 && right == 0:
		lines[wrong] = bytes.Replace(lines[wrong], []byte(c.wrong), []byte(c.right), 1)
		return bytes.Join(lines, []byte("\n")), nil
	case wrong < 0 && right == 1:
		return nil, errUpstream
	}
	return nil, fmt.Errorf("neither %q nor its correction stands there: this version has to be looked at by a person (%s)", c.wrong, c.why)
}

// moduleDir asks the go command where the version of the module is that this project uses.
func moduleDir(module string) (string, error) {
	dir, err := goCommand("list", "-m", "-f", "{{.Dir}}", module)
	if err != nil {
		return "", fmt.Errorf("find the source of %s: %w", module, err)
	}
	if dir == "" {
		return "", fmt.Errorf("the source of %s is not here: run `go mod download` first", module)
	}
	return dir, nil
}

func goCommand(args ...string) (string, error) {
	cmd := exec.Command("go", args...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	return strings.TrimSpace(string(out)), err
}

func write(path string, text []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return err
	}
	return os.WriteFile(path, text, 0o600)
}
