package buffer

import (
	"errors"
	"fmt"
	"testing"

	"github.com/acs-agent/acs-agent/agent/event"
)

func asides(t testing.TB, j *Journal, uplink string, state event.State) (ids []string) {
	t.Helper()
	err := j.Asides(t.Context(), uplink, state, 0, func(r AsideRecord) bool {
		if r.State != state {
			t.Errorf("%+v among %s", r, state)
		}
		ids = append(ids, r.Pass.EventID)
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
	return ids
}

func settle(t testing.TB, s *Source, upto uint64, aside ...event.Aside) {
	t.Helper()
	if err := s.Settle(t.Context(), upto, 1, aside); err != nil {
		t.Fatal(err)
	}
}

func TestSettleMovesTheCursorAndPutsAside(t *testing.T) {
	o := testOptions(t, "visits", "exam")
	j := open(t, o)
	appendInOrder(t, j, 1, 6)
	settle(t, j.Source("visits"), 4,
		event.Aside{Seq: 2, State: event.Held, Reason: "the card is not listed", Pending: event.UnknownCard},
		event.Aside{Seq: 3, State: event.Dead, Reason: "422 iin"},
		event.Aside{Seq: 4, State: event.Uncertain, Reason: "no answer"})
	for range 2 {
		if c := j.Source("visits").Cursor(); c != 4 {
			t.Errorf("cursor %d", c)
		}
		if c := j.Source("exam").Cursor(); c != 0 {
			t.Errorf("the other cursor has moved to %d", c)
		}
		if got := fmt.Sprint(row(t, j.Source("visits"), 4)); got != "[5 6]" {
			t.Errorf("behind the cursor are %s", got)
		}
		for state, want := range map[event.State]string{event.Held: "[2]", event.Dead: "[3]", event.Uncertain: "[4]"} {
			if got := fmt.Sprint(asides(t, j, "visits", state)); got != want {
				t.Errorf("%s: %s, want %s", state, got, want)
			}
		}
		err := j.Asides(t.Context(), "visits", event.Held, 0, func(r AsideRecord) bool {
			if r.Seq != 2 || r.Reason != "the card is not listed" || r.Pending != event.UnknownCard || !r.At.Equal(o.Now()) {
				t.Errorf("record %+v", r)
			}
			return true
		})
		if err != nil {
			t.Error(err)
		}
		u := j.Stats().Uplinks["visits"]
		if u.Held != 1 || u.Dead != 1 || u.Uncertain != 1 || u.Waiting != 2 || !u.OldestWaiting.Equal(testPass(5).At.Wall) {
			t.Errorf("statistics %+v", u)
		}
		shut(t, j)
		j = open(t, o)
	}
}

func TestSettleRefusesWhatIsNoStepForward(t *testing.T) {
	j := open(t, testOptions(t, "visits"))
	appendInOrder(t, j, 1, 5)
	s := j.Source("visits")
	settle(t, s, 3)
	for name, step := range map[string]struct {
		upto  uint64
		aside []event.Aside
	}{
		"back":               {2, nil},
		"beyond the end":     {6, nil},
		"aside too early":    {5, []event.Aside{{Seq: 3, State: event.Held}}},
		"aside too late":     {4, []event.Aside{{Seq: 5, State: event.Held}}},
		"no state":           {5, []event.Aside{{Seq: 4}}},
		"twice":              {5, []event.Aside{{Seq: 4, State: event.Held}, {Seq: 4, State: event.Dead}}},
		"too many at a time": {5, make([]event.Aside, event.MaxAside+1)},
	} {
		if err := s.Settle(t.Context(), step.upto, 0, step.aside); err == nil || s.Cursor() != 3 {
			t.Errorf("%s: error %v, cursor %d", name, err, s.Cursor())
		}
	}
	if err := j.Source("nobody").Settle(t.Context(), 5, 0, nil); !errors.Is(err, ErrUnknownUplink) {
		t.Errorf("unknown uplink: %v", err)
	}
	settle(t, s, 3) // standing still is allowed
}

func TestManyAndLargePassesGoAsideInOneStep(t *testing.T) {
	o := testOptions(t, "visits")
	j := open(t, o)
	fillUp(t, j, 1, event.MaxAside-2)
	large := testPass(event.MaxAside - 1)
	large.Note = string(make([]byte, MaxPass-1000))
	for range 2 {
		if _, err := j.Append(t.Context(), large); err != nil {
			t.Fatal(err)
		}
	}
	var aside []event.Aside
	for seq := uint64(1); seq <= event.MaxAside; seq++ {
		aside = append(aside, event.Aside{Seq: seq, State: event.Held, Reason: "the clock is not set"})
	}
	settle(t, j.Source("visits"), event.MaxAside, aside...)
	shut(t, j)
	j = open(t, o)
	if n := len(asides(t, j, "visits", event.Held)); n != event.MaxAside || j.Stats().Uplinks["visits"].Held != n {
		t.Errorf("%d are held, statistics %+v", n, j.Stats().Uplinks["visits"])
	}
}

func TestAnUnfinishedStepLeavesNothingAside(t *testing.T) {
	o := testOptions(t, "visits")
	j := open(t, o)
	appendInOrder(t, j, 1, 3)
	// The part of a step that is stored before the cursor moves.
	err := j.do(t.Context(), &op{run: func(g *group) error {
		_, err := g.putAside("visits", &event.Aside{Seq: 2, State: event.Dead})
		return err
	}})
	if err != nil {
		t.Fatal(err)
	}
	shut(t, j)
	j = open(t, o)
	if got := asides(t, j, "visits", event.Dead); len(got) != 0 || j.Stats().Uplinks["visits"].Dead != 0 {
		t.Errorf("aside are %v", got)
	}
	if got := fmt.Sprint(row(t, j.Source("visits"), 0)); got != "[1 2 3]" {
		t.Errorf("row %s", got)
	}
}

func TestReleaseSendsItAgainToThatUplinkAlone(t *testing.T) {
	o := testOptions(t, "visits", "exam")
	j := open(t, o)
	appendInOrder(t, j, 1, 3)
	settle(t, j.Source("visits"), 3, event.Aside{Seq: 1, State: event.Held}, event.Aside{Seq: 2, State: event.Dead})
	completed := testPass(100)
	if err := j.Release(t.Context(), "visits", event.Held, 1, completed); err != nil {
		t.Fatal(err)
	}
	if err := j.Release(t.Context(), "visits", event.Dead, 2, nil); err != nil {
		t.Fatal(err)
	}
	if err := j.Release(t.Context(), "visits", event.Dead, 2, nil); !errors.Is(err, ErrNotFound) {
		t.Errorf("released twice: %v", err)
	}
	for range 2 {
		if got := fmt.Sprint(row(t, j.Source("visits"), 3)); got != "[100 2]" {
			t.Errorf("visits sees %s", got)
		}
		if got := fmt.Sprint(row(t, j.Source("exam"), 0)); got != "[1 2 3]" {
			t.Errorf("exam sees %s", got)
		}
		if u := j.Stats().Uplinks["visits"]; u.Held+u.Dead != 0 {
			t.Errorf("%+v", u)
		}
		shut(t, j)
		j = open(t, o)
	}
}

func TestDrop(t *testing.T) {
	j := open(t, testOptions(t, "visits"))
	appendInOrder(t, j, 1, 2)
	settle(t, j.Source("visits"), 2, event.Aside{Seq: 1, State: event.Dead}, event.Aside{Seq: 2, State: event.Dead})
	if err := j.Drop(t.Context(), "visits", event.Dead, 1); err != nil {
		t.Fatal(err)
	}
	for name, err := range map[string]error{
		"again":         j.Drop(t.Context(), "visits", event.Dead, 1),
		"another state": j.Drop(t.Context(), "visits", event.Held, 2),
		"no state":      j.Drop(t.Context(), "visits", 9, 2),
	} {
		if !errors.Is(err, ErrNotFound) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got := fmt.Sprint(asides(t, j, "visits", event.Dead)); got != "[2]" || j.Stats().Uplinks["visits"].Dead != 1 {
		t.Errorf("left: %s", got)
	}
}

func TestWhereAnUplinkBegins(t *testing.T) {
	o := testOptions(t)
	j := open(t, o)
	appendInOrder(t, j, 1, 3)
	shut(t, j)

	o.Uplinks = []string{"visits", "exam"} // the first ones get all that is kept
	j = open(t, o)
	for _, name := range o.Uplinks {
		if c := j.Source(name).Cursor(); c != 0 {
			t.Errorf("%s begins at %d", name, c)
		}
	}
	settle(t, j.Source("exam"), 2)
	shut(t, j)

	o.Uplinks = []string{"visits", "vetting"} // a later one gets what comes from now on
	for range 2 {
		j = open(t, o)
		if c := j.Source("vetting").Cursor(); c != 3 {
			t.Errorf("the later uplink begins at %d", c)
		}
		if u := j.Stats().Uplinks["exam"]; !u.Orphaned || u.Cursor != 2 {
			t.Errorf("the uplink that was taken out: %+v", u)
		}
		appendInOrder(t, j, 4, 5)
		shut(t, j)
	}
	o.Uplinks = []string{"visits", "exam"}
	j = open(t, o)
	if u := j.Stats().Uplinks["exam"]; u.Orphaned || u.Cursor != 2 {
		t.Errorf("the uplink that came back: %+v", u)
	}
}

func TestScanStopsWhereItIsTold(t *testing.T) {
	j := open(t, testOptions(t, "visits"))
	appendInOrder(t, j, 1, 10)
	s := j.Source("visits")
	var got []uint64
	if err := s.Scan(t.Context(), 3, 6, func(seq uint64, _ *event.Pass) bool { got = append(got, seq); return true }); err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(got) != "[4 5 6]" {
		t.Errorf("from 3 to 6: %v", got)
	}
	n := 0
	if err := s.Scan(t.Context(), 0, 10, func(uint64, *event.Pass) bool { n++; return n < 2 }); err != nil || n != 2 {
		t.Errorf("had enough after 2, visited %d, %v", n, err)
	}
}

func TestRetireFreesWhatWasKeptForAnUplink(t *testing.T) {
	o := testOptions(t, "visits", "exam")
	j := open(t, o)
	appendInOrder(t, j, 1, 3)
	settle(t, j.Source("visits"), 3)
	settle(t, j.Source("exam"), 2, event.Aside{Seq: 1, State: event.Dead})
	if err := j.Retire(t.Context(), "exam"); !errors.Is(err, ErrInUse) {
		t.Errorf("it is configured: %v", err)
	}
	shut(t, j)
	o.Uplinks = []string{"visits"}
	j = open(t, o)
	if err := j.Retire(t.Context(), "exam"); !errors.Is(err, ErrInUse) {
		t.Errorf("a pass is aside: %v", err)
	}
	if err := j.Drop(t.Context(), "exam", event.Dead, 1); err != nil {
		t.Fatal(err)
	}
	if err := j.Retire(t.Context(), "exam"); err != nil {
		t.Fatal(err)
	}
	if err := j.Retire(t.Context(), "exam"); !errors.Is(err, ErrUnknownUplink) {
		t.Errorf("again: %v", err)
	}
	retain(t, j, monday.Add(1000*day))
	if first(j) != 4 {
		t.Errorf("the row begins at %d", first(j))
	}
	shut(t, j)
	j = open(t, o)
	if _, there := j.Stats().Uplinks["exam"]; there {
		t.Error("it is there again")
	}
}
