//go:build !badgerfix

package main

import (
	"bytes"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Journals in the field were written by the published store, and a device may go back to a version that has it.
func TestThePublishedStoreAndOursExchangeJournals(t *testing.T) {
	bin := t.TempDir()
	build := func(name string, flags ...string) string {
		program := filepath.Join(bin, name)
		if _, err := goCommand(append(append([]string{"build", "-o", program}, flags...), "./testdata/exchange")...); err != nil {
			t.Fatalf("build the program %s: %v", name, err)
		}
		return program
	}
	theirs, ours := build("published"), build("ours", makeOverlay(t)...)

	dir := t.TempDir()
	var left string
	for round, program := range []string{theirs, ours, theirs, ours, ours, theirs, theirs, ours} {
		cmd := exec.CommandContext(t.Context(), program, dir)
		var said, wrong bytes.Buffer
		cmd.Stdout, cmd.Stderr = &said, &wrong
		if err := cmd.Run(); err != nil {
			t.Fatalf("round %d, %s: %v\n%s", round, filepath.Base(program), err, &wrong)
		}
		lines := strings.Split(said.String(), "\n")
		found, before, _ := strings.Cut(lines[0], " ")
		leaves, after, _ := strings.Cut(lines[1], " ")
		if found != "found" || leaves != "left" || strings.HasPrefix(after, "0 ") {
			t.Fatalf("round %d, %s said\n%s", round, filepath.Base(program), &said)
		}
		if left != "" && before != left {
			t.Fatalf("round %d: %s found %s, and %s was left", round, filepath.Base(program), before, left)
		}
		left = after
	}
}
