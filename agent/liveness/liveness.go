// Package liveness tells an agent that works from one that only looks as if it did. It is shown, round by round, what is under way
// and has to come to an end, and says what does not.
//
// It promises not to be deceived by time in which the whole process stood still: a machine that was suspended, a virtual one that
// was stopped, a disk that held everything up. Such time passes between two rounds, and of that no more counts than two intervals.
package liveness

import (
	"fmt"
	"time"
)

// A Sign is one thing that is under way and must not last.
type Sign struct {
	// Part is whose it is, in words for people: "journal", "uplink visits". Each part shows one sign at most.
	Part string
	// Mark tells this thing from the one before: any progress changes it. It must be comparable.
	Mark any
	// Limit is how long it may last.
	Limit time.Duration
}

// Stuck is a part that does not come on.
type Stuck struct {
	Part string
	// For is how long it has been watched without any progress.
	For time.Duration
}

// Error says it in words.
func (s *Stuck) Error() string {
	return fmt.Sprintf("%s has made no progress for %v", s.Part, s.For.Round(time.Second))
}

// An Observer remembers what it was shown. It is for one goroutine.
type Observer struct {
	interval time.Duration
	last     time.Time
	seen     map[string]watched
}

// watched is a sign and for how long it has been the same.
type watched struct {
	mark any
	time time.Duration
}

// NewObserver makes an observer that expects a round in each interval.
func NewObserver(interval time.Duration) *Observer {
	return &Observer{interval: interval, seen: make(map[string]watched)}
}

// Look takes what is under way now, and returns what has lasted for too long, in the order of the signs. A part that shows no sign
// has nothing under way.
func (o *Observer) Look(now time.Time, signs []Sign) []Stuck {
	var passed time.Duration
	if !o.last.IsZero() {
		passed = max(0, min(now.Sub(o.last), 2*o.interval))
	}
	o.last = now
	var stuck []Stuck
	next := make(map[string]watched, len(signs))
	for _, s := range signs {
		w := watched{mark: s.Mark}
		if before, ok := o.seen[s.Part]; ok && before.mark == s.Mark {
			w.time = before.time + passed
		}
		next[s.Part] = w
		if w.time > s.Limit {
			stuck = append(stuck, Stuck{Part: s.Part, For: w.time})
		}
	}
	o.seen = next
	return stuck
}
