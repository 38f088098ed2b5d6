package buffer

import (
	"fmt"
	"math/bits"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func files(t testing.TB, o Options, pattern string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(o.Dir, pattern))
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(found)
	return found
}

func TestADamagedPassIsAHole(t *testing.T) {
	o := testOptions(t, "visits")
	var r reports
	o.Report = r.add
	j := open(t, o)
	appendInOrder(t, j, 1, 5)
	sealed, err := j.get(passKey(1, 3))
	if err != nil {
		t.Fatal(err)
	}
	sealed[20] ^= 1
	if err := j.store([]entry{{passKey(1, 3), sealed}, {key: passKey(1, 5)}}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if got := fmt.Sprint(row(t, j.Source("visits"), 0)); got != "[1 2 4]" {
			t.Errorf("row %s", got)
		}
	}
	if errs := r.all(); len(errs) != 2 || j.Stats().Holes != 2 {
		t.Errorf("reported %v", errs)
	}
	v, err := j.Verify(t.Context(), nil)
	if err != nil || v.Passes != 3 || v.Unreadable != 1 || v.Missing != 1 || len(v.Problems) != 2 {
		t.Errorf("%+v, %v", v, err)
	}
}

func TestALostKeyRecordIsReported(t *testing.T) {
	o := testOptions(t, "visits")
	o.tuning.segmentPasses = 2
	var r reports
	o.Report = r.add
	j := open(t, o)
	appendInOrder(t, j, 1, 8)
	if err := j.store([]entry{{key: numberedKey(kindKey, 2)}, {key: numberedKey(kindKey, 4)}}); err != nil {
		t.Fatal(err)
	}
	shut(t, j)
	j = open(t, o)
	if errs := r.all(); len(errs) != 2 {
		t.Errorf("reported at the start: %v", errs)
	}
	appendInOrder(t, j, 9, 9)
	if got := fmt.Sprint(row(t, j.Source("visits"), 0)); got != "[1 2 5 6 9]" {
		t.Errorf("row %s", got)
	}
	if s := j.Stats(); s.Holes != 4 || s.End != 9 {
		t.Errorf("%+v", s)
	}
}

func TestLostNewestPassesAreAnAlarm(t *testing.T) {
	o := testOptions(t, "visits")
	j := open(t, o)
	appendInOrder(t, j, 1, 10)
	settle(t, j.Source("visits"), 8)
	// As if the end of the store's own log had been torn off.
	var lost []entry
	for seq := uint64(6); seq <= 10; seq++ {
		lost = append(lost, entry{key: passKey(1, seq)})
	}
	if err := j.store(lost); err != nil {
		t.Fatal(err)
	}
	shut(t, j)

	var r reports
	o.Report = r.add
	for range 2 {
		j = open(t, o)
		if s := j.Stats(); s.LostTail != 5 && s.LostTail != 3 || s.End != 5 || s.Uplinks["visits"].Waiting != 0 {
			t.Errorf("%+v", s)
		}
		shut(t, j)
	}
	if errs := r.all(); len(errs) != 2 || !strings.Contains(errs[0].Error(), "6 to 10") {
		t.Errorf("reported %v", errs)
	}
	j = open(t, o)
	seq, err := j.Append(t.Context(), testPass(11))
	if err != nil || seq <= 10 {
		t.Errorf("number %d was given again, %v", seq, err)
	}
	shut(t, j)
	j = open(t, o)
	if got := fmt.Sprint(row(t, j.Source("visits"), 8)); got != "[11]" {
		t.Errorf("behind the cursor are %s", got)
	}
	if s := j.Stats(); s.LostTail != 0 || s.Holes != 0 || s.End != seq {
		t.Errorf("%+v", s)
	}
	if v, err := j.Verify(t.Context(), nil); err != nil || !v.OK() || v.Passes != 6 {
		t.Errorf("%+v, %v", v, err)
	}
}

func TestADamagedFileOfNumbersIsMadeAnew(t *testing.T) {
	o := testOptions(t)
	j := open(t, o)
	appendInOrder(t, j, 1, 3)
	shut(t, j)
	for _, text := range []string{"", "stored x\n", "stored 9\ngiven 3\n"} {
		if err := os.WriteFile(o.Dir+".numbers", []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		var r reports
		o.Report = r.add
		j = open(t, o)
		if len(r.all()) != 1 || j.Stats().LostTail != 0 {
			t.Errorf("%q: reported %v", text, r.all())
		}
		shut(t, j)
		shut(t, open(t, o))
		if len(r.all()) != 1 {
			t.Errorf("%q: reported again", text)
		}
	}
}

func TestEmptyFilesOfTheStoreAreNoObstacle(t *testing.T) {
	o := testOptions(t)
	j := open(t, o)
	appendInOrder(t, j, 1, 3)
	shut(t, j)
	for _, name := range []string{"00077.mem", "000099.vlog"} {
		if err := os.WriteFile(filepath.Join(o.Dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if j = open(t, o); len(row(t, j.Source(""), 0)) != 3 {
		t.Errorf("%d passes", j.End())
	}
}

func TestTheTrialKnowsASoundAllocator(t *testing.T) {
	if sound := allocatorKeeps(); sound != (corrected || bits.UintSize == 64) {
		t.Errorf("sound %v, corrected %v, %d bits", sound, corrected, bits.UintSize)
	}
}
