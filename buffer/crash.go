package buffer

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// A Crash is how the process ended that had the journal open before, if that was inside the store: by a panic in a goroutine of the
// store's own, or by a fault in memory because the disk did not give what a file should hold. Nobody can catch either. A process that
// was killed has no crash, nor has one that ran out of memory.
type Crash struct {
	// ID tells this crash from others; empty if there was none.
	ID string
	// Where names the place in the program, without values.
	Where string
}

const (
	// crashNote is the file in the folder of a journal that counts the crashes of its store.
	crashNote = "crashes"
	// mostCrashes is how often the store may end the process in one boot before it is put aside. Once can be chance.
	mostCrashes = 2
	// mostAside is how many folders may lie beside the journal before crashes put no further store aside: a fault of the program
	// would happen to every store.
	mostAside = 3
	// calmAfter is how long a store has to be in use without a crash for those before not to count any more.
	calmAfter = 24 * time.Hour
)

// countCrash takes a crash down, once however often the journal is opened after it. The error is a *broken if the store has ended the
// process too often.
func (j *Journal) countCrash() error {
	c, dir := j.opts.Crash, j.opts.Dir
	if c.ID == "" || j.space.check(j.space.minFree) != nil { // without room every store would have ended the process
		return nil
	}
	path := filepath.Join(dir, crashNote)
	var note struct {
		Boot    string   `json:"boot"`
		Crashes []string `json:"crashes"`
	}
	if text, err := os.ReadFile(path); err != nil || json.Unmarshal(text, &note) != nil || note.Boot != j.opts.Boot { //nolint:gosec // in the folder of the journal
		note.Boot, note.Crashes = j.opts.Boot, nil
	}
	if slices.Contains(note.Crashes, c.ID) {
		return nil
	}
	note.Crashes = append(note.Crashes, c.ID)
	folders, err := asideFolders(dir)
	if err != nil {
		return err
	}
	if len(note.Crashes) >= mostCrashes && len(folders) < mostAside {
		return &broken{fmt.Errorf("it has ended the process %d times since the system was started, the last time at %s", len(note.Crashes), c.Where)}
	}
	text, err := json.Marshal(note)
	if err == nil {
		err = replaceFile(path, append(text, '\n'))
	}
	if err != nil {
		j.log.Warn("a crash of the store cannot be noted", "error", err)
	}
	return nil
}

// calm forgets the crashes of a store that has worked for long enough since.
func (j *Journal) calm() {
	err := os.Remove(filepath.Join(j.opts.Dir, crashNote))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		j.log.Warn("crashes of the store cannot be forgotten", "error", err)
	}
}
