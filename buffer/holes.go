package buffer

import (
	"fmt"
	"sync"
	"sync/atomic"
)

// maxHoles bounds how many holes are remembered, and with that reported, in one run.
const maxHoles = 1000

// holes remembers what was reported, so that an uplink that walks over a hole again and again reports it once.
type holes struct {
	mu    sync.Mutex
	known map[uint64]struct{} // by first number
	count atomic.Uint64       // passes that are missing or cannot be read
}

// A HoleError is about passes that were stored and are not there any more, or cannot be read.
type HoleError struct {
	// From and To are the first and the last number.
	From, To uint64
	// Cause says what is wrong with a pass that is there; nil if it is missing.
	Cause error
}

func (e *HoleError) Error() string {
	switch {
	case e.Cause != nil:
		return fmt.Sprintf("pass %d of the journal cannot be read: %v", e.From, e.Cause)
	case e.From == e.To:
		return fmt.Sprintf("pass %d of the journal is missing", e.From)
	}
	return fmt.Sprintf("passes %d to %d of the journal are missing", e.From, e.To)
}

func (e *HoleError) Unwrap() error { return e.Cause }

// hole reports a hole, if it is a new one.
func (j *Journal) hole(e *HoleError) {
	j.holes.mu.Lock()
	_, old := j.holes.known[e.From]
	if old || len(j.holes.known) >= maxHoles {
		j.holes.mu.Unlock()
		return
	}
	j.holes.known[e.From] = struct{}{}
	j.holes.mu.Unlock()
	j.holes.count.Add(e.To + 1 - e.From)
	j.report(e)
}
