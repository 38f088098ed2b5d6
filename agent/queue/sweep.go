package queue

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/acs-agent/acs-agent/agent/event"
	"github.com/acs-agent/acs-agent/buffer"
	"github.com/acs-agent/acs-agent/uplink"
)

// A Sweeper sends held passes on as soon as what they lacked is known. Those that lack nothing and are held for a reason of the
// uplink's own are left to a person.
type Sweeper struct {
	Desk *Desk
	Log  *slog.Logger
	// again asks for a look at all held passes, fresh for one at those held since the last look.
	again, fresh chan struct{}
	// pause is the wait after a failure.
	pause time.Duration

	mu sync.Mutex
	// timeless counts, for each uplink, the passes that the last looks have left held for want of their time.
	timeless map[string]int
}

// NewSweeper makes a sweeper for the desk.
func NewSweeper(desk *Desk, log *slog.Logger) *Sweeper {
	return &Sweeper{
		Desk: desk, Log: log, again: make(chan struct{}, 1), fresh: make(chan struct{}, 1), pause: time.Minute,
		timeless: make(map[string]int),
	}
}

// Again asks for a look at all held passes, because the cardholders or the clock have changed. It does not wait.
func (s *Sweeper) Again() { poke(s.again) }

func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default: // a look is due already
	}
}

// Run sweeps whenever it is asked, until ctx ends. The passes that it finds at its start are looked at once. What could not be
// sent on, because the journal is full, is tried again by itself.
func (s *Sweeper) Run(ctx context.Context) error {
	seen := make(map[string]uint64)
	failing := make(map[string]bool)
	for {
		var later <-chan time.Time
		for _, name := range s.Desk.Names() {
			last, err := s.sweep(ctx, name, seen[name])
			seen[name] = last
			if ctx.Err() != nil {
				return nil //nolint:nilerr // the end of the context is the orderly end
			}
			if err != nil {
				level := slog.LevelWarn
				if failing[name] {
					level = slog.LevelDebug
				}
				s.Log.Log(ctx, level, "held passes cannot be sent on", "uplink", name, "error", err)
				later = time.After(s.pause)
			}
			failing[name] = err != nil
		}
		select {
		case <-ctx.Done():
			return nil
		case <-later:
		case <-s.fresh:
		case <-s.again:
			clear(seen)
		}
	}
}

// sweep sends on what is complete of an uplink's held passes above after, and returns the number of the last that it looked at.
func (s *Sweeper) sweep(ctx context.Context, uplinkName string, after uint64) (last uint64, err error) {
	released, timeless := 0, 0
	last, err = s.Desk.each(ctx, uplinkName, event.Held, after, 0, func(a *buffer.AsideRecord) error {
		if a.Pending == event.None {
			return nil // held for a reason of the uplink's own: sent on at once it would be held at once, for ever
		}
		lacks, err := s.Desk.release(ctx, uplinkName, a, false)
		if err == nil && lacks == event.None {
			released++
		}
		if lacks == event.ClockNotSet {
			timeless++
		}
		return err
	})
	s.count(uplinkName, timeless, after == 0)
	if released > 0 {
		s.Log.Info("held passes go on", "uplink", uplinkName, "passes", released)
	}
	return last, err
}

// count notes how many passes a look has left without their time, all from the beginning or those behind the look before.
func (s *Sweeper) count(uplinkName string, n int, all bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !all {
		n += s.timeless[uplinkName]
	}
	s.timeless[uplinkName] = n
}

// Timeless is how many passes of an uplink were held for want of their time when the sweeper looked last.
func (s *Sweeper) Timeless(uplinkName string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.timeless[uplinkName]
}

// Watch wraps a source so that the sweeper learns of each pass that is held: what it lacked may have become known since it was
// read.
func (s *Sweeper) Watch(source uplink.Source) uplink.Source { return watched{source, s} }

type watched struct {
	uplink.Source
	sweeper *Sweeper
}

func (w watched) Settle(ctx context.Context, upto uint64, delivered int, aside []event.Aside) error {
	err := w.Source.Settle(ctx, upto, delivered, aside)
	if err == nil && len(aside) > 0 {
		poke(w.sweeper.fresh)
	}
	return err
}
