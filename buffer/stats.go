package buffer

import (
	"context"
	"time"

	"github.com/acs-agent/acs-agent/agent/event"
)

// Stats is how the journal is doing.
type Stats struct {
	// First and End are the numbers of the oldest and the newest pass; First is above End when none is kept.
	First, End uint64
	// Bytes is what the files take, Limit what they may take, and Reclaimable, roughly, what can be deleted when room is needed.
	Bytes, Limit, Reclaimable int64
	// FreeDisk is how many bytes were free on the disk when a pass was stored last; -1 if the disk did not say.
	FreeDisk int64
	Segments int
	// Holes is how many passes were found missing or damaged in this run.
	Holes uint64
	// LostTail is how many of the newest passes were gone at the start.
	LostTail uint64
	// Commits counts the transactions of this run; each is one sync.
	Commits uint64
	// StoreTroubles counts the warnings and errors of the store below.
	StoreTroubles uint64
	// Failed: the store has failed to write, and the agent must be started again.
	Failed bool
	// Corrected: this binary was built with the corrections of the store.
	Corrected bool
	Uplinks   map[string]UplinkStats
}

// UplinkStats is how far one uplink is.
type UplinkStats struct {
	Cursor uint64
	// Waiting is how many passes lie behind the cursor, those for other uplinks alone included.
	Waiting               uint64
	Held, Dead, Uncertain int
	// Delivered counts since the start.
	Delivered uint64
	// Orphaned: the journal keeps its place, but it is not in the configuration.
	Orphaned bool
	// OldestWaiting is when the first waiting pass was taken; zero if none waits.
	OldestWaiting time.Time
}

// Alarm says that passes which cannot be deleted take 80 % of the room.
func (s Stats) Alarm() bool { return s.Bytes-s.Reclaimable >= s.Limit/5*4 }

// Stats costs little: for each uplink that waits, one pass is read.
func (j *Journal) Stats() Stats {
	s := Stats{
		Bytes: j.space.used.Load(), Limit: j.opts.MaxSize, FreeDisk: j.space.free.Load(),
		Holes: j.holes.count.Load(), Commits: j.commits.Load(), StoreTroubles: j.troubles.Load(),
		Failed: j.Err() != nil, Corrected: corrected, Uplinks: map[string]UplinkStats{},
	}
	j.mu.RLock()
	s.First, s.End, s.LostTail, s.Segments = j.end+1, j.end, j.lostTail, len(j.segments)
	if len(j.segments) > 0 {
		s.First = j.segments[0].first
	}
	upto, anyUplink := j.done(false)
	for _, segment := range j.segments {
		if anyUplink && segment.last <= upto && segment.finished {
			s.Reclaimable += segment.bytes
		}
	}
	for name, u := range j.uplinks {
		us := UplinkStats{
			Cursor: u.cursor, Delivered: u.delivered, Orphaned: u.orphaned,
			Held: u.aside[event.Held], Dead: u.aside[event.Dead], Uncertain: u.aside[event.Uncertain],
		}
		if from := max(u.cursor+1, s.First); from <= s.End {
			us.Waiting = s.End + 1 - from
		}
		s.Uplinks[name] = us
	}
	j.mu.RUnlock()
	if j.enter() != nil {
		return s
	}
	defer j.leave()
	for name, us := range s.Uplinks {
		if us.Waiting > 0 {
			us.OldestWaiting = j.oldest(us.Cursor, s.End)
			s.Uplinks[name] = us
		}
	}
	return s
}

func (j *Journal) oldest(after, upto uint64) (at time.Time) {
	_ = j.walk(j.hole).run(context.Background(), after, upto, func(_ uint64, _ []byte, p *event.Pass) bool {
		at = p.At.Wall
		return false
	}) // without an answer it stays zero
	return at
}
