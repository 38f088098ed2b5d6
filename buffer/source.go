package buffer

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/acs-agent/acs-agent/agent/event"
)

// uplink is what the journal keeps in memory of one reader of the row.
type uplink struct {
	cursor    uint64
	aside     [event.Uncertain + 1]int // by state
	delivered uint64                   // since the start
	orphaned  bool                     // not in the configuration
	lost      bool                     // there are passes aside, but no cursor
}

func cursorEntry(name string, cursor uint64) entry {
	return entry{cursorKey(name), binary.BigEndian.AppendUint64(nil, cursor)}
}

// A Source is one uplink's view of the journal.
type Source struct {
	j    *Journal
	name string
}

// Source gives the view of the uplink with that name.
func (j *Journal) Source(uplinkName string) *Source { return &Source{j: j, name: uplinkName} }

// Cursor is the number up to which everything is settled.
func (s *Source) Cursor() uint64 {
	s.j.mu.RLock()
	defer s.j.mu.RUnlock()
	if u := s.j.uplinks[s.name]; u != nil {
		return u.cursor
	}
	return 0
}

// End is the number of the newest pass.
func (s *Source) End() uint64 { return s.j.End() }

// Changed gives a channel that is closed when End grows.
func (s *Source) Changed() <-chan struct{} { return s.j.Changed() }

// Scan calls visit for the passes with numbers above after and up to upto, oldest first, until visit returns false or ctx
// ends. Passes for other uplinks alone are left out; passes that are missing or damaged are reported and left out. The pass is
// valid during the call only. On a disk that takes no writes nothing is given, with an ErrDisk: what is sent could not be noted.
func (s *Source) Scan(ctx context.Context, after, upto uint64, visit func(seq uint64, p *event.Pass) bool) error {
	if err := s.j.enterWhole(); err != nil {
		return err
	}
	defer s.j.leave()
	if s.j.ailing.Load() {
		if err := s.j.do(ctx, &op{run: func(*group) error { return nil }}); errors.Is(err, ErrDisk) {
			return err
		}
	}
	return s.j.walk(s.j.hole).run(ctx, after, min(upto, s.j.End()), func(seq uint64, addressee []byte, p *event.Pass) bool {
		if len(addressee) > 0 && string(addressee) != s.name {
			return true
		}
		return visit(seq, p)
	})
}

// Settle moves the cursor to upto: the listed passes go aside, all others of the stretch are done with, delivered of them by
// delivery. It is one step: after a crash it has been made or it has to be made again.
func (s *Source) Settle(ctx context.Context, upto uint64, delivered int, aside []event.Aside) error {
	if len(aside) > event.MaxAside {
		return fmt.Errorf("settle %s: %d passes aside, at most %d at a time", s.name, len(aside), event.MaxAside)
	}
	if err := s.j.enterWhole(); err != nil {
		return err
	}
	defer s.j.leave()
	aside = append([]event.Aside(nil), aside...) // the caller may give up and use it again
	err := s.j.do(ctx, &op{run: func(g *group) error { return g.settle(s.name, upto, delivered, aside) }})
	if err != nil {
		return fmt.Errorf("settle %s up to pass %d: %w", s.name, upto, err)
	}
	return nil
}

var errSettle = errors.New("not a step forward")

// settle can take several transactions when much goes aside; the cursor moves in the last. What a crash leaves of the others
// is removed at the next start.
func (g *group) settle(name string, upto uint64, delivered int, aside []event.Aside) error {
	j := g.j
	u := j.uplinks[name]
	if u == nil {
		return ErrUnknownUplink
	}
	if g.settled(name) { // a second step of the same uplink counts from where the first arrives
		if err := g.commit(); err != nil {
			return err
		}
	}
	if err := checkStep(u.cursor, upto, j.end, aside); err != nil {
		return err
	}
	var counts [event.Uncertain + 1]int
	for i := range aside {
		stored, err := g.putAside(name, &aside[i])
		if err != nil {
			return err
		}
		if stored {
			counts[aside[i].State]++
		}
	}
	if err := g.fit(128); err != nil {
		return err
	}
	e := cursorEntry(name, upto)
	g.set(e.key, e.value)
	g.after(func() {
		u.cursor = upto
		u.delivered += uint64(max(0, delivered))
		for state, n := range counts {
			u.aside[state] += n
		}
	})
	return nil
}

func checkStep(cursor, upto, end uint64, aside []event.Aside) error {
	if upto < cursor || upto > max(cursor, end) {
		return fmt.Errorf("%w: the cursor is at %d, the newest pass is %d", errSettle, cursor, end)
	}
	seen := make(map[uint64]struct{}, len(aside))
	for _, a := range aside {
		if _, twice := seen[a.Seq]; twice || a.Seq <= cursor || a.Seq > upto || !validState(a.State) {
			return fmt.Errorf("%w: pass %d cannot go aside as %q between %d and %d", errSettle, a.Seq, a.State, cursor, upto)
		}
		seen[a.Seq] = struct{}{}
	}
	return nil
}

// settled says whether the group moves the cursor of the uplink already.
func (g *group) settled(name string) bool {
	key := string(cursorKey(name))
	for _, e := range g.entries {
		if string(e.key) == key {
			return true
		}
	}
	return false
}

func validState(s event.State) bool { return s >= event.Held && s <= event.Uncertain }

// Retire forgets the place of an uplink that is not configured any more, so that passes are not kept for it. It returns
// ErrInUse if the uplink is configured, or has passes aside: those have to be released or dropped first.
func (j *Journal) Retire(ctx context.Context, uplinkName string) error {
	if err := j.enterWhole(); err != nil {
		return err
	}
	defer j.leave()
	err := j.do(ctx, &op{run: func(g *group) error {
		u := j.uplinks[uplinkName]
		if u == nil {
			return ErrUnknownUplink
		}
		if !u.orphaned || u.aside != [event.Uncertain + 1]int{} {
			return ErrInUse
		}
		if err := g.fit(512); err != nil {
			return err
		}
		g.delete(cursorKey(uplinkName))
		g.after(func() { delete(j.uplinks, uplinkName) })
		return nil
	}})
	if err != nil {
		return fmt.Errorf("retire uplink %s: %w", uplinkName, err)
	}
	j.log.Info("uplink retired", "uplink", uplinkName)
	return nil
}
