package intake

import (
	"slices"
	"sync"
	"time"

	"github.com/acs-agent/acs-agent/agent/event"
)

// mostBlind is about how many passes are compared later: no broker keeps more in flight, and no reader shows more within its `repeat:`.
const mostBlind = 8192

// blind keeps the passes that are stored while the journal does not know what it held before. What they repeat shows later.
type blind struct {
	mu     sync.Mutex
	on     bool
	passes []unseen
}

// unseen is a pass that may repeat one that is not known yet.
type unseen struct {
	seq         uint64
	reader      string
	event, card string
	redelivered bool
	at          event.Instant
}

func (b *blind) note(seq uint64, p *event.Pass) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.on {
		return
	}
	if len(b.passes) >= mostBlind {
		b.passes = append(b.passes[:0], b.passes[mostBlind/2:]...)
	}
	b.passes = append(b.passes, unseen{seq, p.Reader, p.EventID, cardKey(p), p.Redelivered, p.At})
}

// Blind says that the journal does not know at present what it held before: passes are stored as they come, and Repeated tells later
// which of them were there already.
func (i *Intake) Blind() {
	i.blind.mu.Lock()
	defer i.blind.mu.Unlock()
	i.blind.on = true
}

// Repeated gives the numbers of the passes since Blind that repeat one of those before, which each lists, and ends the blindness. An
// intake that is not blind gives none and does not ask.
func (i *Intake) Repeated(each func(visit func(seq uint64, p *event.Pass)) error) (numbers []uint64, err error) {
	i.blind.mu.Lock()
	on := i.blind.on
	i.blind.mu.Unlock()
	if !on {
		return nil, nil
	}
	var known []unseen
	err = each(func(seq uint64, p *event.Pass) {
		known = append(known, unseen{seq: seq, reader: p.Reader, event: p.EventID, card: cardKey(p), at: p.At})
	})
	if err != nil {
		return nil, err
	}
	i.blind.mu.Lock()
	defer i.blind.mu.Unlock()
	for _, u := range i.blind.passes {
		if e := i.entrance(u.reader); e != nil && slices.ContainsFunc(known, func(k unseen) bool { return i.repeats(&u, &k, e.Repeat) }) {
			numbers = append(numbers, u.seq)
		}
	}
	i.blind.on, i.blind.passes = false, nil
	return numbers, nil
}

// repeats says whether u is k once more.
func (i *Intake) repeats(u, k *unseen, repeat time.Duration) bool {
	if k.seq >= u.seq || k.reader != u.reader {
		return false
	}
	return u.redelivered && u.event != "" && u.event == k.event ||
		u.card == k.card && (i.Clock.Age(k.at)-i.Clock.Age(u.at)).Abs() < repeat
}
