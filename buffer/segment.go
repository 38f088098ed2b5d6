package buffer

import (
	"crypto/cipher"
	"encoding/binary"
	"sort"
	"time"

	"github.com/acs-agent/acs-agent/agent/event"
)

// A segment is a stretch of the row that has one data key and is deleted as a whole. A new one begins after so many passes or
// bytes, or with a new day of a clock that is trusted: deleting costs next to nothing then, and destroys the key.
type segment struct {
	id    uint32
	first uint64
	last  uint64 // first-1 while it is empty
	bytes int64
	// newest is the latest trusted time of its passes; zero if it has none.
	newest time.Time
	// finished: a later segment has begun.
	finished bool
	// aead is nil if the data key is damaged; then nothing of the segment can be read.
	aead cipher.AEAD
}

func (s *segment) passes() uint64 { return s.last + 1 - s.first }

// full says whether the next pass, taken at that moment, belongs to a new segment.
func (s *segment) full(t *tuning, at event.Instant) bool {
	return s.passes() >= t.segmentPasses || s.bytes >= t.segmentBytes || laterDay(s.newest, at)
}

func laterDay(before time.Time, at event.Instant) bool {
	if !at.Trusted || before.IsZero() || !at.Wall.After(before) {
		return false
	}
	y1, m1, d1 := before.In(at.Wall.Location()).Date()
	y2, m2, d2 := at.Wall.Date()
	return y1 != y2 || m1 != m2 || d1 != d2
}

// add counts one pass more.
func (s *segment) add(size int, at event.Instant) {
	s.last++
	s.bytes += int64(size)
	if at.Trusted && at.Wall.After(s.newest) {
		s.newest = at.Wall
	}
}

// The record of a segment: u64 number of its first pass. Written with that. Before there was a key ring the wrapped data key
// stood behind it.
func encodeKeyRecord(first uint64) []byte { return binary.BigEndian.AppendUint64(nil, first) }

func decodeKeyRecord(b []byte) (first uint64, ok bool) {
	if len(b) < 8 {
		return 0, false
	}
	return binary.BigEndian.Uint64(b), true
}

// keyPlace ties a wrapped key to its segment and to where that begins.
func keyPlace(id uint32, first uint64) []byte {
	return binary.BigEndian.AppendUint64(numberedKey(kindKey, id), first)
}

const summaryLen = 3 * 8

// summary is written once, with the first pass of the next segment: u64 last pass, u64 bytes, i64 newest trusted time in
// milliseconds of Unix time or 0.
func (s *segment) summary() []byte {
	b := binary.BigEndian.AppendUint64(make([]byte, 0, summaryLen), s.last)
	b = binary.BigEndian.AppendUint64(b, uint64(s.bytes)) //nolint:gosec // not negative
	var newest int64
	if !s.newest.IsZero() {
		newest = s.newest.UnixMilli()
	}
	return binary.BigEndian.AppendUint64(b, uint64(newest))
}

func (s *segment) readSummary(b []byte) bool {
	if len(b) != summaryLen {
		return false
	}
	s.last = binary.BigEndian.Uint64(b)
	s.bytes = int64(binary.BigEndian.Uint64(b[8:]))                    //nolint:gosec // as it was written
	if newest := int64(binary.BigEndian.Uint64(b[16:])); newest != 0 { //nolint:gosec // as it was written
		s.newest = time.UnixMilli(newest)
	}
	s.finished = true
	return true
}

// locate finds the segment that has pass seq or, if none has, the first one behind it; nil if there is none either.
func (j *Journal) locate(seq uint64) *segment {
	j.mu.RLock()
	defer j.mu.RUnlock()
	i := sort.Search(len(j.segments), func(i int) bool { return j.segments[i].last >= seq })
	if i == len(j.segments) {
		return nil
	}
	s := *j.segments[i]
	return &s
}

// aeadOf gives the data key of a segment; nil if it is damaged or the segment is gone.
func (j *Journal) aeadOf(id uint32) cipher.AEAD {
	j.mu.RLock()
	defer j.mu.RUnlock()
	i := sort.Search(len(j.segments), func(i int) bool { return j.segments[i].id >= id })
	if i == len(j.segments) || j.segments[i].id != id {
		return nil
	}
	return j.segments[i].aead
}

// A stretch is a row of numbers, both ends included.
type stretch struct{ from, to uint64 }

// present gives the parts of a stretch that the journal should have: not what was deleted, and not the numbers that were
// left out after a loss that was reported when it was found.
func (j *Journal) present(from, to uint64) []stretch {
	j.mu.RLock()
	defer j.mu.RUnlock()
	var parts []stretch
	i := sort.Search(len(j.segments), func(i int) bool { return j.segments[i].last >= from })
	for ; i < len(j.segments) && j.segments[i].first <= to; i++ {
		part := stretch{max(from, j.segments[i].first), min(to, j.segments[i].last)}
		if n := len(parts); n > 0 && parts[n-1].to+1 == part.from {
			parts[n-1].to = part.to
		} else {
			parts = append(parts, part)
		}
	}
	return parts
}
