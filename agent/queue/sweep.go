package queue

import (
	"context"
	"log/slog"

	"github.com/acs-agent/acs-agent/agent/event"
	"github.com/acs-agent/acs-agent/buffer"
	"github.com/acs-agent/acs-agent/uplink"
)

// A Sweeper sends held passes on as soon as what they lacked is known.
type Sweeper struct {
	Desk *Desk
	Log  *slog.Logger
	// again asks for a look at all held passes, fresh for one at those held since the last look.
	again, fresh chan struct{}
}

// NewSweeper makes a sweeper for the desk.
func NewSweeper(desk *Desk, log *slog.Logger) *Sweeper {
	return &Sweeper{Desk: desk, Log: log, again: make(chan struct{}, 1), fresh: make(chan struct{}, 1)}
}

// Again asks for a look at all held passes, because the cardholders or the clock have changed. It does not wait.
func (s *Sweeper) Again() { poke(s.again) }

func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default: // a look is due already
	}
}

// Run sweeps whenever it is asked, until ctx ends. The passes that it finds at its start are looked at once.
func (s *Sweeper) Run(ctx context.Context) error {
	seen := make(map[string]uint64)
	for {
		for _, name := range s.Desk.Names() {
			released := 0
			last, err := s.Desk.each(ctx, name, event.Held, seen[name], 0, func(a *buffer.AsideRecord) error {
				if a.Pass.Pending = s.Desk.Who.Complete(&a.Pass); a.Pass.Pending != event.None {
					return nil
				}
				released++
				return s.Desk.Journal.Release(ctx, name, event.Held, a.Seq, &a.Pass)
			})
			seen[name] = last
			if ctx.Err() != nil {
				return nil //nolint:nilerr // the end of the context is the orderly end
			}
			if err != nil {
				s.Log.Warn("held passes cannot be sent on", "uplink", name, "error", err)
			}
			if released > 0 {
				s.Log.Info("held passes go on", "uplink", name, "passes", released)
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-s.fresh:
		case <-s.again:
			clear(seen)
		}
	}
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
