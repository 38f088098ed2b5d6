package main

import (
	"fmt"
	"io"
	"os"
	"strings"
)

// screen is the terminal on which a picture is drawn again and again.
type screen struct {
	file *os.File
	// size gives width and height in letters.
	size func() (width, height int)
	last string
}

// screenOf is the terminal behind w, if there is one.
func screenOf(w io.Writer) (*screen, bool) {
	f, ok := w.(*os.File)
	if !ok || !isTerminal(w) {
		return nil, false
	}
	return &screen{file: f, size: func() (int, int) {
		if width, height, ok := windowSize(f); ok && width > 0 && height > 0 {
			return width, height
		}
		return 80, 24 // of a serial console, which does not tell
	}}, true
}

// begin empties the terminal.
func (s *screen) begin() error {
	if err := allowControl(s.file); err != nil {
		return fmt.Errorf("this terminal cannot redraw a table (use --once): %w", err)
	}
	_, err := io.WriteString(s.file, "\x1b[2J")
	return err
}

// draw puts a text in the place of the one before.
func (s *screen) draw(text string) error {
	width, height := s.size()
	lines := cutLines(text, width, height-1) // the last line is for the cursor
	// Home; each line with what was behind it erased; then what was below.
	picture := "\x1b[H" + strings.Join(lines, "\x1b[K\r\n") + "\x1b[K\r\n\x1b[J"
	if picture == s.last {
		return nil
	}
	s.last = picture
	_, err := io.WriteString(s.file, picture)
	return err
}
