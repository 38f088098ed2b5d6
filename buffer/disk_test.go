package buffer

import (
	"errors"
	"fmt"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/acs-agent/acs-agent/agent/event"
)

// What is said of a defective file is also said of a defective disk. A trial beside the folder tells them apart: a file that cannot be
// read is a broken store, a disk that takes nothing is not, and the key of the journal is neither.
func TestAFileThatCannotBeReadAndADiskThatDoesNotWork(t *testing.T) {
	works := func(string) error { return nil }
	refuses := func(string) error { return errors.New("it refuses") }
	for name, c := range map[string]struct {
		err    error
		try    func(string) error
		broken bool
		is     error
	}{
		"a file, EIO":                   {syscall.EIO, works, true, nil},
		"a file, EUCLEAN":               {syscall.EUCLEAN, works, true, nil},
		"a file, ENODEV":                {syscall.ENODEV, works, true, nil},
		"the disk, EIO":                 {syscall.EIO, refuses, false, ErrDisk},
		"the disk, EUCLEAN":             {syscall.EUCLEAN, refuses, false, ErrDisk},
		"the disk, ENODEV":              {syscall.ENODEV, refuses, false, ErrDisk},
		"the disk, in words":            {errors.New("opening: input/output error"), refuses, false, ErrDisk},
		"read-only":                     {syscall.EROFS, works, false, ErrDisk},
		"read-only, in words":           {errors.New("opening: read-only file system"), works, false, ErrDisk},
		"no room":                       {syscall.ENOSPC, works, false, ErrFull},
		"too many files":                {syscall.EMFILE, works, false, syscall.EMFILE},
		"rights":                        {syscall.EACCES, works, false, syscall.EACCES},
		"the key":                       {fmt.Errorf("%w: %w", ErrKey, syscall.EIO), works, false, ErrKey},
		"the data keys, already judged": {fmt.Errorf("%w: %w", ErrDisk, syscall.EIO), works, false, ErrDisk},
	} {
		o := testOptions(t)
		o.tuning.tryFolder = c.try
		got := o.judge(fmt.Errorf("open: %w", c.err))
		if _, broken := errors.AsType[*broken](got); broken != c.broken || c.is != nil && !errors.Is(got, c.is) {
			t.Errorf("%s: %v", name, got)
		}
		if again := o.judge(got); again == nil {
			t.Errorf("%s: judged once more it is no error", name)
		}
	}
}

// A start that finds the list of tables unreadable puts the store aside only if another one can be made.
func TestAStartOnADiskThatDoesNotWorkChangesNothing(t *testing.T) {
	o := snapshot(t)
	var refuses atomic.Bool
	refuses.Store(true)
	o.tuning.tryFolder = func(string) error {
		if refuses.Load() {
			return fmt.Errorf("%w: %w", ErrDisk, syscall.EIO)
		}
		return nil
	}
	o.tuning.commitError = func() error {
		if refuses.Load() {
			return syscall.EIO
		}
		return nil
	}
	o.Uplinks = append(o.Uplinks, "another") // a start has something to store
	_, err := Open(t.Context(), o)
	if folders, asideErr := asideFolders(o.Dir); !errors.Is(err, ErrDisk) || asideErr != nil || len(folders) > 0 {
		t.Fatalf("%v; put aside: %v, %v", err, folders, asideErr)
	}
	j, err := Unopened(o, err)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := j.Append(t.Context(), testPass(1)); !errors.Is(err, ErrFailed) || !errors.Is(err, ErrDisk) {
		t.Errorf("a journal that is not open takes a pass: %v", err)
	}
	if s := j.Stats(); !s.Failed || s.FreeDisk != -1 {
		t.Errorf("%+v", s)
	}
	if err := j.Reopen(t.Context()); !errors.Is(err, ErrDisk) || j.Err() == nil {
		t.Errorf("it opens on a disk that does not work: %v", err)
	}
	refuses.Store(false)
	if err := j.Reopen(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer shut(t, j)
	if _, err := j.Append(t.Context(), testPass(1)); err != nil {
		t.Error(err)
	}
	if folders, err := asideFolders(o.Dir); err != nil || len(folders) > 0 {
		t.Errorf("put aside: %v, %v", folders, err)
	}
}

// A write that fails is not confirmed; after Reopen everybody goes on with the same journal, and what was confirmed is there once.
func TestAJournalThatHasFailedIsOpenedAgain(t *testing.T) {
	o := testOptions(t, "visits")
	var failing atomic.Bool
	o.tuning.commitError = func() error {
		if failing.Load() {
			return syscall.EIO
		}
		return nil
	}
	o.tuning.tryFolder = func(string) error {
		if failing.Load() {
			return fmt.Errorf("%w: %w", ErrDisk, syscall.EIO)
		}
		return nil
	}
	j := open(t, o)
	defer shut(t, j)
	source, records := j.Source("visits"), j.Records("visits")
	appendInOrder(t, j, 1, 3)
	for round := range 3 {
		last := 3 + round
		failed, changed := j.Failed(), j.Changed()
		failing.Store(true)
		if _, err := j.Append(t.Context(), testPass(last+1)); !errors.Is(err, ErrFailed) {
			t.Fatalf("a pass that was not stored: %v", err)
		}
		if isOpen(failed) {
			t.Error("nobody is told")
		}
		if err := j.Reopen(t.Context()); !errors.Is(err, ErrDisk) {
			t.Errorf("the disk does not work: %v", err)
		}
		failing.Store(false)
		if err := j.Reopen(t.Context()); err != nil {
			t.Fatal(err)
		}
		if isOpen(changed) || !isOpen(j.Failed()) || j.Err() != nil {
			t.Error("who waits is not told")
		}
		if got := row(t, source, 0); len(got) != last {
			t.Errorf("after round %d there are %d passes: %v", round, len(got), got)
		}
		settle(t, source, uint64(last))
		if err := records.Apply(t.Context(), event.Change{Key: "k", Value: []byte{byte(round)}}); err != nil {
			t.Error(err)
		}
		appendInOrder(t, j, last+1, last+1)
	}
	if err := j.Reopen(t.Context()); err != nil {
		t.Errorf("one that has not failed: %v", err)
	}
}

// A disk that takes no writes is found out before the store, which has it mapped into memory, would be ended by it. The journal does
// not fail by that, and goes on as soon as it can.
func TestADiskThatTakesNoWritesIsNoFailureOfTheJournal(t *testing.T) {
	o := testOptions(t, "visits")
	var refuses atomic.Bool
	o.tuning.trialError = func() error {
		if refuses.Load() {
			return syscall.EROFS
		}
		return nil
	}
	j := open(t, o)
	defer shut(t, j)
	await := func(what string, ok func() bool) {
		t.Helper()
		for began := time.Now(); !ok(); time.Sleep(10 * time.Millisecond) {
			if time.Since(began) > 30*time.Second {
				t.Fatalf("not within 30 s: %s", what)
			}
		}
	}
	appendInOrder(t, j, 1, 3)
	refuses.Store(true)
	n := 4
	await("a pass is refused", func() bool {
		_, err := j.Append(t.Context(), testPass(n))
		if err != nil && (!errors.Is(err, ErrDisk) || !errors.Is(err, syscall.EROFS)) {
			t.Fatal(err)
		}
		if err == nil {
			n++
		}
		return err != nil
	})
	if err := j.Source("visits").Scan(t.Context(), 0, 3, func(uint64, *event.Pass) bool { return true }); !errors.Is(err, ErrDisk) {
		t.Errorf("a batch is read whose end could not be noted, so that it would be sent again and again: %v", err)
	}
	if err := j.Ping(t.Context()); !errors.Is(err, ErrDisk) || j.Err() != nil {
		t.Errorf("ping: %v; failed: %v", err, j.Err())
	}
	refuses.Store(false)
	await("a pass is taken", func() bool {
		_, err := j.Append(t.Context(), testPass(n))
		return err == nil
	})
	if got := row(t, j.Source("visits"), 0); len(got) != n {
		t.Errorf("%d passes, want %d: %v", len(got), n, got)
	}
}

// The store makes a file when its log is full: a disk on which none can be made takes no passes before that.
func TestADiskWithoutFilesIsFull(t *testing.T) {
	o := testOptions(t, "visits")
	var left atomic.Int64
	left.Store(1000)
	o.tuning.freeFiles = func(string) (int64, error) { return left.Load(), nil }
	j := open(t, o)
	defer shut(t, j)
	appendInOrder(t, j, 1, 1)
	left.Store(filesNeeded - 1)
	if _, err := j.Append(t.Context(), testPass(2)); !errors.Is(err, ErrFull) {
		t.Errorf("no file can be made: %v", err)
	}
	left.Store(1000)
	waitFor(t, func() bool { // a group that has begun goes by what it has found
		_, err := j.Append(t.Context(), testPass(2))
		return err == nil
	})
}
