package doctor

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// Refusals remember, between runs of the doctor, at which portals a log-in was refused, so that an impatient person does not lock
// an account by asking again and again. A refusal counts until the configuration or a file with a secret is changed.
type Refusals struct {
	// File is where they are remembered: names of uplinks and times, nothing else. Empty: nowhere.
	File string
	// Sources are the files that a person changes to mend a refused log-in.
	Sources []string
}

// RefusalsFile is the file for this user; empty if the user has no folder for such things.
func RefusalsFile() string {
	dir, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	return filepath.Join(dir, "acs-agent", "refused-logins.json")
}

// Last gives the time of a refusal that still counts, or zero. known is false if refusals cannot be remembered here.
func (r *Refusals) Last(uplinkName string) (at time.Time, known bool) {
	all, err := r.load()
	if err != nil {
		return time.Time{}, false
	}
	at, there := all[uplinkName]
	if !there {
		return time.Time{}, true
	}
	for _, file := range r.Sources {
		if info, err := os.Stat(file); err == nil && info.ModTime().After(at) {
			return time.Time{}, true
		}
	}
	return at, true
}

// Set remembers a refusal, or forgets it.
func (r *Refusals) Set(uplinkName string, refused bool) error {
	all, err := r.load()
	if err != nil {
		return err
	}
	if _, there := all[uplinkName]; !there && !refused {
		return nil
	}
	delete(all, uplinkName)
	if refused {
		all[uplinkName] = time.Now()
	}
	return r.save(all)
}

// load reads what is remembered, and makes sure that it can be written again.
func (r *Refusals) load() (map[string]time.Time, error) {
	if r.File == "" {
		return nil, errors.New("this user has no folder for it")
	}
	all := make(map[string]time.Time)
	if err := os.MkdirAll(filepath.Dir(r.File), 0o700); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(r.File, os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return all, r.save(all)
	}
	if err != nil {
		return nil, err
	}
	defer file.Close() //nolint:errcheck // only read
	if err := json.NewDecoder(file).Decode(&all); err != nil || all == nil {
		return nil, fmt.Errorf("%s cannot be read (delete it)", r.File)
	}
	return all, nil
}

func (r *Refusals) save(all map[string]time.Time) error {
	text, err := json.Marshal(all)
	if err != nil {
		return err
	}
	return os.WriteFile(r.File, text, 0o600)
}
