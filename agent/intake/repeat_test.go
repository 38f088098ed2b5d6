package intake

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/acs-agent/acs-agent/agent/event"
)

func TestTheSameCardAtTheSameReaderWithinRepeatIsOnePass(t *testing.T) {
	s := newSite(t, gates(3*time.Second)...)
	begin := time.Now().Add(-time.Hour)
	otherFormat := pass("gate-1", 1)
	otherFormat.Credential.Format = "line"
	for _, step := range []struct {
		what   string
		after  time.Duration
		pass   *event.Pass
		stored bool
	}{
		{"the first", 0, pass("gate-1", 1), true},
		{"again at the same moment", 0, pass("gate-1", 1), false},
		{"again just within the time", 2999 * time.Millisecond, pass("gate-1", 1), false},
		{"the time slides with each sighting", 5998 * time.Millisecond, pass("gate-1", 1), false},
		{"a sighting that was queued and comes late", 4 * time.Second, pass("gate-1", 1), false},
		{"which does not set the time back", 8997 * time.Millisecond, pass("gate-1", 1), false},
		{"another card", 8997 * time.Millisecond, pass("gate-1", 2), true},
		{"another reader", 8997 * time.Millisecond, pass("gate-2", 1), true},
		{"the same number from another kind of card", 8997 * time.Millisecond, otherFormat, true},
		{"when the time is over", 11997 * time.Millisecond, pass("gate-1", 1), true},
		{"and again", 12 * time.Second, pass("gate-1", 1), false},
		{"a pass of long ago that was queued", -time.Minute, pass("gate-1", 1), true},
	} {
		before := s.journal.End()
		s.take(at(step.pass, begin.Add(step.after)))
		if stored := s.journal.End() > before; stored != step.stored {
			t.Errorf("%s: stored: %v, want %v", step.what, stored, step.stored)
		}
	}
}

func TestTheClockIsReadWhenTheDriverDoesNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &heap{}
		in := overJournal(t, h, gates(3*time.Second)...)
		for _, pause := range []time.Duration{0, 2 * time.Second, 2 * time.Second, 3 * time.Second} {
			time.Sleep(pause)
			if err := in.Take(t.Context(), pass("gate-1", 1)); err != nil {
				t.Fatal(err)
			}
		}
		if len(h.passes) != 2 {
			t.Errorf("%d passes are stored, want 2: one, two repetitions, another", len(h.passes))
		}
	})
}

func TestReadingTimesWithAndWithoutAMonotonicClockAreCompared(t *testing.T) {
	s := newSite(t, gates(3*time.Second)...)
	now := time.Now()
	s.take(at(pass("gate-1", 1), now))
	s.take(at(pass("gate-1", 1), now.Add(2*time.Second).In(almaty))) // In strips the monotonic reading
	s.take(at(pass("gate-1", 1), now.Add(4*time.Second)))
	s.only()
}

func TestWithoutRepeatEverySightingIsAPass(t *testing.T) {
	s := newSite(t, gates(0)...)
	now := time.Now()
	s.take(at(pass("gate-1", 1), now))
	s.take(at(pass("gate-1", 1), now))
	if n := len(s.stored()); n != 2 {
		t.Errorf("%d passes are stored, want 2", n)
	}
}

func TestARefusalDoesNotHideThePassThatFollowsIt(t *testing.T) {
	s := newSite(t, gates(3*time.Second)...)
	now := time.Now()
	for i, outcome := range []event.Outcome{event.NotPassed, event.NotPassed, event.Passed, event.Passed, event.NotPassed} {
		p := pass("gate-1", 1)
		p.Outcome = outcome
		s.take(at(p, now.Add(time.Duration(i)*500*time.Millisecond)))
	}
	var outcomes []event.Outcome
	for _, p := range s.stored() {
		outcomes = append(outcomes, p.Outcome)
	}
	if !slices.Equal(outcomes, []event.Outcome{event.NotPassed, event.Passed}) {
		t.Errorf("stored: %v, want one not passed and one passed", outcomes)
	}
}

// slow is an intake whose journal waits until it is told how each attempt ends.
type slow struct {
	*Intake
	heap
	verdicts chan error
}

func newSlow(t *testing.T) *slow {
	s := &slow{verdicts: make(chan error)}
	s.judge = func(ctx context.Context, _ int) error {
		select {
		case err := <-s.verdicts:
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	s.Intake = overJournal(t, &s.heap, gates(3*time.Second)...)
	return s
}

// offer takes the same card in a goroutine and returns when the intake can do no more for the moment.
func (s *slow) offer(ctx context.Context) (outcome <-chan error) {
	c := make(chan error, 1)
	go func() { c <- s.Take(ctx, pass("gate-1", 1)) }()
	synctest.Wait()
	return c
}

// wantOpen fails if one of the offers was answered.
func wantOpen(t *testing.T, when string, outcomes ...<-chan error) {
	t.Helper()
	for i, c := range outcomes {
		select {
		case err := <-c:
			t.Fatalf("%s: offer %d was answered: %v", when, i, err)
		default:
		}
	}
}

func TestARepetitionReturnsWhenTheFirstIsOnDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSlow(t)
		first, second, third := s.offer(t.Context()), s.offer(t.Context()), s.offer(t.Context())
		time.Sleep(time.Minute)
		wantOpen(t, "while it is being stored", first, second, third)
		s.verdicts <- nil
		for i, c := range []<-chan error{first, second, third} {
			if err := <-c; err != nil {
				t.Errorf("offer %d: %v", i, err)
			}
		}
		if s.asked != 1 {
			t.Errorf("the journal was asked %d times, want once", s.asked)
		}
	})
}

func TestARepetitionOfWhatFailedBecomesTheFirst(t *testing.T) {
	full := errors.New("the journal is full")
	synctest.Test(t, func(t *testing.T) {
		s := newSlow(t)
		first, second, third := s.offer(t.Context()), s.offer(t.Context()), s.offer(t.Context())
		s.verdicts <- full
		if err := <-first; !errors.Is(err, full) {
			t.Errorf("the first: %v, want %v", err, full)
		}
		synctest.Wait()
		wantOpen(t, "while one of the others is being stored", second, third)
		s.verdicts <- nil
		if err := errors.Join(<-second, <-third); err != nil {
			t.Error(err)
		}
		if len(s.passes) != 1 || s.asked != 2 {
			t.Errorf("%d passes are stored in %d attempts, want 1 in 2", len(s.passes), s.asked)
		}
	})
}

func TestEachRepetitionLearnsThatTheJournalTakesNothing(t *testing.T) {
	full := errors.New("the journal is full")
	synctest.Test(t, func(t *testing.T) {
		s := newSlow(t)
		offers := []<-chan error{s.offer(t.Context()), s.offer(t.Context()), s.offer(t.Context())}
		for range offers {
			s.verdicts <- full
		}
		for i, c := range offers {
			if err := <-c; !errors.Is(err, full) {
				t.Errorf("offer %d: %v, want %v", i, err, full)
			}
		}
		// Nothing is remembered of it: the next is a first again.
		again := s.offer(t.Context())
		s.verdicts <- nil
		if err := <-again; err != nil || len(s.passes) != 1 {
			t.Errorf("afterwards: %v, %d passes are stored", err, len(s.passes))
		}
	})
}

func TestWhoGivesUpWaitingHarmsNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSlow(t)
		ctx, cancel := context.WithCancel(t.Context())
		first := s.offer(t.Context())
		impatient, patient := s.offer(ctx), s.offer(t.Context())
		cancel()
		if err := <-impatient; !errors.Is(err, context.Canceled) {
			t.Errorf("the impatient one: %v", err)
		}
		wantOpen(t, "after one gave up", first, patient)
		s.verdicts <- nil
		if err := errors.Join(<-first, <-patient); err != nil {
			t.Error(err)
		}
	})
}

func TestTheFirstThatGivesUpLeavesThePassToTheNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSlow(t)
		ctx, cancel := context.WithCancel(t.Context())
		first, second := s.offer(ctx), s.offer(t.Context())
		cancel()
		if err := <-first; !errors.Is(err, context.Canceled) {
			t.Errorf("the first: %v", err)
		}
		s.verdicts <- nil
		if err := <-second; err != nil || len(s.passes) != 1 {
			t.Errorf("the second: %v, %d passes are stored", err, len(s.passes))
		}
	})
}

func TestManyReadersAtOnceStoreEachPassOnce(t *testing.T) {
	const cards, offers, workers = 150, 6, 48
	s := newSite(t, gates(time.Hour)...)
	var told atomic.Int64
	s.Stored = func(uint64, *event.Pass) { told.Add(1) }
	var wg sync.WaitGroup
	work := make(chan *event.Pass)
	for range workers {
		wg.Go(func() {
			for p := range work {
				if err := s.Take(context.Background(), p); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for card := range uint64(cards) {
		for range offers {
			work <- pass("gate-1", card)
			work <- pass("gate-2", card)
		}
	}
	close(work)
	wg.Wait()
	seen := make(map[string]int)
	for _, p := range s.stored() {
		seen[p.Reader+" "+p.Credential.Text]++
	}
	if len(seen) != 2*cards || told.Load() != 2*cards {
		t.Errorf("%d passes of %d were stored and %d told", len(seen), 2*cards, told.Load())
	}
	for key, n := range seen {
		if n != 1 {
			t.Errorf("%s is stored %d times", key, n)
		}
	}
}
