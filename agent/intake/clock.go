package intake

import (
	"time"

	"github.com/acs-agent/acs-agent/agent/event"
)

// A Clock tells when something happened, in the three ways in which a device without a battery can know it.
type Clock struct {
	// Zone is the zone of the site.
	Zone *time.Location
	// Earliest is a time that is past for certain, such as that of the build: a clock that says less is wrong.
	Earliest time.Time

	boot string
}

// NewClock makes a clock for the site.
func NewClock(zone *time.Location, earliest time.Time) *Clock {
	return &Clock{Zone: zone, Earliest: earliest, boot: bootID()}
}

// Instant describes a moment of this boot at which time.Now was asked.
func (c *Clock) Instant(at time.Time) event.Instant {
	i := event.Instant{Boot: c.boot, Trusted: c.trusts(at)}
	if c.boot != "" {
		up := sinceBoot()
		age := time.Since(at)
		if age < 0 || age > up {
			// The clock was set in between, and at has no monotonic reading to tell how long ago it was: not long.
			age = 0
		}
		i.SinceBoot = (up - age).Truncate(time.Millisecond)
	}
	i.Wall = at.Round(0).Truncate(time.Millisecond).In(c.Zone)
	return i
}

func (c *Clock) trusts(at time.Time) bool { return !at.Before(c.Earliest) }

// Trusted says whether the wall clock can be right.
func (c *Clock) Trusted() bool { return c.trusts(time.Now()) }

// Boot is the kernel's id of this boot.
func (c *Clock) Boot() string { return c.boot }

// Age says how long ago an instant was: exactly if it belongs to this boot, by the wall clock otherwise.
func (c *Clock) Age(i event.Instant) time.Duration {
	if c.boot != "" && i.Boot == c.boot {
		return sinceBoot() - i.SinceBoot
	}
	return time.Since(i.Wall)
}

// Correct gives the true time of an instant of this boot that was taken before the clock was set. It reports false if it cannot
// be known: another boot, or the clock still is not trusted.
func (c *Clock) Correct(i event.Instant) (event.Instant, bool) {
	if c.boot == "" || i.Boot != c.boot || !c.Trusted() {
		return i, false
	}
	i.Wall = time.Now().Add(-c.Age(i)).Round(0).Truncate(time.Millisecond).In(c.Zone)
	i.Trusted = true
	return i, true
}
