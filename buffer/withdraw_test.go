package buffer

import (
	"fmt"
	"testing"
)

func TestWithdrawnPassesAreNoHoles(t *testing.T) {
	o := testOptions(t, "exam", "visits")
	j := open(t, o)
	appendInOrder(t, j, 1, 6)
	settle(t, j.Source("visits"), 2)
	n, err := j.Withdraw(t.Context(), []uint64{2, 4, 6, 7, 900}) // an uplink is past the first, and the last are none
	if err != nil || n != 2 {
		t.Errorf("%d passes, %v", n, err)
	}
	for range 2 {
		if got := fmt.Sprint(row(t, j.Source("visits"), 2), row(t, j.Source("exam"), 0)); got != "[3 5] [1 2 3 5]" {
			t.Errorf("rows %s", got)
		}
		if v, err := j.Verify(t.Context(), nil); err != nil || !v.OK() || v.Passes != 4 || v.Forgotten != 2 || j.Stats().Holes != 0 {
			t.Errorf("%+v, %v", v, err)
		}
		shut(t, j)
		j = open(t, o)
	}
	if seq, err := j.Append(t.Context(), testPass(7)); err != nil || seq != 7 {
		t.Errorf("the next number is %d, %v", seq, err)
	}
}
