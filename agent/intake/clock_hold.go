package intake

import (
	"time"

	"github.com/acs-agent/acs-agent/agent/event"
)

// Due says when the wait of a pass ends whose time cannot be known, by the clock that is trusted now. It reports false as long as
// the wait has not begun: the clock was not trusted since the pass, or the pass is of this boot and will be timed.
func (c *Clock) Due(i event.Instant) (at time.Time, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if i.Boot == c.machine.Boot || c.machine.Boot == "" {
		return time.Time{}, false
	}
	if b := c.boots.find(i.Boot); b != nil && !b.Began.IsZero() {
		return time.Time{}, false
	}
	next := c.boots.next(i.Boot)
	if next == nil {
		return time.Time{}, false
	}
	return next.Since.Add(c.Hold).In(c.Zone), true
}

// Overdue says that a pass whose time is not known has waited for long enough to be sent with an estimate. A pass of this boot, in
// which the clock still is not trusted, waits from when it was read.
func (c *Clock) Overdue(i event.Instant) bool {
	if !c.SendAfterHold || i.Boot == "" {
		return false
	}
	if i.Boot == c.machine.Boot {
		return !c.Trusted() && c.Age(i) >= c.Hold
	}
	at, ok := c.Due(i)
	return ok && c.Trusted() && !c.Now().Before(at)
}

// Estimate gives a time at which an instant may have been, when its true time cannot be known: what the device believed, brought
// between the last time that is known to be before it and the first that is known to be after it. It is not trusted. It reports
// false if too little is known for that: there is nothing that bounds it.
func (c *Clock) Estimate(i event.Instant) (event.Instant, bool) {
	now, up := c.machine.Now().Round(0), c.machine.SinceBoot()
	c.mu.Lock()
	defer c.mu.Unlock()
	guess := i.Wall
	var lower, upper time.Time
	b := c.boots.find(i.Boot)
	if b != nil && !b.After.IsZero() {
		lower = b.After.Add(i.SinceBoot) // the boot came later still
	}
	switch next := c.boots.next(i.Boot); {
	case i.Boot == "" || i.Boot != c.machine.Boot:
		if next != nil {
			upper = next.Began
		}
		if c.trusts(now, up) && (upper.IsZero() || upper.After(now)) {
			upper = now
		}
	case !c.portal.IsZero():
		// The portal's word is not enough to trust the clock, but it is the best there is.
		guess = c.portal.Add(i.SinceBoot)
		upper = guess
	}
	if upper.IsZero() {
		return i, false
	}
	if guess.Before(lower) {
		guess = lower
	}
	if guess.After(upper) {
		guess = upper
	}
	if guess.Before(c.Earliest) {
		return i, false
	}
	i.Wall = c.present(guess)
	return i, true
}
