// Package intake is the door through which every pass comes in: it recognises repetitions, completes the pass with what the
// agent knows (when, where, who) and stores it. What it says is on disk is on disk.
package intake

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/acs-agent/acs-agent/agent/event"
	"github.com/acs-agent/acs-agent/agent/health"
)

// A Reader is what the configuration says of a reader, whatever its type.
type Reader struct {
	Name string
	// Organization is the institution that is visited here; zero if the cardholder's decides.
	Organization event.Organization
	// Direction is for readers that do not tell one.
	Direction event.Direction
	// Note goes to the portal with each pass.
	Note string
	// Conceal, if not nil, replaces what was read by what may be stored, before anything else happens to it.
	Conceal func(*event.Credential) error
	// Repeat is the time within which the same card again is not another pass, counted from when it was seen last.
	Repeat time.Duration
}

// A Journal stores passes.
type Journal interface {
	Append(ctx context.Context, p *event.Pass) (seq uint64, err error)
}

// Options are what an Intake needs.
type Options struct {
	Device  string
	Clock   *Clock
	Journal Journal
	Who     *Who
	Board   *health.Board
	Log     *slog.Logger
	// Stored is told of each pass that was stored. It must not block.
	Stored func(seq uint64, p *event.Pass)
}

// An Intake takes passes from all readers.
type Intake struct {
	Options
	mu      sync.RWMutex
	readers map[string]*entrance
	hand    inHand
	blind   blind
	doubts  doubts
}

// entrance is one reader and its memory.
type entrance struct {
	Reader
	say    *health.Part
	memory *memory
}

// New makes an intake for the readers.
func New(o Options, readers []Reader) *Intake {
	i := &Intake{Options: o}
	i.Use(readers)
	return i
}

// Use changes the readers that passes are taken from, and what is known of them. Those that stay keep their memory of
// repetitions. A pass that is being taken is finished as it began.
func (i *Intake) Use(readers []Reader) {
	i.mu.Lock()
	defer i.mu.Unlock()
	fresh := make(map[string]*entrance, len(readers))
	for _, r := range readers {
		e := &entrance{Reader: r, say: i.Board.Reader(r.Name), memory: &memory{}}
		if known := i.readers[r.Name]; known != nil {
			e.memory = known.memory
		}
		fresh[r.Name] = e
	}
	i.readers = fresh
}

func (i *Intake) entrance(reader string) *entrance {
	i.mu.RLock()
	defer i.mu.RUnlock()
	return i.readers[reader]
}

// unknownReader is a fault of the driver, not of the site: drivers get their names from the configuration.
type unknownReader string

func (u unknownReader) Error() string { return "no reader is called " + string(u) }

// Take stores a pass; see drivers.Take for what it promises. It sets the reading time and the ID of p if they are zero and changes
// nothing else, so that a pass which could not be stored can be offered again as it was. By its ID it is known again, should it turn
// out that it was stored all the same.
func (i *Intake) Take(ctx context.Context, p *event.Pass) error {
	id := i.hand.take()
	defer i.hand.drop(id)
	e := i.entrance(p.Reader)
	if e == nil {
		return unknownReader(p.Reader)
	}
	if p.At.Wall.IsZero() {
		p.At.Wall = i.Clock.Now()
	}
	if p.ID == (event.ID{}) {
		p.ID = event.NewID()
	}
	if i.doubts.settled(p.ID) {
		return nil
	}
	if e.Conceal != nil {
		concealed := *p
		if err := e.Conceal(&concealed.Credential); err != nil {
			e.say.Odd(err)
		}
		p = &concealed
	}
	seen := p.At.Wall // still with the monotonic clock, which does not jump
	for {
		s, first := e.memory.see(p, seen, e.Repeat)
		if first {
			err := i.store(ctx, e, p)
			e.memory.done(s, err)
			return err
		}
		// A repetition is as safe as the pass that it repeats, and not before that.
		select {
		case <-s.stored:
		case <-ctx.Done():
			return ctx.Err()
		}
		if s.err == nil {
			return nil
		}
	}
}

func (i *Intake) store(ctx context.Context, e *entrance, taken *event.Pass) error {
	pass := *taken
	p := &pass
	p.Device = i.Device
	p.At = i.Clock.Instant(p.At.Wall)
	if p.Direction == event.Unknown {
		p.Direction = e.Direction
	}
	p.Organization = e.Organization
	p.Holder = event.Holder{}
	p.Note = e.Note
	if len(p.Credential.Raw) > event.MaxRaw {
		p.Credential.Raw = p.Credential.Raw[:event.MaxRaw]
	}
	p.Pending = i.Who.Complete(p)
	seq, err := i.Journal.Append(ctx, p)
	if err != nil {
		i.doubts.note(p.ID)
		return err
	}
	i.doubts.forget(p.ID)
	e.say.Add(1)
	i.blind.note(seq, p)
	if i.Stored != nil {
		i.Stored(seq, p)
	}
	i.Log.Debug("pass stored", "reader", p.Reader, "seq", seq, "pending", p.Pending)
	return nil
}

// Remember makes the intake know a pass that was stored before this start, so that a message which is delivered again after a
// crash is not taken for another pass. Older passes come first.
func (i *Intake) Remember(p *event.Pass) {
	i.doubts.stored(p.ID)
	e := i.entrance(p.Reader)
	if e == nil {
		return
	}
	e.memory.recall(p, i.Clock.Now().Add(-i.Clock.Age(p.At)), e.Repeat)
}
