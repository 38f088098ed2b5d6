package buffer

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"syscall"
	"time"
)

// ErrDisk says that the disk takes no writes, or does not give what was written. Another store would fare no better there. Nothing is lost
// by that; what was to be stored is to be offered again.
var ErrDisk = errors.New("the disk of the journal does not work")

const (
	// trialEvery is how often at most the disk is tried before something is written, and restEvery when there is nothing to write.
	trialEvery = time.Second
	restEvery  = time.Minute
	// filesNeeded is how many files the store must be able to make: it makes its next log and its next tables when it has to.
	filesNeeded = 32
)

// says tells whether err is one of these errors of the system, or repeats its words: the store does not wrap errors.
func says(err error, of ...syscall.Errno) bool {
	text := err.Error()
	for _, e := range of {
		if errors.Is(err, e) || strings.Contains(text, e.Error()) {
			return true
		}
	}
	return false
}

// tryFolder says whether a file can be made, written, synced, read and removed in the folder.
func tryFolder(dir string) error {
	f, err := os.CreateTemp(dir, "trial.*.tmp")
	if err != nil {
		return refused(dir, err)
	}
	const text = "trial\n"
	_, err = f.WriteString(text)
	if err == nil {
		err = f.Sync()
	}
	if err == nil {
		_, err = f.ReadAt(make([]byte, len(text)), 0)
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if removeErr := os.Remove(f.Name()); err == nil {
		err = removeErr
	}
	if err != nil {
		return refused(dir, err)
	}
	return nil
}

// refused says in words what the disk of a folder refuses, and what to do.
func refused(dir string, err error) error {
	cause := err
	if path, ok := errors.AsType[*fs.PathError](err); ok {
		cause = path.Err // the name of the file differs each time, and would make each attempt another problem
	}
	switch {
	case says(err, noRoom()...):
		return fmt.Errorf("%w: no space is left on the disk of %s (delete there what is not needed)", ErrFull, dir)
	case says(err, readOnly()...):
		return fmt.Errorf("%w: it takes no writes at %s: %w (look at dmesg: after an error the system makes a disk read-only; "+
			"check it with fsck or replace it)", ErrDisk, dir, cause)
	}
	return fmt.Errorf("%w at %s: %w (look at dmesg, check its cable and seat, replace it if that goes on)", ErrDisk, dir, cause)
}

// A trial remembers how the last attempt to write to the disk went. Only the writer tries.
type trial struct {
	at  time.Time
	err error
}

// try writes a byte to the file of the lock, which is open all the time, if the last attempt is longer ago than age. On a disk
// that has become read-only this is an error, where the store, which writes to memory that is mapped, would end the process.
func (j *Journal) try(age time.Duration) error {
	now := time.Now()
	if !j.trial.at.IsZero() && now.Sub(j.trial.at) < age {
		return j.trial.err
	}
	_, err := j.lock.WriteAt([]byte{'\n'}, 0)
	err = errors.Join(err, j.opts.tuning.trialError())
	if err != nil {
		err = refused(j.opts.Dir, err)
	}
	j.trial = trial{now, err}
	j.ailing.Store(err != nil)
	return err
}
