package intake

import (
	"strings"
	"sync"
	"time"

	"github.com/acs-agent/acs-agent/agent/cardholders"
	"github.com/acs-agent/acs-agent/agent/event"
)

// A Finder knows who holds which card.
type Finder interface {
	Find(c *event.Credential, at time.Time) cardholders.Answer
}

// Who completes passes with the person and the institution. Its methods may be called by several goroutines.
type Who struct {
	Clock *Clock
	// What follows is what it begins with; Use changes it.

	Finder Finder
	// Organizations are the institutions of the configuration, by id.
	Organizations map[string]event.Organization

	mu sync.RWMutex
}

// Use changes what is known of people and institutions.
func (w *Who) Use(f Finder, organizations map[string]event.Organization) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.Finder, w.Organizations = f, organizations
}

// Approximate is what the note of a pass ends with whose time is an estimate.
const Approximate = " (время приблизительное)"

// Complete fills in what is missing: the true time, the holder, the institution. It returns why the pass cannot go to a portal
// yet, or event.None. What an earlier call has filled in stays as it is.
func (w *Who) Complete(p *event.Pass) event.Pending { return w.complete(p, false) }

// CompleteRoughly is Complete for a person who has decided that a pass shall go out with an estimate if its time cannot be known.
func (w *Who) CompleteRoughly(p *event.Pass) event.Pending { return w.complete(p, true) }

func (w *Who) complete(p *event.Pass, roughly bool) event.Pending {
	if p.Holder != (event.Holder{}) {
		return event.None // the holder is filled in last
	}
	w.mu.RLock()
	defer w.mu.RUnlock()
	estimated := false
	if at, ok := w.time(p.At); ok {
		p.At = at
	} else if roughly || w.Clock.Overdue(p.At) {
		if p.At, estimated = w.Clock.Estimate(p.At); !estimated {
			return event.ClockNotSet
		}
	} else {
		return event.ClockNotSet
	}
	answer := w.Finder.Find(&p.Credential, p.At.Wall)
	if answer.Pending != event.None {
		return answer.Pending
	}
	if p.Organization == (event.Organization{}) {
		org, ok := w.organization(answer.OrganizationID)
		if !ok {
			return event.NoOrganization
		}
		p.Organization = org
	}
	p.Holder = answer.Holder
	if estimated {
		p.Note += Approximate
	}
	return event.None
}

// time gives the true time of an instant, if it can be known.
func (w *Who) time(i event.Instant) (event.Instant, bool) {
	if !i.Trusted {
		return w.Clock.Correct(i)
	}
	if right, ok := w.Clock.Mended(i); ok {
		return right, true
	}
	return i, true
}

// organization finds an institution by what a person would write into a table: its id, BIN or name. What fits several
// institutions names none of them.
func (w *Who) organization(written string) (found event.Organization, ok bool) {
	if written == "" {
		return found, false
	}
	if o, ok := w.Organizations[written]; ok {
		return o, true
	}
	for _, o := range w.Organizations {
		if written != o.BIN && !strings.EqualFold(written, o.Name) {
			continue
		}
		if ok && o != found {
			return event.Organization{}, false
		}
		found, ok = o, true
	}
	return found, ok
}
