package buffer

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/dgraph-io/badger/v4"
)

// broken is why a store cannot be used any more: the journal goes on with another one.
type broken struct{ cause error }

func (b *broken) Error() string { return "the store is broken: " + b.cause.Error() }
func (b *broken) Unwrap() error { return b.cause }

// errNewer: an older agent was installed over a newer one.
var errNewer = errors.New("the journal was written by a newer agent; nothing has been changed")

// judge says of an error of the store whether the store is broken. It is not if the system refuses what the store needs, which
// another store would be refused as well; see blame.
func (o *Options) judge(err error) error {
	if err == nil || says(err, syscall.EACCES, syscall.EPERM, syscall.EMFILE, syscall.ENFILE, syscall.ENOMEM) {
		return err
	}
	if judged := o.blame(err); judged != err { //nolint:errorlint // whether it has anything to say
		return judged
	}
	for _, other := range []error{
		ErrLocked, ErrKey, ErrFull, ErrDisk, ErrUncorrected, errNewer, context.Canceled, context.DeadlineExceeded,
	} {
		if errors.Is(err, other) {
			return err
		}
	}
	return &broken{err}
}

// blame finds out of an error of the system that is about the disk whether it is only about a file: then the store is broken, and
// another one can take its place. If it is about the disk it is an ErrDisk or an ErrFull. What the system says is the same, so that
// it takes a trial beside the folder, where another store would be. Any other error stays what it is.
func (o *Options) blame(err error) error {
	if err == nil {
		return nil
	}
	_, known := errors.AsType[*broken](err)
	switch {
	case known, errors.Is(err, ErrDisk), errors.Is(err, ErrFull), errors.Is(err, ErrKey), errors.Is(err, ErrLocked):
		return err
	case says(err, slices.Concat(noRoom(), readOnly())...):
		return refused(o.Dir, err)
	case !says(err, defects()...):
		return err
	}
	if o.tuning.tryFolder(filepath.Dir(o.Dir)) != nil {
		return refused(o.Dir, err)
	}
	return &broken{err}
}

const (
	openingEnd = ".opening" // behind the name of the folder: the file that is there while the store is being opened
	brokenEnd  = ".broken-" // and a date: a store that was put aside
	// salvagedMark is the file in such a folder that says that everything was read back.
	salvagedMark = "salvaged"
	// reasonFile says there, for a person, why the store was put aside.
	reasonFile = "reason"
	// mostAttempts is how often in a row the store may end the process while it is being opened.
	mostAttempts = 2
)

// An attempt guards the opening of the store, which can end the whole process: by a fault in memory when the disk does not give
// what a file should hold, or by a panic in a goroutine of its own. A file beside the journal counts the attempts that did not
// come to their end. Those of another boot do not count: it was the power that failed.
type attempt struct{ path string }

func beginAttempt(dir, boot string) (a attempt, err error) {
	a.path = dir + openingEnd
	var note struct {
		Attempt int    `json:"attempt"`
		Boot    string `json:"boot"`
	}
	if text, err := os.ReadFile(a.path); err != nil || json.Unmarshal(text, &note) != nil || note.Boot != boot || note.Attempt < 0 {
		note.Attempt = 0
	}
	if note.Attempt >= mostAttempts {
		return a, &broken{fmt.Errorf("it has ended the process at its last %d starts", note.Attempt)}
	}
	note.Attempt, note.Boot = note.Attempt+1, boot
	text, err := json.Marshal(note)
	if err != nil {
		return a, err
	}
	return a, replaceFile(a.path, append(text, '\n'))
}

func (a attempt) end() error {
	err := os.Remove(a.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// setAside renames the folder of a broken store, to a name that sorts behind those of all that were put aside before.
func setAside(o *Options, cause error) (folder string, err error) {
	folder = o.Dir + brokenEnd + o.Now().UTC().Format("20060102T150405Z")
	if all, err := asideFolders(o.Dir); err == nil && len(all) > 0 && folder <= all[len(all)-1] {
		folder = all[len(all)-1] + "x" // the clock is wrong, or it was a moment ago
	}
	// The ballast keeps room for the journal, not for what was the journal.
	if err := os.Remove(filepath.Join(o.Dir, ballastName)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	if err := os.Rename(o.Dir, folder); err != nil {
		return "", fmt.Errorf("put the broken store aside: %w", err)
	}
	if err := syncDir(filepath.Dir(folder)); err != nil {
		return "", fmt.Errorf("put the broken store aside: %w", err)
	}
	if err := os.Remove(o.Dir + openingEnd); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	if err := replaceFile(filepath.Join(folder, reasonFile), []byte(cause.Error()+"\n")); err != nil {
		o.Log.Warn("why the store is broken could not be noted", "folder", folder, "error", err)
	}
	return folder, nil
}

// asideFolders are the stores that were put aside, oldest first.
func asideFolders(dir string) (folders []string, err error) {
	entries, err := os.ReadDir(filepath.Dir(dir))
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if e.IsDir() && strings.HasPrefix(e.Name(), filepath.Base(dir)+brokenEnd) {
			folders = append(folders, filepath.Join(filepath.Dir(dir), e.Name()))
		}
	}
	slices.Sort(folders)
	return folders, nil
}

// unsalvaged are those of which not everything was read back yet.
func unsalvaged(dir string) (folders []string, err error) {
	all, err := asideFolders(dir)
	return slices.DeleteFunc(all, func(folder string) bool {
		_, err := os.Stat(filepath.Join(folder, salvagedMark))
		return err == nil
	}), err
}

// orphanage is a folder below that of the journal for tables which the store's list does not name. The store would delete them, and
// most often it is right: a power cut has left them behind, and their passes are elsewhere as well. Where the list itself has lost
// its end they are all there is.
const orphanage = "orphans"

// checkFiles looks at the files before the store does what cannot be undone: it deletes tables that are not in its list, and
// cuts its logs off at the first bad entry. The error is a *broken; torn says that a log ends with what is no entry, or that there
// is none.
func checkFiles(o *Options) (torn bool, err error) {
	dir := o.Dir
	listed, err := listedTables(dir)
	if err != nil || listed == nil {
		return false, o.judge(err)
	}
	tables, err := filepath.Glob(filepath.Join(dir, "*.sst"))
	if err != nil {
		return false, err
	}
	for _, path := range tables {
		var id uint64
		if _, err := fmt.Sscanf(filepath.Base(path), "%d.sst", &id); err != nil {
			continue
		}
		if _, ok := listed[id]; ok {
			continue
		}
		if err := os.MkdirAll(filepath.Join(dir, orphanage), 0o700); err != nil {
			return false, err
		}
		if err := os.Rename(path, filepath.Join(dir, orphanage, filepath.Base(path))); err != nil {
			return false, err
		}
	}
	logs, err := filepath.Glob(filepath.Join(dir, "*.mem"))
	if err != nil {
		return false, err
	}
	for _, path := range logs {
		text, failed, err := readWhole(path)
		if err != nil {
			return false, err
		}
		d := readLog(text, func(*found) {})
		if failed || d.within {
			return false, &broken{fmt.Errorf("%s is damaged in the middle", filepath.Base(path))}
		}
		torn = torn || d.places > 0
	}
	return torn || len(logs) == 0, nil
}

// listedTables reads the store's list of its tables; nil if there is no list.
func listedTables(dir string) (map[uint64]badger.TableManifest, error) {
	f, err := os.Open(filepath.Join(dir, badger.ManifestFilename)) //nolint:gosec // the path is the operator's
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // it was only read
	m, _, err := badger.ReplayManifestFile(f, 0, badger.DefaultOptions(dir).WithLogger(nil))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", badger.ManifestFilename, err)
	}
	for id := range m.Tables {
		name := fmt.Sprintf("%06d.sst", id)
		err := checkIndex(filepath.Join(dir, name))
		if errors.Is(err, fs.ErrNotExist) {
			err = errTableMissing
		}
		if err != nil {
			return nil, fmt.Errorf("the table %s %w", name, err)
		}
	}
	return m.Tables, nil
}

// checkIndex looks whether the index of a table is unharmed. The store panics with some that are not, where nobody can catch it.
func checkIndex(path string) error {
	f, err := os.Open(path) //nolint:gosec // a file in the folder of the journal
	if err != nil {
		return err
	}
	defer f.Close() //nolint:errcheck // it was only read
	info, err := f.Stat()
	if err != nil {
		return err
	}
	size := info.Size()
	foot := make([]byte, min(size, 14))
	if _, err := f.ReadAt(foot, size-int64(len(foot))); err != nil {
		return err
	}
	body, sum, ok := blockEnd(foot[max(0, len(foot)-10):])
	if at := len(foot) - body - 4; ok && at >= 0 {
		end := size - int64(body) - 4
		length := int64(binary.BigEndian.Uint32(foot[at:]))
		if length > 0 && length <= min(end, maxStoreFile) {
			index := make([]byte, length)
			if _, err := f.ReadAt(index, end-length); err != nil {
				return err
			}
			if crc32.Checksum(index, castagnoli) == sum {
				return nil
			}
		}
	}
	return errors.New("has a damaged index")
}

// checkOrphans sees to it that the passes of the tables that are not listed are elsewhere as well, and deletes them then.
func (j *Journal) checkOrphans() error {
	dir := filepath.Join(j.opts.Dir, orphanage)
	tables, err := filepath.Glob(filepath.Join(dir, "*.sst"))
	if err != nil || len(tables) == 0 {
		return err
	}
	first := j.end + 1
	if len(j.segments) > 0 {
		first = j.segments[0].first
	}
	for _, path := range tables {
		text, _, err := readWhole(path)
		if err != nil {
			return err
		}
		alone := 0
		readTable(text, func(f *found) {
			if _, seq, ok := parsePassKey(f.key); ok && seq >= first && err == nil {
				_, err = j.get(f.key)
				if errors.Is(err, badger.ErrKeyNotFound) {
					alone, err = alone+1, nil
				}
			}
		})
		switch {
		case err != nil:
			return err
		case alone > 0:
			return &broken{fmt.Errorf("%s has lost its end: %d passes are in a table that it does not name",
				badger.ManifestFilename, alone)}
		}
	}
	return os.RemoveAll(dir)
}

// folderSize is what the files below a folder take, in bytes.
func folderSize(dir string) (sum int64) {
	_ = filepath.WalkDir(dir, func(_ string, e fs.DirEntry, err error) error { // what cannot be read is not counted
		if err == nil && !e.IsDir() {
			if info, err := e.Info(); err == nil {
				sum += info.Size()
			}
		}
		return nil
	})
	return sum
}
