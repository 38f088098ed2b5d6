package reestro

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// freeName gives the path from which the name of a table of rejected rows is made, so that rows of an earlier file of the same
// name that nobody has mended yet are not overwritten: people.csv, people.csv.2, people.csv.3 …
func (b *inbox) freeName(path string) (string, error) {
	const most = 1000
	for n := 1; n < most; n++ {
		free := numbered(path, n)
		if _, err := os.Lstat(rejectedPath(free)); errors.Is(err, fs.ErrNotExist) {
			return free, nil
		} else if err != nil {
			return "", err
		}
	}
	return "", errors.New("there are too many files of rejected rows; mend or remove them")
}

func numbered(path string, n int) string {
	if n == 1 {
		return path
	}
	return fmt.Sprintf("%s.%d", path, n)
}

func rejectedPath(path string) string { return path + ".rejected.csv" }

// dropTwin removes a new table of rejected rows if an older one of the same file says the same: that file was read before, and
// then came a crash.
func (b *inbox) dropTwin(path, rejected string) error {
	mine, err := hashOf(rejected)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // no row was rejected
	}
	if err != nil {
		return err
	}
	for n := 1; rejectedPath(numbered(path, n)) != rejected; n++ {
		other, err := hashOf(rejectedPath(numbered(path, n)))
		if err == nil && bytes.Equal(mine, other) {
			return os.Remove(rejected)
		}
	}
	return nil
}

func hashOf(path string) ([]byte, error) {
	f, err := os.Open(path) //nolint:gosec // a file of the folder that the configuration names
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // only read from
	h := sha256.New()
	_, err = io.Copy(h, f)
	return h.Sum(nil), err
}

// A departure is a file all of whose rows are in the store. It lies aside for as long as a file has to lie still before it is
// taken: who was interrupted while copying it may go on writing.
type departure struct {
	path, aside string
	sighting
	// keep: some rows could not be read, so it is kept, for its owner alone.
	keep bool
}

// dispose moves a file aside.
func (b *inbox) dispose(path string, s sighting, keep bool) error {
	syncFolder(b.Inbox) // the rejected rows are there before the file goes
	d := departure{path: path, aside: filepath.Join(b.Inbox, "."+filepath.Base(path)+takenEnd), sighting: s, keep: keep}
	if _, err := os.Lstat(d.aside); err == nil {
		return nil // another of the same name is about to go; this one is read again, and then it goes
	}
	d.since = time.Now()
	if err := os.Rename(d.path, d.aside); err != nil {
		return err
	}
	b.departing = append(b.departing, d)
	return nil
}

// depart removes the files that have lain aside for long enough. One that has changed is put back and read again.
func (b *inbox) depart() error {
	var failed error
	b.departing = slices.DeleteFunc(b.departing, func(d departure) bool {
		if time.Since(d.since) < b.InboxWait.Std() {
			return false
		}
		err := b.remove(d)
		failed = errors.Join(failed, err)
		return err == nil || errors.Is(err, fs.ErrNotExist)
	})
	return failed
}

func (b *inbox) remove(d departure) error {
	about, err := os.Lstat(d.aside)
	switch {
	case err != nil:
		return err
	case about.Size() != d.size || !about.ModTime().Equal(d.mtime):
		return b.restore(d.aside)
	case d.keep:
		if err := os.Chmod(d.aside, 0o600); err != nil {
			return err
		}
		return move(d.aside, d.path, keptEnd)
	}
	return os.Remove(d.aside)
}

// putBack finds the files that lay aside when the agent ended, so that they are read again: there was no time to see whether
// they change. What was half written is thrown away; it is written again.
func (b *inbox) putBack() error {
	entries, err := os.ReadDir(b.Inbox)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, e := range entries {
		name := e.Name()
		switch {
		case !strings.HasPrefix(name, ".") || !e.Type().IsRegular():
		case strings.HasSuffix(name, takenEnd):
			err = errors.Join(err, b.restore(filepath.Join(b.Inbox, name)))
		case strings.HasSuffix(name, ".tmp") && strings.Contains(name, ".rejected.csv."):
			err = errors.Join(err, os.Remove(filepath.Join(b.Inbox, name)))
		}
	}
	return err
}

func (b *inbox) restore(aside string) error {
	name := strings.TrimSuffix(strings.TrimPrefix(filepath.Base(aside), "."), takenEnd)
	ext := filepath.Ext(name)
	return move(aside, filepath.Join(b.Inbox, strings.TrimSuffix(name, ext)), ext)
}

// move gives a file the first name that is free: people.csv, people.2.csv …
func move(from, base, ext string) error {
	const most = 1000
	for n := 1; n < most; n++ {
		to := numbered(base, n) + ext
		if _, err := os.Lstat(to); errors.Is(err, fs.ErrNotExist) {
			return os.Rename(from, to)
		}
	}
	return errors.New("there are too many files of one name")
}

// syncFolder makes renames durable where the system can do so; elsewhere they are when the system says so. A file that comes back
// after a power cut is read again and holds nobody new.
func syncFolder(dir string) {
	if d, err := os.Open(dir); err == nil { //nolint:gosec // the configuration names it
		_ = d.Sync()
		_ = d.Close()
	}
}
