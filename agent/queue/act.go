package queue

import (
	"context"
	"errors"
	"fmt"

	"github.com/acs-agent/acs-agent/agent/event"
	"github.com/acs-agent/acs-agent/buffer"
)

// Action is what a person wants done with passes that are aside.
type Action string

// The actions.
const (
	// Retry sends dead or uncertain passes once more, as they are.
	Retry Action = "retry"
	// Release sends on the held passes that are complete by now.
	Release Action = "release"
	// Drop forgets passes for one uplink. It is the only way in which an undelivered pass ever disappears.
	Drop Action = "drop"
)

// A Done says what an action did.
type Done struct {
	// Count is how many passes it concerned.
	Count int `json:"count"`
	// Left is how many it could not be done for, by reason.
	Left map[string]int `json:"left,omitempty"`
}

// batch is how many records are looked at before they are acted on, so that no list of all of them is ever in memory.
const batch = 256

// Act does the action for what the query chooses. The query's state says which passes are meant; for Release it is Held.
func (d *Desk) Act(ctx context.Context, action Action, q Query) (Done, error) {
	done := Done{Left: map[string]int{}}
	state, ok := asides[q.State]
	switch {
	case action != Retry && action != Release && action != Drop:
		return done, fmt.Errorf("%q is nothing that can be done with passes; there are: retry, release, drop", action)
	case action == Release && q.State == "":
		state = event.Held
	case action == Release && state != event.Held:
		return done, fmt.Errorf("release is for held passes; %s ones are sent again with retry", q.State)
	case action == Retry && state != event.Dead && state != event.Uncertain:
		return done, fmt.Errorf("retry is for dead and uncertain passes; held ones go out with release")
	case !ok && action != Release:
		return done, fmt.Errorf("say which passes: held, dead or uncertain")
	}
	uplinks, err := d.chosen(q.Uplink)
	if err != nil {
		return done, err
	}
	for _, uplink := range uplinks {
		if _, err := d.each(ctx, uplink, state, before(q.Number), q.Number, func(a *buffer.AsideRecord) error {
			var err error
			switch action {
			case Drop:
				err = d.Journal.Drop(ctx, uplink, state, a.Seq)
			case Release:
				var lacks event.Pending
				if lacks, err = d.release(ctx, uplink, a, q.Approximate); err == nil && lacks != event.None {
					done.Left[lacks.String()]++
					return nil
				}
			case Retry:
				err = d.Journal.Release(ctx, uplink, state, a.Seq, nil)
			}
			if err == nil {
				done.Count++
			}
			return err
		}); err != nil {
			return done, fmt.Errorf("%s %s passes of %s: %w", action, state, uplink, err)
		}
	}
	return done, nil
}

// release sends a held pass on if it is complete by now, and says what it lacks otherwise. roughly makes do with an estimate of its time.
func (d *Desk) release(ctx context.Context, uplink string, a *buffer.AsideRecord, roughly bool) (lacks event.Pending, err error) {
	timed := a.Pass.At.Trusted
	if roughly {
		a.Pass.Pending = d.Who.CompleteRoughly(&a.Pass)
	} else {
		a.Pass.Pending = d.Who.Complete(&a.Pass)
	}
	if a.Pass.Pending != event.None && a.Pass.At.Trusted == timed {
		return a.Pass.Pending, nil
	}
	// What only gained its true time goes round once more and is held again, for what it still lacks: the time can be told until
	// the next boot only, and must be on disk by then.
	return a.Pass.Pending, d.Journal.Release(ctx, uplink, event.Held, a.Seq, &a.Pass)
}

// each calls do for the records of a state with numbers above after, or for the one with that number, and returns the last
// number. The records are collected a batch at a time, since do changes what is being listed; what comes back aside meanwhile
// is left for the next time, or a portal that refuses at once would keep each busy for ever. A record that somebody else was
// quicker to send on or to drop is passed over.
func (d *Desk) each(
	ctx context.Context, uplink string, state event.State, after, number uint64, do func(*buffer.AsideRecord) error,
) (last uint64, err error) {
	last = after
	end := d.Journal.End()
	for {
		var records []buffer.AsideRecord
		err := d.Journal.Asides(ctx, uplink, state, last, func(a buffer.AsideRecord) bool {
			if a.Seq > end || number != 0 && a.Seq > number {
				return false
			}
			a.Pass = clone(&a.Pass)
			records = append(records, a)
			return len(records) < batch && number == 0
		})
		if err != nil || len(records) == 0 {
			return last, err
		}
		for i := range records {
			if err := do(&records[i]); err != nil && !errors.Is(err, buffer.ErrNotFound) {
				return last, err
			}
			last = records[i].Seq
		}
		if number != 0 {
			return last, nil
		}
	}
}

// clone copies a pass that is valid during a visit only.
func clone(p *event.Pass) event.Pass {
	c := *p
	c.Credential.Number = append([]byte(nil), p.Credential.Number...)
	c.Credential.Short = append([]byte(nil), p.Credential.Short...)
	c.Credential.Raw = append([]byte(nil), p.Credential.Raw...)
	return c
}
