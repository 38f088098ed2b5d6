package lang

import (
	"strings"
	"time"
)

// units are those of a duration as the program prints it, longest first.
var units = []struct{ english, russian string }{
	{"ms", " мс"}, {"µs", " мкс"}, {"ns", " нс"}, {"h", " ч "}, {"m", " мин "}, {"s", " с"},
}

// span gives a duration, such as 1m30s, with the units of Russian.
func span(s string) (russian string, ok bool) {
	if _, err := time.ParseDuration(s); err != nil || s == "0" {
		return "", false
	}
	var b strings.Builder
	for rest := s; rest != ""; {
		number := len(rest) - len(strings.TrimLeft(rest, "+-.0123456789"))
		b.WriteString(rest[:number])
		rest = rest[number:]
		for _, u := range units {
			if after, found := strings.CutPrefix(rest, u.english); found {
				b.WriteString(u.russian)
				rest = after
				break
			}
		}
	}
	return strings.TrimSpace(b.String()), true
}

// timed says whether what stands at the n-th place of a format is a duration, by the words around it. A name could look like one.
func timed(format []piece, n int) bool {
	before, after := "", ""
	if n > 0 {
		before = format[n-1].text
	}
	if n+1 < len(format) {
		after = format[n+1].text
	}
	if strings.HasPrefix(after, " ago") {
		return true
	}
	for _, word := range []string{"in ", "after ", "within ", "for ", "takes ", "every ", "than ", "by ", "most ", "slow: "} {
		if strings.HasSuffix(before, word) {
			return true
		}
	}
	return false
}
