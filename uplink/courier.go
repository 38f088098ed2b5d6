package uplink

import (
	"context"
	"fmt"
	"time"

	"github.com/acs-agent/acs-agent/agent/event"
	"github.com/acs-agent/acs-agent/agent/health"
)

// Sorting says what a pass is to a load.
type Sorting int

// The sortings.
const (
	// Skip: the pass does not concern this uplink.
	Skip Sorting = iota
	// Carry: the pass belongs into the request.
	Carry
	// Hold: the pass would belong into it but is not ready; it goes aside and comes back when it is.
	Hold
)

// A Load is one request in the making. The courier offers it the waiting passes, oldest first, and has it sent when it is full
// or old enough. A load must sort the same pass the same way every time: the passes are read again when it is sent.
type Load interface {
	// Sort says what the pass is to this load.
	Sort(p *event.Pass) Sorting
	// Add takes a pass that was sorted as Carry into account.
	Add(p *event.Pass)
	// Size is the exact length in bytes of the request body with everything added so far.
	Size() int64
	// Send sends everything that was added in one request. walk goes over the stretch of the journal that the load was filled
	// from, with all passes in it.
	Send(ctx context.Context, walk Walk) Verdict
}

// Walk calls visit for the passes of a stretch with numbers above after, oldest first, until visit returns false.
type Walk func(ctx context.Context, after uint64, visit func(seq uint64, p *event.Pass) bool) error

// Courier carries passes from a source to a portal, batch by batch. It is the patience that all batch uplinks share: when to
// send, how long to wait after a failure, how to find the one pass that a portal does not want.
type Courier struct {
	Source Source
	Say    *health.Part
	// NewLoad makes an empty load.
	NewLoad func() Load
	// MaxSize, in bytes, and MaxCount close a batch; so does MaxDelay after the courier saw its first pass.
	MaxSize  int64
	MaxCount int
	MaxDelay time.Duration
	// Patience is the longest wait between two attempts after failures.
	Patience time.Duration
	// Probe is the wait between two attempts when a person has to act.
	Probe time.Duration

	// bounds are the ends of stretches that were refused as a whole, innermost last: no batch reaches beyond the last.
	bounds []uint64
	// half limits the next batch to this many passes; 0 for no limit.
	half int
	// refusals counts passes refused one by one with no delivery in between.
	refusals int
	// running is false until the first batch is gathered.
	running bool
}

const (
	// coalesce is how long the courier lets passes gather before it looks at them, so that a busy hour does not wake it for
	// each of them.
	coalesce = 100 * time.Millisecond
	// minSize is what TooLarge can bring MaxSize down to.
	minSize = 64 << 10
	// tooMany refusals in a row are not the fault of the passes.
	tooMany = 20
)

// stretch is a piece of the journal behind the cursor, sorted into what is carried and what goes aside.
type stretch struct {
	load  Load
	after uint64
	upto  uint64
	count int
	aside []event.Aside
	full  bool
}

// Run carries until ctx ends.
func (c *Courier) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		s, err := c.gather(ctx)
		if err == nil {
			err = c.deliver(ctx, s)
		}
		if err != nil && ctx.Err() == nil {
			c.Say.Down(health.Fallback(health.JournalFailing, fmt.Errorf("journal: %w", err)))
			_ = Sleep(ctx, firstWait)
		}
	}
	return nil
}

// gather waits for passes and sorts them until the batch is full or has waited long enough. What the courier finds at its
// start has waited long enough.
func (c *Courier) gather(ctx context.Context) (*stretch, error) {
	cursor := c.Source.Cursor()
	s := &stretch{load: c.NewLoad(), after: cursor, upto: cursor}
	delay := c.MaxDelay
	if !c.running {
		c.running, delay = true, 0
	}
	var due <-chan time.Time
	for {
		changed := c.Source.Changed()
		if err := c.fill(ctx, s); err != nil {
			return nil, err
		}
		switch {
		case s.full || len(c.bounds) > 0:
			return s, nil
		case s.count == 0 && s.upto > s.after:
			return s, nil // only passes that go aside or do not concern this uplink: settle at once
		case s.count > 0 && due == nil:
			due = time.After(delay)
		case s.count == 0 && c.Say.State() == health.Starting:
			c.Say.Up()
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-due:
			return s, nil
		case <-changed:
			if err := Sleep(ctx, min(coalesce, delay)); err != nil {
				return nil, err
			}
		}
		delay = c.MaxDelay
	}
}

// fill sorts what has arrived behind the stretch.
func (c *Courier) fill(ctx context.Context, s *stretch) error {
	end := c.Source.End()
	if n := len(c.bounds); n > 0 {
		end = min(end, c.bounds[n-1])
	}
	last := s.upto
	err := c.Source.Scan(ctx, s.upto, end, func(seq uint64, p *event.Pass) bool {
		switch s.load.Sort(p) {
		case Carry:
			s.load.Add(p)
			s.count++
		case Hold:
			s.aside = append(s.aside, event.Aside{Seq: seq, State: event.Held, Pending: p.Pending, Reason: p.Pending.String()})
		case Skip:
		}
		last = seq
		s.full = s.load.Size() >= c.MaxSize || s.count >= c.MaxCount || c.half > 0 && s.count >= c.half || len(s.aside) >= event.MaxAside-1
		return !s.full
	})
	if err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	s.upto = last
	if !s.full {
		s.upto = max(last, end) // what Scan left out concerns others
	}
	return nil
}

// deliver sends the stretch until it is settled, or until it must be cut smaller.
func (c *Courier) deliver(ctx context.Context, s *stretch) error {
	if s.count == 0 {
		return c.settle(ctx, s, 0)
	}
	walk := func(ctx context.Context, after uint64, visit func(seq uint64, p *event.Pass) bool) error {
		return c.Source.Scan(ctx, max(after, s.after), s.upto, visit)
	}
	for attempt := 0; ; attempt++ {
		verdict := s.load.Send(ctx, walk)
		if err := ctx.Err(); err != nil {
			return err
		}
		switch verdict.Outcome {
		case Delivered:
			c.half, c.refusals = 0, 0
			c.Say.Add(s.count)
			c.Say.Up()
			return c.settle(ctx, s, s.count)
		case TooLarge, Refused:
			switch {
			case s.count > 1:
				c.cut(s, verdict.Outcome)
				return nil
			case c.refusals < tooMany:
				c.refusals++
				return c.bury(ctx, s, event.Dead, verdict.Reason)
			}
			c.Say.Stop(fmt.Errorf("the portal has refused %d passes one after the other, so it is hardly their fault: %w; "+
				"ask the portal's operator, then run `acs-agent queue retry`", c.refusals, verdict.Problem()))
			if err := Sleep(ctx, c.Probe); err != nil {
				return err
			}
		case Unknown:
			return c.bury(ctx, s, event.Uncertain, verdict.Reason)
		case Stop:
			c.Say.Stop(verdict.Problem())
			if err := Sleep(ctx, max(verdict.After, c.Probe)); err != nil {
				return err
			}
		case Retry:
			c.Say.Down(verdict.Problem())
			if err := Sleep(ctx, max(verdict.After, Backoff(attempt, c.Patience))); err != nil {
				return err
			}
		}
	}
}

// cut makes the next batch the first half of the refused one, and keeps later batches from mixing with its rest.
func (c *Courier) cut(s *stretch, why Outcome) {
	if n := len(c.bounds); n == 0 || c.bounds[n-1] > s.upto {
		c.bounds = append(c.bounds, s.upto)
	}
	c.half = s.count / 2
	if why == TooLarge {
		c.MaxSize = max(minSize, s.load.Size()/2)
	}
}

// bury puts all passes of the stretch aside: the one that was refused alone, or all whose fate nobody knows.
func (c *Courier) bury(ctx context.Context, s *stretch, state event.State, reason string) error {
	var seqs []uint64
	err := c.Source.Scan(ctx, s.after, s.upto, func(seq uint64, p *event.Pass) bool {
		if s.load.Sort(p) == Carry {
			seqs = append(seqs, seq)
		}
		return true
	})
	if err != nil {
		return err
	}
	for _, seq := range seqs {
		s.aside = append(s.aside, event.Aside{Seq: seq, State: state, Reason: reason})
	}
	return c.settle(ctx, s, 0)
}

// settle moves the cursor behind the stretch.
func (c *Courier) settle(ctx context.Context, s *stretch, delivered int) error {
	if err := c.Source.Settle(ctx, s.upto, delivered, s.aside); err != nil {
		return err
	}
	for n := len(c.bounds); n > 0 && c.bounds[n-1] <= s.upto; n-- {
		c.bounds = c.bounds[:n-1]
	}
	return nil
}
