package exam

import (
	"os"
	"sync"
	"time"
)

// quiet is how long the roster must have been left alone before a report goes out by itself: people save a table several times
// while they fill it in, and some programs write it in pieces.
const quiet = 2 * time.Minute

// A rosterFile keeps the content of the roster as long as the file does not change.
type rosterFile struct {
	path      string // empty: there is none
	documents Documents

	mu      sync.Mutex
	read    bool
	size    int64
	mtime   time.Time
	content *roster
	err     error
	changed time.Time // when a change of it was noticed; zero before the first
}

// current gives what the file holds now, and when a change of it was noticed last. Without a file the roster is empty.
func (f *rosterFile) current() (content *roster, changed time.Time, err error) {
	if f.path == "" {
		return &roster{}, time.Time{}, nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	about, err := os.Stat(f.path)
	if err == nil && f.read && f.err == nil && about.Size() == f.size && about.ModTime().Equal(f.mtime) {
		return f.content, f.changed, nil
	}
	if f.read {
		f.changed = time.Now()
	}
	f.read = true
	if err == nil {
		// Taken before the file is read: a change in between is then seen the next time.
		f.size, f.mtime = about.Size(), about.ModTime()
	}
	f.content, f.err = readRoster(f.path, f.documents)
	return f.content, f.changed, f.err
}
