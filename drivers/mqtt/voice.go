package mqtt

import (
	"errors"
	"fmt"
	"sync"

	"github.com/acs-agent/acs-agent/agent/health"
	"github.com/acs-agent/acs-agent/drivers"
)

// A voice is a reader and its place on the board. Two things can be wrong with it, each on its own: the way to the broker, and
// the journal that takes no passes.
type voice struct {
	reader *reader
	part   *health.Part

	mu      sync.Mutex
	heard   bool  // the broker has said something about the reader
	broker  error // why nothing comes from the broker; nil if it does
	journal error // why the last pass was not stored; nil if it was
}

// connected says how the way to the broker is: nil if messages of the reader come.
func (v *voice) connected(err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.heard, v.broker = true, err
	v.say()
}

// stored says how the storing of a pass went.
func (v *voice) stored(err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if err == nil && v.journal == nil {
		return
	}
	if v.journal = err; err != nil {
		v.journal = health.Fallback(health.JournalFailing, fmt.Errorf("passes are not stored and stay with the broker: %w", err))
	}
	if errors.Is(err, drivers.ErrFull) {
		v.journal = fmt.Errorf("passes stay with the broker: %w", drivers.ErrFull)
	}
	v.say()
}

func (v *voice) say() {
	switch {
	case v.broker != nil:
		v.part.Down(v.broker)
	case v.journal != nil:
		v.part.Down(v.journal)
	case v.heard:
		v.part.Up()
	}
}
