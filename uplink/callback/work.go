package callback

import (
	"context"
	"fmt"
	"time"

	"github.com/acs-agent/acs-agent/agent/health"
)

// A chore is one of the two things that the uplink does. Each has a patience of its own, so that a list that fails does not keep
// statuses from going out, nor the other way round.
type chore struct {
	do func(context.Context, *health.Part) *trouble
	// due is when it is to be done next.
	due      time.Time
	failures int
	trouble  *trouble
}

// try does the chore and decides when to do it again.
func (c *chore) try(ctx context.Context, of *config, say *health.Part) {
	c.trouble = c.do(ctx, say)
	if c.trouble == nil {
		c.failures, c.due = 0, time.Now().Add(of.Poll.Std())
		return
	}
	c.due = time.Now().Add(of.wait(c.trouble, c.failures))
	c.failures++
}

// work does the chores in turn until ctx ends.
func (u *callback) work(ctx context.Context, say *health.Part) {
	polling, sending := chore{do: u.poll}, chore{do: u.deliver}
	var swept time.Time
	for ctx.Err() == nil {
		now := time.Now()
		if swept.IsZero() || now.Sub(swept) >= sweepEvery {
			swept = now
			if err := u.book.sweep(ctx, u.Keep.Std()); err != nil && ctx.Err() == nil {
				say.Odd(fmt.Errorf("delete old requests: %w", err))
			}
		}
		if !now.Before(sending.due) {
			sending.try(ctx, u.config, say)
		}
		if !now.Before(polling.due) {
			polling.try(ctx, u.config, say)
			if u.arrived && sending.trouble == nil {
				sending.try(ctx, u.config, say)
			}
			u.arrived = false
		}
		if ctx.Err() != nil {
			return
		}
		report(say, polling.trouble, sending.trouble)
		timer := time.NewTimer(time.Until(earlier(earlier(polling.due, sending.due), swept.Add(sweepEvery))))
		select {
		case <-ctx.Done():
		case <-timer.C:
		case <-u.wake:
			if sending.trouble == nil {
				sending.due = time.Time{}
			}
		}
		timer.Stop()
	}
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// report says how things are: what needs a person first.
func report(say *health.Part, troubles ...*trouble) {
	var worst *trouble
	for _, t := range troubles {
		if t != nil && (worst == nil || t.stop && !worst.stop) {
			worst = t
		}
	}
	switch {
	case worst == nil:
		say.Up()
	case worst.stop:
		say.Stop(worst.err())
	default:
		say.Down(worst.err())
	}
}
