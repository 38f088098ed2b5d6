package reestro

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/acs-agent/acs-agent/agent/event"
	"github.com/acs-agent/acs-agent/agent/health"
	"github.com/acs-agent/acs-agent/uplink"
)

const (
	subjectPrefix = "subject/"
	// secretKey is where the key of the marks lies.
	secretKey = "secret"
	// maxSubjects bounds the memory that the index takes.
	maxSubjects = 200_000
)

func subjectKey(number uint32) string { return fmt.Sprintf("%s%08d", subjectPrefix, number) }

var (
	errFull     = health.Coded(health.RegistryFull, fmt.Errorf("there are %d subjects already, which is all that this uplink keeps", maxSubjects))
	errNoNumber = errors.New("no subject has this number; `acs-agent subjects list` shows them")
)

// A registry keeps the subjects. The records in the store are the truth; what it has in memory is made from them when it is first
// needed, and again after each write that failed. All its methods can be called at any time by many goroutines.
type registry struct {
	store uplink.Store
	// wake tells that there is something to send.
	wake chan struct{}

	mu     sync.Mutex
	loaded bool
	secret []byte
	last   uint32 // the highest number
	index  index
	counts map[state]int
	// pending are the subjects to be sent: those whose fate is unknown first.
	pending []uint32
	// existing are those whose id is unknown.
	existing map[uint32]struct{}
	// doubtful are those in sending that the portal may have.
	doubtful map[uint32]struct{}
}

func newRegistry(store uplink.Store) *registry {
	return &registry{store: store, wake: make(chan struct{}, 1)}
}

// load reads all records, unless that was done. The caller holds mu.
func (r *registry) load() error {
	if r.loaded {
		return nil
	}
	secret, err := r.store.Get(secretKey)
	if err != nil {
		return err
	}
	r.secret, r.last, r.index, r.counts = secret, 0, newIndex(), make(map[state]int)
	r.pending, r.existing, r.doubtful = nil, make(map[uint32]struct{}), make(map[uint32]struct{})
	var waiting []uint32
	err = r.walk(func(s *subject) bool {
		r.last = s.number
		r.index.add(s.Mark, s.number)
		r.counts[s.State]++
		switch s.State {
		case fresh:
			waiting = append(waiting, s.number)
		case sending:
			r.pending = append(r.pending, s.number)
			r.doubtful[s.number] = struct{}{}
		case exists:
			r.existing[s.number] = struct{}{}
		case registered, refused:
		}
		return true
	})
	if err != nil {
		return err
	}
	r.pending = append(r.pending, waiting...)
	if r.secret == nil {
		r.secret = newSecret()
		if err := r.write(event.Change{Key: secretKey, Value: r.secret}); err != nil {
			return err
		}
	}
	r.loaded = true
	return nil
}

// walk calls visit for all subjects in the order of their numbers until it returns false.
func (r *registry) walk(visit func(*subject) bool) error {
	var bad error
	err := r.store.Each(subjectPrefix, func(key string, value []byte) bool {
		var s *subject
		number, err := strconv.ParseUint(key[len(subjectPrefix):], 10, 32)
		if err == nil {
			s, err = decodeSubject(uint32(number), value)
		}
		if err != nil {
			bad = fmt.Errorf("record %s: %w", key, err)
			return false
		}
		return visit(s)
	})
	return errors.Join(bad, err)
}

// write makes changes durable. It cannot be interrupted: a write whose result nobody waited for would leave memory and records
// different, and a person who was just added would be added again. After an error the records are read anew.
func (r *registry) write(changes ...event.Change) error {
	err := r.store.Apply(context.Background(), changes...)
	if err != nil {
		r.loaded = false
	}
	return err
}

// put writes one subject.
func (r *registry) put(s *subject) error {
	value, err := json.Marshal(s)
	if err != nil {
		return err
	}
	return r.write(event.Change{Key: subjectKey(s.number), Value: value})
}

// get reads one subject. The caller holds mu.
func (r *registry) get(number uint32) (*subject, error) {
	value, err := r.store.Get(subjectKey(number))
	switch {
	case err != nil:
		return nil, err
	case value == nil:
		return nil, errNoNumber
	}
	return decodeSubject(number, value)
}

// show gives one subject.
func (r *registry) show(number uint32) (*subject, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.get(number)
}

// count gives the number of subjects in each state.
func (r *registry) count() (map[state]int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.load(); err != nil {
		return nil, err
	}
	all := make(map[state]int)
	for _, s := range states() {
		all[s] = r.counts[s]
	}
	return all, nil
}

// move changes the state of a subject by do, which may refuse to, in the store and then in memory.
func (r *registry) move(number uint32, do func(*subject) error) (*subject, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.load(); err != nil {
		return nil, err
	}
	s, err := r.get(number)
	if err != nil {
		return nil, err
	}
	before, was := s.State, s.Mark
	if err := do(s); err != nil {
		return nil, err
	}
	s.Changed = time.Now().UTC().Truncate(time.Second)
	if err := r.put(s); err != nil {
		return nil, err
	}
	if s.Mark != was {
		r.index.remove(was, number)
		r.index.add(s.Mark, number)
	}
	r.moved(number, before, s.State)
	return s, nil
}

// moved brings memory in line with a change of state that is on disk; from is empty for a new subject.
func (r *registry) moved(number uint32, from, to state) {
	if from == to {
		return
	}
	r.counts[to]++
	switch from {
	case "":
	case fresh, sending:
		r.counts[from]--
		if to == sending {
			break // it keeps its place
		}
		r.pending = slices.DeleteFunc(r.pending, func(n uint32) bool { return n == number })
		delete(r.doubtful, number)
	case exists:
		r.counts[from]--
		delete(r.existing, number)
	case registered, refused:
		r.counts[from]--
	}
	switch to {
	case exists:
		r.existing[number] = struct{}{}
	case fresh:
		r.pending = append(r.pending, number)
		select {
		case r.wake <- struct{}{}:
		default:
		}
	case sending, registered, refused:
	}
}
