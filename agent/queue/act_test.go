package queue

import (
	"context"
	"maps"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/acs-agent/acs-agent/agent/event"
)

func TestRetrySendsADeadPassOnceMoreAndToItsUplinkOnly(t *testing.T) {
	s := mixed(t)
	was := s.items(Query{Number: 3, State: Dead, Reveal: true})[0]
	before := s.waiting(relay)
	if done := s.act(Retry, Query{State: Dead, Uplink: visits}); done.Count != 1 || len(done.Left) != 0 {
		t.Errorf("%+v, want 1 pass", done)
	}
	s.wantItems(Query{State: Dead}, "")
	s.wantItems(Query{State: Held}, "2 visits held")
	s.wantItems(Query{Uplink: visits, State: Waiting}, "7 visits waiting, 8 visits waiting, 9 visits waiting")
	s.wantItems(Query{Number: 9}, "9 visits waiting")
	again := s.waiting(visits)[2]
	want := *pass(3)
	want.ID = was.ID
	if again.At.Wall, want.At.Wall = again.At.Wall.In(almaty), want.At.Wall.In(almaty); !reflect.DeepEqual(again, want) {
		t.Errorf("sent again:\n%+v\nwant:\n%+v", again, want)
	}
	if after := s.waiting(relay); !reflect.DeepEqual(after, before) {
		t.Errorf("the other uplink had %d passes to send and has %d", len(before), len(after))
	}
	stats := s.Journal.Stats().Uplinks[visits]
	if stats.Held != 1 || stats.Dead != 0 || stats.Uncertain != 1 {
		t.Errorf("%+v", stats)
	}
}

func TestActionsConcernWhatTheQueryChooses(t *testing.T) {
	for _, test := range []struct {
		name   string
		action Action
		query  Query
		count  int
		left   string // what is aside afterwards
	}{
		{"retry one of the dead", Retry, Query{State: Dead, Number: 2}, 1, "1 relay dead, 1 visits dead, 3 visits uncertain"},
		{"retry the dead of an uplink", Retry, Query{State: Dead, Uplink: visits}, 2, "1 relay dead, 3 visits uncertain"},
		{"retry all the dead", Retry, Query{State: Dead}, 3, "3 visits uncertain"},
		{"retry the uncertain", Retry, Query{State: Uncertain}, 1, "1 relay dead, 1 visits dead, 2 visits dead"},
		{"retry a number that two uplinks have", Retry, Query{State: Dead, Number: 1}, 2, "2 visits dead, 3 visits uncertain"},
		{"retry a number in another state", Retry, Query{State: Dead, Number: 3}, 0, "1 relay dead, 1 visits dead, 2 visits dead, 3 visits uncertain"},
		{"retry a number that is not there", Retry, Query{State: Dead, Number: 99}, 0, "1 relay dead, 1 visits dead, 2 visits dead, 3 visits uncertain"},
		{"drop one of the dead", Drop, Query{State: Dead, Uplink: visits, Number: 1}, 1, "1 relay dead, 2 visits dead, 3 visits uncertain"},
		{"drop all the dead", Drop, Query{State: Dead}, 3, "3 visits uncertain"},
		{"drop the uncertain of an uplink that has none", Drop, Query{State: Uncertain, Uplink: relay}, 0, "1 relay dead, 1 visits dead, 2 visits dead, 3 visits uncertain"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newSite(t)
			s.store(pass(1), pass(2), pass(3))
			s.settle(visits, 3, dead(1), dead(2), uncertain(3))
			s.settle(relay, 3, dead(1))
			done := s.act(test.action, test.query)
			if done.Count != test.count || len(done.Left) != 0 {
				t.Errorf("%+v, want %d passes", done, test.count)
			}
			s.wantItems(Query{}, test.left)
			sent := len(s.waiting(visits)) + len(s.waiting(relay))
			if want := map[Action]int{Retry: test.count, Drop: 0}[test.action]; sent != want {
				t.Errorf("%d passes are to be sent, want %d", sent, want)
			}
		})
	}
}

func TestActionsThatMakeNoSenseAreRefused(t *testing.T) {
	s := mixed(t)
	for _, test := range []struct {
		action Action
		state  State
		want   string
	}{
		{Retry, Held, "held ones go out with release"},
		{Retry, "", "retry is for dead and uncertain passes"},
		{Retry, Waiting, "retry is for dead and uncertain passes"},
		{Release, Dead, "dead ones are sent again with retry"},
		{Release, Waiting, "release is for held passes"},
		{Drop, "", "say which passes"},
		{Drop, Waiting, "say which passes"},
		{Drop, Delivered, "say which passes"},
		{"burn", Held, `"burn" is nothing that can be done`},
		{"", Dead, "there are: retry, release, drop"},
	} {
		done, err := s.Act(t.Context(), test.action, Query{State: test.state})
		if err == nil || !strings.Contains(err.Error(), test.want) || done.Count != 0 {
			t.Errorf("%s %s: %+v, %v, want %q", test.action, test.state, done, err, test.want)
		}
	}
	s.wantItems(Query{}, "2 visits held, 3 visits dead, 4 visits uncertain")
	if s.Journal.End() != 8 {
		t.Error("something was sent")
	}
}

func TestReleaseCompletesAndSaysWhatTheOthersLack(t *testing.T) {
	s := newSite(t)
	homeless, early := unknown(5), unknown(6)
	homeless.Organization = event.Organization{}
	early.At = event.Instant{Wall: time.Unix(12, 0), Boot: "another"}
	early.Pending = event.ClockNotSet
	s.store(unknown(1), unknown(2), unknown(3), unknown(4), homeless, early, unknown(7))
	s.holdAll(visits, held)
	s.know(row(1, pupil), row(3, pupil), row(3, teacher), row(4, pupil)+";;;2026-09-01", row(5, pupil), row(6, pupil), row(7, teacher)+";school-12")
	want := map[string]int{"unknown-card": 1, "ambiguous-card": 1, "card-not-valid": 1, "no-organization": 1, "clock-not-set": 1}
	done := s.act(Release, Query{})
	if done.Count != 2 || !maps.Equal(done.Left, want) {
		t.Errorf("%+v, want 2 passes and %v", done, want)
	}
	sent := s.waiting(visits)
	if len(sent) != 2 || sent[0].Holder != pupil || sent[1].Holder != teacher {
		t.Fatalf("sent on: %+v", sent)
	}
	for _, p := range sent {
		if p.Pending != event.None || p.Organization != school {
			t.Errorf("pass %s is sent on as %v at %+v", p.EventID, p.Pending, p.Organization)
		}
	}
	if done := s.act(Release, Query{State: Held, Uplink: visits}); done.Count != 0 || !maps.Equal(done.Left, want) {
		t.Errorf("released again: %+v", done)
	}
	if done := s.act(Release, Query{Number: 2}); done.Count != 0 || !maps.Equal(done.Left, map[string]int{"unknown-card": 1}) {
		t.Errorf("number 2: %+v", done)
	}
}

func TestTwoPeopleAtOnceDoEverythingOnce(t *testing.T) {
	const passes = 400
	for _, action := range []Action{Retry, Drop} {
		s := newSite(t)
		var all []*event.Pass
		for n := range passes {
			all = append(all, pass(n))
		}
		s.store(all...)
		s.holdAll(visits, dead)
		var counts [3]int
		var wg sync.WaitGroup
		for i := range counts {
			wg.Go(func() {
				done, err := s.Act(context.Background(), action, Query{State: Dead})
				if err != nil {
					t.Errorf("%s: %v", action, err)
				}
				counts[i] = done.Count
			})
		}
		wg.Wait()
		if sum := counts[0] + counts[1] + counts[2]; sum != passes {
			t.Errorf("%s: %v passes in all, want %d", action, counts, passes)
		}
		if sent, want := s.Journal.End()-passes, map[Action]uint64{Retry: passes, Drop: 0}[action]; sent != want {
			t.Errorf("%s: %d passes were sent, want %d", action, sent, want)
		}
	}
}

// A portal that refuses at once puts everything back while the action is still at work.
func TestRetryDoesNotChaseWhatIsRefusedAgain(t *testing.T) {
	const passes = 2 * batch
	s := newSite(t)
	var all []*event.Pass
	for n := range passes {
		all = append(all, pass(n))
	}
	s.store(all...)
	s.holdAll(visits, dead)
	ctx, stop := context.WithCancel(t.Context())
	var portal sync.WaitGroup
	portal.Go(func() {
		source := s.Journal.Source(visits)
		for ctx.Err() == nil {
			changed := source.Changed()
			for source.Cursor() < source.End() {
				seq := source.Cursor() + 1
				if err := source.Settle(ctx, seq, 0, []event.Aside{dead(seq)}); err != nil {
					return // the end of the test
				}
			}
			select {
			case <-changed:
			case <-ctx.Done():
			}
		}
	})
	done := s.act(Retry, Query{State: Dead})
	stop()
	portal.Wait()
	if done.Count != passes {
		t.Errorf("%d passes were sent again, want each of the %d once", done.Count, passes)
	}
}
