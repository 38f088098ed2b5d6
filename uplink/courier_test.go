package uplink_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/acs-agent/acs-agent/agent/event"
	"github.com/acs-agent/acs-agent/agent/health"
	"github.com/acs-agent/acs-agent/uplink"
	"github.com/acs-agent/acs-agent/uplink/uplinktest"
)

// portal is a fake of the far end: it judges each batch by the notes of the passes in it, and writes down what it took and when.
type portal struct {
	judge func(notes []string) uplink.Verdict
	calls [][]string
	times []time.Time
	taken []string
}

// load is a request that counts each pass as 100 bytes.
type load struct {
	portal *portal
	count  int
}

func (l *load) Size() int64     { return int64(100 * l.count) }
func (l *load) Add(*event.Pass) { l.count++ }
func (l *load) Sort(p *event.Pass) uplink.Sorting {
	switch {
	case p.Outcome == event.NotPassed:
		return uplink.Skip
	case p.Pending != event.None:
		return uplink.Hold
	}
	return uplink.Carry
}

func (l *load) Send(ctx context.Context, walk uplink.Walk) uplink.Verdict {
	var notes []string
	_ = walk(ctx, 0, func(_ uint64, p *event.Pass) bool {
		if l.Sort(p) == uplink.Carry {
			notes = append(notes, p.Note)
		}
		return true
	})
	l.portal.calls = append(l.portal.calls, notes)
	l.portal.times = append(l.portal.times, time.Now())
	v := l.portal.judge(notes)
	if v.Outcome == uplink.Delivered {
		l.portal.taken = append(l.portal.taken, notes...)
	}
	return v
}

// site is a courier between a source and a portal.
type site struct {
	source  *uplinktest.Source
	portal  *portal
	courier *uplink.Courier
	say     *health.Part
}

func newSite(judge func(notes []string) uplink.Verdict) *site {
	s := &site{source: &uplinktest.Source{}, portal: &portal{judge: judge}}
	s.say = health.NewBoard(slog.New(slog.DiscardHandler)).Part(health.Uplink, "visits")
	s.courier = &uplink.Courier{
		Source: s.source, Say: s.say, NewLoad: func() uplink.Load { return &load{portal: s.portal} },
		MaxSize: 10_000_000, MaxCount: 1000, MaxDelay: 30 * time.Second, Patience: 5 * time.Minute, Probe: 15 * time.Minute,
	}
	return s
}

// run lets the courier work for d of fake time.
func (s *site) run(t *testing.T, d time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	if err := s.courier.Run(ctx); err != nil {
		t.Fatal(err)
	}
}

func passes(from, to int) (all []event.Pass) {
	for i := from; i <= to; i++ {
		all = append(all, event.Pass{Note: fmt.Sprint(i)})
	}
	return all
}

func always(o uplink.Outcome) func([]string) uplink.Verdict {
	return func([]string) uplink.Verdict { return uplink.Verdict{Outcome: o, Reason: "because"} }
}

func (s *site) wantAccounted(t *testing.T, delivered, aside int) {
	t.Helper()
	if got := s.source.Delivered(); got != delivered {
		t.Errorf("%d passes delivered, want %d", got, delivered)
	}
	if got := len(s.source.Asides()); got != aside {
		t.Errorf("%d passes aside, want %d: %+v", got, aside, s.source.Asides())
	}
	if s.source.Cursor() != s.source.End() {
		t.Errorf("the cursor is at %d of %d", s.source.Cursor(), s.source.End())
	}
}

func TestABacklogGoesOutAtOnceAndLaterPassesWaitForTheirBatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(always(uplink.Delivered))
		s.source.Append(passes(1, 3)...)
		start := time.Now()
		go func() {
			time.Sleep(time.Second)
			s.source.Append(passes(4, 4)...)
			time.Sleep(10 * time.Second)
			s.source.Append(passes(5, 6)...)
		}()
		s.run(t, 2*time.Minute)
		want := "[[1 2 3] [4 5 6]]"
		if got := fmt.Sprint(s.portal.calls); got != want {
			t.Fatalf("batches %s, want %s", got, want)
		}
		if d := s.portal.times[0].Sub(start); d > time.Second {
			t.Errorf("the backlog waited %v", d)
		}
		if d := s.portal.times[1].Sub(start); d < 30*time.Second || d > 32*time.Second {
			t.Errorf("the second batch left after %v, want 31 s", d)
		}
		s.wantAccounted(t, 6, 0)
	})
}

func TestABatchClosesByCountAndBySize(t *testing.T) {
	for name, limit := range map[string]func(*uplink.Courier){
		"count": func(c *uplink.Courier) { c.MaxCount = 4 },
		"size":  func(c *uplink.Courier) { c.MaxSize = 400 },
	} {
		synctest.Test(t, func(t *testing.T) {
			s := newSite(always(uplink.Delivered))
			limit(s.courier)
			s.source.Append(passes(1, 10)...)
			s.run(t, 2*time.Minute)
			if got, want := fmt.Sprint(s.portal.calls), "[[1 2 3 4] [5 6 7 8] [9 10]]"; got != want {
				t.Errorf("%s: batches %s, want %s", name, got, want)
			}
			s.wantAccounted(t, 10, 0)
		})
	}
}

func TestTheRefusedPassIsFoundAndTheRestDelivered(t *testing.T) {
	for _, bad := range [][]int{{1}, {1000}, {500}, {7, 8}, {1, 999}, {3, 300, 301, 777}} {
		synctest.Test(t, func(t *testing.T) {
			s := newSite(func(notes []string) uplink.Verdict {
				for _, b := range bad {
					if slices.Contains(notes, fmt.Sprint(b)) {
						return uplink.Verdict{Outcome: uplink.Refused, Reason: "parameters"}
					}
				}
				return uplink.Verdict{Outcome: uplink.Delivered}
			})
			s.source.Append(passes(1, 1000)...)
			s.run(t, time.Hour)
			s.wantAccounted(t, 1000-len(bad), len(bad))
			for i, a := range s.source.Asides() {
				if a.State != event.Dead || a.Seq != uint64(bad[i]) || a.Reason != "parameters" {
					t.Errorf("aside %+v, want pass %d dead", a, bad[i])
				}
			}
			if n := len(s.portal.calls); n > 25*len(bad) {
				t.Errorf("%d requests to find %d bad passes", n, len(bad))
			}
			if !slices.IsSortedFunc(s.portal.taken, func(a, b string) int { return strings.Compare(pad(a), pad(b)) }) {
				t.Error("the order was not kept")
			}
			if st := s.say.State(); st != health.Up {
				t.Errorf("state %s at the end", st)
			}
		})
	}
}

func pad(s string) string { return fmt.Sprintf("%6s", s) }

func TestAPortalThatRefusesEverythingBuriesFewAndKeepsTheRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mended atomic.Bool
		s := newSite(func([]string) uplink.Verdict {
			if !mended.Load() {
				return uplink.Verdict{Outcome: uplink.Refused, Reason: "parameters"}
			}
			return uplink.Verdict{Outcome: uplink.Delivered}
		})
		s.source.Append(passes(1, 5000)...)
		go func() {
			time.Sleep(6 * time.Hour)
			if st := s.say.State(); st != health.Stopped {
				t.Errorf("state %s after hours of refusals, want stopped", st)
			}
			if n := len(s.source.Asides()); n != 20 {
				t.Errorf("%d passes buried, want 20", n)
			}
			mended.Store(true)
		}()
		s.run(t, 8*time.Hour)
		s.wantAccounted(t, 4980, 20)
	})
}

func TestTooLargeMakesLaterBatchesSmaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(func(notes []string) uplink.Verdict {
			if len(notes) > 900 {
				return uplink.Verdict{Outcome: uplink.TooLarge, Reason: "413"}
			}
			return uplink.Verdict{Outcome: uplink.Delivered}
		})
		s.courier.MaxCount = 5000
		s.source.Append(passes(1, 20_000)...)
		s.run(t, time.Hour)
		s.wantAccounted(t, 20_000, 0)
		refused := 0
		for _, c := range s.portal.calls {
			if len(c) > 900 {
				refused++
			}
		}
		if refused > 5 {
			t.Errorf("%d requests were too large; the courier does not learn", refused)
		}
	})
}

func TestFailuresAreRepeatedWithTheSamePassesAndGrowingPauses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		failures := 12
		s := newSite(func([]string) uplink.Verdict {
			if failures--; failures >= 0 {
				return uplink.Verdict{Outcome: uplink.Retry, Reason: "502"}
			}
			return uplink.Verdict{Outcome: uplink.Delivered}
		})
		s.source.Append(passes(1, 2)...)
		go func() {
			time.Sleep(10 * time.Second)
			s.source.Append(passes(3, 9)...)
		}()
		s.run(t, 2*time.Hour)
		s.wantAccounted(t, 9, 0)
		for _, c := range s.portal.calls[:12] {
			if !slices.Equal(c, []string{"1", "2"}) {
				t.Fatalf("repeated as %v", c)
			}
		}
		longest := time.Duration(0)
		for i := 1; i < 13; i++ {
			longest = max(longest, s.portal.times[i].Sub(s.portal.times[i-1]))
		}
		if longest < time.Minute || longest > 5*time.Minute {
			t.Errorf("the longest pause was %v, want between 1 and 5 minutes", longest)
		}
	})
}

func TestThePortalsOwnPauseIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first := true
		s := newSite(func([]string) uplink.Verdict {
			if first {
				first = false
				return uplink.Verdict{Outcome: uplink.Retry, Reason: "429", After: 77 * time.Second}
			}
			return uplink.Verdict{Outcome: uplink.Delivered}
		})
		s.source.Append(passes(1, 1)...)
		s.run(t, 10*time.Minute)
		if d := s.portal.times[1].Sub(s.portal.times[0]); d < 77*time.Second || d > 78*time.Second {
			t.Errorf("came back after %v, want 77 s", d)
		}
	})
}

func TestAWrongKeyStopsAndLosesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mended atomic.Bool
		s := newSite(func([]string) uplink.Verdict {
			if !mended.Load() {
				return uplink.Verdict{Outcome: uplink.Stop, Reason: "401: key"}
			}
			return uplink.Verdict{Outcome: uplink.Delivered}
		})
		s.source.Append(passes(1, 100)...)
		go func() {
			time.Sleep(50 * time.Minute)
			if st := s.say.State(); st != health.Stopped {
				t.Errorf("state %s, want stopped", st)
			}
			mended.Store(true)
		}()
		s.run(t, 2*time.Hour)
		s.wantAccounted(t, 100, 0)
		if n := len(s.portal.calls); n != 5 {
			t.Errorf("%d requests in an hour with a blocked key, want one each 15 minutes", n)
		}
	})
}

func TestPassesThatAreNotReadyGoAsideAndDoNotBlockOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(always(uplink.Delivered))
		unknown := event.Pass{Note: "stranger", Pending: event.UnknownCard}
		outside := event.Pass{Note: "stayed outside", Outcome: event.NotPassed}
		s.source.Append(unknown, event.Pass{Note: "1"}, outside, unknown, event.Pass{Note: "2"})
		s.run(t, time.Minute)
		if got := fmt.Sprint(s.portal.calls); got != "[[1 2]]" {
			t.Errorf("batches %s", got)
		}
		s.wantAccounted(t, 2, 2)
		for _, a := range s.source.Asides() {
			if a.State != event.Held || a.Pending != event.UnknownCard {
				t.Errorf("aside %+v", a)
			}
		}
	})
}

func TestThousandsOfUnknownCardsGoAsideInBoundedSteps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(always(uplink.Delivered))
		for range 3000 {
			s.source.Append(event.Pass{Pending: event.UnknownCard})
		}
		s.source.Append(passes(1, 1)...)
		s.run(t, time.Minute)
		s.wantAccounted(t, 1, 3000)
	})
}

func TestWhatMayHaveBeenTakenIsNotRepeatedWhereThatDoesHarm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(always(uplink.Unknown))
		s.source.Append(passes(1, 2)...)
		s.run(t, time.Hour)
		if len(s.portal.calls) != 1 {
			t.Errorf("sent %d times", len(s.portal.calls))
		}
		for _, a := range s.source.Asides() {
			if a.State != event.Uncertain {
				t.Errorf("aside %+v, want uncertain", a)
			}
		}
		s.wantAccounted(t, 0, 2)
	})
}

func TestPaceKeepsRequestsToOneHostApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pace, start := uplink.NewPace(), time.Now()
		times := make(chan time.Duration, 100)
		for range 3 { // three uplinks to one portal
			go func() {
				for range 4 {
					turn, err := pace.Wait(t.Context(), "portal", 625*time.Millisecond)
					if err != nil {
						t.Error(err)
						return
					}
					time.Sleep(100 * time.Millisecond) // connecting
					times <- time.Since(start)
					turn.Sent()
					turn.GiveBack()
				}
			}()
		}
		last := time.Duration(0)
		for range 12 {
			now := <-times
			if now-last < 625*time.Millisecond {
				t.Errorf("a request %v after the one before", now-last)
			}
			last = now
		}
		turn, _ := pace.Wait(t.Context(), "other", 0)
		turn.GiveBack() // nothing was sent: the next one need not wait for long
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if _, err := pace.Wait(ctx, "other", time.Hour); err == nil {
			t.Error("the wait outlived its context")
		}
	})
}

func TestQuoteTellsNoNumbersAndKeepsToOneLine(t *testing.T) {
	for said, want := range map[string]string{
		"iin 900101300017 is wrong": "iin … is wrong",
		"line 1\r\nline 2":          "line 1 line 2",
		"code 12345678":             "code 12345678",
		"\x1b[31mred":               ".[31mred",
		strings.Repeat("я", 300):    strings.Repeat("я", 200),
		"end 9001013000":            "end …",
		"Ошибка передачи параметров": "Ошибка передачи параметров",
	} {
		if got := uplink.Quote(said); got != want {
			t.Errorf("%q: %q, want %q", said, got, want)
		}
	}
}
