package lang

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// match gives what stands in the place of each placeholder if the text is the entry's; nil if it is not. A placeholder takes
// as little as it can. The work is bounded: no place in the text is tried twice for the same piece.
func (e *entry) match(s string) []string {
	if !e.plausible(s) {
		return nil
	}
	m := matching{pieces: e.english, s: s, failed: make(map[[2]int]bool), values: make([]string, len(e.verbs))}
	if !m.from(0, 0) {
		return nil
	}
	return m.values
}

// plausible looks for the literal parts in their order, which is cheap and rules nearly everything out.
func (e *entry) plausible(s string) bool {
	last := e.english[len(e.english)-1]
	if len(s) < e.length || last.verb == 0 && !strings.HasSuffix(s, last.text) {
		return false
	}
	for i, p := range e.english {
		if p.verb != 0 {
			continue
		}
		at := strings.Index(s, p.text)
		if at < 0 || i == 0 && at > 0 {
			return false
		}
		s = s[at+len(p.text):]
	}
	return true
}

type matching struct {
	pieces []piece
	s      string
	values []string
	failed map[[2]int]bool
}

// from matches the pieces from i on with the text from at on.
func (m *matching) from(i, at int) bool {
	if i == len(m.pieces) {
		return at == len(m.s)
	}
	if m.failed[[2]int{i, at}] {
		return false
	}
	p, rest := m.pieces[i], m.s[at:]
	ok := false
	switch {
	case p.verb == 0:
		ok = strings.HasPrefix(rest, p.text) && m.from(i+1, at+len(p.text))
	case !p.wild():
		if n := narrow(p.verb, rest); n > 0 && m.from(i+1, at+n) {
			m.values[p.arg], ok = rest[:n], true
		}
	default:
		ok = m.anything(i, at)
	}
	if !ok {
		m.failed[[2]int{i, at}] = true
	}
	return ok
}

// anything matches a placeholder that stands for any text but none.
func (m *matching) anything(i, at int) bool {
	p := m.pieces[i]
	if i == len(m.pieces)-1 {
		if at == len(m.s) && !m.optional() {
			return false
		}
		m.values[p.arg] = m.s[at:]
		return true
	}
	next := m.pieces[i+1]
	for end := at + 1; end <= len(m.s); end++ {
		if next.verb == 0 {
			n := strings.Index(m.s[end:], next.text)
			if n < 0 {
				return false
			}
			end += n
		}
		if m.from(i+1, end) {
			m.values[p.arg] = m.s[at:end]
			return true
		}
	}
	return false
}

// optional says whether the placeholder at the end can stand for nothing: it follows a word without a space, as a tail that begins
// with its own.
func (m *matching) optional() bool {
	if len(m.pieces) == 1 {
		return false
	}
	before := m.pieces[len(m.pieces)-2].text
	last, _ := utf8.DecodeLastRuneInString(before)
	return unicode.IsLetter(last) || unicode.IsDigit(last)
}

// narrow is the length of what a placeholder for a number, a quote or the like stands for at the beginning of s; 0 if nothing
// of the kind stands there.
func narrow(verb byte, s string) int {
	switch verb {
	case 'q':
		if quoted, err := strconv.QuotedPrefix(s); err == nil {
			return len(quoted)
		}
		if strings.HasPrefix(s, "[") { // a list of quoted texts
			return strings.IndexByte(s, ']') + 1
		}
		return 0
	case 't':
		for _, word := range []string{"true", "false"} {
			if strings.HasPrefix(s, word) {
				return len(word)
			}
		}
		return 0
	}
	set := map[byte]string{'d': "0123456789", 'x': "0123456789abcdef", 'X': "0123456789ABCDEF"}[verb]
	if set == "" {
		set = "0123456789.eE+-ABCDEFU"
	}
	sign := 0
	if s != "" && strings.IndexByte("+-", s[0]) >= 0 {
		sign = 1
	}
	n := sign
	for n < len(s) && strings.IndexByte(set, s[n]) >= 0 {
		n++
	}
	if n == sign {
		return 0
	}
	return n
}
