//go:build unix

package main

import (
	"os"

	"golang.org/x/sys/unix"
)

// windowSize is the size of a terminal in letters.
func windowSize(f *os.File) (width, height int, ok bool) {
	size, err := unix.IoctlGetWinsize(int(f.Fd()), unix.TIOCGWINSZ)
	if err != nil {
		return 0, 0, false
	}
	return int(size.Col), int(size.Row), true
}

// allowControl has nothing to do here.
func allowControl(*os.File) error { return nil }
