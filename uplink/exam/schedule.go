package exam

import (
	"errors"
	"slices"
	"strings"
	"time"
)

// byHand is what settings say when nothing shall happen without a person.
const byHand = "by hand"

// A schedule is when the report of a week is sent: on a day of the week after it, at a time of day. The zero value is never.
type schedule struct {
	weekday      int // 1 Monday to 7 Sunday; 0 by hand
	hour, minute int
}

var weekdays = [...][]string{
	{"mon", "monday", "пн", "понедельник"},
	{"tue", "tuesday", "вт", "вторник"},
	{"wed", "wednesday", "ср", "среда"},
	{"thu", "thursday", "чт", "четверг"},
	{"fri", "friday", "пт", "пятница"},
	{"sat", "saturday", "сб", "суббота"},
	{"sun", "sunday", "вс", "воскресенье"},
}

var errSchedule = errors.New("no day of the week with a time")

func parseSchedule(text string) (schedule, error) {
	words := strings.Fields(strings.ToLower(text))
	if strings.Join(words, " ") == byHand {
		return schedule{}, nil
	}
	if len(words) != 2 {
		return schedule{}, errSchedule
	}
	at, err := time.Parse("15:04", words[1])
	if err != nil {
		return schedule{}, errSchedule
	}
	for i, names := range weekdays {
		if slices.Contains(names, words[0]) {
			return schedule{i + 1, at.Hour(), at.Minute()}, nil
		}
	}
	return schedule{}, errSchedule
}

func (s schedule) automatic() bool { return s.weekday > 0 }

// of is the moment at which the report of the week is due. When only a person sends it, that is when the person is reminded.
func (s schedule) of(w Week, zone *time.Location) time.Time {
	if !s.automatic() {
		s = schedule{weekday: 1, hour: 10}
	}
	return w.at(zone, 6+s.weekday, s.hour, s.minute)
}
