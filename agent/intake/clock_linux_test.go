package intake

import (
	"testing"
	"time"

	"github.com/acs-agent/acs-agent/agent/event"
)

// tolerance is what two readings of a clock may differ by on a busy machine.
const tolerance = 5 * time.Second

func near(got, want time.Duration) bool { return (got - want).Abs() < tolerance }

func TestAnInstantIsThreeViewsOfOneMoment(t *testing.T) {
	c := NewClock(almaty, time.Unix(0, 0))
	if c.Boot() == "" {
		t.Fatal("the kernel's id of the boot cannot be read")
	}
	now := time.Now()
	fresh, older := c.Instant(now), c.Instant(now.Add(-time.Second))
	if fresh.Boot != c.Boot() || fresh.SinceBoot <= 0 || fresh.SinceBoot%time.Millisecond != 0 {
		t.Errorf("%+v", fresh)
	}
	if d := fresh.SinceBoot - older.SinceBoot; !near(d, time.Second) || d <= 0 {
		t.Errorf("a second by the wall clock is %v since the boot", d)
	}
	if !near(c.Age(fresh), 0) || !near(c.Age(older), time.Second) {
		t.Errorf("ages %v and %v, want 0 and a second", c.Age(fresh), c.Age(older))
	}
}

func TestTheTimeIsCorrectedWhenTheClockIsSet(t *testing.T) {
	c := NewClock(almaty, time.Now().Add(-time.Hour))
	// The device has started in 1970, and the pass came 100 ms before now.
	i := event.Instant{Wall: time.Unix(12, 0), Boot: c.Boot(), SinceBoot: sinceBoot() - 100*time.Millisecond}
	got, ok := c.Correct(i)
	if !ok || !got.Trusted || !near(time.Since(got.Wall), 100*time.Millisecond) {
		t.Fatalf("corrected: %v, %+v", ok, got)
	}
	if got.Wall.Location() != almaty || got.Wall.Nanosecond()%int(time.Millisecond) != 0 || got.SinceBoot != i.SinceBoot || got.Boot != i.Boot {
		t.Errorf("%+v", got)
	}
	c.Earliest = time.Now().Add(time.Hour)
	if got, ok := c.Correct(i); ok || got != i {
		t.Errorf("corrected by a clock that is not set: %+v", got)
	}
}

// A driver that hands on times without a monotonic reading, and the clock is set before they arrive.
func TestATimeOutsideOfThisBootIsTakenForNow(t *testing.T) {
	c := NewClock(almaty, time.Now().Add(-time.Hour))
	for what, at := range map[string]time.Time{
		"the clock was set forward": time.Unix(12, 0),
		"the clock was set back":    time.Now().Add(24 * time.Hour).Round(0),
	} {
		i := c.Instant(at)
		if !near(i.SinceBoot, sinceBoot()) {
			t.Errorf("%s: %v since the boot, which was %v ago", what, i.SinceBoot, sinceBoot())
		}
		if got, ok := c.Correct(i); !ok || !near(time.Since(got.Wall), 0) {
			t.Errorf("%s: corrected to %v", what, got.Wall)
		}
	}
}

func TestAHeldPassIsCompletedWhenTheClockIsSet(t *testing.T) {
	s := newSite(t, gates(3*time.Second)...)
	s.Clock.Earliest = time.Now().Add(time.Hour)
	s.take(pass("gate-1", pupilsCard))
	held := s.only()
	s.Clock.Earliest = time.Now().Add(-time.Hour)
	held.At.Wall = time.Unix(12, 0) // as the clock of such a device would have it
	if lacks := s.Who.Complete(&held); lacks != event.None || held.Holder != pupil || !held.At.Trusted {
		t.Errorf("lacks %v: %+v", lacks, held)
	}
	if !near(time.Since(held.At.Wall), 0) {
		t.Errorf("the pass is of %v", held.At.Wall)
	}
}
