package intake

import (
	"testing"

	"github.com/acs-agent/acs-agent/agent/event"
)

// A pass whose storing ended in an error is stored again, unless the journal turns out to have it: then once is enough.
func TestAPassInDoubtIsStoredOnce(t *testing.T) {
	var d doubts
	there, gone, other := event.NewID(), event.NewID(), event.NewID()
	d.note(there)
	d.note(gone)
	d.stored(there)
	d.stored(other) // was never in doubt
	for id, want := range map[event.ID]bool{there: true, gone: false, other: false} {
		if got := d.settled(id); got != want {
			t.Errorf("settled: %v, want %v", got, want)
		}
	}
	d.forget(gone)
	if len(d.known) != 0 {
		t.Errorf("%d passes are remembered for nothing", len(d.known))
	}
	for range 2 * mostDoubts {
		d.note(event.NewID())
	}
	if len(d.known) > mostDoubts {
		t.Errorf("%d passes are remembered", len(d.known))
	}
}
