package queue

import (
	"context"

	"github.com/acs-agent/acs-agent/agent/event"
	"github.com/acs-agent/acs-agent/buffer"
)

// asideNumbers are the numbers of the passes that an uplink has aside, asked for in rising order. A batch of each state is in
// memory at a time.
type asideNumbers struct {
	desk   *Desk
	uplink string
	states [3]numbersInState
}

// numbersInState are the next numbers of one state.
type numbersInState struct {
	state   event.State
	next    []uint64
	noMore  bool
	numbers [batch]uint64
}

func (d *Desk) newAsides(uplink string) *asideNumbers {
	return &asideNumbers{desk: d, uplink: uplink, states: [3]numbersInState{
		{state: event.Held}, {state: event.Dead}, {state: event.Uncertain},
	}}
}

// have says whether the pass is aside. The number must not be below that of an earlier call.
func (a *asideNumbers) have(ctx context.Context, seq uint64) (bool, error) {
	for i := range a.states {
		if has, err := a.states[i].have(ctx, a, seq); has || err != nil {
			return has, err
		}
	}
	return false, nil
}

func (n *numbersInState) have(ctx context.Context, a *asideNumbers, seq uint64) (bool, error) {
	for {
		for len(n.next) > 0 && n.next[0] < seq {
			n.next = n.next[1:]
		}
		if len(n.next) > 0 || n.noMore {
			return len(n.next) > 0 && n.next[0] == seq, nil
		}
		if err := n.read(ctx, a, seq-1); err != nil {
			return false, err
		}
	}
}

// read takes the next batch of the numbers above after.
func (n *numbersInState) read(ctx context.Context, a *asideNumbers, after uint64) error {
	n.next = n.numbers[:0]
	err := a.desk.Journal.Asides(ctx, a.uplink, n.state, after, func(r buffer.AsideRecord) bool {
		n.next = append(n.next, r.Seq)
		return len(n.next) < batch
	})
	n.noMore = len(n.next) < batch
	return err
}
