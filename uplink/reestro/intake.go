package reestro

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/acs-agent/acs-agent/agent/event"
)

// A receipt says what became of a subject that somebody handed in.
type receipt struct {
	number uint32
	state  state
	kind   receiptKind
}

type receiptKind int

const (
	// added: it is new.
	added receiptKind = iota
	// known: it was handed in before.
	known
	// mended: it was handed in before, the portal refused it, and now it is different.
	mended
)

// stepBytes is how much of subjects is written in one step: what the store takes, less the keys.
const stepBytes = event.MaxChangeBytes - 8<<10

// take adds those subjects that are not known yet, durably: after it has returned without an error they are on disk. A subject
// that the portal has refused is mended by one that is the same but for the mistake.
func (r *registry) take(subjects ...*subject) ([]receipt, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.load(); err != nil {
		return nil, err
	}
	step := intakeStep{registry: r, staged: make(map[uint32]*subject)}
	receipts := make([]receipt, 0, len(subjects))
	for _, s := range subjects {
		got, err := step.take(s)
		if err != nil {
			r.loaded = false // the index knows subjects that will not be written
			return nil, err
		}
		receipts = append(receipts, got)
	}
	return receipts, step.flush()
}

// An intakeStep gathers changes that are written together.
type intakeStep struct {
	*registry
	staged  map[uint32]*subject
	order   []uint32
	before  []state
	changes []event.Change
	bytes   int
}

func (i *intakeStep) take(s *subject) (receipt, error) {
	s.Mark = markOf(i.secret, s)
	for _, number := range i.index.find(s.Mark) {
		old, err := i.find(number)
		switch {
		case err != nil:
			return receipt{}, err
		case !old.same(s):
		case old.State == refused && !old.equal(s):
			mend(old, s)
			return receipt{number, old.State, mended}, i.stage(old, refused)
		default:
			return receipt{number, old.State, known}, nil
		}
	}
	if i.last >= maxSubjects {
		return receipt{}, errFull
	}
	i.last++
	s.number = i.last
	s.State, s.ExternalID = fresh, newExternalID()
	s.Added = time.Now().UTC().Truncate(time.Second)
	s.Changed = s.Added
	i.index.add(s.Mark, s.number)
	return receipt{s.number, fresh, added}, i.stage(s, "")
}

// find gives a subject as it will be.
func (i *intakeStep) find(number uint32) (*subject, error) {
	if s := i.staged[number]; s != nil {
		return s, nil
	}
	return i.get(number)
}

func (i *intakeStep) stage(s *subject, before state) error {
	value, err := json.Marshal(s)
	if err != nil {
		return err
	}
	if i.bytes+len(value) > stepBytes || len(i.changes) == event.MaxChanges {
		if err := i.flush(); err != nil {
			return err
		}
	}
	i.staged[s.number] = s
	i.order, i.before = append(i.order, s.number), append(i.before, before)
	i.changes = append(i.changes, event.Change{Key: subjectKey(s.number), Value: value})
	i.bytes += len(value)
	return nil
}

func (i *intakeStep) flush() error {
	if len(i.changes) == 0 {
		return nil
	}
	if err := i.write(i.changes...); err != nil {
		return err
	}
	for n, number := range i.order {
		i.moved(number, i.before[n], fresh)
	}
	clear(i.staged)
	i.order, i.before, i.changes, i.bytes = i.order[:0], i.before[:0], i.changes[:0], 0
	return nil
}

// mend gives a refused subject new data and makes it ready to be sent. It gets a new external id if the portal certainly has
// nothing under the old one; otherwise the old one is what keeps it from being registered twice.
func mend(s, with *subject) {
	s.Person, s.Organization, s.Mark = with.Person, with.Organization, with.Mark
	if with.Consent != "" {
		s.Consent = with.Consent
	}
	if !s.Doubt && s.storedNothing() {
		s.ExternalID = newExternalID()
	}
	s.State, s.Codes, s.Reason = fresh, nil, ""
}

// storedNothing says whether all reasons of the refusal are about the data, so that the portal cannot have kept them.
func (s *subject) storedNothing() bool {
	for _, c := range s.Codes {
		if !aboutData(c) {
			return false
		}
	}
	return len(s.Codes) > 0
}

// A conflict is something that cannot be done with a subject in its present state.
type conflict struct{ error }

func (c conflict) Unwrap() error { return c.error }

// again makes a refused subject ready to be sent, with fields that somebody has corrected.
func (r *registry) again(number uint32, correct func(*subject) (*subject, error)) (*subject, error) {
	return r.move(number, func(s *subject) error {
		switch s.State {
		case refused:
		case exists:
			return conflict{errors.New("the portal has this subject already, only its id is unknown: look for it at the portal and tell it " +
				"with `acs-agent subjects resolve`; to send it again could register the same person twice")}
		case registered:
			return conflict{errors.New("this subject is registered")}
		case fresh, sending:
			return conflict{errors.New("this subject is waiting to be sent; nothing has to be done")}
		}
		with, err := correct(s)
		if err != nil {
			return err
		}
		with.Mark = markOf(r.secret, with)
		for _, other := range r.index.find(with.Mark) {
			old, err := r.get(other)
			if err != nil {
				return err
			}
			if other != number && old.same(with) {
				return conflict{fmt.Errorf("with these data it would be the same as subject %d", other)}
			}
		}
		mend(s, with)
		return nil
	})
}
