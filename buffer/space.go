package buffer

import (
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"
)

const (
	memTable = 1 << 20
	// openNeeds is the free space without which the store cannot be opened, nor anything be written to it.
	openNeeds   = 4*memTable + 8<<20
	ballastSize = 16 << 20
	ballastName = "ballast"
	// The files are measured again after so long, or when so much was written.
	measureEvery = 2 * time.Second
	measureAfter = 1 << 20
)

// space watches the room for the journal. A file of no use, the ballast, keeps some of the disk back: when the disk is full
// at a start, it is removed, and the store can be opened.
type space struct {
	dir       string
	limit     int64
	minFree   int64
	ballast   int64
	freeSpace func(string) (int64, error)
	freeFiles func(string) (int64, error)

	written  int64 // since the files were measured
	measured time.Time
	// What Stats shows.
	used, free atomic.Int64
}

// measure sums the files up, if it is time to.
func (s *space) measure(now time.Time) {
	if s.written < measureAfter && now.Sub(s.measured) < measureEvery && !s.measured.IsZero() {
		return
	}
	s.remeasure(now)
}

func (s *space) remeasure(now time.Time) {
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return // the sum of before goes on growing with what is written
	}
	var sum int64
	for _, e := range entries {
		if e.Name() == ballastName {
			continue
		}
		if info, err := e.Info(); err == nil { // a file may vanish meanwhile
			sum += info.Size()
		}
	}
	s.used.Store(sum)
	s.written, s.measured = 0, now
}

// wrote counts what was written since.
func (s *space) wrote(bytes int) {
	s.written += int64(bytes)
	s.used.Add(int64(bytes))
}

// check asks the disk; it returns ErrFull if less than need is free. A disk that does not answer is not held to be full.
func (s *space) check(need int64) error {
	free, err := s.freeSpace(s.dir)
	if err != nil {
		s.free.Store(-1)
		return nil //nolint:nilerr // writing will tell
	}
	s.free.Store(free)
	if free < need {
		// How much is free changes all the time, and would make each refusal another problem.
		return fmt.Errorf("%w: less than %d MiB are free on the disk of %s (delete there what is not needed)", ErrFull, need>>20, s.dir)
	}
	if files, err := s.freeFiles(s.dir); err == nil && files < filesNeeded {
		return fmt.Errorf("%w: fewer than %d files more can be made on the disk of %s (delete files there that are not needed; see df -i)",
			ErrFull, filesNeeded, s.dir)
	}
	return nil
}

// makeRoom removes the ballast if the store could not be opened otherwise.
func (s *space) makeRoom() error {
	if s.check(openNeeds) == nil {
		return nil
	}
	if err := os.Remove(filepath.Join(s.dir, ballastName)); err != nil && !os.IsNotExist(err) {
		return fmt.Errorf("remove the ballast: %w", err)
	}
	return s.check(openNeeds)
}

// keepBallast makes the ballast if there is ample room for it.
func (s *space) keepBallast() error {
	path := filepath.Join(s.dir, ballastName)
	if info, err := os.Stat(path); err == nil && info.Size() >= s.ballast {
		return nil
	}
	if free, err := s.freeSpace(s.dir); err != nil || free < s.minFree+2*s.ballast {
		return nil //nolint:nilerr // another time
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600) //nolint:gosec // the path is the operator's
	if err != nil {
		return fmt.Errorf("make the ballast: %w", err)
	}
	chunk := make([]byte, 64<<10) // really written: a file that is only declared long takes no room
	for left := s.ballast; left > 0 && err == nil; left -= int64(len(chunk)) {
		_, err = f.Write(chunk)
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		_ = os.Remove(path)
		return fmt.Errorf("make the ballast: %w", err)
	}
	return nil
}
