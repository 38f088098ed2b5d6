package buffer

import (
	"context"
	"encoding/binary"
	"errors"
	"hash/maphash"
	"slices"
	"time"

	"github.com/acs-agent/acs-agent/agent/event"
)

// A restoration puts what was found of broken stores into the one that has taken their place. Values stay sealed as they are, under
// their own keys and at their own places, so that doing it twice changes nothing. Nobody sees it before it is complete: the row begins
// behind it until then, and a start in between removes it and begins again.
type restoration struct {
	j     *Journal
	wreck *wreck

	seams    map[uint32]uint64
	segments []*restored // of which passes are wanted, by number
	begin    floor       // where the row is to begin
	last     uint64      // the newest pass that was found, or was stored for certain
	tail     uint64      // how many of the newest passes are gone
	cursors  map[string]uint64
	result   Salvage

	ranks map[uint64]uint64 // of passes aside and records, by the hash of the key
	seed  maphash.Seed
	batch []entry
	bytes int
	pass  event.Pass
	plain []byte
}

// restored is a segment that is being put together.
type restored struct {
	segment
	summed bool // its end is known
	count  uint64
	ranks  []uint64 // of each pass from the first; 0: not found
}

const (
	salvageBatch = 64 << 10
	// recentPasses are read back even if everybody has got them: by them the agent knows what it has seen already.
	recentPasses = 4096
	// salvageLeaves is how much more than what is needed for new passes has to stay free on the disk.
	salvageLeaves = 16 << 20
)

func newRestoration(j *Journal, w *wreck) *restoration {
	r := &restoration{j: j, wreck: w, ranks: map[uint64]uint64{}, seed: maphash.MakeSeed(), cursors: w.cursors(), seams: w.seams()}
	r.result.Doubtful = w.damage.state
	r.last = max(w.highest, r.stored())
	from := r.wanted()
	r.plan(from)
	return r
}

// stored is up to where passes were stored for certain.
func (r *restoration) stored() (upto uint64) {
	upto = min(r.j.salvage.Proven, r.seam()-1)
	for _, c := range r.cursors {
		upto = max(upto, c)
	}
	return min(upto, r.seam()-1)
}

// seam is the number with which the fresh store began.
func (r *restoration) seam() uint64 { return r.j.salvage.Begin }

// wanted gives the number from which passes are wanted: what some uplink has not got, and the newest ones. It also settles where
// uplinks go on whose places are lost.
func (r *restoration) wanted() uint64 {
	begin := max(1, r.wreck.floor().seq)
	from := r.last + 1
	for _, name := range r.j.opts.Uplinks {
		if _, known := r.cursors[name]; !known && (r.result.Doubtful || len(r.cursors) == 0) {
			r.cursors[name] = begin - 1
		}
	}
	for _, c := range r.cursors {
		from = min(from, c+1)
	}
	if r.last > recentPasses {
		from = min(from, r.last-recentPasses+1)
	} else {
		from = 1
	}
	return max(begin, from)
}

// plan lists the segments that have wanted passes.
func (r *restoration) plan(from uint64) {
	summaries := r.wreck.numbered(kindSummary)
	first := r.wreck.floor().id
	records := r.wreck.numbered(kindKey)
	for id, span := range r.wreck.spans {
		if records[id] == nil && r.wreck.aeads[ringPlace{kindKey, id}] != nil {
			records[id] = encodeKeyRecord(r.firstOf(id, span)) // its record is lost
		}
	}
	for id, value := range records {
		begin, ok := decodeKeyRecord(value)
		if !ok || id < first || begin >= r.seam() {
			continue
		}
		s := &restored{segment: segment{id: id, first: begin, last: begin - 1, aead: r.wreck.aeads[ringPlace{kindKey, id}]}}
		s.summed = s.readSummary(summaries[id]) && s.last+1 >= s.first
		s.bytes, s.newest = 0, time.Time{}
		r.segments = append(r.segments, s)
	}
	slices.SortFunc(r.segments, func(a, b *restored) int { return int(int64(a.id) - int64(b.id)) })
	for i, s := range r.segments {
		switch {
		case s.summed:
		case i+1 < len(r.segments) && r.isSeam(r.segments[i+1].id):
			s.last = max(s.first-1, r.wreck.spans[s.id].to, r.seams[r.segments[i+1].id])
		case i+1 < len(r.segments):
			s.last = max(s.first, r.segments[i+1].first) - 1
		default:
			s.last = max(s.first-1, r.last)
		}
	}
	r.segments = slices.DeleteFunc(r.segments, func(s *restored) bool { return s.last < from || s.last-s.first >= 1<<24 })
	r.begin = floor{uint32(min(r.seam(), 1<<31-1)), r.seam()}
	if len(r.segments) > 0 {
		r.begin = floor{r.segments[0].id, r.segments[0].first}
	}
}

// firstOf guesses with which number a segment began whose record is lost.
func (r *restoration) firstOf(id uint32, span stretch) uint64 {
	if f := r.wreck.floor(); id == f.id {
		return f.seq
	}
	before, ok := r.wreck.spans[id-1]
	switch {
	case id == 1:
		return 1
	case ok:
		return before.to + 1
	}
	return span.from
}

func (r *restoration) isSeam(id uint32) bool {
	_, ok := r.seams[id]
	return ok
}

func (r *restoration) run(ctx context.Context) error {
	if err := r.j.keys.take(r.wreck.keys); err != nil {
		return err
	}
	if err := r.small(ctx); err != nil {
		return err
	}
	if _, err := r.wreck.each(ctx, func(rank uint64, f *found) error { return r.visit(ctx, rank, f) }); err != nil {
		return err
	}
	expected := uint64(0)
	if r.last >= r.begin.seq {
		expected = r.last + 1 - r.begin.seq
	}
	for i, s := range r.segments {
		found := s.first - 1
		for k, rank := range s.ranks {
			if rank != 0 {
				found = s.first + uint64(k)
			}
		}
		if i == len(r.segments)-1 {
			r.tail = s.last - found
			s.last = found
		}
		if i > 0 {
			before := r.segments[i-1]
			if before.id+1 == s.id || r.isSeam(s.id) {
				expected -= s.first - 1 - before.last // these numbers were never given
			}
		}
		r.result.Passes += s.count
		if err := r.put(ctx, entry{numberedKey(kindKey, s.id), encodeKeyRecord(s.first)}); err != nil {
			return err
		}
		if err := r.put(ctx, entry{numberedKey(kindSummary, s.id), s.summary()}); err != nil {
			return err
		}
	}
	r.result.Lost = expected - min(expected, r.result.Passes)
	return r.flush(ctx)
}

// small restores the records about the keys of the passes aside.
func (r *restoration) small(ctx context.Context) error {
	for gen, value := range r.wreck.numbered(kindAsideKey) {
		if len(value) < 8 {
			continue
		}
		if err := r.put(ctx, entry{numberedKey(kindAsideKey, gen), value[:8]}); err != nil {
			return err
		}
	}
	return nil
}

func (r *restoration) visit(ctx context.Context, rank uint64, f *found) error {
	id, seq, isPass := parsePassKey(f.key)
	switch {
	case isPass:
		return r.restorePass(ctx, rank, f, id, seq)
	case len(f.key) > 1 && (f.key[0] == prefixAside || f.key[0] == prefixRecord):
		return r.restoreRecord(ctx, rank, f)
	}
	return nil
}

func (r *restoration) restorePass(ctx context.Context, rank uint64, f *found, id uint32, seq uint64) error {
	i, ok := slices.BinarySearchFunc(r.segments, id, func(s *restored, id uint32) int { return int(int64(s.id) - int64(id)) })
	if !ok {
		return nil
	}
	s := r.segments[i]
	if seq < s.first || seq > s.last || s.aead == nil || f.deleted {
		return nil
	}
	if s.ranks == nil {
		s.ranks = make([]uint64, s.passes())
	}
	known := &s.ranks[seq-s.first]
	if *known >= rank {
		return nil
	}
	ad := passData(f.key)
	var err error
	if r.plain, err = s.aead.Open(r.plain[:0], nil, f.value, ad[:]); err != nil {
		return nil //nolint:nilerr // it is counted as lost, unless another copy opens
	}
	r.pass.At = event.Instant{}
	_, encoded, err := decodePass(r.plain)
	if err == nil {
		err = event.Decode(encoded, &r.pass)
	}
	if err != nil && !errors.Is(err, errForgotten) { // that one is in its place, with nothing in it
		return nil //nolint:nilerr // likewise
	}
	if *known == 0 {
		s.count++
		s.bytes += int64(len(f.key) + len(f.value))
		if at := r.pass.At; at.Trusted && at.Wall.After(s.newest) {
			s.newest = at.Wall
		}
	}
	*known = rank
	return r.put(ctx, entry{slices.Clone(f.key), slices.Clone(f.value)})
}

func (r *restoration) restoreRecord(ctx context.Context, rank uint64, f *found) error {
	hash := maphash.Bytes(r.seed, f.key)
	known := r.ranks[hash]
	if known >= rank {
		return nil
	}
	e := entry{key: slices.Clone(f.key)}
	if !f.deleted {
		if !r.opens(f) {
			r.result.BadRecords++
			r.result.Doubtful = true
			return nil
		}
		e.value = slices.Clone(f.value)
		if name, _, seq, ok := parseAsideKey(f.key); ok {
			// Without its place nobody would miss what was put aside; so far it has come at least.
			if c, known := r.cursors[name]; !known || r.result.Doubtful && c < seq {
				r.cursors[name] = seq
			}
		}
		if known == 0 {
			r.result.Records++
		}
	}
	r.ranks[hash] = rank
	return r.put(ctx, e)
}

// opens says whether a pass aside or a record opens at its place.
func (r *restoration) opens(f *found) bool {
	if len(f.value) < 4 {
		return false
	}
	aead := r.wreck.aeads[ringPlace{kindAsideKey, binary.BigEndian.Uint32(f.value)}]
	if aead == nil {
		return false
	}
	var err error
	r.plain, err = aead.Open(r.plain[:0], nil, f.value[4:], asideData(f.key))
	return err == nil
}
