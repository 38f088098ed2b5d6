package buffer

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/acs-agent/acs-agent/agent/event"
)

const day = 24 * time.Hour

// appendDay appends passes of a day after monday, one of them for each hour from 8 to 8+n-1.
func appendDay(t *testing.T, j *Journal, after int, trusted bool, n int) {
	t.Helper()
	for i := range n {
		p := testPass(after*100 + i)
		p.At = event.Instant{Wall: monday.Add(time.Duration(after)*day + time.Duration(i)*time.Hour), Trusted: trusted}
		if _, err := j.Append(t.Context(), p); err != nil {
			t.Fatal(err)
		}
	}
}

func retain(t *testing.T, j *Journal, now time.Time) {
	t.Helper()
	if err := j.Retain(t.Context(), now, true); err != nil {
		t.Fatal(err)
	}
}

func first(j *Journal) uint64 { return j.Stats().First }

func TestRetentionTakesWhatIsDeliveredAndOld(t *testing.T) {
	o := testOptions(t, "visits", "exam")
	o.Keep = 10 * day
	j := open(t, o)
	for d := range 5 {
		appendDay(t, j, d, true, 4) // a segment a day
	}
	if s := j.Stats(); s.Segments != 5 {
		t.Fatalf("%+v", s)
	}
	late := monday.Add(12 * day) // the first two days are older than ten
	retain(t, j, late)
	if first(j) != 1 {
		t.Error("undelivered passes were deleted")
	}
	settle(t, j.Source("visits"), 20)
	settle(t, j.Source("exam"), 6, event.Aside{Seq: 2, State: event.Dead})
	if err := j.Retain(t.Context(), late, false); err != nil || first(j) != 1 {
		t.Errorf("with a clock that is not trusted the row begins at %d, %v", first(j), err)
	}
	retain(t, j, late)
	if first(j) != 5 {
		t.Errorf("one uplink is at pass 6: the row begins at %d", first(j))
	}
	settle(t, j.Source("exam"), 20)
	retain(t, j, late)
	if first(j) != 9 {
		t.Errorf("all is delivered, two days are old: the row begins at %d", first(j))
	}
	for range 2 {
		if got := fmt.Sprint(row(t, j.Source("visits"), 0)); !strings.HasPrefix(got, "[200 201") || j.End() != 20 {
			t.Errorf("row %s, end %d", got, j.End())
		}
		if got := fmt.Sprint(asides(t, j, "exam", event.Dead)); got != "[1]" {
			t.Errorf("aside: %s", got)
		}
		if v, err := j.Verify(t.Context(), nil); err != nil || !v.OK() || v.Passes != 12 {
			t.Errorf("%+v, %v", v, err)
		}
		shut(t, j)
		j = open(t, o)
	}
	// Also the last segment goes; the numbers go on.
	retain(t, j, monday.Add(100*day))
	shut(t, j)
	j = open(t, o)
	if s := j.Stats(); s.First != 21 || s.End != 20 || s.Segments != 0 || s.LostTail != 0 {
		t.Errorf("%+v", s)
	}
	if seq, err := j.Append(t.Context(), testPass(1)); seq != 21 || err != nil {
		t.Errorf("number %d, %v", seq, err)
	}
}

func TestSegmentsWithoutATrustedTimeGoWithTheNext(t *testing.T) {
	o := testOptions(t)
	o.tuning.segmentPasses = 4
	j := open(t, o)
	appendDay(t, j, -10_000, false, 4)
	retain(t, j, monday.Add(1000*day))
	if first(j) != 1 {
		t.Error("nobody knows how old it is")
	}
	appendDay(t, j, 0, true, 5)
	retain(t, j, monday.Add(1000*day))
	if first(j) != 10 {
		t.Errorf("the row begins at %d", first(j))
	}
}

func TestAnOrphanedCursorProtectsFromAge(t *testing.T) {
	o := testOptions(t, "visits", "exam")
	shut(t, open(t, o))
	o.Uplinks = []string{"visits"}
	j := open(t, o)
	appendDay(t, j, 0, true, 4)
	settle(t, j.Source("visits"), 4)
	retain(t, j, monday.Add(1000*day))
	if first(j) != 1 {
		t.Error("deleted")
	}
}

func contains(t *testing.T, o Options, what []byte) bool {
	t.Helper()
	found := false
	for _, path := range files(t, o, "*") {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		found = found || bytes.Contains(text, what)
	}
	return found
}

func tableBytes(t *testing.T, o Options) (sum int64) {
	t.Helper()
	for _, path := range files(t, o, "*.sst") {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		sum += info.Size()
	}
	return sum
}

func TestRetentionRemovesFilesAndKeys(t *testing.T) {
	o := testOptions(t, "visits")
	o.tuning.segmentPasses = 2000
	j := open(t, o)
	fillUp(t, j, 1, 20_000)
	sealed, err := j.get(passKey(3, 4100))
	if err != nil {
		t.Fatal(err)
	}
	shut(t, j)
	ring, rings := ringBox(t, o), secondNames(t, ringPaths(o.Dir)...)
	if !contains(t, o, ring) || !contains(t, o, sealed) {
		t.Fatal("the search finds nothing")
	}
	if !opens(t, o, passKey(3, 4100), sealed) {
		t.Fatal("the device key does not open a pass that is kept")
	}
	j = open(t, o)
	settle(t, j.Source("visits"), 16_000)
	before := tableBytes(t, o)
	retain(t, j, monday.Add(1000*day))
	if s, after := j.Stats(), tableBytes(t, o); s.First != 16_001 || after > before/3 {
		t.Errorf("%d bytes of %d are left; %+v", after, before, s)
	}
	if v, err := j.Verify(t.Context(), nil); err != nil || !v.OK() || v.Passes != 4000 {
		t.Errorf("%+v, %v", v, err)
	}
	shut(t, j)
	if contains(t, o, ring) {
		t.Error("the data keys of before are still in the files")
	}
	if bytes.Contains(rings(), ring) {
		t.Error("the data keys of before were replaced and not overwritten")
	}
	// Whatever the disk still has of the pass.
	if opens(t, o, passKey(3, 4100), sealed) {
		t.Error("a deleted pass can still be opened with the device key")
	}
	if contains(t, o, sealed) {
		t.Error("a deleted pass is still in the files")
	}
}

func TestAnInterruptedDeletionIsFinishedAtTheStart(t *testing.T) {
	o := testOptions(t, "visits")
	o.tuning.segmentPasses = 3
	j := open(t, o)
	appendInOrder(t, j, 1, 9)
	settle(t, j.Source("visits"), 9)
	if err := j.store([]entry{{stateKey(kindFloor), floor{3, 7}.encode()}}); err != nil {
		t.Fatal(err)
	}
	shut(t, j)
	j = open(t, o)
	if got := fmt.Sprint(row(t, j.Source(""), 0)); got != "[7 8 9]" || first(j) != 7 {
		t.Errorf("row %s", got)
	}
	for _, prefix := range [][]byte{segmentPrefix(1), segmentPrefix(2), numberedKey(kindKey, 2), numberedKey(kindSummary, 1)} {
		if empty, err := j.empty(prefix); !empty || err != nil {
			t.Errorf("%x is still there, %v", prefix, err)
		}
	}
}

func TestKeysOfPassesAsideAreRenewed(t *testing.T) {
	now := monday
	o := testOptions(t, "visits")
	o.Now = func() time.Time { return now }
	j := open(t, o)
	appendInOrder(t, j, 1, 20)
	settle(t, j.Source("visits"), 20, event.Aside{Seq: 5, State: event.Dead, Reason: "refused"}, event.Aside{Seq: 6, State: event.Held})
	place := asideKey("visits", byte(event.Dead), 5)
	old, err := j.get(place)
	if err != nil {
		t.Fatal(err)
	}
	if !opensWith(t, o, old[4:], asideData(place)) {
		t.Fatal("the device key does not open a pass aside")
	}
	retain(t, j, now.Add(day))
	if j.asideGen != 1 {
		t.Error("renewed too early")
	}
	now = now.Add(DefaultKeep + day)
	retain(t, j, now)
	shut(t, j)
	if opensWith(t, o, old[4:], asideData(place)) {
		t.Error("what the old key has sealed can still be opened with the device key")
	}
	j = open(t, o)
	if j.asideGen != 2 || len(j.asideKey) != 1 {
		t.Errorf("generation %d, %d keys", j.asideGen, len(j.asideKey))
	}
	if got := fmt.Sprint(asides(t, j, "visits", event.Dead), asides(t, j, "visits", event.Held)); got != "[5] [6]" {
		t.Errorf("aside: %s", got)
	}
	if u := j.Stats().Uplinks["visits"]; u.Dead != 1 || u.Held != 1 {
		t.Errorf("%+v", u)
	}
}

func TestScansGoOnWhilePassesAreDeleted(t *testing.T) {
	o := testOptions(t, "visits")
	o.tuning.segmentPasses = 500
	j := open(t, o)
	fillUp(t, j, 1, 5000)
	settle(t, j.Source("visits"), 4000)
	n := 0
	err := j.Visit(t.Context(), 0, func(seq uint64, _ string, _ *event.Pass) bool {
		if n++; seq == 100 {
			retain(t, j, monday.Add(1000*day))
		}
		return true
	})
	if err != nil || n < 1000 || j.Stats().Holes != 0 {
		t.Errorf("%d visited, %v, %+v", n, err, j.Stats())
	}
	if got := row(t, j.Source("visits"), 0); len(got) != 1000 {
		t.Errorf("%d passes are left", len(got))
	}
}

func TestANewDayBeginsASegmentOnlyWithATrustedClock(t *testing.T) {
	j := open(t, testOptions(t))
	appendDay(t, j, 0, true, 2)
	appendDay(t, j, 1, false, 2)
	appendDay(t, j, -1, true, 2) // a clock that was set back
	if s := j.Stats(); s.Segments != 1 {
		t.Errorf("%d segments", s.Segments)
	}
	appendDay(t, j, 1, true, 2)
	if s := j.Stats(); s.Segments != 2 {
		t.Errorf("%d segments", s.Segments)
	}
}

func TestTheStoreLeavesNoLitter(t *testing.T) {
	o := testOptions(t)
	j := open(t, o)
	appendInOrder(t, j, 1, 2)
	shut(t, j)
	var names []string
	for _, path := range files(t, o, "*") {
		if ext := filepath.Ext(path); ext == ".tmp" || ext == ".mem" {
			names = append(names, path)
		}
	}
	if slices.Sort(names); len(names) > 0 {
		t.Errorf("left behind: %v", names)
	}
}
