// Command badgerfix makes corrected copies of two source files of the embedded store, and the overlay with which the go
// command builds them instead of the published ones:
//
//	go run ./scripts/badgerfix -o build/overlay.json
//	go build -overlay build/overlay.json -tags badgerfix ./agent
//
// What is wrong in them, and what it does to stored passes, stands beside each correction below. When a version in use has a
// correction already, badgerfix says so and leaves the file out; when it knows a place no more, it fails.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
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
	out := flag.String("o", "build/overlay.json", "where the overlay is written; the corrected copies go to the folder overlay beside it")
	flag.Parse()
	if err := run(*out, moduleDir, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "badgerfix:", err)
		os.Exit(1)
	}
}

// run writes the overlay to out; find tells where the source of a module is.
func run(out string, find func(module string) (string, error), say io.Writer) error {
	out, err := filepath.Abs(out)
	if err != nil {
		return err
	}
	overlay := struct{ Replace map[string]string }{map[string]string{}}
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
		folder := "_" + strings.ReplaceAll(c.module, "/", "_")
		fixed := filepath.Join(filepath.Dir(out), "overlay", folder, filepath.FromSlash(c.file))
		if err := write(fixed, text); err != nil {
			return err
		}
		overlay.Replace[source] = fixed
		_, _ = fmt.Fprintf(say, "%s: corrected (%s)\n", source, c.why)
	}
	text, err := json.MarshalIndent(overlay, "", "\t")
	if err != nil {
		return err
	}
	return write(out, append(text, '\n'))
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
	cmd := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", module) //nolint:gosec // a constant
	cmd.Stderr = os.Stderr
	dir, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("find the source of %s: %w", module, err)
	}
	if len(bytes.TrimSpace(dir)) == 0 {
		return "", fmt.Errorf("the source of %s is not here: run `go mod download` first", module)
	}
	return string(bytes.TrimSpace(dir)), nil
}

func write(path string, text []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return err
	}
	return os.WriteFile(path, text, 0o600)
}
