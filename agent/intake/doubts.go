package intake

import (
	"sync"

	"github.com/acs-agent/acs-agent/agent/event"
)

// mostDoubts is about how many passes are remembered of which nobody knows whether they were stored: more than all drivers hold.
const mostDoubts = 8192

// doubts are the passes whose storing ended in an error. Most errors mean that nothing was stored; after some of them the pass is on
// disk all the same, which only shows when the journal is opened again. The driver offers the pass again meanwhile.
type doubts struct {
	mu    sync.Mutex
	known map[event.ID]bool // whether it was found to be stored
}

// note takes down a pass that may be stored.
func (d *doubts) note(id event.ID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.known == nil {
		d.known = make(map[event.ID]bool)
	}
	for old := range d.known {
		if len(d.known) < mostDoubts {
			break
		}
		delete(d.known, old)
	}
	d.known[id] = false
}

// stored says that the journal has the pass.
func (d *doubts) stored(id event.ID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, ok := d.known[id]; ok {
		d.known[id] = true
	}
}

// settled says whether a pass that is offered once more is stored. It is offered no more then.
func (d *doubts) settled(id event.ID) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.known[id] {
		return false
	}
	delete(d.known, id)
	return true
}

func (d *doubts) forget(id event.ID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.known, id)
}
