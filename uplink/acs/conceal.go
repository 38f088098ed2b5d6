package acs

import (
	"context"
	"strings"
	"unicode"

	"github.com/acs-agent/acs-agent/agent/event"
	"github.com/acs-agent/acs-agent/uplink"
)

// stem is how many letters decide whether two words are the same: the portal may put a name into another case.
const stem = 4

// conceal gives the portal's words without what they repeat of the people in the request: reasons go to logs and to the status.
// Numbers are gone already (uplink.Quote).
func (l *body) conceal(ctx context.Context, walk uplink.Walk, words string) string {
	said := make(map[string]bool) // whether it stands in the request
	for _, w := range strings.FieldsFunc(words, notLetter) {
		said[stemOf(w)] = false
	}
	if len(said) == 0 {
		return words
	}
	err := walk(ctx, 0, func(_ uint64, p *event.Pass) bool {
		for _, text := range []string{p.Holder.Name, p.Note} {
			for _, w := range strings.FieldsFunc(text, notLetter) {
				if _, there := said[stemOf(w)]; there {
					said[stemOf(w)] = true
				}
			}
		}
		return true
	})
	return eachWord(words, func(w string) string {
		if err != nil && w[0] >= 0x80 || said[stemOf(w)] {
			return "…"
		}
		return w
	})
}

func notLetter(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsMark(r) }

func stemOf(word string) string {
	letters := []rune(strings.ToLower(word))
	return string(letters[:min(stem, len(letters))])
}

// eachWord replaces the words of a text, and leaves alone what stands between them.
func eachWord(text string, replace func(string) string) string {
	var out strings.Builder
	for text != "" {
		if n := strings.IndexFunc(text, func(r rune) bool { return !notLetter(r) }); n != 0 {
			if n < 0 {
				n = len(text)
			}
			out.WriteString(text[:n])
			text = text[n:]
			continue
		}
		n := strings.IndexFunc(text, notLetter)
		if n < 0 {
			n = len(text)
		}
		out.WriteString(replace(text[:n]))
		text = text[n:]
	}
	return out.String()
}
