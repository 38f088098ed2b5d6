package doctor

import (
	"bufio"
	"fmt"
	"io"
	"strings"
)

// A Summary counts findings.
type Summary struct {
	OK      int `json:"ok"`
	Warning int `json:"warning"`
	Wrong   int `json:"wrong"`
	Unsure  int `json:"unsure"`
	// NeedsPerson is how many of what is wrong stay so until a person acts.
	NeedsPerson int `json:"needs_person"`
}

// Sum counts.
func Sum(findings []Finding) (s Summary) {
	for _, f := range findings {
		switch f.Level {
		case OK:
			s.OK++
		case Warning:
			s.Warning++
		case Wrong:
			s.Wrong++
		case Unsure:
			s.Unsure++
		}
		if f.Person {
			s.NeedsPerson++
		}
	}
	return s
}

// Print writes findings for people: a line each, with what to do below, in groups, and a summary. say translates a text.
func Print(to io.Writer, findings []Finding, say func(string) string) error {
	w := bufio.NewWriter(to)
	var group Group
	for i, f := range findings {
		if f.Group != group || i == 0 {
			if i > 0 {
				_, _ = fmt.Fprintln(w)
			}
			group = f.Group
			_, _ = fmt.Fprintln(w, say(group.Title()))
		}
		_, _ = fmt.Fprintf(w, "%-8s %s: %s\n", say(string(f.Level)), line(say(f.Subject)), line(say(f.Text)))
		if f.Advice != "" {
			_, _ = fmt.Fprintf(w, "         → %s\n", line(say(f.Advice)))
		}
	}
	s := Sum(findings)
	_, _ = fmt.Fprintf(w, "\n%s\n", say(fmt.Sprintf("ok: %d, warnings: %d, wrong: %d, could not be found out: %d", s.OK, s.Warning, s.Wrong, s.Unsure)))
	switch {
	case s.NeedsPerson > 0:
		_, _ = fmt.Fprintln(w, say("Something stays wrong until a person acts: do what stands behind the arrows."))
	case s.Wrong > 0:
		_, _ = fmt.Fprintln(w, say("Something fails at present, and may come back by itself."))
	}
	return w.Flush()
}

// line makes one line of a text; what comes from other programs may have any characters in it.
func line(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 {
			return ' '
		}
		return r
	}, s)
}
