package callback

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/acs-agent/acs-agent/agent/event"
)

const (
	// sweepEvery is how often the book is looked through for what is to be deleted.
	sweepEvery = time.Hour
	// forgetAfter is how long a deleted request is still recognised.
	forgetAfter = 365 * 24 * time.Hour
	// leap is how far the clock may have moved between two sweeps without being doubted. After a larger step nothing is deleted
	// before confirmations sweeps agree: a device whose clock is wrong for an hour must not lose a month.
	leap          = 3 * 24 * time.Hour
	confirmations = 24
)

// earliest is before anything that this program can have seen: an older time is that of a clock that was never set.
func earliest() time.Time { return time.Date(2025, time.January, 1, 0, 0, 0, 0, time.UTC) }

// swept is the record of the last sweep.
type swept struct {
	At time.Time `json:"at"`
	// Doubts is how many sweeps must still agree with the clock.
	Doubts int `json:"doubts,omitempty"`
}

// sweep deletes the requests that were closed longer than keep ago, and what reminds of others for long enough. It does nothing
// if the last sweep was a moment ago, or if the clock is in doubt.
func (b *book) sweep(ctx context.Context, keep time.Duration) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	if now.Before(earliest()) {
		return nil
	}
	var last swept
	found, err := b.get(sweptKey, &last)
	if err != nil {
		return err
	}
	step := now.Sub(last.At)
	switch {
	case found && 0 <= step && step < sweepEvery/2:
		return nil
	case found && (step > leap || step < 0):
		last.Doubts = confirmations
	case last.Doubts > 0:
		last.Doubts--
	}
	last.At = now
	x := batch{}
	x.put(sweptKey, last)
	if err := b.apply(ctx, &x); err != nil || last.Doubts > 0 {
		return err
	}
	for more := true; more; {
		if more, err = b.clear(ctx, now, keep); err != nil {
			return err
		}
	}
	return nil
}

// clear makes the changes of one batch, and says whether there may be more to do.
func (b *book) clear(ctx context.Context, now time.Time, keep time.Duration) (more bool, err error) {
	mark, err := b.marker(ctx)
	if err != nil {
		return false, err
	}
	var x batch
	add := func(key string, v any) bool {
		x.put(key, v)
		more = len(x.changes)+2 > event.MaxChanges
		return !more
	}
	damaged := b.each(func(r *request) bool {
		switch {
		case r.ClosedAt.IsZero() || r.waits():
			return true
		case r.ClosedAt.Before(earliest()): // by a clock that was never set: its time begins now
			r.ClosedAt = now
			if len(x.changes) > 0 {
				more = true // a batch of its own, for it may be large
				return false
			}
			add(key(requestKey, r.Number), r)
			more = true
			return false
		case now.Sub(r.ClosedAt) <= keep:
			return true
		}
		if id, err := r.Application.identity(); err == nil {
			add(mark(id), known{Number: r.Number, GoneAt: now})
		}
		return add(key(requestKey, r.Number), nil)
	})
	if !more {
		err = b.store.Each(knownKey, func(key string, value []byte) bool {
			var k known
			if json.Unmarshal(value, &k) == nil && !k.GoneAt.IsZero() && now.Sub(k.GoneAt) > forgetAfter {
				return add(key, nil)
			}
			return true
		})
	}
	if err := b.apply(ctx, &x); err != nil {
		return false, err
	}
	return more, errors.Join(damaged, err)
}
