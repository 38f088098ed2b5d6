package main

import (
	"fmt"
	"io"
	"os"

	"github.com/acs-agent/acs-agent/agent/lang"
)

// isTerminal says whether a person is looking at w.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// progressLine gives a function that shows how far something has come, on one line of a terminal and nowhere else. An empty
// word removes the line.
func progressLine(w io.Writer, p *lang.Printer) func(word string, done, total uint64) {
	if !isTerminal(w) {
		return func(string, uint64, uint64) {}
	}
	return func(word string, done, total uint64) {
		if word == "" {
			_, _ = fmt.Fprint(w, "\r\x1b[K")
			return
		}
		_, _ = fmt.Fprint(w, "\r\x1b[K"+p.Sprintf("%s %d of %d", word, done, total))
	}
}
