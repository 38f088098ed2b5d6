package intake

import (
	"strings"
	"testing"
	"time"

	"github.com/acs-agent/acs-agent/agent/event"
)

func TestAnInstantIsInTheZoneOfTheSiteAndInWholeMilliseconds(t *testing.T) {
	c := NewClock(almaty, time.Unix(0, 0))
	now := time.Now()
	i := c.Instant(now)
	if i.Wall.Nanosecond()%int(time.Millisecond) != 0 || now.Sub(i.Wall) < 0 || now.Sub(i.Wall) >= time.Millisecond {
		t.Errorf("%v, want the millisecond of %v", i.Wall, now)
	}
	if i.Wall.Location() != almaty || strings.Contains(i.Wall.String(), "m=") {
		t.Errorf("%v, want it in the zone of the site and without a monotonic reading", i.Wall)
	}
}

func TestAClockThatSaysLessThanIsPastForCertainIsNotTrusted(t *testing.T) {
	built := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	c := NewClock(almaty, built)
	for at, trusted := range map[time.Time]bool{
		time.Unix(12, 0):            false,
		built.Add(-time.Nanosecond): false,
		built:                       true,
		built.AddDate(20, 0, 0):     true,
	} {
		if c.Instant(at).Trusted != trusted {
			t.Errorf("%v is trusted: %v", at, !trusted)
		}
	}
	if NewClock(almaty, time.Now().Add(time.Hour)).Trusted() || !NewClock(almaty, time.Now()).Trusted() {
		t.Error("the clock is trusted by another measure than its instants")
	}
}

func TestAPassBeforeTheClockWasSetIsStoredAndHeld(t *testing.T) {
	s := newSite(t, gates(3*time.Second)...)
	s.Clock.Earliest = time.Now().Add(time.Hour)
	s.take(pass("gate-1", pupilsCard))
	if p := s.only(); p.At.Trusted || p.Pending != event.ClockNotSet || p.Holder != (event.Holder{}) {
		t.Errorf("stored as %+v", p)
	}
}

func TestTheTimeOfAnotherBootCannotBeCorrected(t *testing.T) {
	c := NewClock(almaty, time.Unix(0, 0))
	for _, boot := range []string{"", "3e0c6c1e-1111-4222-8333-000000000000"} {
		i := event.Instant{Wall: time.Unix(12, 0), Boot: boot, SinceBoot: time.Second}
		if got, ok := c.Correct(i); ok || got != i {
			t.Errorf("boot %q: corrected to %+v", boot, got)
		}
	}
}

func TestTheAgeOfAnotherBootIsThatOfTheWallClock(t *testing.T) {
	c := NewClock(almaty, time.Unix(0, 0))
	if age := c.Age(event.Instant{Wall: time.Now().Add(-time.Hour), Boot: "another"}); (age - time.Hour).Abs() > time.Minute {
		t.Errorf("an hour is %v", age)
	}
}
