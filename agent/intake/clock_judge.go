package intake

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/acs-agent/acs-agent/agent/event"
)

// rememberEvery is how often it is stored that the clock still is right.
const rememberEvery = time.Hour

// Records are where a clock keeps what it knows of the latest boots.
type Records interface {
	Get(key string) ([]byte, error)
	Apply(ctx context.Context, changes ...event.Change) error
}

// recordOfBoots is the key of what a clock keeps.
const recordOfBoots = "boots"

// Recall reads what was known of the boots before, and where to keep what becomes known. newest is the newest time of a pass that
// was trusted; zero if there is none.
func (c *Clock) Recall(r Records, newest time.Time) error {
	text, err := r.Get(recordOfBoots)
	var known boots
	if err == nil && text != nil {
		err = json.Unmarshal(text, &known)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.records = r
	if err != nil {
		err = fmt.Errorf("what was known of the clock: %w", err)
	} else {
		c.boots = known
	}
	for _, t := range []time.Time{newest, c.boots.newest()} {
		if t.After(c.newest) {
			c.newest = t
		}
	}
	if c.machine.Boot != "" {
		c.unstored = c.boots.find(c.machine.Boot) == nil
		mine := c.boots.begin(c.machine.Boot, c.newest)
		c.bearing, c.vouches = mine.Began, mine.Source
	}
	return err
}

// Heard takes note of what time it was by a portal's clock, told over a connection that was verified, at a moment that is
// uncertain by doubt.
func (c *Clock) Heard(date time.Time, doubt time.Duration) {
	const most = 10 * time.Second
	if c.machine.Boot == "" || doubt > most {
		return
	}
	up := c.machine.SinceBoot()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.portal = date.Add(time.Second/2 + doubt/2 - up) // the date is cut to whole seconds
}

// Judge looks whether the clock is to be trusted. It reports whether the times of passes can have become known by it: the clock is
// trusted now and was not, or was set.
func (c *Clock) Judge() (known bool) {
	now, up := c.machine.Now(), c.machine.SinceBoot()
	s := c.machine.Signs(now, c.Zone)
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.look(now.Round(0), up, s)
}

// Keep stores what the last judgement has found, if it is news. An error does not make it less true.
func (c *Clock) Keep(ctx context.Context) error {
	now := c.machine.Now()
	c.mu.Lock()
	text, err := c.due(now)
	records := c.records
	c.mu.Unlock()
	if err == nil && text != nil && records != nil {
		err = records.Apply(ctx, event.Change{Key: recordOfBoots, Value: text})
	}
	if err != nil {
		return fmt.Errorf("store what is known of the clock: %w", err)
	}
	return nil
}

// look makes the verdict of this moment.
func (c *Clock) look(now time.Time, up time.Duration, s Signs) (known bool) {
	e := evidence{
		Signs: s, trust: c.Trust, wall: now, earliest: c.Earliest, newest: c.newest,
		bearing: c.bearing, source: c.vouches, portal: c.portal,
	}
	if c.machine.Boot != "" {
		e.began = now.Add(-up)
	}
	before := c.verdict
	c.verdict = judge(&e)
	if !c.verdict.Trusted {
		return false
	}
	known = !before.Trusted
	switch {
	case c.machine.Boot == "":
	case c.bearing.IsZero() || !alike(c.bearing, e.began):
		known = true
		fallthrough
	case s.Kernel == Yes || c.verdict.Source != c.vouches:
		c.bearing, c.vouches = e.began, c.verdict.Source // also if it was only trimmed
	}
	c.newest = now // if it was ahead, it was wrong
	return known
}

// due gives what has to be stored of the boots, or nil.
func (c *Clock) due(now time.Time) (text []byte, err error) {
	if c.machine.Boot == "" {
		return nil, nil
	}
	mine := c.boots.begin(c.machine.Boot, c.newest)
	fresh := c.unstored
	if c.verdict.Trusted {
		if c.verdict.Source.strong() && c.boots.disprove(now) {
			fresh = true
		}
		moved := mine.Began.IsZero() || mine.Began.Sub(c.bearing).Abs() > time.Second
		fresh = fresh || moved || mine.Source != c.vouches || now.Sub(mine.Last).Abs() >= rememberEvery
		if fresh {
			if mine.Since.IsZero() || moved && !alike(mine.Began, c.bearing) {
				mine.Since = now.Round(0)
			}
			mine.Began, mine.Source, mine.Last = c.bearing, c.vouches, now.Round(0)
		}
	}
	if !fresh {
		return nil, nil
	}
	c.unstored = false
	return json.Marshal(c.boots)
}

// Verdict says what was found when the clock was judged last; that it was set since then shows in Trusted.
func (c *Clock) Verdict() Verdict {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.verdict
}
