package reestro

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/acs-agent/acs-agent/agent/health"
)

const (
	// maxPages is how many pages of one search are read: 30 000 checks, in about a quarter of an hour.
	maxPages = 1000
	// maxWindows is how many searches for older checks one poll makes, maxOwners how many for subjects whose id is unknown.
	maxWindows = 20
	maxOwners  = 10
	// nearby is how far apart two checks can be made that are looked for in one search.
	nearby = time.Minute
)

// A poller keeps the mirror current. A poll begins with the newest checks and goes back to where the mirror is whole; then it
// looks again at older checks that can still change; then it looks for the ids of subjects that exist. What it has to ask for is
// a list of searches, each with one page or more; each step reads one page.
type poller struct {
	*reestro
	voices *voices
	begun  bool
	// oldest is the oldest check that the newest pages have shown.
	oldest time.Time
	todo   []*walk
	// windowsFrom and ownersFrom are where the next poll goes on, if one could not ask for all.
	windowsFrom time.Time
	ownersFrom  uint32
}

// A walk is one search, page by page.
type walk struct {
	query url.Values
	// newest: it reads the newest checks and ends where the mirror is whole.
	newest bool
	// owner is the subject whose id it looks for, or nil.
	owner *subject

	after string
	seen  map[string]bool
	pages int
	top   *Check
	// ids are the ids that were found for owner.
	ids map[string]bool
}

// step reads one page. finished says that the poll is over.
func (p *poller) step(ctx context.Context) (v verdict, finished bool) {
	if !p.begun {
		p.begun, p.oldest = true, time.Time{}
		p.todo = []*walk{{newest: true}}
	}
	w := p.todo[0]
	found, v := p.search(ctx, w.query, w.after)
	if ctx.Err() != nil {
		return verdict{}, false
	}
	if v.outcome == declined && !w.newest {
		// The portal does not like this search, and will like it no better next time; the others go on.
		p.voices.odd(fmt.Errorf("look again at single checks: %w", v.problem))
		found, v = page{}, verdict{}
	}
	if v.outcome == declined {
		p.begun = false // the check at which the next page begins may be gone
	}
	if v.outcome != done {
		return v, false
	}
	if err := found.strangeChecks(); err != nil {
		p.voices.odd(err)
	}
	ended, err := p.read(w, found)
	if err == nil && ended {
		err = p.end(w)
	}
	if err != nil {
		return verdict{outcome: later, problem: health.Fallback(health.JournalFailing, fmt.Errorf("write down the checks: %w", err))}, false
	}
	if ended {
		p.todo = p.todo[1:]
	}
	if len(p.todo) == 0 {
		p.begun = false
		return verdict{}, true
	}
	return verdict{}, false
}

// read takes one page over and says whether it was the last.
func (p *poller) read(w *walk, found page) (ended bool, err error) {
	changed, reached, err := p.mirror.keep(found.checks)
	if err != nil {
		return false, err
	}
	for _, c := range changed {
		p.tell(c)
	}
	for i := range found.checks {
		c := &found.checks[i]
		if w.top == nil {
			w.top = c
		}
		if at := c.created(); w.newest && !at.IsZero() && (p.oldest.IsZero() || at.Before(p.oldest)) {
			p.oldest = at
		}
		if w.owner != nil && c.ExternalID == w.owner.ExternalID && c.SubjectID != "" {
			if w.ids == nil {
				w.ids = make(map[string]bool)
			}
			w.ids[c.SubjectID] = true
		}
	}
	w.pages++
	switch {
	case len(found.checks) == 0 && found.strange == 0, found.last == "", w.newest && reached:
		return true, nil
	case found.last == w.after, w.seen[found.last]:
		p.voices.odd(errors.New("the portal gives the same page of checks again and again"))
		return true, nil
	case w.pages >= maxPages:
		p.voices.odd(fmt.Errorf("there are more checks than %d pages hold; the older ones are left out", maxPages))
		return true, nil
	}
	if w.seen == nil {
		w.seen = make(map[string]bool)
	}
	w.after = found.last
	w.seen[found.last] = true
	return false, nil
}

// end does what follows from a search that is over.
func (p *poller) end(w *walk) error {
	switch {
	case w.newest:
		if err := p.mirror.finish(w.top); err != nil {
			return err
		}
		windows, err := p.windows()
		if err != nil {
			return err
		}
		owners, err := p.owners()
		if err != nil {
			return err
		}
		p.todo = append(append(p.todo[:1:1], windows...), owners...)
	case w.owner != nil && len(w.ids) == 1:
		for id := range w.ids {
			s, err := p.subjects.resolve(w.owner.number, id)
			if errors.Is(err, errSettled) {
				return nil // a person was faster
			}
			if err != nil {
				return err
			}
			p.tellSubject(s)
			p.voices.registered()
		}
	case len(w.ids) > 1:
		p.voices.odd(errors.New("checks with the external id of one subject name several subjects; a person has to tell which is the right one"))
	}
	return nil
}

// windows makes searches for the checks that can still change and that the newest pages did not show. The bounds of the portal are
// exclusive and understood in whole seconds, so each lies a second further out.
func (p *poller) windows() ([]*walk, error) {
	open, err := p.mirror.unfinished(p.oldest)
	if err != nil {
		return nil, err
	}
	start := 0
	for start < len(open) && !p.windowsFrom.IsZero() && !open[start].created.After(p.windowsFrom) {
		start++
	}
	if start == len(open) {
		start = 0
	}
	p.windowsFrom = time.Time{}
	var walks []*walk
	for i := start; i < len(open); {
		if len(walks) == maxWindows {
			break
		}
		first := open[i]
		if first.created.IsZero() {
			if first.subject != "" {
				walks = append(walks, &walk{query: url.Values{"subjectId": {first.subject}}})
			}
			i++
			continue
		}
		last := first
		for i < len(open) && open[i].created.Sub(last.created) <= nearby {
			last = open[i]
			i++
		}
		walks = append(walks, &walk{query: url.Values{
			"from": {moment(first.created.Truncate(time.Second).Add(-time.Second))},
			"to":   {moment(last.created.Truncate(time.Second).Add(2 * time.Second))},
		}})
		if i < len(open) {
			p.windowsFrom = last.created
		}
	}
	return walks, nil
}

// owners makes searches for the ids of subjects that exist.
func (p *poller) owners() ([]*walk, error) {
	subjects, err := p.subjects.unresolved(p.ownersFrom, maxOwners)
	if err != nil {
		return nil, err
	}
	var walks []*walk
	for _, s := range subjects {
		p.ownersFrom = s.number
		walks = append(walks, &walk{owner: s, query: url.Values{"externalId": {s.ExternalID}}})
	}
	return walks, nil
}

// moment writes a time as the portal understands it: UTC, whole seconds.
func moment(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }
