package callback

import (
	"strings"
	"time"
)

// readDate reads a dateCreation. The document's example is 2022-29-12: year, day, month. That reading is tried first; year,
// month, day is taken when only that is a date. When both are, and differ, nobody can tell, and both are given. There may be
// none. What stands behind the date is not looked at.
func readDate(raw string) (readings []time.Time) {
	s := strings.TrimSpace(strings.ReplaceAll(raw, "\u00A0", " "))
	if i := strings.IndexAny(s, "T "); i > 0 {
		s = s[:i]
	}
	for _, form := range []string{"2006-02-01", time.DateOnly} {
		t, err := time.Parse(form, s)
		if err == nil && (len(readings) == 0 || !t.Equal(readings[0])) {
			readings = append(readings, t)
		}
	}
	return readings
}
