package localapi

import (
	"sync"
	"time"

	"github.com/acs-agent/acs-agent/agent/event"
)

// seenKept is how many passes may wait for a slow watcher; more are left out of its view, never out of the journal.
const seenKept = 256

// A Sight is one pass as a watcher sees it.
type Sight struct {
	Number    uint64          `json:"number"`
	At        time.Time       `json:"at"`
	Reader    string          `json:"reader"`
	Direction event.Direction `json:"direction"`
	Outcome   event.Outcome   `json:"outcome"`
	Card      string          `json:"card"`
	Format    string          `json:"format"`
	Name      string          `json:"name,omitempty"`
	// Pending says why the pass is held; "none" if it is on its way.
	Pending event.Pending `json:"pending"`

	full, masked struct{ card, name string }
}

func (s Sight) shown(reveal bool) Sight {
	face := s.masked
	if reveal {
		face = s.full
	}
	s.Card, s.Name = face.card, face.name
	return s
}

// A Hub tells watchers of passes. It never makes the one who tells it wait.
type Hub struct {
	mu       sync.Mutex
	watchers map[chan Sight]struct{}
}

// Tell shows a stored pass to all watchers.
func (h *Hub) Tell(number uint64, p *event.Pass) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.watchers) == 0 {
		return
	}
	s := Sight{
		Number: number, At: p.At.Wall, Reader: p.Reader, Direction: p.Direction, Outcome: p.Outcome,
		Format: p.Credential.Format, Pending: p.Pending,
	}
	s.full.card, s.full.name = p.Credential.Canonical(), p.Holder.Name
	s.masked.card, s.masked.name = p.Credential.Masked(), event.Initials(p.Holder.Name)
	for w := range h.watchers {
		select {
		case w <- s:
		default:
		}
	}
}

// Subscribe gives the passes from now on, until stop is called.
func (h *Hub) Subscribe() (seen <-chan Sight, stop func()) {
	w := make(chan Sight, seenKept)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.watchers == nil {
		h.watchers = make(map[chan Sight]struct{})
	}
	h.watchers[w] = struct{}{}
	return w, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.watchers, w)
	}
}
