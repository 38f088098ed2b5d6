// Command badgerfix makes copies of modules that the agent is built from, and the overlay with which the go command builds the
// copies instead of the published ones:
//
//	go run ./scripts/badgerfix -o build/overlay.json
//	go build -overlay build/overlay.json -tags badgerfix ./agent
//
// Two things differ in the copies. Lines of the embedded store that lose passes are corrected (corrections.go): the build tag says
// that they were. And what no agent uses is cut (cuts.go), because the program has to be small.
//
// The go command does not let an overlay touch the module cache. So the overlay puts another go.mod in the place of ours, equal
// but for lines that replace those modules by their copies; it has to be made anew when go.mod changes.
//
// What is changed and why stands beside each change. When a version in use has a correction already, badgerfix says so and leaves
// it out; when it knows a place no more, it fails, and a person has to look.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

func main() {
	out := flag.String("o", "build/overlay.json", "where the overlay is written; the copies go to the folder overlay beside it")
	flag.Parse()
	goMod, err := goCommand("env", "GOMOD")
	if err == nil {
		err = run(*out, goMod, published(), moduleDir, os.Stdout)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "badgerfix:", err)
		os.Exit(1)
	}
}

// changes is what the copies have and the published modules have not.
type changes struct {
	corrections []correction
	standIns    []standIn
	exchanges   []exchange
	additions   []addition
}

func published() changes {
	return changes{append(corrections(), cutLines()...), standIns(), exchanges(), additions()}
}

// modules names those that are changed, each once, in the order of the changes.
func (c changes) modules() []string {
	var all []string
	add := func(module string) {
		if !slices.Contains(all, module) {
			all = append(all, module)
		}
	}
	for _, x := range c.corrections {
		add(x.module)
	}
	for _, x := range c.standIns {
		add(x.module)
	}
	for _, x := range c.exchanges {
		add(x.module)
	}
	for _, x := range c.additions {
		add(x.module)
	}
	return all
}

// run writes the overlay for goMod to out; find tells where the source of a module is.
func run(out, goMod string, c changes, find func(module string) (string, error), say io.Writer) error {
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
	for _, module := range c.modules() {
		dir, err := find(module)
		if err != nil {
			return err
		}
		files, err := readSource(dir)
		if err != nil {
			return err
		}
		changed, err := c.apply(module, files, say)
		if err != nil {
			return fmt.Errorf("%s: %w", dir, err)
		}
		if !changed {
			continue
		}
		// The go command passes over folders that begin with an underscore: the copy is no package of this module.
		copied := filepath.Join(folder, "_"+strings.ReplaceAll(module, "/", "_"))
		if err := files.save(copied); err != nil {
			return err
		}
		relative, err := filepath.Rel(filepath.Dir(goMod), copied)
		if err != nil {
			return err
		}
		mod = fmt.Appendf(mod, "\nreplace %s => ./%s\n", module, filepath.ToSlash(relative))
		replaced[goMod] = filepath.Join(folder, "go.mod.corrected")
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

// apply makes the changes of a module in its files, and tells whether there was one to make.
func (c changes) apply(module string, files source, say io.Writer) (changed bool, err error) {
	done := func(what, why string) {
		changed = true
		_, _ = fmt.Fprintf(say, "%s %s (%s)\n", module, what, why)
	}
	for _, x := range c.corrections {
		if x.module != module {
			continue
		}
		switch err := files.correct(x); {
		case errors.Is(err, errUpstream):
			_, _ = fmt.Fprintf(say, "%s %s: corrected upstream, nothing to do; take the correction out of badgerfix\n", module, x.file)
		case err != nil:
			return false, err
		default:
			done(x.file+": corrected", x.why)
		}
	}
	for _, x := range c.standIns {
		if x.module != module {
			continue
		}
		if err := files.replaceImport(x); err != nil {
			return false, err
		}
		done("without "+x.path, x.why)
	}
	for _, x := range c.exchanges {
		if x.module != module {
			continue
		}
		if err := files.exchange(x); err != nil {
			return false, err
		}
		done("without "+x.file, x.why)
	}
	for _, x := range c.additions {
		if x.module != module {
			continue
		}
		if err := files.add("standin/"+x.folder, x.folder); err != nil {
			return false, err
		}
		done("with standin/"+x.folder, x.why)
	}
	return changed, nil
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
