package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path"
	"path/filepath"
	"runtime/debug"
	"strings"

	"github.com/acs-agent/acs-agent/buffer"
)

// crashFile is where the runtime writes how the process ended, below data_dir, if it was by a fault that nobody can catch. The first
// line is ours and tells one process from the next.
const crashFile = "crash.txt"

// maxCrash bounds how much of it is read: the first goroutine is the one that matters.
const maxCrash = 64 << 10

// A crash is how the process before this one ended.
type crash struct {
	id   string // the first line
	boot string
	// how is what the runtime says, without the value of a panic: that may repeat what was read.
	how string
	// frames are the functions of the goroutine, the innermost first, each with its file and line.
	frames []string
}

// parseCrash understands what a Go runtime writes when it gives up. ok is false if there is nothing of the kind.
func parseCrash(text []byte) (c crash, ok bool) {
	lines := bufio.NewScanner(io.LimitReader(bytes.NewReader(text), maxCrash))
	lines.Buffer(nil, maxCrash)
	if !lines.Scan() {
		return c, false
	}
	c.id = lines.Text()
	_, rest, _ := strings.Cut(c.id, "boot=")
	c.boot, _, _ = strings.Cut(rest, " ")
	inside, function := false, ""
	for lines.Scan() {
		line := lines.Text()
		switch {
		case inside && line == "":
			return c, true
		case inside && strings.HasPrefix(line, "\t"):
			file, _, _ := strings.Cut(strings.TrimSpace(line), " ")
			c.frames = append(c.frames, function+" "+path.Base(filepath.ToSlash(file)))
		case inside:
			function = line
			if at := strings.LastIndexByte(line, '('); at > 0 {
				function = line[:at]
			}
		case strings.HasPrefix(line, "goroutine ") && strings.Contains(line, "[running"):
			inside = true
		default:
			c.hear(line)
		}
	}
	return c, inside
}

// hear takes what the runtime says of the reason. Of panics only those of the runtime itself are repeated.
func (c *crash) hear(line string) {
	switch {
	case strings.HasPrefix(line, "[signal SIG"):
		signal, _, _ := strings.Cut(strings.TrimPrefix(line, "[signal "), ":")
		c.how = strings.TrimSpace(c.how + " " + signal)
	case strings.HasPrefix(line, "fatal error: "), strings.HasPrefix(line, "runtime: out of memory"), strings.HasPrefix(line, "panic: runtime error: "):
		if c.how == "" {
			c.how = line
		}
	case strings.HasPrefix(line, "panic: "):
		if c.how == "" {
			c.how = "panic"
		}
	}
}

// where is the innermost function that is not of the runtime or the standard library.
func (c *crash) where() string {
	for _, f := range c.frames {
		if first, _, _ := strings.Cut(f, "/"); strings.Contains(first, ".") && strings.Contains(f, "/") || strings.HasPrefix(f, "main.") {
			return f
		}
	}
	return "an unknown place"
}

// inStore says whether the store's files, or its code, have ended the process. Want of memory is no fault of the store.
func (c *crash) inStore() bool {
	fault := strings.Contains(c.how, "SIGBUS") || strings.Contains(c.how, "SIGSEGV")
	if !fault && !strings.HasPrefix(c.how, "panic") {
		return false
	}
	where := c.where()
	for _, of := range []string{"github.com/dgraph-io/badger/", "github.com/dgraph-io/ristretto/"} {
		if strings.HasPrefix(where, of) {
			return true
		}
	}
	// What the store hands out lies in its files, and is opened by the journal.
	return fault && strings.HasPrefix(where, "github.com/acs-agent/acs-agent/buffer.")
}

// lastCrash tells of the crash that ended the process before this one, if one did, and gives what the journal has to know of it.
func lastCrash(dataDir, boot string, log *slog.Logger) (c buffer.Crash) {
	f, err := os.Open(filepath.Join(dataDir, crashFile)) //nolint:gosec // a file of ours
	if err != nil {
		return c
	}
	defer f.Close() //nolint:errcheck // it was only read
	text, err := io.ReadAll(io.LimitReader(f, maxCrash))
	if err != nil {
		return c
	}
	last, ok := parseCrash(text)
	if !ok {
		return c
	}
	log.Error("the agent was ended by a fault that cannot be caught; please report it", "how", last.how, "where", last.where(),
		"in_store", last.inStore(), "frames", strings.Join(last.frames[:min(8, len(last.frames))], " < "))
	if last.inStore() && last.boot == boot {
		c = buffer.Crash{ID: last.id, Where: last.where()}
	}
	return c
}

// recordCrashes lets the runtime write down how this process ends, if it has to end by itself. What it returns is called at an orderly
// end.
func (s *site) recordCrashes() (end func()) {
	name := filepath.Join(s.cfg.DataDir, crashFile)
	f, err := os.OpenFile(name, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600) //nolint:gosec // a file of ours
	if err == nil {
		_, err = fmt.Fprintf(f, "boot=%s pid=%d started=%d\n", s.clock.Boot(), os.Getpid(), s.started.UnixNano())
	}
	if err == nil {
		err = debug.SetCrashOutput(f, debug.CrashOptions{})
	}
	if f != nil {
		_ = f.Close() // the runtime has a handle of its own
	}
	if err != nil {
		s.log.Warn("how the agent ends could not be noted, should it end by itself", "error", err)
	}
	return func() {
		_ = debug.SetCrashOutput(nil, debug.CrashOptions{}) // nothing can fail when there is nothing to open
		if err := os.Remove(name); err != nil && !os.IsNotExist(err) {
			s.log.Warn("an empty report of a crash stays behind", "error", err)
		}
	}
}
