package buffer

import (
	"context"
	"crypto/cipher"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/dgraph-io/badger/v4"

	"github.com/acs-agent/acs-agent/agent/event"
)

// A transaction that seals anew is small: passes that come meanwhile wait for one of them.
const (
	resealPasses = 200
	resealBytes  = 64 << 10
)

// step has the writer do something between two groups, and then leaves it alone as long as that took.
func (j *Journal) step(ctx context.Context, do func() error) error {
	var took time.Duration
	err := j.do(ctx, &op{alone: func(context.Context) error {
		began := time.Now()
		defer func() { took = time.Since(began) }()
		if err := j.space.check(j.space.minFree); err != nil {
			return err
		}
		return do()
	}})
	if err != nil {
		return err
	}
	pause := time.NewTimer(took)
	defer pause.Stop()
	select {
	case <-pause.C:
	case <-ctx.Done():
	case <-j.closing:
	}
	return j.mayWalk(ctx)
}

// reseal seals the passes of a segment with a fresh data key, those emptied for which is says so, and destroys the key of before.
// Until then both keys open what they have sealed, so that it can be interrupted at any point.
func (j *Journal) reseal(ctx context.Context, id uint32, is func(*event.Pass) bool, count func(passes uint64)) (emptied uint64, err error) {
	var first, upto uint64
	err = j.step(ctx, func() error {
		s := j.segmentOf(id)
		if s == nil || s.aead == nil {
			return nil
		}
		if !j.keys.several(id) {
			aead, err := j.keys.another(kindKey, id)
			if err != nil {
				return err
			}
			j.use(s, aead)
		}
		first, upto = s.first, s.last // what comes later is sealed with the fresh key
		return j.opts.tuning.cut("another")
	})
	if err != nil || upto == 0 {
		return 0, err
	}
	for next := first; next <= upto; {
		from := next
		var hits uint64
		err := j.step(ctx, func() (err error) {
			next, hits, err = j.resealSome(id, from, upto, is)
			return err
		})
		if err != nil { // the writer may still be at it
			return emptied, err
		}
		emptied += hits
		count(next - from)
	}
	return emptied, j.step(ctx, func() error {
		s := j.segmentOf(id)
		if s == nil {
			return nil
		}
		aead, err := j.keys.newest(id)
		if err != nil {
			return err
		}
		j.use(s, aead)
		return nil
	})
}

// resealSome does the next passes and returns where to go on. A pass that opens no more stays as it is: a hole.
func (j *Journal) resealSome(id uint32, from, upto uint64, is func(*event.Pass) bool) (next, emptied uint64, err error) {
	s := j.segmentOf(id)
	if s == nil {
		return upto + 1, 0, nil // deleted meanwhile
	}
	var entries []entry
	err = j.db.View(func(txn *badger.Txn) error {
		it := txn.NewIterator(badger.IteratorOptions{Prefix: segmentPrefix(id)})
		defer it.Close()
		bytes := 0
		for it.Seek(passKey(id, max(from, s.first))); it.Valid(); it.Next() {
			_, seq, ok := parsePassKey(it.Item().Key())
			if !ok {
				continue
			}
			if seq > upto || len(entries) >= resealPasses || bytes >= resealBytes {
				next = seq
				return nil
			}
			key := it.Item().KeyCopy(nil)
			ad := passData(key)
			var plain []byte
			err := it.Item().Value(func(sealed []byte) (err error) {
				plain, err = s.aead.Open(nil, nil, sealed, ad[:])
				return err
			})
			if err != nil {
				continue
			}
			if isPassOf(plain, is) {
				plain = []byte{passForgotten}
				emptied++
			}
			value := s.aead.Seal(nil, nil, plain, ad[:])
			entries = append(entries, entry{key, value})
			bytes += len(key) + len(value)
		}
		next = upto + 1
		return nil
	})
	if err == nil {
		if err = j.store(entries); err != nil {
			j.fail(err)
			err = j.Err()
		}
	}
	if err == nil {
		err = j.opts.tuning.cut("some")
	}
	return next, emptied, err
}

func isPassOf(plain []byte, is func(*event.Pass) bool) bool {
	_, encoded, err := decodePass(plain)
	var p event.Pass
	return err == nil && event.Decode(encoded, &p) == nil && is(&p)
}

// segmentOf gives a segment by its number; only the writer calls it.
func (j *Journal) segmentOf(id uint32) *segment {
	for _, s := range j.segments {
		if s.id == id {
			return s
		}
	}
	return nil
}

// use gives a segment other data keys.
func (j *Journal) use(s *segment, aead cipher.AEAD) {
	j.mu.Lock()
	defer j.mu.Unlock()
	s.aead = aead
}

// renewAsides seals passes aside and records with a fresh data key, a few at a time, and destroys the keys of before.
func (j *Journal) renewAsides(ctx context.Context) error {
	if err := j.step(ctx, j.beginGeneration); err != nil {
		return err
	}
	for _, prefix := range []byte{prefixAside, prefixRecord} {
		for next := []byte{prefix}; next != nil; {
			from := next
			err := j.step(ctx, func() (err error) {
				next, err = j.renewSome(prefix, from)
				return err
			})
			if err != nil {
				return err
			}
		}
	}
	return j.step(ctx, func() error {
		if err := j.opts.tuning.cut("renewed"); err != nil {
			return err
		}
		var prefixes [][]byte
		j.mu.Lock()
		for gen := range j.asideKey {
			if gen != j.asideGen {
				delete(j.asideKey, gen)
				prefixes = append(prefixes, numberedKey(kindAsideKey, gen))
			}
		}
		j.mu.Unlock()
		return errors.Join(j.destroyKeys(0), j.wipe(prefixes))
	})
}

// renewSome does the next values and returns where to go on; nil at the end.
func (j *Journal) renewSome(prefix byte, from []byte) (next []byte, err error) {
	g := newGroup(j)
	bytes := 0
	err = j.db.View(func(txn *badger.Txn) error {
		it := txn.NewIterator(badger.IteratorOptions{Prefix: []byte{prefix}})
		defer it.Close()
		for it.Seek(from); it.Valid(); it.Next() {
			key := it.Item().KeyCopy(nil)
			if len(g.entries) >= resealPasses || bytes >= resealBytes {
				next = key
				return nil
			}
			err := it.Item().Value(func(value []byte) error {
				if len(value) < 4 || binary.BigEndian.Uint32(value) == j.asideGen {
					return nil
				}
				body, err := j.unseal(key, value)
				if err != nil {
					return nil //nolint:nilerr // nobody can read it; who looks for it is told
				}
				bytes += len(key) + len(body)
				return g.setAside(key, body)
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("seal anew: %w", err)
	}
	return next, g.commit()
}
