package buffer

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// reserveAhead is how many numbers are given between two writes of the file of numbers.
const reserveAhead = 4096

// numbers is the small file beside the journal that outlives it. It holds two numbers: up to stored every pass was certainly
// stored, and above given no number was ever given. It is written rarely, ahead of the numbers that it covers, and exactly
// when the journal is closed. So a journal that has fewer passes than stored has lost some, and one that goes on behind given
// uses no number twice.
type numbers struct {
	path          string
	stored, given uint64
	failing       bool // the last attempt to write it failed, and that was said
}

// read fills in what the file says; a file that is not there says nothing.
func (n *numbers) read() error {
	text, err := os.ReadFile(n.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the file of numbers: %w", err)
	}
	var stored, given uint64
	_, err = fmt.Sscanf(string(text), "stored %d\ngiven %d\n", &stored, &given)
	// To the byte: of a number that is cut off the beginning is a number, too, and would let later ones be given twice.
	if err != nil || stored > given || !bytes.Equal(text, numbersText(stored, given)) {
		return fmt.Errorf("the file of numbers %s is damaged; it will be written anew", n.path)
	}
	n.stored, n.given = stored, given
	return nil
}

// reserve sees to it that the file covers number seq, when every pass up to stored is on disk. It says once that it cannot:
// passes are taken without it, only a loss may go unnoticed.
func (n *numbers) reserve(stored, seq uint64) error {
	if seq <= n.given {
		return nil
	}
	err := n.write(stored, seq+reserveAhead)
	said := n.failing
	if n.failing = err != nil; said {
		return nil
	}
	return err
}

func numbersText(stored, given uint64) []byte {
	return fmt.Appendf(nil, "stored %d\ngiven %d\n", stored, given)
}

func (n *numbers) write(stored, given uint64) error {
	if err := replaceFile(n.path, numbersText(stored, given)); err != nil {
		return fmt.Errorf("write the file of numbers: %w", err)
	}
	n.stored, n.given = stored, given
	return nil
}
