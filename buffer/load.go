package buffer

import (
	"context"
	"crypto/cipher"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/dgraph-io/badger/v4"

	"github.com/acs-agent/acs-agent/agent/event"
)

const (
	schemaVersion = 2
	// tailToRead is how many passes at the end are read at the start, to learn the time and the size of the newest segment.
	tailToRead = 64
)

// load builds up what the journal keeps in memory, and finishes what the last run could not. It reads the small records and
// the end of the row, never the row.
func (j *Journal) load(ctx context.Context) error {
	if err := j.checkMeta(); err != nil {
		return err
	}
	first, err := j.loadSegments()
	if err != nil {
		return err
	}
	if err := j.finishDeletion(first.id); err != nil {
		return err
	}
	if err := j.loadEnd(first.seq); err != nil {
		return err
	}
	if err := j.loadCursors(); err != nil {
		return err
	}
	if err := j.loadAsides(); err != nil {
		return err
	}
	if err := j.destroyKeys(first.id); err != nil {
		j.report(err)
	}
	j.setNumbers()
	j.measureTail(ctx)
	j.space.remeasure(time.Now())
	return nil
}

// checkMeta looks at the version of the scheme; a new journal is marked with it.
func (j *Journal) checkMeta() error {
	key := stateKey(kindMeta)
	value, err := j.get(key)
	if errors.Is(err, badger.ErrKeyNotFound) {
		empty, err := j.empty(nil)
		if err != nil {
			return err
		}
		if !empty {
			return errors.New("the record of the journal's version is missing")
		}
		return j.store([]entry{{key: key, value: []byte{schemaVersion}}})
	}
	if err != nil {
		return err
	}
	switch {
	case len(value) > 0 && value[0] == wrappedVersion:
		return j.gatherKeys(value[1:])
	case len(value) == 0 || value[0] != schemaVersion:
		return errNewer
	case j.keys.generation == 0:
		return fmt.Errorf("%w: the files keys.a and keys.b are missing: put them back from a copy of the folder "+
			"(without them the stored passes cannot be read; nothing has been changed)", ErrKey)
	}
	return nil
}

// floor is where the row begins: what lies before it is deleted, or about to be.
type floor struct {
	id  uint32
	seq uint64
}

func (f floor) encode() []byte {
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint32(nil, f.id), f.seq)
}

func (j *Journal) loadSegments() (first floor, err error) {
	value, err := j.get(stateKey(kindFloor))
	if err != nil && !errors.Is(err, badger.ErrKeyNotFound) {
		return first, err
	}
	if len(value) == 12 {
		first = floor{binary.BigEndian.Uint32(value), binary.BigEndian.Uint64(value[4:])}
	}
	j.nextSeg = max(1, first.id)
	err = j.each(stateKey(kindKey), func(key, value []byte) error {
		id := binary.BigEndian.Uint32(key[2:])
		begin, ok := decodeKeyRecord(value)
		if id < first.id || !ok {
			return nil
		}
		s := &segment{id: id, first: begin, last: begin - 1}
		var err error
		if s.aead, err = j.keys.aead(kindKey, id); err != nil {
			return err
		}
		if s.aead == nil {
			j.report(fmt.Errorf("the key of segment %d of the journal is missing, its passes cannot be read", id))
		}
		j.segments = append(j.segments, s)
		j.nextSeg = id + 1
		return nil
	})
	if err != nil {
		return first, err
	}
	for _, s := range j.segments {
		if value, err = j.get(numberedKey(kindSummary, s.id)); err == nil {
			s.readSummary(value)
		} else if !errors.Is(err, badger.ErrKeyNotFound) {
			return first, err
		}
	}
	j.fillGaps(first)
	return first, nil
}

// fillGaps makes up for records that are lost, so that what they were about is missed: segments are numbered without gaps.
func (j *Journal) fillGaps(first floor) {
	var whole []*segment
	next := floor{max(1, first.id), max(1, first.seq)}
	for _, s := range j.segments {
		if s.id > next.id && s.first > next.seq && !slices.Contains(j.salvage.Seams, s.id) {
			j.report(fmt.Errorf("the records of segments %d to %d of the journal are lost: their passes cannot be read", next.id, s.id-1))
			whole = append(whole, &segment{id: s.id - 1, first: next.seq, last: s.first - 1, finished: true})
		}
		if n := len(whole); n > 0 && !whole[n-1].finished { // without a summary it reaches to this one
			whole[n-1].last, whole[n-1].finished = s.first-1, true
		}
		whole = append(whole, s)
		next = floor{s.id + 1, s.last + 1}
	}
	j.segments = whole
}

// loadEnd finds the newest pass: one step from the end of the row. begin is the number with which the row begins.
func (j *Journal) loadEnd(begin uint64) error {
	if begin > 0 {
		j.end = begin - 1 // all is deleted, unless there is more below
	}
	if n := len(j.segments); n > 0 {
		j.end = max(j.end, j.segments[n-1].last)
	}
	return j.db.View(func(txn *badger.Txn) error {
		it := txn.NewIterator(passIterator(true))
		defer it.Close()
		it.Seek(lastPassKey())
		if !it.Valid() {
			return nil
		}
		id, seq, ok := parsePassKey(it.Item().Key())
		n := len(j.segments)
		switch {
		case !ok:
		case n > 0 && j.segments[n-1].id == id:
			j.segments[n-1].last, j.end = seq, seq
		case id >= j.nextSeg:
			j.report(fmt.Errorf("the record of segment %d of the journal is lost: its passes cannot be read", id))
			j.segments = append(j.segments, &segment{id: id, first: j.end + 1, last: seq})
			j.end, j.nextSeg, j.split = seq, id+1, true
		}
		return nil
	})
}

// loadCursors reads the cursors and enlists the configured uplinks.
func (j *Journal) loadCursors() error {
	j.uplinks = map[string]*uplink{}
	if j.salvage.Pending {
		return nil // nobody has a place before everything is read back
	}
	err := j.each(stateKey(kindCursor), func(key, value []byte) error {
		if len(value) != 8 {
			return errors.New("a cursor is damaged")
		}
		j.uplinks[string(key[2:])] = &uplink{cursor: binary.BigEndian.Uint64(value)}
		return nil
	})
	if err != nil {
		return err
	}
	return j.enlist(j.opts.Uplinks)
}

// setNumbers settles with which number the row goes on. If fewer passes are here than were certainly stored, some are lost:
// then numbers are left out, so that none is given again that an uplink may be past.
func (j *Journal) setNumbers() {
	if err := j.numbers.read(); err != nil {
		j.report(err)
	}
	proven, given := j.numbers.stored, j.numbers.given
	for _, u := range j.uplinks {
		proven, given = max(proven, u.cursor), max(given, u.cursor)
	}
	j.nextSeq = j.end + 1
	if proven > j.end {
		j.lostTail = proven - j.end
		j.nextSeq, j.split = given+1, true // the segment ends with what is there
		j.report(fmt.Errorf("the newest passes of the journal are lost: %d to %d were stored and are not there any more", j.end+1, proven))
	}
	if proven <= j.end && j.torn && j.numbers.stored < j.numbers.given && given > j.end && j.end > 0 {
		// The journal was not closed in order. As a rule a write was cut short that nobody was told of, but the end of the log may
		// as well have held passes that nothing else tells of.
		j.nextSeq, j.split = given+1, true
		j.log.Warn("the store's log has no proper end; if power failed or the agent was killed, that is as it should be")
	}
	if err := j.numbers.reserve(min(proven, j.end), j.nextSeq); err != nil {
		j.report(err)
	}
}

// measureTail learns from the last passes how old the newest segment is and, as a good guess, how large.
func (j *Journal) measureTail(ctx context.Context) {
	if len(j.segments) == 0 || j.segments[len(j.segments)-1].aead == nil {
		return
	}
	s := j.segments[len(j.segments)-1]
	var size, n int64
	_ = j.tail(ctx, func(id uint32, _ uint64, _ []byte, p *event.Pass, stored int) bool {
		if id != s.id {
			return false
		}
		n, size = n+1, size+int64(stored)
		if p.At.Trusted && p.At.Wall.After(s.newest) {
			s.newest = p.At.Wall
		}
		return n < tailToRead
	})
	if n > 0 && s.last >= s.first {
		s.bytes = size / n * int64(s.passes()) //nolint:gosec // a count of passes
	}
}

// loadAsides reads the keys of the passes aside and counts those, by their keys alone. A pass aside that its uplink is not
// past is the remains of a step that was not finished: the pass is still in the row, and the step will be made again.
func (j *Journal) loadAsides() error {
	j.asideKey = map[uint32]cipher.AEAD{}
	if j.salvage.Pending {
		return nil
	}
	var keyless []entry
	err := j.each(stateKey(kindAsideKey), func(key, value []byte) error {
		gen := binary.BigEndian.Uint32(key[2:])
		j.asideGen = gen
		if len(value) < 8 {
			return nil
		}
		j.asideAge = time.UnixMilli(int64(binary.BigEndian.Uint64(value))) //nolint:gosec // as it was written
		aead, err := j.keys.aead(kindAsideKey, gen)
		if err == nil && aead == nil {
			keyless = append(keyless, entry{key: slices.Clone(key)})
			return nil
		}
		j.asideKey[gen] = aead
		return err
	})
	if err != nil {
		return err
	}
	for _, gen := range j.keys.numbers(kindAsideKey) { // also those whose record is lost, or not deleted yet
		if j.asideKey[gen] != nil {
			continue
		}
		if j.asideKey[gen], err = j.keys.aead(kindAsideKey, gen); err != nil {
			return err
		}
		if gen > j.asideGen {
			j.asideGen, j.asideAge = gen, j.opts.Now()
		}
	}
	if len(keyless) > 0 && j.asideKey[j.asideGen] == nil {
		j.report(errors.New("the key of the passes aside is missing: they cannot be read"))
	} else if err := j.store(keyless); err != nil { // its key was destroyed, and then the process ended
		return err
	}
	if j.asideKey[j.asideGen] == nil {
		j.asideAge = time.Time{} // a damaged key seals nothing new
	}
	var remains []entry
	err = j.eachKey([]byte{prefixAside}, func(key []byte) error {
		name, state, seq, ok := parseAsideKey(key)
		u := j.uplinks[name]
		switch {
		case !ok || !validState(event.State(state)):
			return nil
		case u == nil:
			u = &uplink{orphaned: true, lost: true}
			j.uplinks[name] = u
		case seq > u.cursor && !u.lost:
			remains = append(remains, entry{key: slices.Clone(key)})
			return nil
		}
		u.aside[state]++
		return nil
	})
	if err != nil {
		return err
	}
	for part := range slices.Chunk(remains, maxEntries) {
		if err := j.store(part); err != nil {
			return err
		}
	}
	return nil
}
