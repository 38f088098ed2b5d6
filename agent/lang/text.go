package lang

import "strings"

const (
	// maxLine is the longest line that is looked at, in bytes.
	maxLine = 2000
	// maxParts is how many different parts of a line are looked at, maxCuts at how many places one is cut.
	maxParts = 150
	maxCuts  = 10
	// firm is the weight from which an entry may stand around English: "write host and port" in half Russian helps nobody.
	firm = 9
)

// line translates one line. Lines of a configuration that are quoted with their number stay as they are.
func (c *catalogue) line(s string) string {
	core := strings.TrimSpace(s)
	if core == "" || len(s) > maxLine || isExcerpt(core) {
		return s
	}
	head, tail, _ := strings.Cut(s, core)
	if advice, ok := strings.CutPrefix(core, "= "); ok && head != "" {
		head, core = head+"= ", advice
	}
	r := &reading{catalogue: c, known: make(map[string]said), left: maxParts}
	return head + r.read(core).text + tail
}

// isExcerpt tells a quoted line of the configuration: 12 | key: value.
func isExcerpt(s string) bool {
	number, _, found := strings.Cut(s, " | ")
	return found && strings.Trim(number, "0123456789") == ""
}

// said is a part of a line in Russian, and how many letters of it were understood.
type said struct {
	text  string
	score int
}

// A reading finds the translation of a line that understands the most of it. Each part is read once, and the number of parts is
// limited, however a text from outside is made.
type reading struct {
	*catalogue
	known map[string]said
	left  int
}

func (r *reading) read(s string) said {
	if e := r.byFormat[s]; e != nil {
		return said{e.say(e.verbs), e.weight} // with %XX and the like as they stand, where it is no format
	}
	if done, ok := r.known[s]; ok {
		return done
	}
	best := said{text: s}
	if r.left == 0 || !strings.Contains(s, " ") {
		return best
	}
	r.left--
	r.known[s] = best
	try := func(other said) {
		if other.score > best.score {
			best = other
		}
	}
	r.candidates(s, func(e *entry) { try(r.as(e, s)) })
	r.continued(s, try)
	r.chained(s, try)
	r.advised(s, try)
	r.known[s] = best
	return best
}

// as reads a text as an entry, and then what stands in the place of its placeholders.
func (r *reading) as(e *entry, s string) said {
	values := e.match(s)
	if values == nil {
		return said{}
	}
	score := e.weight
	if e.english[0].wild() && strings.Contains(values[0], ": ") {
		score-- // rather the cause at the end of a chain
	}
	for n, p := range e.english {
		if !p.wild() {
			continue
		}
		if russian, ok := span(values[p.arg]); ok && timed(e.english, n) {
			values[p.arg] = russian
			continue
		}
		inner := r.read(values[p.arg])
		if inner.score == 0 && e.weight < firm && isEnglish(values[p.arg]) {
			return said{}
		}
		values[p.arg] = inner.text
		score += inner.score
	}
	return said{e.say(values), score}
}

// isEnglish says whether a text has several English words in a row.
func isEnglish(s string) bool {
	const several = 3
	row := 0
	for word := range strings.FieldsSeq(s) {
		if row++; strings.Trim(word, "abcdefghijklmnopqrstuvwxyz,'") != "" || word == "" {
			row = 0
		}
		if row == several {
			return true
		}
	}
	return false
}

// continued reads a sentence with a tail: "the portal answered 404; check url".
func (r *reading) continued(s string, try func(said)) {
	for _, e := range r.tails {
		at := strings.Index(s, e.english[0].text)
		if at <= 0 {
			continue
		}
		if tail := r.as(e, s[at:]); tail.score > 0 {
			front := r.read(s[:at])
			try(said{front.text + tail.text, front.score + tail.score})
		}
	}
}

// chained reads "prefix: cause" and "one thing; another".
func (r *reading) chained(s string, try func(said)) {
	cuts := 0
	for at := 1; at < len(s)-2 && cuts < maxCuts; at++ {
		if sign := s[at : at+2]; sign != ": " && sign != "; " {
			continue
		}
		cuts++
		front, behind := r.read(s[:at]), r.read(s[at+2:])
		try(said{front.text + s[at:at+2] + behind.text, front.score + behind.score})
	}
}

// advised reads "text (advice)".
func (r *reading) advised(s string, try func(said)) {
	inner, ok := strings.CutSuffix(s, ")")
	if !ok {
		return
	}
	cuts := 0
	for at := len(inner); cuts < maxCuts; cuts++ {
		if at = strings.LastIndex(inner[:at], " ("); at <= 0 {
			return
		}
		front, advice := r.read(inner[:at]), r.read(inner[at+2:])
		try(said{front.text + " (" + advice.text + ")", front.score + advice.score})
	}
}
