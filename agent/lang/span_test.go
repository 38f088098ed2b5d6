package lang

import "testing"

func TestSpan(t *testing.T) {
	for english, want := range map[string]string{
		"12s": "12 с", "1.5ms": "1.5 мс", "400µs": "400 мкс", "1m30s": "1 мин 30 с", "2h0m0s": "2 ч 0 мин 0 с", "0s": "0 с",
		"gate": "", "10": "", "": "", "0": "", "5x": "",
	} {
		if got, _ := span(english); got != want {
			t.Errorf("%q: %q, want %q", english, got, want)
		}
	}
}

func TestANameThatLooksLikeADurationStaysAName(t *testing.T) {
	if timed(parseFormat("reader %s: it is held"), 1) {
		t.Error("a name is taken for a duration")
	}
	if !timed(parseFormat("it answers in %s"), 1) || !timed(parseFormat("last %s ago"), 1) {
		t.Error("a duration is taken for a name")
	}
}
