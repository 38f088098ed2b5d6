package buffer

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/acs-agent/acs-agent/agent/event"
)

// firstScheme turns a closed journal into one of version 1: the data keys lie in the store, wrapped with the device key, and
// there is no key ring.
func firstScheme(t *testing.T, o Options) {
	t.Helper()
	j := open(t, o)
	device, err := readKeyFile(o.KeyFile)
	if err != nil {
		t.Fatal(err)
	}
	entries := []entry{{
		stateKey(kindMeta),
		append([]byte{wrappedVersion}, device.Seal(nil, nil, []byte(wrappedCheck), []byte{domainMeta, wrappedVersion})...),
	}}
	for _, k := range j.keys.keys {
		record := numberedKey(k.kind, k.number)
		value, err := j.get(record)
		if err != nil {
			t.Fatal(err)
		}
		place := record
		if k.kind == kindKey {
			place = keyPlace(k.number, j.segmentOf(k.number).first)
		}
		wrapped := device.Seal(nil, nil, k.key[:], append([]byte{domainDataKey}, place...))
		entries = append(entries, entry{record, append(slices.Clip(value[:8]), wrapped...)})
	}
	if err := j.store(entries); err != nil {
		t.Fatal(err)
	}
	shut(t, j)
	for _, path := range ringPaths(o.Dir) {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
}

func firstJournal(t *testing.T) (o Options) {
	t.Helper()
	o = testOptions(t, "exam", "visits")
	o.tuning.segmentPasses = 4
	j := open(t, o)
	appendInOrder(t, j, 1, 10)
	settle(t, j.Source("visits"), 3, event.Aside{Seq: 2, State: event.Dead, Reason: "why"})
	apply(t, j, "exam", "week/1", "sent")
	shut(t, j)
	firstScheme(t, o)
	return o
}

func TestAJournalOfTheFirstSchemeIsTakenOver(t *testing.T) {
	o := firstJournal(t)
	for round := range 2 {
		j := open(t, o)
		got := fmt.Sprint(row(t, j.Source("visits"), j.Source("visits").Cursor()), asides(t, j, "visits", event.Dead)) + " " + records(t, j.Records("exam"), "")
		if want := "[4 5 6 7 8 9 10] [2] week/1=sent"; got != want {
			t.Errorf("round %d: %s, want %s", round, got, want)
		}
		if v, err := j.Verify(t.Context(), nil); err != nil || !v.OK() {
			t.Errorf("%+v, %v", v, err)
		}
		if version, err := j.get(stateKey(kindMeta)); err != nil || !slices.Equal(version, []byte{schemaVersion}) {
			t.Errorf("version %v, %v", version, err)
		}
		shut(t, j)
		for _, path := range ringPaths(o.Dir) {
			if _, err := os.Stat(path); err != nil {
				t.Error(err)
			}
		}
	}
}

func TestAJournalOfTheFirstSchemeNeedsItsKey(t *testing.T) {
	o := firstJournal(t)
	other := testOptions(t)
	shut(t, open(t, other))
	right := o.KeyFile
	o.KeyFile = other.KeyFile
	if _, err := Open(t.Context(), o); !errors.Is(err, ErrKey) {
		t.Errorf("with another key: %v", err)
	}
	if left, _ := filepath.Glob(o.Dir + brokenEnd + "*"); len(left) != 0 {
		t.Errorf("put aside: %v", left)
	}
	o.KeyFile = right
	j := open(t, o)
	if got := row(t, j.Source("exam"), 0); len(got) != 10 {
		t.Errorf("row %v", got)
	}
}

// A store of that time that is broken as well is read back with the keys in its records.
func TestABrokenJournalOfTheFirstSchemeIsReadBack(t *testing.T) {
	o := firstJournal(t)
	rewrite(t, filepath.Join(o.Dir, "MANIFEST"), func(text []byte) []byte { text[len(text)/2] ^= 1; return text })
	j := open(t, o)
	if found := madeWhole(t, j); len(found.Folders) != 1 || found.Lost != 0 || found.BadRecords != 0 {
		t.Errorf("%+v", found)
	}
	if got := fmt.Sprint(row(t, j.Source("exam"), 0), asides(t, j, "visits", event.Dead)); got != "[1 2 3 4 5 6 7 8 9 10] [2]" {
		t.Errorf("row and aside %s", got)
	}
}
