package intake

import (
	"sync"
	"time"

	"github.com/acs-agent/acs-agent/agent/event"
)

// jump is a difference between two clocks that is none of reading them: what differs by more was set, or is wrong.
const jump = 2 * time.Minute

// A Clock tells when something happened, in the three ways in which a device without a battery can know it, and whether the wall
// clock is to be believed. Its methods may be called by several goroutines.
type Clock struct {
	// Zone is the zone of the site.
	Zone *time.Location
	// Earliest is a time that is past for certain, such as that of the build: a clock that says less is wrong.
	Earliest time.Time
	// Trust is what is enough to believe the clock. With its zero value, TrustAlways, nobody is asked.
	Trust Trust
	// Hold is how long a pass whose time cannot be known waits, from when the clock was trusted. Then it goes out with an
	// estimate if SendAfterHold is set, and else waits for a person.
	Hold          time.Duration
	SendAfterHold bool

	machine Machine

	mu      sync.Mutex
	verdict Verdict
	// bearing is when this boot was, by the clock when it was trusted; zero before that. As long as wall clock and time since
	// the boot keep to it, nobody has set the clock.
	bearing time.Time
	vouches Source    // who vouched for it then
	newest  time.Time // known to be past, and right
	portal  time.Time // when this boot was by a portal's clock; zero if none was heard
	boots   boots
	// records keep the boots; nil: nobody does. unstored: they have to be stored in any case.
	records  Records
	unstored bool
}

// A Machine is what a clock reads. Tests give one of their own.
type Machine struct {
	Now func() time.Time
	// SinceBoot goes on while the machine sleeps, and no setting of the clock changes it.
	SinceBoot func() time.Duration
	// Boot is the kernel's id of this boot; empty where there is none, and then SinceBoot means nothing.
	Boot string
	// Signs looks at what speaks for the clock, which says now. zone is the site's.
	Signs func(now time.Time, zone *time.Location) Signs
}

// NewClock makes a clock for the site. It trusts every time from earliest on, until Trust is set and Judge has looked.
func NewClock(zone *time.Location, earliest time.Time) *Clock {
	return NewClockOf(Machine{Now: time.Now, SinceBoot: sinceBoot, Boot: bootID(), Signs: signs}, zone, earliest)
}

// NewClockOf is NewClock for another machine than this.
func NewClockOf(m Machine, zone *time.Location, earliest time.Time) *Clock {
	return &Clock{Zone: zone, Earliest: earliest, machine: m}
}

// Now is what the wall clock says, right or wrong.
func (c *Clock) Now() time.Time { return c.machine.Now() }

// Instant describes a moment of this boot at which Now was asked.
func (c *Clock) Instant(at time.Time) event.Instant {
	i := event.Instant{Boot: c.machine.Boot}
	if i.Boot != "" {
		up := c.machine.SinceBoot()
		age := c.machine.Now().Sub(at)
		if age < 0 || age > up {
			// The clock was set in between, and at has no monotonic reading to tell how long ago it was: not long.
			age = 0
		}
		i.SinceBoot = (up - age).Truncate(time.Millisecond)
	}
	i.Wall = c.present(at)
	c.mu.Lock()
	defer c.mu.Unlock()
	if i.Trusted = c.trusts(at, i.SinceBoot); i.Trusted && at.After(c.newest) {
		c.newest = i.Wall
	}
	return i
}

// present is the form of a time in a pass.
func (c *Clock) present(t time.Time) time.Time {
	return t.Round(0).Truncate(time.Millisecond).In(c.Zone)
}

// trusts says whether a reading of the wall clock is to be believed. It was judged a while ago, but that it was not set since then
// shows at once.
func (c *Clock) trusts(wall time.Time, up time.Duration) bool {
	switch {
	case wall.Before(c.Earliest):
		return false
	case c.always():
		return true
	case !c.verdict.Trusted:
		return false
	case c.machine.Boot == "":
		return !wall.Before(c.newest.Add(-jump))
	}
	return alike(wall, c.bearing.Add(up))
}

func alike(a, b time.Time) bool { return a.Round(0).Sub(b.Round(0)).Abs() <= jump }

func (c *Clock) always() bool { return c.Trust == "" || c.Trust == TrustAlways }

// Trusted says whether the wall clock is believed now.
func (c *Clock) Trusted() bool {
	now, up := c.machine.Now(), c.machine.SinceBoot()
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.trusts(now, up)
}

// Boot is the kernel's id of this boot.
func (c *Clock) Boot() string { return c.machine.Boot }

// Age says how long ago an instant was: exactly if it belongs to this boot, by the wall clock otherwise.
func (c *Clock) Age(i event.Instant) time.Duration {
	if c.machine.Boot != "" && i.Boot == c.machine.Boot {
		return c.machine.SinceBoot() - i.SinceBoot
	}
	return c.machine.Now().Sub(i.Wall)
}

// Correct gives the true time of an instant that was taken before the clock was set. It reports false if it cannot be known: the
// clock was never trusted in that boot, or is not trusted yet.
func (c *Clock) Correct(i event.Instant) (event.Instant, bool) {
	if i.Boot == "" {
		return i, false
	}
	now, up := c.machine.Now(), c.machine.SinceBoot()
	c.mu.Lock()
	defer c.mu.Unlock()
	began := time.Time{}
	switch {
	case i.Boot != c.machine.Boot:
		if b := c.boots.find(i.Boot); b != nil {
			began = b.Began
		}
		if c.trusts(now, up) && began.Add(i.SinceBoot).After(now) {
			return i, false // what is known of that boot cannot be right
		}
	case c.trusts(now, up):
		began = now.Round(0).Add(-up)
	}
	if began.IsZero() {
		return i, false
	}
	i.Wall = c.present(began.Add(i.SinceBoot))
	i.Trusted = true
	return i, true
}

// Mended gives the time of an instant that was trusted when it was taken, if it is known by now that the clock was wrong: it was
// set to another time in the same boot, and that one is trusted more lately.
func (c *Clock) Mended(i event.Instant) (event.Instant, bool) {
	if c.always() {
		return i, false
	}
	right, ok := c.Correct(i)
	return right, ok && !alike(right.Wall, i.Wall)
}
