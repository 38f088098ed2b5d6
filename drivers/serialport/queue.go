package serialport

import (
	"context"
	"fmt"
	"time"

	"github.com/acs-agent/acs-agent/agent/event"
	"github.com/acs-agent/acs-agent/drivers"
)

const (
	// queueLength is how many passes of one line may wait for Take: an hour of a busy turnstile.
	queueLength = 1024
	// offerAgain is the time between two offers of a pass that was refused.
	offerAgain = time.Second
	// grace is how long Take has for what is queued when the agent stops. Run ends within a second, so it is less.
	grace = 700 * time.Millisecond
)

// A queue stands between the reading goroutine, which may not wait, and Take, which may.
type queue struct {
	passes chan *event.Pass
	voice  *voice
}

func newQueue(v *voice) *queue { return &queue{passes: make(chan *event.Pass, queueLength), voice: v} }

// put never blocks. A pass for which there is no room is lost; it is the only loss there is, and it is reported.
func (q *queue) put(p *event.Pass) {
	select {
	case q.passes <- p:
	default:
		q.voice.overflow(p.Reader)
	}
}

// close says that nothing more is put.
func (q *queue) close() { close(q.passes) }

// serve offers each pass to take until it is taken, in the order in which they came, until the queue is closed and empty. When
// ctx ends, what waits is offered once more, within the grace.
func (q *queue) serve(ctx context.Context, take drivers.Take) {
	// A Take that is under way when ctx ends shall be able to finish: it has a context of its own.
	offer, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	defer context.AfterFunc(ctx, func() {
		select {
		case <-offer.Done():
		case <-time.After(grace):
			cancel()
		}
	})()
	lost := 0
	for p := range q.passes {
		if !q.offer(ctx, offer, take, p) {
			lost++
		}
	}
	if lost > 0 {
		q.voice.odd("", fmt.Errorf("%d passes are lost: the agent stopped while the journal did not take them", lost))
	}
}

// offer says whether p was taken.
func (q *queue) offer(ctx, offer context.Context, take drivers.Take, p *event.Pass) bool {
	for {
		last := ctx.Err() != nil
		err := take(offer, p)
		q.voice.taken(err, len(q.passes)+1)
		if err == nil {
			return true
		}
		if last {
			return false
		}
		select {
		case <-ctx.Done():
		case <-time.After(offerAgain):
		}
	}
}

// An intake is the Out of a line: it stamps each pass with the time at which its bytes came.
type intake struct {
	queue *queue
	voice *voice
	// at is when the newest bytes were received.
	at time.Time
}

func (in *intake) Pass(p *event.Pass) {
	p.At.Wall = in.at // as the clock gave it: a zone would take its monotonic reading away
	in.queue.put(p)
}

func (in *intake) Odd(reader string, fault error) { in.voice.odd(reader, fault) }
