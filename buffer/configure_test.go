package buffer

import (
	"fmt"
	"testing"
)

func TestUplinksComeAndGoWhileTheJournalIsOpen(t *testing.T) {
	o := testOptions(t, "visits")
	j := open(t, o)
	appendInOrder(t, j, 1, 4)
	settle(t, j.Source("visits"), 2)
	if err := j.Configure(t.Context(), []string{"exam", "visits"}); err != nil {
		t.Fatal(err)
	}
	appendInOrder(t, j, 5, 6)
	for name, want := range map[string]string{"visits": "[3 4 5 6]", "exam": "[5 6]"} { // who comes later gets what comes later
		s := j.Source(name)
		if got := fmt.Sprint(row(t, s, s.Cursor())); got != want {
			t.Errorf("%s is given %s, want %s", name, got, want)
		}
	}
	if err := j.Configure(t.Context(), []string{"exam"}); err != nil {
		t.Fatal(err)
	}
	for range 2 { // now, and after a start
		stats := j.Stats().Uplinks
		if v := stats["visits"]; !v.Orphaned || v.Waiting != 4 {
			t.Errorf("the uplink that has gone: %+v, want it orphaned with 4 passes", v)
		}
		if e := stats["exam"]; e.Orphaned || e.Waiting != 2 {
			t.Errorf("the uplink that came: %+v, want 2 passes", e)
		}
		if got := fmt.Sprint(j.Uplinks()); got != "[exam visits]" {
			t.Errorf("names: %s", got)
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
		o.Uplinks = []string{"exam"}
		j = open(t, o)
	}
	if err := j.Configure(t.Context(), []string{"visits", "exam"}); err != nil {
		t.Fatal(err)
	}
	if v := j.Stats().Uplinks["visits"]; v.Orphaned || v.Cursor != 2 {
		t.Errorf("the uplink that has come back: %+v, want its place", v)
	}
	if err := j.Configure(t.Context(), []string{"twice", "twice"}); err == nil {
		t.Error("a name given twice was taken")
	}
}
