package queue

import (
	"testing"
	"time"

	"github.com/acs-agent/acs-agent/agent/event"
)

func TestTheTrueTimeIsKeptThoughTheCardIsUnknown(t *testing.T) {
	s := newSite(t)
	p := unknown(1)
	p.At = s.clock.Instant(time.Now())
	p.At.Wall, p.At.Trusted, p.Pending = time.Unix(12, 0), false, event.ClockNotSet
	s.store(p)
	s.settle(visits, 1, event.Aside{Seq: 1, State: event.Held, Pending: event.ClockNotSet, Reason: "clock-not-set"})
	w := s.sweep()
	source := w.Watch(s.Journal.Source(visits))
	s.await("it goes round", func() bool { return s.Journal.End() == 2 })
	timed := s.waiting(visits)[0]
	if !timed.At.Trusted || time.Since(timed.At.Wall).Abs() > time.Minute || timed.Pending != event.UnknownCard || timed.ID != p.ID {
		t.Fatalf("%+v", timed)
	}
	if err := source.Settle(t.Context(), 2, 0, []event.Aside{held(2)}); err != nil {
		t.Fatal(err)
	}
	w.look()
	if s.Journal.End() != 2 {
		t.Error("it goes round more than once")
	}
	// The device has started again; the card becomes known.
	s.reopen(1<<20, visits, relay)
	s.know(row(1, pupil))
	if done := s.act(Release, Query{}); done.Count != 1 {
		t.Errorf("%+v, want 1 pass", done)
	}
	if sent := s.waiting(visits)[0]; !sent.At.Wall.Equal(timed.At.Wall) {
		t.Errorf("the pass was of %v and is of %v", timed.At.Wall, sent.At.Wall)
	}
}
