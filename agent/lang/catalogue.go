package lang

import (
	"embed"
	"strings"
)

// The files of the catalogue consist of pairs of lines, English and Russian, with empty lines between the pairs. A line that
// begins with # is a comment. \n is the end of a line, \t a tab, \s a space that an editor would take away, \\ a backslash, \# a # at the beginning of a line.
//
//go:embed ru
var files embed.FS

const (
	// wordsFile has the single words, which Printer.Word alone looks up.
	wordsFile = "words.txt"
	// foreignFile has what the system, the standard library and the command line's parser say, and what is put together from
	// several texts: nothing of it stands in the program as it stands there.
	foreignFile = "foreign.txt"
)

// An entry is a text of the program in both languages.
type entry struct {
	english []piece
	// russian is parsed when it is said: of all entries a command needs a few.
	russian string
	// verbs are the placeholders of the English text in their order, such as %-20s.
	verbs []string
	// weight is how much of a text is understood where the entry fits: the letters outside of the placeholders.
	weight int
	// length is how many bytes such a text has at least.
	length int
}

// say gives the Russian text with what stands in the place of the placeholders.
func (e *entry) say(values []string) string { return parseTemplate(e.russian).render(values) }

// A catalogue is all entries, in the forms in which they are looked for.
type catalogue struct {
	byFormat map[string]*entry
	words    map[string]string
	// open are the entries that begin with a literal, by its first three bytes; closed those that begin with a placeholder.
	byStart map[string][]*entry
	anyhow  []*entry
	// tails are entries that continue a sentence: they begin with a space, a comma or a semicolon.
	tails []*entry
}

const startBytes = 3

func newCatalogue() *catalogue {
	c := &catalogue{byFormat: make(map[string]*entry, 1500), words: make(map[string]string), byStart: make(map[string][]*entry)}
	eachPair(func(file, english, russian string) {
		if file == wordsFile {
			c.words[english] = russian
			return
		}
		if c.byFormat[english] == nil {
			c.add(english, russian)
		}
		// Some show what is wrong and what to do about it apart.
		said, advice, ok := halves(english)
		saidRu, adviceRu, okRu := halves(russian)
		if ok && okRu && !strings.Contains(russian, "%[") && strings.Count(said, "%") == strings.Count(saidRu, "%") {
			for en, ru := range map[string]string{said: saidRu, advice: adviceRu} {
				if c.byFormat[en] == nil {
					c.add(en, ru)
				}
			}
		}
	})
	return c
}

// halves takes a text apart that ends with an advice in parentheses.
func halves(s string) (said, advice string, ok bool) {
	if !strings.HasSuffix(s, ")") {
		return "", "", false
	}
	depth := 0
	for i := len(s) - 1; i > 0; i-- {
		switch s[i] {
		case ')':
			depth++
		case '(':
			if depth--; depth == 0 {
				return s[:i-1], s[i+1 : len(s)-1], i > 1 && s[i-1] == ' ' && i < len(s)-2
			}
		}
	}
	return "", "", false
}

// eachPair reads the catalogue in the order of its files.
func eachPair(do func(file, english, russian string)) {
	const folder = "ru/"
	entries, _ := files.ReadDir("ru") // of embedded files neither this nor reading can fail
	for _, file := range entries {
		text, _ := files.ReadFile(folder + file.Name())
		english := ""
		for line := range strings.Lines(string(text)) {
			switch line = strings.TrimRight(line, "\r\n"); {
			case line == "":
				english = ""
			case strings.HasPrefix(line, "#"):
			case english == "":
				english = unescape(line)
			default:
				do(file.Name(), english, unescape(line))
				english = ""
			}
		}
	}
}

func unescape(line string) string {
	if !strings.Contains(line, `\`) {
		return line
	}
	return strings.NewReplacer(`\\`, `\`, `\n`, "\n", `\t`, "\t", `\s`, " ", `\#`, "#").Replace(line)
}

// add files an entry. One that would fit nearly everything is found by its format only.
func (c *catalogue) add(english, russian string) {
	e := &entry{english: parseFormat(english), russian: russian}
	for _, p := range e.english {
		if p.verb != 0 {
			e.verbs = append(e.verbs, p.text)
		} else {
			e.weight += letters(p.text)
			e.length += len(p.text)
		}
	}
	c.byFormat[english] = e
	if len(e.verbs) == 0 {
		e.weight = max(e.weight, 1)
	}
	switch first := e.english[0]; {
	case tooLoose(e):
	case first.verb != 0:
		c.anyhow = append(c.anyhow, e)
	case strings.ContainsAny(first.text[:1], " ,;"):
		c.tails = append(c.tails, e)
	default:
		start := first.text[:min(startBytes, len(first.text))]
		c.byStart[start] = append(c.byStart[start], e)
	}
}

// tooLoose says whether an entry cannot be recognised in a finished text: it has hardly a word of its own, or placeholders of
// which nobody can tell where one ends and the next begins.
func tooLoose(e *entry) bool {
	const enough = 5
	first, last := e.english[0], e.english[len(e.english)-1]
	if len(e.verbs) > 0 && e.weight < enough && (first.wild() || last.wild() && e.weight < 2) {
		return true
	}
	for i := 1; i < len(e.english); i++ {
		if e.english[i-1].wild() && e.english[i].wild() {
			return true
		}
	}
	return false
}

// candidates are the entries that a text can be one of.
func (c *catalogue) candidates(s string, try func(*entry)) {
	for n := 1; n <= min(startBytes, len(s)); n++ {
		for _, e := range c.byStart[s[:n]] {
			try(e)
		}
	}
	for _, e := range c.anyhow {
		try(e)
	}
}
