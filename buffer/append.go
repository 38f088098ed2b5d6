package buffer

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/acs-agent/acs-agent/agent/event"
)

// A sealed pass holds: version u8, length of the addressee u8, addressee, the pass in its own encoding. An empty addressee
// means all uplinks.
const passVersion = 1

// Append stores a pass for all uplinks and returns its number. When it returns nil the pass is on disk. If ctx ends first the
// pass may have been stored all the same.
func (j *Journal) Append(ctx context.Context, p *event.Pass) (seq uint64, err error) {
	if err := j.enter(); err != nil {
		return 0, err
	}
	defer j.leave()
	plain, err := encodePass("", p)
	if err != nil {
		return 0, err
	}
	at := p.At
	// The answer comes back through a channel: a caller who gives up must not read what the writer may be writing.
	given := make(chan uint64, 1)
	err = j.do(ctx, &op{grows: true, run: func(g *group) error {
		if err := g.fit(len(plain) + 512); err != nil {
			return err
		}
		seq, err := g.append(plain, at)
		given <- seq
		return err
	}})
	if err != nil {
		return 0, err
	}
	return <-given, nil
}

func encodePass(addressee string, p *event.Pass) ([]byte, error) {
	plain := make([]byte, 0, 512)
	plain = append(plain, passVersion, byte(len(addressee))) //nolint:gosec // names have at most 255 bytes
	plain = append(plain, addressee...)
	head := len(plain)
	plain = event.AppendEncoded(plain, p)
	if n := len(plain) - head; n > MaxPass {
		return nil, fmt.Errorf("%w: %d bytes, at most %d", ErrTooLarge, n, MaxPass)
	}
	return plain, nil
}

var errPass = errors.New("the stored form of the pass is not known; written by a newer agent?")

// decodePass takes apart what encodePass made; both results point into plain.
func decodePass(plain []byte) (addressee, encoded []byte, err error) {
	if len(plain) == 1 && plain[0] == passForgotten {
		return nil, nil, errForgotten
	}
	if len(plain) < 2 || plain[0] != passVersion || len(plain) < 2+int(plain[1]) {
		return nil, nil, errPass
	}
	n := 2 + int(plain[1])
	return plain[2:n], plain[n:], nil
}

// append puts a pass at the end of the row, beginning a segment if it is time to.
func (g *group) append(plain []byte, at event.Instant) (seq uint64, err error) {
	// After a salvage the last segment may be one that was read back, whose numbers end far below.
	if g.current == nil || g.split || g.current.last+1 != g.next || g.current.full(&g.j.opts.tuning, at) {
		if err := g.begin(); err != nil {
			return 0, err
		}
	}
	seq = g.next
	key := g.take(passKeyLen)
	key[0] = prefixPass
	binary.BigEndian.PutUint32(key[1:], g.current.id)
	binary.BigEndian.PutUint64(key[5:], seq)
	ad := passData(key)
	value := g.current.aead.Seal(g.take(len(plain) + sealOverhead)[:0], nil, plain, ad[:])
	g.set(key, value)
	g.next++
	g.current.add(len(key)+len(value), at)
	g.j.clock.set(at)
	return seq, nil
}

// begin begins a segment, with a data key of its own, and sums the last one up.
func (g *group) begin() error {
	id := g.nextSeg
	aead, err := g.j.keys.begin(kindKey, id)
	if err != nil {
		return err
	}
	if old := g.current; old != nil {
		old.finished = true
		g.set(numberedKey(kindSummary, old.id), old.summary())
		if len(g.begun) == 0 { // it began in an earlier group; what it grew by in this one has to be kept
			grown := *old
			g.after(func() { *g.j.segments[len(g.j.segments)-1] = grown })
		}
	}
	g.set(numberedKey(kindKey, id), encodeKeyRecord(g.next))
	g.current = &segment{id: id, first: g.next, last: g.next - 1, aead: aead}
	g.begun = append(g.begun, g.current)
	g.nextSeg, g.split = id+1, false
	return nil
}

// take gives n bytes that live as long as the group.
func (g *group) take(n int) []byte {
	if len(g.arena)+n > cap(g.arena) {
		return make([]byte, n)
	}
	start := len(g.arena)
	g.arena = g.arena[:start+n]
	return g.arena[start : start+n : start+n]
}
