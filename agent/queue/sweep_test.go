package queue

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/acs-agent/acs-agent/agent/event"
	"github.com/acs-agent/acs-agent/buffer"
)

// record is a log that a test can read while it is written.
type record struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (r *record) Write(b []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.Write(b)
}

func (r *record) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.String()
}

// sweeping is a site with a sweeper at work.
type sweeping struct {
	*site
	*Sweeper
	log  *record
	stop func()
}

func (s *site) sweep() *sweeping {
	s.t.Helper()
	w := &sweeping{site: s, log: &record{}}
	w.Sweeper = NewSweeper(s.Desk, slog.New(slog.NewTextHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	w.pause = 10 * time.Millisecond
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx) }()
	w.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			s.t.Errorf("the sweeper ended with %v", err)
		}
	})
	s.t.Cleanup(w.stop)
	return w
}

// look ends the sweeper and looks at everything once more, so that what did not happen will not.
func (w *sweeping) look() {
	w.t.Helper()
	w.stop()
	for _, name := range w.Names() {
		if _, err := w.Sweeper.sweep(w.t.Context(), name, 0); err != nil {
			w.t.Error(err)
		}
	}
}

// await waits until something is so.
func (s *site) await(what string, so func() bool) {
	s.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !so(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			s.t.Fatalf("in vain: %s", what)
		}
	}
}

func (s *site) heldOf(uplinkName string) int { return s.Journal.Stats().Uplinks[uplinkName].Held }

// wantOnce fails if a pass waits twice for an uplink.
func (s *site) wantOnce(uplinkName string) {
	s.t.Helper()
	seen := make(map[event.ID]bool)
	for _, p := range s.waiting(uplinkName) {
		if seen[p.ID] {
			s.t.Errorf("pass %s waits twice for %s", p.EventID, uplinkName)
		}
		seen[p.ID] = true
	}
}

func TestAThousandHeldPassesGoOnWhenTheCardsAreKnown(t *testing.T) {
	const passes, known = 1000, 700
	s := newSite(t)
	var all []*event.Pass
	var rows []string
	for n := range passes {
		all = append(all, unknown(n))
		if n < known {
			rows = append(rows, row(n, pupil))
		}
	}
	s.store(all...)
	s.holdAll(visits, held)
	s.settle(relay, passes)
	w := s.sweep()
	w.Again() // nothing is known yet
	s.know(rows...)
	w.Again()
	s.await("the known ones go on", func() bool { return s.heldOf(visits) == passes-known })
	w.look()
	sent := s.waiting(visits)
	if len(sent) != known || s.Journal.End() != passes+known {
		t.Errorf("%d passes wait, the newest is %d, want %d and %d", len(sent), s.Journal.End(), known, passes+known)
	}
	for _, p := range sent {
		if p.Pending != event.None || p.Holder != pupil {
			t.Fatalf("pass %s is sent on as %v of %q", p.EventID, p.Pending, p.Holder.Name)
		}
	}
	s.wantOnce(visits)
	if n := len(s.waiting(relay)); n != 0 {
		t.Errorf("%d passes wait for the other uplink, which had them all", n)
	}
	for _, secret := range []string{pupil.IIN, "Пробный", "ABC0"} {
		if strings.Contains(w.log.String(), secret) {
			t.Errorf("%q stands in the log", secret)
		}
	}
}

func TestTheSweeperLooksOnceAtWhatItFinds(t *testing.T) {
	s := newSite(t)
	s.store(unknown(1), unknown(2))
	s.holdAll(visits, held)
	s.know(row(1, pupil))
	s.sweep()
	s.await("the known one goes on", func() bool { return s.heldOf(visits) == 1 })
}

// The cardholders have changed between the reading of the pass and the moment at which the uplink put it aside.
func TestAPassThatIsHeldTooLateGoesOnByItself(t *testing.T) {
	s := newSite(t)
	s.know(row(1, pupil), row(3, teacher))
	w := s.sweep()
	source := w.Watch(s.Journal.Source(visits))
	s.store(unknown(1), unknown(2), unknown(3))
	if err := source.Settle(t.Context(), 2, 0, []event.Aside{held(1), held(2)}); err != nil {
		t.Fatal(err)
	}
	s.await("the first goes on", func() bool { return s.heldOf(visits) == 1 })
	if err := source.Settle(t.Context(), 3, 0, []event.Aside{held(3)}); err != nil {
		t.Fatal(err)
	}
	s.await("the third goes on", func() bool { return s.Journal.End() == 5 })
	s.wantItems(Query{}, "2 visits held")
	s.wantOnce(visits)
	if source.Cursor() != 3 || source.End() != 5 {
		t.Errorf("the watched source is at %d of %d", source.Cursor(), source.End())
	}
	if err := source.Settle(t.Context(), 99, 0, []event.Aside{held(99)}); err == nil {
		t.Error("the watched source hides an error")
	}
}

func TestTheSweeperServesAllUplinks(t *testing.T) {
	s := newSite(t)
	s.store(unknown(1), unknown(2))
	s.holdAll(visits, held)
	s.holdAll(relay, held)
	w := s.sweep()
	s.know(row(1, pupil), row(2, teacher))
	w.Again()
	s.await("all go on", func() bool { return s.heldOf(visits)+s.heldOf(relay) == 0 })
	w.stop()
	for _, name := range []string{visits, relay} {
		if n := len(s.waiting(name)); n != 2 {
			t.Errorf("%d passes wait for %s, want 2", n, name)
		}
	}
}

func TestNothingIsReleasedTwice(t *testing.T) {
	const passes = 300
	s := newSite(t)
	var all []*event.Pass
	var rows []string
	for n := range passes {
		all, rows = append(all, unknown(n)), append(rows, row(n, pupil))
	}
	s.store(all...)
	s.holdAll(visits, held)
	s.know(rows...)
	first, second := s.sweep(), s.sweep() // and two people beside
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			if _, err := s.Act(context.Background(), Release, Query{}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	s.await("all go on", func() bool { return s.heldOf(visits) == 0 })
	first.look()
	second.look()
	if end := s.Journal.End(); end != 2*passes {
		t.Errorf("%d passes were released, want %d", end-passes, passes)
	}
	s.wantOnce(visits)
	if log := first.log.String() + second.log.String(); strings.Contains(log, "cannot") {
		t.Errorf("a race is reported as a failure:\n%s", log)
	}
}

func TestWhatWasReleasedStaysAsItIs(t *testing.T) {
	s := newSite(t)
	s.store(unknown(1))
	s.holdAll(visits, held)
	w := s.sweep()
	s.know(row(1, pupil))
	w.Again()
	s.await("it goes on", func() bool { return s.heldOf(visits) == 0 })
	frozen := s.waiting(visits)[0]
	s.know(row(1, teacher))
	w.Again()
	// Even if it is put aside once more, it goes on as it was.
	s.settle(visits, 2, dead(2))
	s.act(Retry, Query{State: Dead})
	s.settle(visits, 3, event.Aside{Seq: 3, State: event.Held, Reason: "not today"})
	w.look()
	if s.Journal.End() != 3 {
		t.Error("what the uplink holds for a reason of its own is sent on")
	}
	if done := s.act(Release, Query{}); done.Count != 1 || len(done.Left) != 0 {
		t.Errorf("released by a person: %+v", done)
	}
	again := s.waiting(visits)
	if len(again) != 1 || again[0].Holder != pupil || again[0].Pending != event.None {
		t.Fatalf("%+v", again)
	}
	if first, last := fmt.Sprintf("%+v", frozen), fmt.Sprintf("%+v", again[0]); first != last {
		t.Errorf("frozen as:\n%s\nand sent as:\n%s", first, last)
	}
}

func TestAFullJournalIsTriedAgain(t *testing.T) {
	s := newSite(t)
	s.store(unknown(1), unknown(2))
	s.holdAll(visits, held)
	s.reopen(1<<60, visits, relay) // so much is free nowhere
	s.know(row(1, pupil), row(2, pupil))
	w := s.sweep()
	s.await("several attempts", func() bool { return strings.Count(w.log.String(), "cannot be sent on") >= 3 })
	w.stop()
	if n := strings.Count(w.log.String(), "level=WARN"); n != 1 {
		t.Errorf("%d warnings, want one and the repetitions as debug:\n%s", n, w.log.String())
	}
	if _, err := s.Act(t.Context(), Release, Query{}); !errors.Is(err, buffer.ErrFull) {
		t.Errorf("a person who releases learns: %v", err)
	}
	if s.heldOf(visits) != 2 {
		t.Error("a pass was lost")
	}
	s.reopen(1<<20, visits, relay)
	s.sweep()
	s.await("there is room again", func() bool { return s.heldOf(visits) == 0 })
}

func TestTheSweeperEndsInTheMiddleOfItsWork(t *testing.T) {
	s := newSite(t)
	var all []*event.Pass
	var rows []string
	for n := range 500 {
		all, rows = append(all, unknown(n)), append(rows, row(n, pupil))
	}
	s.store(all...)
	s.holdAll(visits, held)
	s.know(rows...)
	w := s.sweep()
	s.await("it has begun", func() bool { return s.heldOf(visits) < 500 })
	w.stop()
	if strings.Contains(w.log.String(), "cannot") {
		t.Errorf("the end is reported as a failure:\n%s", w.log.String())
	}
	stats := s.Journal.Stats()
	if sent, left := int(stats.End)-500, stats.Uplinks[visits].Held; sent+left != 500 {
		t.Errorf("%d are sent and %d held, want 500 in all", sent, left)
	}
}
