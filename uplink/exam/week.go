package exam

import (
	"fmt"
	"regexp"
	"strconv"
	"time"
)

// A Week is a week of the calendar, Monday to Sunday. It is no stretch of time: which moments belong to it depends on the zone
// of the site.
type Week struct {
	monday time.Time // midnight UTC, which is only a way to count days
}

// WeekOf gives the week in which t lies by the clock of its own location.
func WeekOf(t time.Time) Week {
	year, month, day := t.Date()
	back := (int(t.Weekday()) + 6) % 7
	return Week{time.Date(year, month, day-back, 0, 0, 0, 0, time.UTC)}
}

var weekForm = regexp.MustCompile(`^(\d{4})-?[Ww](\d{2})$`)

// ParseWeek reads 2026-W47, any date of the week as 2026-11-18 or 18.11.2026, or "last" and "this", which count from now.
func ParseWeek(text string, now time.Time) (Week, error) {
	switch text {
	case "this":
		return WeekOf(now), nil
	case "last":
		return WeekOf(now).Next(-1), nil
	}
	if m := weekForm.FindStringSubmatch(text); m != nil {
		year, _ := strconv.Atoi(m[1])
		number, _ := strconv.Atoi(m[2])
		// The fourth of January always lies in the first week (ISO 8601).
		w := WeekOf(time.Date(year, time.January, 4, 0, 0, 0, 0, time.UTC)).Next(number - 1)
		if w.String() == fmt.Sprintf("%04d-W%02d", year, number) {
			return w, nil
		}
		return Week{}, fmt.Errorf("the year %d has no week %d", year, number)
	}
	for _, form := range []string{time.DateOnly, "02.01.2006"} {
		if t, err := time.Parse(form, text); err == nil {
			return WeekOf(t), nil
		}
	}
	return Week{}, fmt.Errorf("%q is no week: write 2026-W47, a date in it such as 2026-11-18, last or this", text)
}

// Next gives the week n weeks later.
func (w Week) Next(n int) Week { return Week{w.monday.AddDate(0, 0, 7*n)} }

// Start is the Monday, as 2006-01-02.
func (w Week) Start() string { return w.monday.Format(time.DateOnly) }

// End is the Sunday, as 2006-01-02.
func (w Week) End() string { return w.monday.AddDate(0, 0, 6).Format(time.DateOnly) }

// Days are its seven days, as 2006-01-02.
func (w Week) Days() (days [7]string) {
	for i := range days {
		days[i] = w.monday.AddDate(0, 0, i).Format(time.DateOnly)
	}
	return days
}

// Has says whether a day, as 2006-01-02, lies in the week.
func (w Week) Has(day string) bool { return w.Start() <= day && day <= w.End() }

// Before says whether the week is earlier than the other.
func (w Week) Before(other Week) bool { return w.monday.Before(other.monday) }

// Over is the moment at which the week ends: the midnight behind its Sunday, by the clock of the site.
func (w Week) Over(zone *time.Location) time.Time { return w.at(zone, 7, 0, 0) }

// at gives a moment by the clock of the site, so many days after the Monday.
func (w Week) at(zone *time.Location, days, hour, minute int) time.Time {
	return time.Date(w.monday.Year(), w.monday.Month(), w.monday.Day()+days, hour, minute, 0, 0, zone)
}

// String gives year and number as ISO 8601 counts them: 2026-W47.
func (w Week) String() string {
	year, number := w.monday.ISOWeek()
	return fmt.Sprintf("%04d-W%02d", year, number)
}

func (w Week) MarshalText() ([]byte, error) { return []byte(w.String()), nil }

func (w *Week) UnmarshalText(text []byte) (err error) {
	*w, err = ParseWeek(string(text), time.Time{})
	return err
}
