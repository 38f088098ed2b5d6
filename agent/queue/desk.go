// Package queue is what people do with the passes in the journal: look at those that wait, are held or dead, send them again,
// drop them. It also sends held passes on by itself as soon as they are complete.
package queue

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/acs-agent/acs-agent/agent/event"
	"github.com/acs-agent/acs-agent/agent/intake"
	"github.com/acs-agent/acs-agent/buffer"
)

// State is where a pass is for one uplink, as people see it.
type State string

// The states.
const (
	Waiting State = "waiting"
	// Delivered: the uplink is done with it. That is also said of the place in the journal of a pass that was sent again from
	// another place, or dropped.
	Delivered State = "delivered"
	Held      State = "held"
	Dead      State = "dead"
	Uncertain State = "uncertain"
)

// asides are the states in which a pass is kept aside.
var asides = map[State]event.State{Held: event.Held, Dead: event.Dead, Uncertain: event.Uncertain}

// An Item is one pass as one uplink has it.
type Item struct {
	// Number names the pass for its uplink; it is the place in the journal.
	Number uint64 `json:"number"`
	Uplink string `json:"uplink"`
	State  State  `json:"state"`
	// Reason says why the pass is aside.
	Reason string `json:"reason,omitempty"`
	// Since is when it was put aside.
	Since time.Time `json:"since,omitzero"`
	// Until is when a held pass stops waiting for its time to become known; zero if it waits for something else, or that wait has
	// not begun.
	Until        time.Time       `json:"until,omitzero"`
	ID           event.ID        `json:"id"`
	Reader       string          `json:"reader"`
	At           time.Time       `json:"at"`
	Direction    event.Direction `json:"direction"`
	Outcome      event.Outcome   `json:"outcome"`
	Card         string          `json:"card"`
	CardFormat   string          `json:"card_format"`
	IIN          string          `json:"iin,omitempty"`
	Name         string          `json:"name,omitempty"`
	Organization string          `json:"organization,omitempty"`
	BIN          string          `json:"bin,omitempty"`
	Note         string          `json:"note,omitempty"`
}

// A Query chooses items. Its zero value means all that are aside.
type Query struct {
	// Uplink limits the items to one uplink; empty: all.
	Uplink string
	// State limits them to one state; empty: all that are aside.
	State State
	// Number limits them to one pass; 0: all.
	Number uint64
	// Approximate: Release also sends passes whose time cannot be known, with an estimate, and the note says so.
	Approximate bool
	// Reveal shows cards, IINs and names in full; otherwise they are masked.
	Reveal bool
}

// A Desk is where the passes of one journal are looked after.
type Desk struct {
	Journal *buffer.Journal
	// Who completes held passes.
	Who *intake.Who
}

// ErrNoUplink is wrapped by the error of a query for an uplink that does not exist.
var ErrNoUplink = errors.New("no such uplink")

// Names are the uplinks that have or had something in the journal: the configured ones, and those that are gone from the
// configuration while passes still wait for them.
func (d *Desk) Names() []string {
	return d.Journal.Uplinks()
}

// Knows returns an error that wraps ErrNoUplink if the name is not empty and no uplink has it.
func (d *Desk) Knows(uplink string) error {
	_, err := d.chosen(uplink)
	return err
}

func (d *Desk) chosen(uplink string) ([]string, error) {
	names := d.Names()
	switch {
	case uplink == "":
		return names, nil
	case slices.Contains(names, uplink):
		return []string{uplink}, nil
	}
	return nil, fmt.Errorf("%w: %q; there are: %q", ErrNoUplink, uplink, names)
}

// Items calls visit for each item that the query chooses, oldest first for each uplink and state, until visit returns false.
func (d *Desk) Items(ctx context.Context, q Query, visit func(*Item) bool) error {
	uplinks, err := d.chosen(q.Uplink)
	if err != nil {
		return err
	}
	going := true
	for _, uplink := range uplinks {
		for _, state := range []State{Held, Dead, Uncertain} {
			if !going || q.State != "" && q.State != state {
				continue
			}
			err := d.Journal.Asides(ctx, uplink, asides[state], before(q.Number), func(a buffer.AsideRecord) bool {
				if q.Number == 0 || a.Seq == q.Number {
					item := describe(&a.Pass, q.Reveal)
					item.Number, item.Uplink, item.State, item.Reason, item.Since = a.Seq, uplink, state, a.Reason, a.At
					if state == Held && a.Pending == event.ClockNotSet {
						item.Until, _ = d.Who.Clock.Due(a.Pass.At)
					}
					going = visit(item)
				}
				return going && (q.Number == 0 || a.Seq < q.Number)
			})
			if err != nil {
				return fmt.Errorf("list %s passes of %s: %w", state, uplink, err)
			}
		}
		if going && (q.State == Waiting || q.State == Delivered || q.Number != 0 && q.State == "") {
			if going, err = d.logged(ctx, uplink, q, visit); err != nil {
				return fmt.Errorf("list passes of %s: %w", uplink, err)
			}
		}
	}
	return nil
}

// logged visits the items of the journal itself: those that wait, and those that are delivered and still kept.
func (d *Desk) logged(ctx context.Context, uplink string, q Query, visit func(*Item) bool) (going bool, err error) {
	cursor := d.Journal.Stats().Uplinks[uplink].Cursor
	after := before(q.Number)
	if q.State == Waiting {
		after = max(after, cursor)
	}
	going = true
	aside := d.newAsides(uplink)
	var failed error
	err = d.Journal.Visit(ctx, after, func(seq uint64, addressee string, p *event.Pass) bool {
		state := Waiting
		if seq <= cursor {
			state = Delivered
		}
		switch {
		case q.Number != 0 && seq > q.Number, q.State == Delivered && state == Waiting:
			return false
		case addressee != "" && addressee != uplink, q.State != "" && q.State != state:
			return true
		case state == Delivered && (p.Pending != event.None || p.Outcome == event.NotPassed):
			return true // it went aside, or was none for a portal
		}
		if state == Delivered {
			var skip bool
			if skip, failed = aside.have(ctx, seq); skip || failed != nil {
				return failed == nil
			}
		}
		item := describe(p, q.Reveal)
		item.Number, item.Uplink, item.State = seq, uplink, state
		going = visit(item)
		return going
	})
	return going, errors.Join(err, failed)
}

// before is the number behind which a scan for this number begins.
func before(number uint64) uint64 {
	if number == 0 {
		return 0
	}
	return number - 1
}

func describe(p *event.Pass, reveal bool) *Item {
	item := &Item{
		ID: p.ID, Reader: p.Reader, At: p.At.Wall, Direction: p.Direction, Outcome: p.Outcome,
		CardFormat: p.Credential.Format, Organization: p.Organization.Name, BIN: p.Organization.BIN, Note: p.Note,
	}
	if reveal {
		item.Card, item.IIN, item.Name = p.Credential.Canonical(), p.Holder.IIN, p.Holder.Name
		return item
	}
	item.Card = p.Credential.Masked()
	if p.Holder.IIN != "" {
		item.IIN, item.Name = event.MaskIIN(p.Holder.IIN), event.Initials(p.Holder.Name)
	}
	return item
}
