package lang

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
)

// TestEveryTextIsTranslated wants each text of the program in the catalogue. What is missing it prints in the form in which it can
// be pasted into a file of agent/lang/ru, to be translated there.
func TestEveryTextIsTranslated(t *testing.T) {
	known := exceptions(t)
	eachPair(func(_, english, _ string) { known[english] = true })
	missing, count := make(map[string][]string), 0
	for _, s := range sources(t) {
		if !known[s.text] {
			known[s.text] = true
			missing[s.where] = append(missing[s.where], fmt.Sprintf("# %s\n%s\nпереведите\n", s.at, escape(s.text)))
			count++
		}
	}
	if count == 0 {
		return
	}
	var paste strings.Builder
	for where, entries := range missing {
		fmt.Fprintf(&paste, "## %s\n\n%s\n", where, strings.Join(entries, "\n"))
	}
	t.Errorf("%d texts have no Russian. Paste them into agent/lang/ru/*.txt and translate the second line of each pair; "+
		"what nobody reads goes into agent/lang/testdata/exceptions.txt with a reason.\n\n%s", count, &paste)
}

// TestNoEntryIsStale wants a text of the program for each entry of the catalogue.
func TestNoEntryIsStale(t *testing.T) {
	used := make(map[string]bool)
	for _, s := range sources(t) {
		used[s.text] = true
	}
	eachPair(func(file, english, _ string) {
		if file != foreignFile && file != wordsFile && !used[english] {
			t.Errorf("%s: the program does not say this any more: %s", file, escape(english))
		}
	})
	for text := range exceptions(t) {
		if !used[text] {
			t.Errorf("exceptions.txt: the program does not say this any more: %s", escape(text))
		}
	}
}

var (
	digits   = regexp.MustCompile(`\d+`)
	commands = regexp.MustCompile("`[^`]*`|https?://[a-z.]+/[^ ]+|--[a-z-]+")
)

// TestTranslationsAgree wants nothing lost on the way: placeholders, numbers, commands, tabs and the spaces at the ends.
func TestTranslationsAgree(t *testing.T) {
	seen := make(map[string]string)
	eachPair(func(file, english, russian string) {
		wrong := func(what string) { t.Errorf("%s: %s:\n%s\n%s", file, what, escape(english), escape(russian)) }
		if before, again := seen[english]; again && before != russian && file != wordsFile {
			wrong("translated otherwise elsewhere: " + before)
		}
		seen[english] = russian
		if x, y := verbsOf(parseFormat(english)), verbsOf(parseTemplate(russian)); !slices.Equal(x, y) && file != wordsFile {
			wrong(fmt.Sprintf("placeholders %q and %q", x, y))
		}
		plain := func(s string) string { return placeholder.ReplaceAllString(s, "") }
		for _, part := range []struct {
			what string
			form *regexp.Regexp
		}{{"numbers", digits}, {"commands", commands}} {
			x, y := part.form.FindAllString(plain(english), -1), part.form.FindAllString(plain(russian), -1)
			slices.Sort(x)
			slices.Sort(y)
			if !slices.Equal(x, y) {
				wrong(fmt.Sprintf("%s %q and %q", part.what, x, y))
			}
		}
		if strings.Count(english, "\t") != strings.Count(russian, "\t") {
			wrong("columns")
		}
		if strings.HasSuffix(english, " ") != strings.HasSuffix(russian, " ") ||
			strings.ContainsAny(english[:1], " ,;") && !strings.ContainsAny(russian[:1], " ,;") {
			wrong("ends")
		}
		if strings.ContainsFunc(plain(english), unicode.IsLetter) && english != russian && !isRussian(russian) && file != foreignFile && strings.ToUpper(plain(english)) != plain(russian) {
			wrong("no Russian")
		}
		if strings.HasSuffix(english, ".") != strings.HasSuffix(russian, ".") && file != foreignFile {
			wrong("full stop")
		}
	})
}

// verbsOf gives the placeholders in the order of their arguments.
func verbsOf(pieces []piece) []string {
	var verbs []string
	for _, p := range pieces {
		if p.verb != 0 {
			for len(verbs) <= p.arg {
				verbs = append(verbs, "")
			}
			verbs[p.arg] = p.text
		}
	}
	return verbs
}

func isRussian(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return unicode.Is(unicode.Cyrillic, r) })
}

// exceptions reads the texts that need no translation.
func exceptions(t *testing.T) map[string]bool {
	t.Helper()
	text, err := os.ReadFile("testdata/exceptions.txt")
	if err != nil {
		t.Fatal(err)
	}
	all := make(map[string]bool)
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimRight(line, "\n"); line != "" && !strings.HasPrefix(line, "#") {
			all[unescape(line)] = true
		}
	}
	return all
}

// escape writes a text as it stands in the catalogue.
func escape(s string) string {
	s = strings.NewReplacer(`\`, `\\`, "\n", `\n`, "\t", `\t`).Replace(s)
	if front, ok := strings.CutSuffix(s, " "); ok {
		s = front + `\s`
	}
	return s
}
