package buffer

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// A block of a table that cannot be read any more hides more than itself: the store takes it for the end of its table, so that
// passes behind it seem to be missing, and of a record an older value, or none, seems to be the newest. So from the moment when the
// store meets such a block nothing that is read is believed, nothing is stored, no compaction comes to its end, and the journal has to be
// opened again (Reopen, or the next start). The store is put aside then, and all other blocks are read back.

const (
	// unsoundFormat is with what the store says that a block cannot be read; see scripts/badgerfix.
	unsoundFormat = "unsound: %w"
	// unsoundNote is the file in the folder of a journal that was found damaged while it was in use, with what was found.
	unsoundNote = "damaged"
)

// unsound is called by whoever reads the block, a goroutine of the store perhaps, before it goes on.
func (j *Journal) unsound(cause error) {
	if !j.damaged.CompareAndSwap(nil, &cause) {
		return
	}
	if err := replaceFile(filepath.Join(j.opts.Dir, unsoundNote), []byte(cause.Error()+"\n")); err != nil {
		j.log.Warn("that the store is damaged could not be noted; the next start has to find it again", "error", err)
	}
	if j.begun.Load() {
		j.endUnsound(cause)
	}
}

// begin says that the journal is in use: what is found from now on cannot be met by putting the store aside at once.
func (j *Journal) begin() {
	j.begun.Store(true)
	if cause := j.damaged.Load(); cause != nil {
		j.endUnsound(*cause)
	}
}

func (j *Journal) endUnsound(cause error) {
	j.fail(fmt.Errorf("%w (the store is put aside at the next start, and everything else is read back)", cause))
}

// sound is nil as long as what is read can be believed.
func (j *Journal) sound() error {
	if cause := j.damaged.Load(); cause != nil {
		return fmt.Errorf("%w: %w", ErrFailed, *cause)
	}
	return nil
}

// checkNoted gives a *broken if the store was found damaged while it was in use.
func checkNoted(dir string) error {
	text, err := os.ReadFile(filepath.Join(dir, unsoundNote)) //nolint:gosec // a file in the folder of the journal
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return &broken{errors.New(strings.TrimSpace(string(text)))}
}
