package buffer

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/dgraph-io/badger/v4"
)

const (
	retainEvery  = time.Hour
	ballastEvery = time.Minute
)

// keep is the goroutine that keeps house: it deletes what is old, and makes the ballast again when there is room.
func (j *Journal) keep() {
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	room, old, calm := time.NewTicker(ballastEvery), time.NewTicker(retainEvery), time.NewTicker(calmAfter)
	defer room.Stop()
	defer old.Stop()
	defer calm.Stop()
	j.tendBallast()
	for {
		select {
		case <-room.C:
			j.tendBallast()
		case <-old.C:
			now, trusted := j.clock.now()
			if err := j.retain(ctx, now, trusted); err != nil {
				j.log.Warn("old passes not deleted", "error", err)
			}
		case <-calm.C:
			j.calm()
		case <-j.closing:
			return
		}
	}
}

func (j *Journal) tendBallast() {
	if err := j.space.keepBallast(); err != nil {
		j.log.Warn("no ballast", "error", err)
	}
}

// Retain deletes what every uplink is past and is older than Options.Keep at the moment now. With a clock that is not trusted
// it deletes nothing. The journal calls it by itself every hour, with the time of the newest pass and what has gone by since: a
// clock that jumps into another century in between deletes nothing.
func (j *Journal) Retain(ctx context.Context, now time.Time, trusted bool) error {
	if err := j.enter(); err != nil {
		return err
	}
	defer j.leave()
	return j.retain(ctx, now, trusted)
}

func (j *Journal) retain(ctx context.Context, now time.Time, trusted bool) error {
	if !trusted || j.pending() {
		return nil
	}
	return j.do(ctx, &op{alone: func(context.Context) error {
		if err := j.drop(j.outdated(now.Add(-j.opts.Keep))); err != nil {
			return err
		}
		return j.renewAsideKey(now)
	}})
}

// done is the number up to which every uplink is past the row. Without the orphaned ones it is what the size limit may take.
func (j *Journal) done(withOrphaned bool) (upto uint64, anyUplink bool) {
	upto = math.MaxUint64
	for _, u := range j.uplinks {
		if withOrphaned || !u.orphaned {
			upto, anyUplink = min(upto, u.cursor), true
		}
	}
	return upto, anyUplink
}

// outdated counts the segments, from the oldest, that were delivered and whose passes are all from before limit. A segment
// without a trusted time is as old as the next one that has one. Where there is no uplink, age alone decides.
func (j *Journal) outdated(limit time.Time) int {
	upto, _ := j.done(true)
	n := 0
	for i, s := range j.segments {
		if s.last > upto {
			break
		}
		if s.newest.IsZero() {
			continue // goes with the next one, or stays
		}
		if !s.newest.Before(limit) {
			break
		}
		n = i + 1
	}
	return n
}

// reclaim deletes delivered segments, oldest first, until the journal is a tenth below its limit, or returns ErrFull.
func (j *Journal) reclaim() error {
	j.space.remeasure(time.Now())
	upto, anyUplink := j.done(false)
	excess := j.space.used.Load() - j.space.limit/10*9
	n := 0
	for _, s := range j.segments {
		if !anyUplink || s.last > upto || !s.finished || excess <= 0 {
			break
		}
		excess -= s.bytes
		n++
	}
	if n > 0 {
		if all, _ := j.done(true); j.segments[n-1].last > all {
			j.log.Warn("passes deleted that an uplink which is not configured had not got", "up_to", j.segments[n-1].last)
		}
		if err := j.drop(n); err != nil {
			return err
		}
		j.space.remeasure(time.Now())
	}
	if used := j.space.used.Load(); used >= j.space.limit {
		return fmt.Errorf("%w: all of its %d MiB are taken by what is not delivered (see why the portal does not take it, or raise max_size)",
			ErrFull, j.space.limit>>20)
	}
	return nil
}

// drop deletes the oldest n segments with their keys, in one call. First the new beginning of the row is stored: a crash
// between leaves segments behind that nobody sees, and the next start deletes them. Only the writer calls it.
func (j *Journal) drop(n int) error {
	if n == 0 {
		return nil
	}
	gone := j.segments[:n]
	begin := floor{gone[n-1].id + 1, gone[n-1].last + 1}
	if n < len(j.segments) {
		begin = floor{j.segments[n].id, j.segments[n].first}
	}
	if err := j.store([]entry{{key: stateKey(kindFloor), value: begin.encode()}}); err != nil {
		j.fail(err)
		return j.Err()
	}
	// From here on nothing of them can be read any more, wherever it is left over.
	if err := j.destroyKeys(begin.id); err != nil {
		j.log.Warn("keys of deleted passes not destroyed; it will be tried again", "error", err)
	}
	var prefixes [][]byte
	for _, s := range gone {
		prefixes = append(prefixes, segmentPrefix(s.id), numberedKey(kindSummary, s.id), numberedKey(kindKey, s.id))
	}
	j.mu.Lock()
	j.segments = append([]*segment(nil), j.segments[n:]...)
	j.mu.Unlock()
	j.log.Info("passes deleted", "from", gone[0].first, "to", gone[n-1].last, "segments", n)
	return j.wipe(prefixes)
}

// destroyKeys destroys the data keys of the segments before first, and of the generations of passes aside that are not in use.
// What is left behind by an error is destroyed the next time.
func (j *Journal) destroyKeys(first uint32) error {
	err := j.keys.destroy(func(k *dataKey) bool {
		switch k.kind {
		case kindKey:
			return k.number < first
		case kindAsideKey:
			return k.number < j.asideGen && j.asideKey[k.number] == nil
		}
		return false
	})
	if err != nil {
		return fmt.Errorf("destroy the keys of what was deleted: %w", err)
	}
	return nil
}

// wipe removes everything below the prefixes from the files themselves: tables that hold nothing else are unlinked unread, and
// the others are written anew. No deletion mark is left.
func (j *Journal) wipe(prefixes [][]byte) error {
	if len(prefixes) == 0 {
		return nil
	}
	if err := j.space.check(min(openNeeds, j.space.minFree)); err != nil {
		return err // the next time
	}
	const attempts = 3
	for range attempts {
		if err := j.db.DropPrefix(prefixes...); err != nil {
			j.fail(fmt.Errorf("delete %d prefixes: %w", len(prefixes), err))
			return j.Err()
		}
		clean := true // the store keeps some of its failures to itself
		for _, p := range prefixes {
			empty, err := j.empty(p)
			if err != nil {
				return err
			}
			clean = clean && empty
		}
		if clean {
			return nil
		}
	}
	return errors.New("the store did not delete all it was told to; it will be tried again at the next start")
}

// finishDeletion removes what lies before the beginning of the row, if a deletion was interrupted.
func (j *Journal) finishDeletion(first uint32) error {
	var prefixes [][]byte
	for _, kind := range []byte{kindKey, kindSummary} {
		err := j.eachKey(stateKey(kind), func(key []byte) error {
			if binary.BigEndian.Uint32(key[2:]) < first {
				prefixes = append(prefixes, append([]byte(nil), key...))
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	err := j.db.View(func(txn *badger.Txn) error {
		it := txn.NewIterator(passIterator(false))
		defer it.Close()
		for it.Rewind(); it.Valid(); {
			id, _, ok := parsePassKey(it.Item().Key())
			if !ok || id >= first {
				break
			}
			prefixes = append(prefixes, segmentPrefix(id))
			it.Seek(segmentPrefix(id + 1))
		}
		return nil
	})
	if err != nil {
		return err
	}
	return j.wipe(prefixes)
}

// renewAsideKey begins a new generation of the key of the passes aside when the old one has served as long as passes are kept.
func (j *Journal) renewAsideKey(now time.Time) error {
	g := newGroup(j)
	if j.asideKey[j.asideGen] != nil && !j.asideAge.IsZero() && now.Sub(j.asideAge) > j.opts.Keep {
		if err := j.beginGeneration(); err != nil {
			return err
		}
	}
	return j.retireAsideKeys(g)
}

// retireAsideKeys seals with the key in use what is sealed with an older one, and deletes the older ones. What cannot be
// opened keeps its key.
func (j *Journal) retireAsideKeys(g *group) error {
	current := j.asideGen
	if len(j.asideKey) < 2 {
		return nil
	}
	needed := map[uint32]bool{current: true}
	reseal := func(key, value []byte) error {
		if len(value) < 4 || binary.BigEndian.Uint32(value) == current {
			return nil
		}
		body, err := j.unseal(key, value)
		if err != nil {
			needed[binary.BigEndian.Uint32(value)] = true
			return nil
		}
		if err := g.fit(len(key) + len(body) + 256); err != nil {
			return err
		}
		return g.setAside(append([]byte(nil), key...), body)
	}
	err := errors.Join(j.each([]byte{prefixAside}, reseal), j.each([]byte{prefixRecord}, reseal))
	if err == nil {
		err = g.commit()
	}
	if err != nil {
		return err
	}
	var prefixes [][]byte
	j.mu.Lock()
	for gen := range j.asideKey {
		if !needed[gen] {
			delete(j.asideKey, gen)
			prefixes = append(prefixes, numberedKey(kindAsideKey, gen))
		}
	}
	j.mu.Unlock()
	return errors.Join(j.destroyKeys(0), j.wipe(prefixes))
}
