//go:build !badgerfix

package buffer

import (
	"errors"
	"fmt"
	"os"
	"testing"

	"github.com/acs-agent/acs-agent/agent/event"
)

// Without the corrections the store does not say that it cannot read a block. With them the store is put aside; see
// TestADamagedBlockPutsTheStoreAside.
func TestADamagedTableIsAHoleAndNoEnd(t *testing.T) {
	o := testOptions(t, "visits")
	var r reports
	o.Report = r.add
	for i := range 3 { // each run leaves a table
		j := open(t, o)
		appendInOrder(t, j, 100*i+1, 100*i+100)
		shut(t, j)
	}
	tables := files(t, o, "*.sst")
	if len(tables) != 3 {
		t.Fatalf("tables %v", tables)
	}
	text, err := os.ReadFile(tables[1])
	if err != nil {
		t.Fatal(err)
	}
	text[1000] ^= 1
	if err := os.WriteFile(tables[1], text, 0o600); err != nil {
		t.Fatal(err)
	}
	j := open(t, o)
	for range 2 {
		got := row(t, j.Source("visits"), 0)
		if len(got) >= 300 || len(got) < 200 || got[0] != "1" || got[len(got)-1] != "300" {
			t.Errorf("%d passes, from %s to %s", len(got), got[0], got[len(got)-1])
		}
		missing := uint64(300 - len(got))
		if errs := r.all(); len(errs) != 1 || j.Stats().Holes != missing {
			t.Errorf("%d are missing, statistics say %d, reported %v", missing, j.Stats().Holes, errs)
		}
	}
	var hole *HoleError
	if errs := r.all(); len(errs) == 0 || !errors.As(errs[0], &hole) || hole.From != 101 {
		t.Errorf("reported %v", errs)
	}
	v, err := j.Verify(t.Context(), nil)
	if err != nil || v.OK() || v.Passes+v.Missing+v.Unreadable != 300 {
		t.Errorf("%+v, %v", v, err)
	}
	// The uplink goes on behind the hole, also when it wants to put aside what cannot be read any more.
	settle(t, j.Source("visits"), 300, event.Aside{Seq: 101, State: event.Dead}, event.Aside{Seq: 300, State: event.Dead})
	if got := fmt.Sprint(asides(t, j, "visits", event.Dead)); got != "[300]" {
		t.Errorf("aside %s", got)
	}
}
