package cardholders

import (
	"strconv"
	"strings"
	"time"
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

// readDay reads 2026-09-01 or 01.09.2026, with or without midnight behind it. An empty text is otherwise.
func readDay(text string, otherwise day) (d day, reason string) {
	s := unwrap(text)
	if s == "" {
		return otherwise, ""
	}
	if i := strings.IndexAny(s, " T"); i > 0 && strings.Trim(s[i+1:], "0:.") == "" {
		s = s[:i]
	}
	var year, month, mday int
	if first, middle, last, found := cutDate(s, "-"); found && len(first) == 4 {
		year, month, mday = smallNumber(first), smallNumber(middle), smallNumber(last)
	} else if first, middle, last, found := cutDate(s, "."); found && len(last) == 4 {
		year, month, mday = smallNumber(last), smallNumber(middle), smallNumber(first)
	}
	t := time.Date(year, time.Month(month), mday, 0, 0, 0, 0, time.UTC)
	if year < 1 || t.Month() != time.Month(month) || t.Day() != mday {
		if isDigits(s) && len(s) == 5 {
			return 0, "a spreadsheet's count of days (format the column as text and write 2026-09-01 or 01.09.2026)"
		}
		return 0, "no date (write 2026-09-01 or 01.09.2026)"
	}
	return dayOf(year, time.Month(month), mday), ""
}

func cutDate(s, separator string) (first, middle, last string, found bool) {
	first, rest, _ := strings.Cut(s, separator)
	middle, last, found = strings.Cut(rest, separator)
	return first, middle, last, found
}

// smallNumber reads up to four digits; anything else is -1.
func smallNumber(s string) int {
	n, err := strconv.ParseUint(s, 10, 14)
	if err != nil || len(s) > 4 {
		return -1
	}
	return int(n)
}
