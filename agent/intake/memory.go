package intake

import (
	"slices"
	"sync"
	"time"

	"github.com/acs-agent/acs-agent/agent/event"
)

const (
	// eventsKept is how many event ids are remembered for each reader: more than any broker keeps in flight for one client.
	eventsKept = 1024
	// cardsKept is about how many cards are remembered for each reader, however long `repeat:` is.
	cardsKept = 8192
)

// memory knows what one reader has shown lately.
type memory struct {
	mu     sync.Mutex
	cards  map[string]*sighting
	events map[string]*sighting
	order  []string // keys of events, oldest first
}

// sighting is a pass that was stored, or is being stored.
type sighting struct {
	card, event string
	last        time.Time
	// stored is closed when the outcome is known; err is set before.
	stored chan struct{}
	err    error
}

// see looks for the pass that p repeats. If there is none, p is the first: the caller stores it and says done.
func (m *memory) see(p *event.Pass, at time.Time, repeat time.Duration) (s *sighting, first bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if p.Redelivered && p.EventID != "" {
		if s = m.events[p.EventID]; s != nil {
			return s, false
		}
	}
	key := cardKey(p)
	if s = m.cards[key]; s != nil && at.Sub(s.last).Abs() < repeat {
		if at.After(s.last) {
			s.last = at
		}
		return s, false
	}
	s = &sighting{card: key, event: p.EventID, last: at, stored: make(chan struct{})}
	m.keep(s, repeat)
	return s, true
}

// done tells everybody who waits what became of the first pass. A pass that could not be stored is forgotten, so that the next
// attempt is a first one again.
func (m *memory) done(s *sighting, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err != nil {
		if m.cards[s.card] == s {
			delete(m.cards, s.card)
		}
		if m.events[s.event] == s {
			delete(m.events, s.event)
			m.order = slices.DeleteFunc(m.order, func(id string) bool { return id == s.event })
		}
	}
	s.err = err
	close(s.stored)
}

// recall puts in a pass that is stored already; older ones come first.
func (m *memory) recall(p *event.Pass, at time.Time, repeat time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := &sighting{card: cardKey(p), event: p.EventID, last: at, stored: make(chan struct{})}
	close(s.stored)
	m.keep(s, repeat)
}

func (m *memory) keep(s *sighting, repeat time.Duration) {
	if m.cards == nil {
		m.cards, m.events = make(map[string]*sighting), make(map[string]*sighting)
	}
	m.forgetCards(s.last, repeat)
	m.cards[s.card] = s
	if s.event == "" {
		return
	}
	if m.events[s.event] != nil { // the reader counts from the beginning again
		m.order = slices.DeleteFunc(m.order, func(id string) bool { return id == s.event })
	}
	m.order = append(m.order, s.event)
	m.events[s.event] = s
	if len(m.order) > eventsKept {
		delete(m.events, m.order[0])
		m.order = slices.Delete(m.order, 0, 1)
	}
}

// forgetCards drops what can no longer be repeated; it looks only when there is much, so that a pass costs little.
func (m *memory) forgetCards(now time.Time, repeat time.Duration) {
	const many = 64
	if len(m.cards) < many || len(m.cards)%many != 0 {
		return
	}
	for age := repeat; ; age /= 2 {
		for key, s := range m.cards {
			if now.Sub(s.last) > age {
				delete(m.cards, key)
			}
		}
		if age == 0 || len(m.cards) < cardsKept {
			return
		}
	}
}

// cardKey names what is compared. That somebody did not go through is another matter than that he did: a refusal must not hide
// the pass that follows it.
func cardKey(p *event.Pass) string {
	key := p.Credential.Format + " " + p.Credential.Canonical()
	if p.Outcome == event.NotPassed {
		return "not passed, " + key
	}
	return key
}
