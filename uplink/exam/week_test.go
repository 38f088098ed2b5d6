package exam

import (
	"testing"
	"time"
)

var almaty = time.FixedZone("UTC+5", 5*3600)

func moment(t testing.TB, text string) time.Time {
	t.Helper()
	at, err := time.ParseInLocation("2006-01-02 15:04:05", text, almaty)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func week(t testing.TB, text string) Week {
	t.Helper()
	w, err := ParseWeek(text, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// Weeks go from Monday to Sunday by the clock of the site, over the end of the year as well (E12).
func TestWeeks(t *testing.T) {
	for at, want := range map[string][3]string{
		"2026-11-16 00:00:00": {"2026-W47", "2026-11-16", "2026-11-22"},
		"2026-11-22 23:59:59": {"2026-W47", "2026-11-16", "2026-11-22"},
		"2026-11-23 00:00:00": {"2026-W48", "2026-11-23", "2026-11-29"},
		"2025-12-31 12:00:00": {"2026-W01", "2025-12-29", "2026-01-04"},
		"2026-12-31 12:00:00": {"2026-W53", "2026-12-28", "2027-01-03"},
		"2025-05-28 09:00:00": {"2025-W22", "2025-05-26", "2025-06-01"}, // the example of the portal's document
	} {
		w := WeekOf(moment(t, at))
		if got := [3]string{w.String(), w.Start(), w.End()}; got != want {
			t.Errorf("%s: %v, want %v", at, got, want)
		}
		if back := week(t, w.String()); back != w {
			t.Errorf("%v reads as %v", w, back)
		}
		if w.monday.Weekday() != time.Monday || !w.Has(w.Start()) || !w.Has(w.End()) || w.Has(w.Next(1).Start()) {
			t.Errorf("%v: %v to %v", w, w.Start(), w.End())
		}
	}
	if over := week(t, "2026-W47").Over(almaty); !over.Equal(moment(t, "2026-11-23 00:00:00")) {
		t.Errorf("over at %v", over)
	}
}

func TestHowWeeksAreWritten(t *testing.T) {
	now := moment(t, "2026-11-25 10:00:00")
	for text, want := range map[string]string{
		"2026-W47": "2026-W47", "2026w47": "2026-W47", "2026-11-18": "2026-W47", "18.11.2026": "2026-W47",
		"last": "2026-W47", "this": "2026-W48",
	} {
		if w, err := ParseWeek(text, now); err != nil || w.String() != want {
			t.Errorf("%s: %v, %v", text, w, err)
		}
	}
	for _, text := range []string{"", "2026-W00", "2026-W54", "2025-W53", "2026-02-30", "47", "next"} {
		if w, err := ParseWeek(text, now); err == nil {
			t.Errorf("%q is %v", text, w)
		}
	}
}

func FuzzWeek(f *testing.F) {
	f.Add("2026-W47")
	f.Add("2026-11-18")
	f.Fuzz(func(t *testing.T, text string) {
		w, err := ParseWeek(text, time.Date(2026, 11, 25, 0, 0, 0, 0, time.UTC))
		if err != nil || w.monday.Year() > 9998 || w.monday.Year() < 1 {
			return
		}
		if back, err := ParseWeek(w.String(), time.Time{}); err != nil || back != w {
			t.Fatalf("%q is %v, which reads as %v, %v", text, w, back, err)
		}
	})
}

func TestSchedules(t *testing.T) {
	for text, want := range map[string]string{
		"Mon 10:00": "2026-11-23 10:00:00", "tuesday 09:05": "2026-11-24 09:05:00", "Вс 23:59": "2026-11-29 23:59:00",
		"by hand": "2026-11-23 10:00:00",
	} {
		s, err := parseSchedule(text)
		if err != nil || !s.of(week(t, "2026-W47"), almaty).Equal(moment(t, want)) {
			t.Errorf("%s: %v, %v", text, s.of(week(t, "2026-W47"), almaty), err)
		}
		if s.automatic() == (text == byHand) {
			t.Errorf("%s: automatic %v", text, s.automatic())
		}
	}
	for _, text := range []string{"", "Mon", "10:00", "Mon 25:00", "Someday 10:00", "hand"} {
		if s, err := parseSchedule(text); err == nil {
			t.Errorf("%q is %+v", text, s)
		}
	}
}
