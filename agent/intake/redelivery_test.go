package intake

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/acs-agent/acs-agent/agent/event"
)

func TestARedeliveryIsRecognisedByItsID(t *testing.T) {
	s := newSite(t, gates(3*time.Second)...)
	begin := time.Now().Add(-240 * time.Hour)
	for _, step := range []struct {
		what   string
		after  time.Duration
		pass   *event.Pass
		stored bool
	}{
		{"a message", 0, delivery(pass("gate-1", 1), "17", false), true},
		{"delivered again long after", 200 * time.Hour, delivery(pass("gate-1", 1), "17", true), false},
		{"and once more", 201 * time.Hour, delivery(pass("gate-1", 1), "17", true), false},
		{"the id of another reader is another id", 201 * time.Hour, delivery(pass("gate-2", 1), "17", true), true},
		{"a new message with an id that was used before", 202 * time.Hour, delivery(pass("gate-1", 1), "17", false), true},
		{"a redelivery of what never came", 203 * time.Hour, delivery(pass("gate-1", 1), "18", true), true},
		{"a redelivery of that", 204 * time.Hour, delivery(pass("gate-1", 1), "18", true), false},
		{"a redelivery without an id", 205 * time.Hour, delivery(pass("gate-1", 1), "", true), true},
		{"is compared by card and time", 205 * time.Hour, delivery(pass("gate-1", 1), "", true), false},
		{"an id does not make a repetition another pass", 205 * time.Hour, delivery(pass("gate-1", 1), "19", false), false},
	} {
		before := s.journal.End()
		s.take(at(step.pass, begin.Add(step.after)))
		if stored := s.journal.End() > before; stored != step.stored {
			t.Errorf("%s: stored: %v, want %v", step.what, stored, step.stored)
		}
	}
}

func TestMemoryOutlivesARestart(t *testing.T) {
	readers := gates(3 * time.Hour)
	s := newSite(t, readers...)
	s.had(delivery(pass("gate-1", 1), "1", false), 100*time.Hour)
	s.had(delivery(pass("gate-1", 2), "2", false), time.Hour)
	s.had(pass("gate-2", 3), time.Hour)
	s.restart(readers)
	end := s.journal.End()
	for what, p := range map[string]*event.Pass{
		"delivered again, long after":        delivery(pass("gate-1", 1), "1", true),
		"delivered again, lately":            delivery(pass("gate-1", 2), "2", true),
		"the same card within repeat":        pass("gate-1", 2),
		"and at another reader":              pass("gate-2", 3),
		"the same card under another number": delivery(pass("gate-2", 3), "33", false),
	} {
		s.take(p)
		if s.journal.End() != end {
			t.Fatalf("%s: stored a second time", what)
		}
	}
	s.take(delivery(pass("gate-1", 1), "1", false))
	if s.journal.End() != end+1 {
		t.Error("a new pass of a card that was seen long ago is not stored")
	}
	s.Remember(pass("gate-3", 1)) // a reader that is gone from the configuration
}

// had puts a pass of an earlier boot into the journal.
func (s *site) had(p *event.Pass, ago time.Duration) {
	s.t.Helper()
	p.At = event.Instant{Wall: time.Now().Add(-ago), Boot: "an earlier one", SinceBoot: time.Minute, Trusted: true}
	if _, err := s.journal.Append(s.t.Context(), p); err != nil {
		s.t.Fatal(err)
	}
}

func TestAFailedMessageIsStoredWhenItIsDeliveredAgain(t *testing.T) {
	h := &heap{judge: func(_ context.Context, attempt int) error {
		if attempt == 1 {
			return errors.New("the journal is full")
		}
		return nil
	}}
	in := overJournal(t, h, gates(3*time.Second)...)
	if in.Take(t.Context(), delivery(pass("gate-1", 1), "17", false)) == nil {
		t.Error("the failure is not told")
	}
	for range 2 {
		if err := in.Take(t.Context(), delivery(pass("gate-1", 1), "17", true)); err != nil {
			t.Error(err)
		}
	}
	if len(h.passes) != 1 {
		t.Errorf("%d passes are stored, want 1", len(h.passes))
	}
	if m := in.readers["gate-1"].memory; len(m.order) != 1 || len(m.events) != 1 {
		t.Errorf("%d ids in order, %d remembered, want one of each", len(m.order), len(m.events))
	}
}

func TestAnIDThatIsUsedAgainIsTheNewest(t *testing.T) {
	h := &heap{}
	in := overJournal(t, h, gates(0)...)
	take := func(id string, again bool) (stored bool) {
		before := len(h.passes)
		if err := in.Take(t.Context(), delivery(pass("gate-1", 1), id, again)); err != nil {
			t.Fatal(err)
		}
		return len(h.passes) > before
	}
	for n := range eventsKept {
		take(fmt.Sprint(n), false)
	}
	take("0", false) // the broker has begun to count anew
	take("new", false)
	if take("0", true) {
		t.Error("the message that was used last but one is forgotten")
	}
	if !take("1", true) {
		t.Error("the oldest message is remembered beyond the bound")
	}
}
