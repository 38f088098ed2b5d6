package mqtt

import (
	"encoding/json"
	"strings"
	"time"
)

// A reader's clock that stands before this year was never set.
const firstYear = 2020

// local are the forms without a zone in which readers write the time.
var local = []string{"2006-01-02T15:04:05", "2006-01-02 15:04:05"}

// deviceTime reads what a reader says about the time: seconds or milliseconds of Unix time, RFC 3339, or local time of the
// site. An abbreviation of a zone behind local time is not looked at: what it stands for cannot be known. Whatever cannot be
// read, and every time before 2020, gives the zero time.
func deviceTime(v any, zone *time.Location) time.Time {
	var t time.Time
	switch v := v.(type) {
	case json.Number:
		t = unixTime(v, zone)
	case string:
		t = textTime(strings.TrimSpace(v), zone)
	}
	if t.Year() < firstYear || t.Year() > 9999 {
		return time.Time{}
	}
	return t
}

func unixTime(n json.Number, zone *time.Location) time.Time {
	const milliseconds = 1e11 // as seconds this would be the year 5138
	f, err := n.Float64()
	switch {
	case err != nil || f < 0 || f > 1e15:
		return time.Time{}
	case f >= milliseconds:
		return time.UnixMilli(int64(f)).In(zone)
	}
	return time.UnixMilli(int64(f * 1000)).In(zone)
}

func textTime(s string, zone *time.Location) time.Time {
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return t.In(zone)
	}
	for _, form := range local {
		if len(s) > len(form) && s[len(form)] == ' ' {
			s = s[:len(form)]
		}
		if t, err := time.ParseInLocation(form, s, zone); err == nil {
			return t
		}
	}
	return textUnix(s, zone)
}

func textUnix(s string, zone *time.Location) time.Time {
	if s == "" || strings.Trim(s, "0123456789") != "" {
		return time.Time{}
	}
	return unixTime(json.Number(s), zone)
}
