package reestro

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/acs-agent/acs-agent/agent/event"
	"github.com/acs-agent/acs-agent/uplink"
)

const (
	checkPrefix = "check/"
	// progressKey is where it stands how far the mirror reaches.
	progressKey = "mirror"
	// maxChecks is how many checks are kept; of more the oldest are forgotten.
	maxChecks = 50_000
)

// checkKey sorts the newest first.
func checkKey(c *Check) string {
	const end = 99_999_999_999 // the year 5138
	return fmt.Sprintf("%s%011d/%s", checkPrefix, min(end, max(0, end-max(0, c.created().Unix()))), c.ID)
}

// A progress says that the mirror holds all checks up to some moment.
type progress struct {
	// Whole is false until all pages were read once.
	Whole bool `json:"whole"`
	// Newest is the newest check of the last walk that came to its end, made At.
	Newest string    `json:"newest,omitempty"`
	At     time.Time `json:"at,omitzero"`
}

// covers says whether all checks older than this one are in the mirror.
func (p *progress) covers(c *Check) bool {
	return p.Whole && (c.ID == p.Newest || !c.created().IsZero() && !c.created().After(p.At))
}

// A mirror keeps what is known of the checks. Its methods can be called at any time by many goroutines.
type mirror struct {
	store uplink.Store
	final []string

	mu       sync.Mutex
	loaded   bool
	progress progress
	count    int
	// open are the checks that can still change.
	open map[string]openCheck
}

// An openCheck is looked at again.
type openCheck struct {
	id      string
	created time.Time
	subject string
}

func newMirror(store uplink.Store, final []string) *mirror {
	return &mirror{store: store, final: final}
}

// isFinal says whether a check stays in a state. An unknown state is not final.
func (m *mirror) isFinal(state string) bool {
	return slices.ContainsFunc(m.final, func(f string) bool { return strings.EqualFold(f, state) })
}

// load reads all records, unless that was done. The caller holds mu.
func (m *mirror) load() error {
	if m.loaded {
		return nil
	}
	text, err := m.store.Get(progressKey)
	if err != nil {
		return err
	}
	m.progress, m.count, m.open = progress{}, 0, make(map[string]openCheck)
	if text != nil {
		if err := json.Unmarshal(text, &m.progress); err != nil {
			return fmt.Errorf("record %s: %w", progressKey, err)
		}
	}
	err = m.walk(func(c *Check) bool {
		m.note(c)
		m.count++
		return true
	})
	m.loaded = err == nil
	return err
}

// note keeps in mind whether a check has to be looked at again.
func (m *mirror) note(c *Check) {
	if m.isFinal(c.State) {
		delete(m.open, c.ID)
	} else {
		m.open[c.ID] = openCheck{c.ID, c.created(), c.SubjectID}
	}
}

// walk calls visit for all checks, newest first, until it returns false.
func (m *mirror) walk(visit func(*Check) bool) error {
	var bad error
	err := m.store.Each(checkPrefix, func(key string, value []byte) bool {
		var c Check
		if err := json.Unmarshal(value, &c); err != nil {
			bad = fmt.Errorf("record %s: %w", key, err)
			return false
		}
		return visit(&c)
	})
	return errors.Join(bad, err)
}

func (m *mirror) write(changes ...event.Change) error {
	err := m.store.Apply(context.Background(), changes...) // as a registry writes
	if err != nil {
		m.loaded = false
	}
	return err
}

// A checkEvent is told when a check changes its state, or appears; then Old is empty.
type checkEvent struct {
	Event string `json:"event"`
	ID    string `json:"check_id"`
	Type  string `json:"type"`
	Old   string `json:"old"`
	New   string `json:"new"`
}

// keep brings the mirror up to date with a page. It gives the changes of state, which are on disk, and says whether one of the
// checks is from where the mirror is whole. What appears while the mirror is filled for the first time is no change.
func (m *mirror) keep(checks []Check) (changed []checkEvent, reached bool, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.load(); err != nil {
		return nil, false, err
	}
	for part := range slices.Chunk(checks, event.MaxChanges/2) {
		step := mirrorStep{mirror: m, now: time.Now().UTC().Truncate(time.Second), touched: make(map[string]*Check)}
		for i := range part {
			if err := step.keep(&part[i]); err != nil {
				return changed, reached, err
			}
		}
		if err := step.write(); err != nil {
			return changed, reached, err
		}
		changed, reached = append(changed, step.changed...), reached || step.reached
	}
	return changed, reached, nil
}

// A mirrorStep gathers changes that are written together.
type mirrorStep struct {
	*mirror
	now      time.Time
	changes  []event.Change
	touched  map[string]*Check
	changed  []checkEvent
	appeared int
	reached  bool
}

func (m *mirrorStep) keep(c *Check) error {
	if m.touched[c.ID] != nil {
		return nil // listed twice
	}
	key := checkKey(c)
	value, err := m.store.Get(key)
	if err != nil {
		return err
	}
	c.Seen, c.Changed = m.now, m.now
	var old Check
	if value == nil {
		m.appeared++
	} else {
		if err := json.Unmarshal(value, &old); err != nil {
			return fmt.Errorf("record %s: %w", key, err)
		}
		m.reached = m.reached || m.progress.covers(c)
		c.Seen = old.Seen
		if c.same(&old) {
			c.Changed = old.Changed
			return nil
		}
		if c.State == old.State {
			c.Changed = old.Changed
		}
	}
	if c.State != old.State && (value != nil || m.progress.Whole) {
		m.changed = append(m.changed, checkEvent{"check", c.ID, c.Type, old.State, c.State})
	}
	if value, err = json.Marshal(c); err != nil {
		return err
	}
	m.changes = append(m.changes, event.Change{Key: key, Value: value})
	m.touched[c.ID] = c
	return nil
}

func (m *mirrorStep) write() error {
	if len(m.changes) == 0 {
		return nil
	}
	if err := m.mirror.write(m.changes...); err != nil {
		return err
	}
	m.count += m.appeared
	for _, c := range m.touched {
		m.note(c)
	}
	return nil
}

// finish notes that everything from newest, which may be nil, down to where the mirror was whole before has been read, and
// forgets the oldest checks if there are too many.
func (m *mirror) finish(newest *Check) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.load(); err != nil {
		return err
	}
	p := m.progress
	p.Whole = true
	if newest != nil && !newest.created().Before(p.At) {
		p.Newest, p.At = newest.ID, newest.created()
	}
	if p != m.progress {
		value, err := json.Marshal(p)
		if err != nil {
			return err
		}
		if err := m.write(event.Change{Key: progressKey, Value: value}); err != nil {
			return err
		}
		m.progress = p
	}
	if m.count <= maxChecks {
		return nil
	}
	return m.prune()
}

// prune forgets all checks behind the newest maxChecks.
func (m *mirror) prune() error {
	var old []*Check
	n := 0
	err := m.walk(func(c *Check) bool {
		if n++; n > maxChecks {
			old = append(old, c)
		}
		return len(old) < 10_000
	})
	if err != nil {
		return err
	}
	for part := range slices.Chunk(old, event.MaxChanges) {
		var changes []event.Change
		for _, c := range part {
			changes = append(changes, event.Change{Key: checkKey(c)})
		}
		if err := m.write(changes...); err != nil {
			return err
		}
		for _, c := range part {
			delete(m.open, c.ID)
		}
		m.count -= len(part)
	}
	return nil
}

// unfinished gives the checks that can still change and were made before a moment, oldest first.
func (m *mirror) unfinished(before time.Time) ([]openCheck, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.load(); err != nil {
		return nil, err
	}
	var all []openCheck
	for _, c := range m.open {
		if before.IsZero() || c.created.Before(before) {
			all = append(all, c)
		}
	}
	slices.SortFunc(all, func(x, y openCheck) int {
		if d := x.created.Compare(y.created); d != 0 {
			return d
		}
		return strings.Compare(x.id, y.id)
	})
	return all, nil
}

// counts gives the number of checks, and of those that can still change.
func (m *mirror) counts() (all, open int, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	err = m.load()
	return m.count, len(m.open), err
}
