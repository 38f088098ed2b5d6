// Package uplinktest helps to test uplink modules: a source in memory that is as strict as the journal.
package uplinktest

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/acs-agent/acs-agent/agent/event"
)

// Source is a journal in memory with one uplink. Its zero value is empty and ready.
type Source struct {
	mu        sync.Mutex
	passes    []event.Pass // number n at index n-1
	cursor    uint64
	delivered int
	asides    []event.Aside
	changed   chan struct{}
	settles   int
}

// Append stores passes.
func (s *Source) Append(passes ...event.Pass) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.passes = append(s.passes, passes...)
	if s.changed != nil {
		close(s.changed)
		s.changed = nil
	}
}

// Cursor implements uplink.Source.
func (s *Source) Cursor() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cursor
}

// End implements uplink.Source.
func (s *Source) End() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return uint64(len(s.passes))
}

// Changed implements uplink.Source.
func (s *Source) Changed() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.changed == nil {
		s.changed = make(chan struct{})
	}
	return s.changed
}

// Scan implements uplink.Source.
func (s *Source) Scan(ctx context.Context, after, upto uint64, visit func(seq uint64, p *event.Pass) bool) error {
	s.mu.Lock()
	passes := s.passes
	s.mu.Unlock()
	for seq := after + 1; seq <= min(upto, uint64(len(passes))); seq++ {
		p := passes[seq-1]
		if err := ctx.Err(); err != nil {
			return err
		}
		if !visit(seq, &p) {
			return nil
		}
	}
	return nil
}

// Settle implements uplink.Source. It refuses what would lose or repeat a pass.
func (s *Source) Settle(_ context.Context, upto uint64, delivered int, aside []event.Aside) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case upto <= s.cursor || upto > uint64(len(s.passes)):
		return fmt.Errorf("settle up to %d: the cursor is at %d of %d", upto, s.cursor, len(s.passes))
	case len(aside) > event.MaxAside:
		return fmt.Errorf("%d passes aside in one step", len(aside))
	case delivered+len(aside) > int(upto-s.cursor): //nolint:gosec // small in tests
		return fmt.Errorf("%d delivered and %d aside of %d", delivered, len(aside), upto-s.cursor)
	}
	for _, a := range aside {
		if a.Seq <= s.cursor || a.Seq > upto {
			return fmt.Errorf("aside %d lies outside (%d, %d]", a.Seq, s.cursor, upto)
		}
	}
	s.cursor = upto
	s.delivered += delivered
	s.asides = append(s.asides, aside...)
	s.settles++
	return nil
}

// Delivered is how many passes were settled as delivered.
func (s *Source) Delivered() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.delivered
}

// Asides are the passes that were put aside, in the order in which it happened.
func (s *Source) Asides() []event.Aside {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.asides)
}
