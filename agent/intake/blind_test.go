package intake

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/acs-agent/acs-agent/agent/event"
)

func TestWhatWasTakenBlindlyIsComparedLater(t *testing.T) {
	s := newSite(t, gates(3*time.Second)...)
	now := time.Now()
	old := []*event.Pass{
		at(delivery(pass("gate-1", 1), "17", false), now.Add(-time.Hour)),
		at(delivery(pass("gate-1", 2), "18", false), now.Add(-time.Second)),
		at(pass("gate-2", 3), now.Add(-time.Minute)),
	}
	each := func(visit func(uint64, *event.Pass)) error {
		for i, p := range old {
			visit(uint64(i+1), p)
		}
		return s.journal.Tail(t.Context(), 100, func(seq uint64, p *event.Pass) bool { visit(seq+100, p); return true })
	}
	if numbers, err := s.Repeated(func(func(uint64, *event.Pass)) error { return errors.New("asked") }); err != nil || numbers != nil {
		t.Errorf("an intake that sees: %v, %v", numbers, err)
	}
	s.Blind()
	var want []uint64
	for _, step := range []struct {
		what   string
		pass   *event.Pass
		double bool
	}{
		{"delivered again, long after", delivery(pass("gate-1", 1), "17", true), true},
		{"the same id at another reader", delivery(pass("gate-2", 1), "17", true), false},
		{"the same card within repeat", delivery(pass("gate-1", 2), "20", false), true},
		{"the same card long after", pass("gate-2", 3), false},
		{"an id that was used before", delivery(pass("gate-1", 5), "17", false), false},
	} {
		s.take(at(step.pass, now))
		if step.double {
			want = append(want, s.journal.End()+100)
		}
	}
	// In the journal of this test the old ones are not, so that the new ones have other numbers there.
	s.blind.mu.Lock()
	for i := range s.blind.passes {
		s.blind.passes[i].seq += 100
	}
	s.blind.mu.Unlock()
	if _, err := s.Repeated(func(func(uint64, *event.Pass)) error { return errors.New("unreadable") }); err == nil {
		t.Error("an error got lost")
	}
	numbers, err := s.Repeated(each)
	if err != nil || !slices.Equal(numbers, want) {
		t.Errorf("repetitions %v, want %v: %v", numbers, want, err)
	}
	if numbers, err = s.Repeated(each); err != nil || numbers != nil {
		t.Errorf("once more: %v, %v", numbers, err)
	}
}
