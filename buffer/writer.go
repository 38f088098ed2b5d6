package buffer

import (
	"context"
	"errors"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/dgraph-io/badger/v4"
)

// A transaction of the store may have some 157 KB and 1638 entries with a memory table of 1 MiB. A group stays below.
const (
	maxGroup      = 500 // operations
	maxGroupBytes = 120 << 10
	maxEntries    = 1200
)

// op is one thing to be done by the writer.
type op struct {
	ctx   context.Context //nolint:containedctx // an operation is a call that crosses a channel
	taken atomic.Bool     // by the writer, or by the caller who gives up
	done  chan error
	// run adds the changes to the group, or returns an error and adds nothing.
	run func(*group) error
	// grows: it stores a pass more, and is refused when the journal is full.
	grows bool
	// idle: it changes nothing, and is no reason to try the disk all the time.
	idle bool
	// alone is done between two groups, instead of run.
	alone func(context.Context) error
}

// patience is how old the last trial of the disk may be.
func (o *op) patience() time.Duration {
	if o.idle {
		return restEvery
	}
	return trialEvery
}

// write is the one goroutine that changes the store. While one group is being synced the next operations gather, and become
// the next group: a single caller waits for one sync only, and many share one.
func (j *Journal) write() {
	defer close(j.written)
	g := newGroup(j)
	for {
		select {
		case o := <-j.ops:
			j.writeGroup(g, o)
		case <-j.stop:
			return
		}
	}
}

func (j *Journal) writeGroup(g *group, o *op) {
	g.broke = j.space.check(min(openNeeds, j.space.minFree))
	if err := j.try(o.patience()); err != nil {
		g.broke = err
	}
	if g.full = g.ailing(); g.full == nil {
		g.full = j.room()
	}
	for n := 0; o != nil; o = j.waiting() {
		g.add(o)
		if n++; n >= maxGroup {
			break
		}
	}
	_ = g.commit() // everyone in it was answered
}

// waiting gives the next operation, if there is one. Those who were just answered get a chance to come again first: they
// share this sync then, and not the next.
func (j *Journal) waiting() *op {
	for range 2 {
		select {
		case o := <-j.ops:
			return o
		default:
			runtime.Gosched()
		}
	}
	return nil
}

// room prepares the room for a group, deleting delivered passes if need be, and returns ErrFull if there is none.
func (j *Journal) room() error {
	if j.Err() != nil {
		return nil // will be said anyway
	}
	if err := j.space.check(j.space.minFree); err != nil {
		return err
	}
	j.space.measure(time.Now())
	if j.space.used.Load() < j.space.limit {
		return nil
	}
	return j.reclaim()
}

// group gathers the changes of one transaction.
type group struct {
	j       *Journal
	full    error // why nothing that grows is taken
	broke   error // why nothing is written at all
	entries []entry
	bytes   int
	waiting []*op
	effects []func()            // what the transaction changes in memory; done under the lock when it is stored
	gone    map[string]struct{} // keys of passes aside that the group deletes
	arena   []byte              // where keys and values of the group are put together

	// The row as it will be.
	next    uint64
	nextSeg uint32
	split   bool
	current *segment   // the segment that grows; a copy
	begun   []*segment // segments that the group begins
}

func newGroup(j *Journal) *group {
	g := &group{j: j, arena: make([]byte, 0, 192<<10), gone: map[string]struct{}{}}
	g.reset()
	return g
}

func (g *group) reset() {
	clear(g.entries)
	clear(g.waiting)
	clear(g.effects)
	clear(g.gone)
	g.entries, g.waiting, g.effects, g.arena = g.entries[:0], g.waiting[:0], g.effects[:0], g.arena[:0]
	g.bytes, g.begun, g.current = 0, nil, nil
	g.next, g.nextSeg, g.split = g.j.nextSeq, g.j.nextSeg, g.j.split
	if n := len(g.j.segments); n > 0 {
		s := *g.j.segments[n-1]
		g.current = &s
	}
}

// add takes an operation into the group or answers it.
func (g *group) add(o *op) {
	if !o.taken.CompareAndSwap(false, true) {
		return // its caller has given up
	}
	err := g.j.Err()
	switch {
	case err != nil:
	case o.ctx.Err() != nil:
		err = o.ctx.Err()
	case o.alone != nil:
		if _ = g.commit(); g.j.Err() == nil {
			if err = g.ailing(); err == nil {
				err = o.alone(o.ctx)
			}
			g.reset() // the row may begin elsewhere now
		} else {
			err = g.j.Err()
		}
		o.done <- err
		return
	case o.grows && g.full != nil:
		err = g.full
	default:
		err = g.broke
	}
	if err == nil {
		err = o.run(g)
	}
	if err != nil {
		o.done <- err
		return
	}
	g.waiting = append(g.waiting, o)
}

// ailing is why nothing that changes files beside the transaction may be begun on this disk.
func (g *group) ailing() error {
	if errors.Is(g.broke, ErrDisk) {
		return g.broke
	}
	return nil
}

// fit sees to it that so many bytes more fit into the transaction, if need be by storing what is there.
func (g *group) fit(bytes int) error {
	const entries = 4 // the most that is added at a time
	if g.bytes+bytes <= maxGroupBytes && len(g.entries)+entries <= maxEntries || len(g.entries) == 0 {
		return nil
	}
	return g.commit()
}

func (g *group) set(key, value []byte) {
	g.entries = append(g.entries, entry{key, value})
	g.bytes += len(key) + len(value) + 16
}

func (g *group) delete(key []byte) { g.set(key, nil) }

// after has effect done when the group is stored.
func (g *group) after(effect func()) { g.effects = append(g.effects, effect) }

// commit stores the group, makes it visible and answers everyone in it.
func (g *group) commit() error {
	if len(g.entries) == 0 && len(g.waiting) == 0 {
		g.reset()
		return nil
	}
	j := g.j
	if err := j.numbers.reserve(j.end, g.next-1); err != nil {
		j.report(err)
	}
	err := j.store(g.entries)
	switch {
	case err == nil:
		g.publish()
	case errors.Is(err, badger.ErrTxnTooBig): // nothing was stored; only these are refused
	default:
		j.fail(err)
		err = j.Err()
	}
	for _, o := range g.waiting {
		o.done <- err
	}
	g.reset()
	return err
}

// publish makes the row as it is now what everyone sees.
func (g *group) publish() {
	j := g.j
	grown := g.next != j.nextSeq
	j.nextSeq, j.nextSeg, j.split = g.next, g.nextSeg, g.split
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, effect := range g.effects {
		effect()
	}
	if !grown {
		return
	}
	if n := len(j.segments); n > 0 && len(g.begun) > 0 {
		j.segments[n-1].finished = true
	}
	if len(g.begun) > 0 {
		j.segments = append(j.segments, g.begun...)
	} else {
		*j.segments[len(j.segments)-1] = *g.current
	}
	j.end = g.next - 1
	close(j.changed)
	j.changed = make(chan struct{})
}
