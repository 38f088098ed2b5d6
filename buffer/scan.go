package buffer

import (
	"context"
	"crypto/cipher"
	"errors"
	"fmt"
	"time"

	"github.com/dgraph-io/badger/v4"

	"github.com/acs-agent/acs-agent/agent/event"
)

const (
	// A read transaction keeps files and memory of the store from being freed. A long walk takes a new one now and then.
	walkPasses = 4096
	walkTime   = 2 * time.Second
	// ctx is looked at every so many passes.
	checkEvery = 64
)

var errNoKey = errors.New("its data key is damaged")

// visitor is called for each pass of a walk: its number, whom it is for, the pass and how many bytes it takes. Everything is
// valid during the call only.
type visitor func(seq uint64, addressee []byte, p *event.Pass) bool

// Visit calls visit for every pass of the journal above number after, oldest first, whomever it is for, until visit returns
// false or ctx ends. An empty addressee means all uplinks. The pass is valid during the call only.
func (j *Journal) Visit(ctx context.Context, after uint64, visit func(seq uint64, addressee string, p *event.Pass) bool) error {
	if err := j.enter(); err != nil {
		return err
	}
	defer j.leave()
	w := j.walk(j.hole)
	return w.run(ctx, after, j.End(), func(seq uint64, addressee []byte, p *event.Pass) bool {
		return visit(seq, string(addressee), p)
	})
}

// walker walks over the row, checks that no pass is missing, and opens each.
type walker struct {
	j    *Journal
	hole func(*HoleError)
	// forgotten counts the passes that were emptied.
	forgotten uint64
	opener
}

func (j *Journal) walk(hole func(*HoleError)) *walker {
	return &walker{j: j, hole: hole, opener: opener{j: j}}
}

// run calls visit for the passes above after and up to upto.
func (w *walker) run(ctx context.Context, after, upto uint64, visit visitor) error {
	next := after + 1
	for next <= upto {
		if err := w.j.mayWalk(ctx); err != nil {
			return err
		}
		reached, err := w.part(ctx, next, upto, visit)
		if err != nil || reached == 0 {
			return err
		}
		next = reached
	}
	return nil
}

// part walks in one read transaction and returns where to go on, or 0 if visit has had enough.
func (w *walker) part(ctx context.Context, next, upto uint64, visit visitor) (reached uint64, err error) {
	start := w.j.locate(next)
	if start == nil {
		return upto + 1, nil // nothing is kept from there on
	}
	txn := w.j.db.NewTransaction(false)
	defer txn.Discard()
	it := txn.NewIterator(passIterator(false))
	defer it.Close()
	began := time.Now()
	n := 0
	for it.Seek(passKey(start.id, max(next, start.first))); it.Valid(); it.Next() {
		id, seq, ok := parsePassKey(it.Item().Key())
		if !ok || seq < next {
			continue
		}
		if seq > upto {
			break
		}
		if err := w.j.sound(); err != nil {
			return 0, err
		}
		w.missing(next, seq-1)
		next = seq + 1
		p, addressee, err := w.openNow(it.Item(), id, seq)
		if errors.Is(err, errForgotten) {
			w.forgotten++
			continue
		}
		if err != nil {
			if w.j.locate(seq) != nil && len(w.j.present(seq, seq)) > 0 { // not deleted meanwhile
				w.hole(&HoleError{From: seq, To: seq, Cause: err})
			}
			continue
		}
		if !visit(seq, addressee, p) {
			return 0, nil
		}
		if n++; n%checkEvery == 0 {
			if err := w.j.mayWalk(ctx); err != nil {
				return 0, err
			}
			if n >= walkPasses || time.Since(began) > walkTime {
				return next, nil
			}
		}
	}
	if err := w.j.sound(); err != nil {
		return 0, err
	}
	w.missing(next, upto)
	return upto + 1, nil
}

// missing reports what should be between two numbers.
func (w *walker) missing(from, to uint64) {
	if from > to {
		return
	}
	for _, part := range w.j.present(from, to) {
		w.hole(&HoleError{From: part.from, To: part.to})
	}
}

func (j *Journal) mayWalk(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case <-j.closing:
		return ErrClosed
	default:
		return nil
	}
}

// opener opens sealed passes one after the other, in memory that it uses again.
type opener struct {
	j     *Journal
	id    uint32
	aead  cipher.AEAD
	plain []byte
	pass  event.Pass
}

func (o *opener) open(item *badger.Item, id uint32) (p *event.Pass, addressee []byte, err error) {
	if o.aead == nil || o.id != id {
		o.id, o.aead = id, o.j.aeadOf(id)
	}
	if o.aead == nil {
		return nil, nil, errNoKey
	}
	err = item.Value(func(sealed []byte) error {
		ad := passData(item.Key())
		o.plain, err = o.aead.Open(o.plain[:0], nil, sealed, ad[:])
		return err
	})
	if err != nil {
		return nil, nil, fmt.Errorf("open its seal: %w", err)
	}
	return o.decode()
}

// openNow opens a pass as it is now if it does not open as it was when the walk began: its segment may have been sealed anew.
func (o *opener) openNow(item *badger.Item, id uint32, seq uint64) (p *event.Pass, addressee []byte, err error) {
	p, addressee, err = o.open(item, id)
	if err == nil || errors.Is(err, errForgotten) {
		return p, addressee, err
	}
	var plain []byte
	var again error
	for range 2 { // between the key and the value it can happen once more
		if plain, again = o.j.one(seq); again == nil {
			break
		}
	}
	if again != nil {
		return nil, nil, err
	}
	o.aead = nil // the next time the keys of now
	o.plain = append(o.plain[:0], plain...)
	return o.decode()
}

func (o *opener) decode() (p *event.Pass, addressee []byte, err error) {
	addressee, encoded, err := decodePass(o.plain)
	if err != nil {
		return nil, nil, err
	}
	if err := event.Decode(encoded, &o.pass); err != nil {
		return nil, nil, err
	}
	return &o.pass, addressee, nil
}

// Tail calls visit for the newest n passes that are for all uplinks, newest first, until visit returns false or ctx ends. The
// pass is valid during the call only.
func (j *Journal) Tail(ctx context.Context, n int, visit func(seq uint64, p *event.Pass) bool) error {
	if err := j.enter(); err != nil {
		return err
	}
	defer j.leave()
	if n <= 0 {
		return nil
	}
	return j.tail(ctx, func(_ uint32, seq uint64, addressee []byte, p *event.Pass, _ int) bool {
		if len(addressee) > 0 {
			return true
		}
		n--
		return visit(seq, p) && n > 0
	})
}

func (j *Journal) tail(ctx context.Context, visit func(id uint32, seq uint64, addressee []byte, p *event.Pass, stored int) bool) error {
	begin := j.locate(0)
	if begin == nil {
		return nil
	}
	txn := j.db.NewTransaction(false)
	defer txn.Discard()
	it := txn.NewIterator(passIterator(true))
	defer it.Close()
	o := opener{j: j}
	for it.Seek(lastPassKey()); it.Valid(); it.Next() {
		if err := j.mayWalk(ctx); err != nil {
			return err
		}
		id, seq, ok := parsePassKey(it.Item().Key())
		if !ok || seq < begin.first {
			return nil
		}
		p, addressee, err := o.openNow(it.Item(), id, seq)
		if errors.Is(err, errForgotten) {
			continue
		}
		if err != nil {
			j.hole(&HoleError{From: seq, To: seq, Cause: err})
			continue
		}
		if !visit(id, seq, addressee, p, len(it.Item().Key())+int(it.Item().ValueSize())) {
			return nil
		}
	}
	return j.sound()
}

// one reads the plain form of a single pass.
func (j *Journal) one(seq uint64) ([]byte, error) {
	s := j.locate(seq)
	if s == nil || seq < s.first || s.aead == nil {
		return nil, &HoleError{From: seq, To: seq}
	}
	key := passKey(s.id, seq)
	sealed, err := j.get(key)
	if errors.Is(err, badger.ErrKeyNotFound) {
		return nil, &HoleError{From: seq, To: seq}
	}
	if err != nil {
		return nil, &HoleError{From: seq, To: seq, Cause: err}
	}
	ad := passData(key)
	plain, err := s.aead.Open(nil, nil, sealed, ad[:])
	if err != nil {
		return nil, &HoleError{From: seq, To: seq, Cause: err}
	}
	return plain, nil
}
