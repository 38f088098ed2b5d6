package buffer

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/dgraph-io/badger/v4"

	"github.com/acs-agent/acs-agent/agent/event"
)

// maxReason is how many bytes of a reason are kept.
const maxReason = 1024

// An AsideRecord is a pass that an uplink has put aside, with a copy of the pass: it outlives the row.
type AsideRecord struct {
	Seq    uint64
	State  event.State
	Reason string
	// Pending is why a held pass is held.
	Pending event.Pending
	// At is when it was put aside, by the wall clock.
	At   time.Time
	Pass event.Pass
}

// The value of a pass aside: generation of its data key u32, then sealed: version u8, pending u8, time in milliseconds of
// Unix time i64, length of the reason u16, reason, the pass in its own encoding.
//
// Passes aside live longer than segments, so their data keys are their own: one generation of key seals all until it is as old
// as passes are kept; then a new one begins, what is still aside is sealed again, and the old key is deleted. So a pass that
// was released or dropped cannot be read for much longer than one that was delivered.
const asideHead = 1 + 1 + 8 + 2

// putAside adds one pass aside to the group. A pass that cannot be read any more is reported and left out: the uplink
// must be able to go on behind it.
func (g *group) putAside(name string, a *event.Aside) (stored bool, err error) {
	j := g.j
	plain, err := j.one(a.Seq)
	var encoded []byte
	if err == nil {
		_, encoded, err = decodePass(plain)
	}
	if errors.Is(err, errForgotten) {
		return false, nil
	}
	if err != nil {
		hole := &HoleError{From: a.Seq, To: a.Seq, Cause: err}
		errors.As(err, &hole)
		j.hole(hole)
		return false, nil
	}
	key := asideKey(name, byte(a.State), a.Seq)
	reason := cut(a.Reason)
	body := make([]byte, 0, asideHead+len(reason)+len(encoded))
	body = append(body, passVersion, byte(a.Pending))
	body = binary.BigEndian.AppendUint64(body, uint64(j.opts.Now().UnixMilli()))
	body = binary.BigEndian.AppendUint16(body, uint16(len(reason))) //nolint:gosec // bounded
	body = append(body, reason...)
	body = append(body, encoded...)
	if err := g.fit(len(key) + len(body) + 256); err != nil {
		return false, err
	}
	return true, g.setAside(key, body)
}

func cut(reason string) string {
	reason = strings.ToValidUTF8(reason, "�")
	if len(reason) <= maxReason {
		return reason
	}
	reason = reason[:maxReason]
	for !utf8.ValidString(reason) { // a character was cut in two
		reason = reason[:len(reason)-1]
	}
	return reason
}

// setAside seals body with the data key in use, which it makes if there is none.
func (g *group) setAside(key, body []byte) error {
	j := g.j
	if j.asideKey[j.asideGen] == nil {
		if err := j.beginGeneration(); err != nil {
			return err
		}
	}
	value := binary.BigEndian.AppendUint32(make([]byte, 0, 4+len(body)+sealOverhead), j.asideGen)
	g.set(key, j.asideKey[j.asideGen].Seal(value, nil, body, asideData(key)))
	return nil
}

// beginGeneration makes a data key for the passes aside. It has a transaction of its own: what it seals must not be stored
// without it.
func (j *Journal) beginGeneration() error {
	gen := j.asideGen + 1
	place := numberedKey(kindAsideKey, gen)
	aead, err := j.keys.begin(kindAsideKey, gen)
	if err != nil {
		return err
	}
	now := j.opts.Now()
	record := binary.BigEndian.AppendUint64(nil, uint64(now.UnixMilli()))
	if err := j.store([]entry{{place, record}}); err != nil {
		j.fail(err)
		return j.Err()
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.asideGen, j.asideAge, j.asideKey[gen] = gen, now, aead
	return nil
}

// unseal gives the sealed part of the value of a pass aside or of a record.
func (j *Journal) unseal(key, value []byte) (body []byte, err error) {
	if len(value) < 4 {
		return nil, errPass
	}
	j.mu.RLock()
	aead := j.asideKey[binary.BigEndian.Uint32(value)]
	j.mu.RUnlock()
	if aead == nil { // sealed anew since it was read?
		fresh, err := j.get(key)
		if err != nil || len(fresh) < 4 || bytes.Equal(fresh[:4], value[:4]) {
			return nil, errors.Join(errNoKey, err)
		}
		return j.unseal(key, fresh)
	}
	body, err = aead.Open(nil, nil, value[4:], asideData(key))
	if err != nil {
		return nil, fmt.Errorf("open its seal: %w", err)
	}
	return body, nil
}

// openAside gives the sealed part of the value of a pass aside.
func (j *Journal) openAside(key, value []byte) (body []byte, err error) {
	if body, err = j.unseal(key, value); err != nil {
		return nil, err
	}
	if len(body) < asideHead || body[0] != passVersion || len(body) < asideHead+int(binary.BigEndian.Uint16(body[10:])) {
		return nil, errPass
	}
	return body, nil
}

// asidePass is the encoded pass within what openAside gave.
func asidePass(body []byte) []byte { return body[asideHead+int(binary.BigEndian.Uint16(body[10:])):] }

func (j *Journal) readAside(key, value []byte) (r AsideRecord, err error) {
	body, err := j.openAside(key, value)
	if err != nil {
		return r, err
	}
	_, state, seq, _ := parseAsideKey(key)
	r.Seq, r.State, r.Pending = seq, event.State(state), event.Pending(body[1])
	r.At = time.UnixMilli(int64(binary.BigEndian.Uint64(body[2:]))) //nolint:gosec // as it was written
	encoded := asidePass(body)
	r.Reason = string(body[asideHead : len(body)-len(encoded)])
	return r, event.Decode(encoded, &r.Pass)
}

// Asides calls visit for the passes that an uplink has put aside in one state, with numbers above after, oldest first, until
// visit returns false or ctx ends. A record that cannot be read is reported and left out. visit may call Release and Drop.
func (j *Journal) Asides(ctx context.Context, uplink string, state event.State, after uint64, visit func(AsideRecord) bool) error {
	if !validState(state) {
		return fmt.Errorf("passes aside of %s: no state %d", uplink, state)
	}
	if err := j.enterWhole(); err != nil {
		return err
	}
	defer j.leave()
	for {
		if err := j.mayWalk(ctx); err != nil {
			return err
		}
		records, last := j.asidesAbove(uplink, state, after)
		if err := j.sound(); err != nil {
			return err
		}
		for _, r := range records {
			if err := j.mayWalk(ctx); err != nil {
				return err
			}
			if !visit(r) {
				return nil
			}
		}
		if last == 0 {
			return nil
		}
		after = last
	}
}

// asidesAbove reads the next records, few enough to be kept in memory; last is 0 at the end. Between the calls no read
// transaction is open, however long the visits take.
func (j *Journal) asidesAbove(uplink string, state event.State, after uint64) (records []AsideRecord, last uint64) {
	const most, mostBytes = 64, 128 << 10
	txn := j.db.NewTransaction(false)
	defer txn.Discard()
	it := txn.NewIterator(badger.IteratorOptions{Prefix: append(asidePrefix(uplink), byte(state))})
	defer it.Close()
	bytes := 0
	for it.Seek(asideKey(uplink, byte(state), after+1)); it.Valid(); it.Next() {
		if len(records) >= most || bytes >= mostBytes {
			return records, last
		}
		item := it.Item()
		name, _, seq, ok := parseAsideKey(item.Key())
		if !ok || name != uplink {
			continue
		}
		last = seq
		bytes += int(item.ValueSize())
		err := item.Value(func(value []byte) error {
			r, err := j.readAside(item.Key(), value)
			if err == nil {
				records = append(records, r)
			}
			return err
		})
		if err != nil {
			j.badAside(item.KeyCopy(nil), err)
		}
	}
	return records, 0
}

func (j *Journal) badAside(key []byte, err error) {
	if errors.Is(err, badger.ErrKeyNotFound) {
		return // deleted since it was read
	}
	name, state, seq, _ := parseAsideKey(key)
	j.report(fmt.Errorf("pass %d of %s, aside as %s, cannot be read: %w", seq, name, event.State(state), err))
}

// Release takes a pass back into the row, at its end and for that uplink alone: p if it is not nil, else the pass as it was
// put aside. Both happen in one step.
func (j *Journal) Release(ctx context.Context, uplink string, state event.State, seq uint64, p *event.Pass) error {
	if err := j.enterWhole(); err != nil {
		return err
	}
	defer j.leave()
	var fresh []byte
	if p != nil {
		var err error
		if fresh, err = encodePass(uplink, p); err != nil {
			return err
		}
	}
	err := j.do(ctx, &op{grows: true, run: func(g *group) error { return g.release(uplink, state, seq, fresh) }})
	if err != nil {
		return fmt.Errorf("release pass %d of %s, %s: %w", seq, uplink, state, err)
	}
	return nil
}

func (g *group) release(name string, state event.State, seq uint64, plain []byte) error {
	key, value, err := g.findAside(name, state, seq)
	if err != nil {
		return err
	}
	if plain == nil {
		body, err := g.j.openAside(key, value)
		if err != nil {
			return err
		}
		plain = append([]byte{passVersion, byte(len(name))}, name...) //nolint:gosec // names have at most 255 bytes
		plain = append(plain, asidePass(body)...)
	}
	_, encoded, err := decodePass(plain)
	if err != nil {
		return err
	}
	var p event.Pass
	if err := event.Decode(encoded, &p); err != nil {
		return err
	}
	if err := g.fit(len(key) + len(plain) + 512); err != nil {
		return err
	}
	clock := g.j.clock.offset.Load()
	// The segment gets older by the moment of the pass only: a pass that comes late is no sign of the clock of today.
	if _, err := g.append(plain, p.At); err != nil {
		return err
	}
	g.j.clock.offset.Store(clock)
	g.removeAside(name, state, key)
	return nil
}

// Drop deletes a pass aside for good: the decision of a person.
func (j *Journal) Drop(ctx context.Context, uplink string, state event.State, seq uint64) error {
	if err := j.enterWhole(); err != nil {
		return err
	}
	defer j.leave()
	err := j.do(ctx, &op{run: func(g *group) error { return g.drop(uplink, state, seq) }})
	if err != nil {
		return fmt.Errorf("drop pass %d of %s, %s: %w", seq, uplink, state, err)
	}
	j.log.Info("pass dropped by an operator", "uplink", uplink, "state", state.String(), "seq", seq)
	return nil
}

func (g *group) drop(name string, state event.State, seq uint64) error {
	key, _, err := g.findAside(name, state, seq)
	if err != nil {
		return err
	}
	if err := g.fit(len(key) + 64); err != nil {
		return err
	}
	g.removeAside(name, state, key)
	return nil
}

// findAside reads a pass aside as it is with what the group has done so far.
func (g *group) findAside(name string, state event.State, seq uint64) (key, value []byte, err error) {
	if g.j.uplinks[name] == nil {
		return nil, nil, ErrUnknownUplink
	}
	if !validState(state) {
		return nil, nil, ErrNotFound
	}
	key = asideKey(name, byte(state), seq)
	if _, gone := g.gone[string(key)]; gone {
		return nil, nil, ErrNotFound
	}
	value, err = g.j.get(key)
	if errors.Is(err, badger.ErrKeyNotFound) {
		return nil, nil, ErrNotFound
	}
	return key, value, err
}

func (g *group) removeAside(name string, state event.State, key []byte) {
	g.delete(slices.Clip(key))
	g.gone[string(key)] = struct{}{}
	u := g.j.uplinks[name]
	g.after(func() { u.aside[state]-- })
}
