package cardholders

import (
	"time"

	"github.com/acs-agent/acs-agent/agent/table"
)

// A day of the calendar, counted from the first of January 2000. What lies before or behind the range is its end, which is
// the same as without a limit.
type day uint16

const (
	firstDay day = 0
	lastDay  day = 1<<16 - 1 // 2179-06-06
)

func dayOf(year int, month time.Month, d int) day {
	since := time.Date(year, month, d, 0, 0, 0, 0, time.UTC).Unix() - time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).Unix()
	return day(min(max(since/86400, int64(firstDay)), int64(lastDay)))
}

func (d day) String() string {
	return time.Date(2000, 1, 1+int(d), 0, 0, 0, 0, time.UTC).Format(time.DateOnly)
}

// readDay reads a date in any form that table.Date knows. An empty text is otherwise.
func readDay(text string, otherwise day) (d day, reason string) {
	if table.Unwrap(text) == "" {
		return otherwise, ""
	}
	date, reason := table.Date(text)
	if reason != "" {
		return 0, reason
	}
	return dayOf(date.Date()), ""
}
