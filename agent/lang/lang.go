// Package lang says to people in Russian what the program says in English.
//
// All other packages speak English and know nothing of this one. A catalogue maps their formats to Russian ones; a Printer looks
// formats up where the program prints, and recognises finished sentences where an error or an answer of the running agent is all
// that is left. What the catalogue does not know stays English: half a message is better than none.
package lang

import (
	"fmt"
	"io"
	"strings"
	"sync"
)

// The languages that there are messages in.
const (
	English = "en"
	Russian = "ru"
)

// A Printer says things in one language. Nil is a Printer that speaks English. Printers are safe for concurrent use.
type Printer struct {
	once      sync.Once
	catalogue *catalogue
}

// New gives a printer for a language. Anything but Russian is English. The catalogue is read when it is first needed.
func New(language string) *Printer {
	if language != Russian {
		return nil
	}
	return &Printer{}
}

// Language is what the printer speaks, Russian or English.
func (p *Printer) Language() string {
	if p == nil {
		return English
	}
	return Russian
}

// russian is the catalogue; nil in English.
func (p *Printer) russian() *catalogue {
	if p == nil {
		return nil
	}
	p.once.Do(func() { p.catalogue = newCatalogue() })
	return p.catalogue
}

// Fprintf prints what format says in the printer's language. Arguments that are texts, errors or Stringers are translated as well,
// if they are known: see Text.
func (p *Printer) Fprintf(w io.Writer, format string, args ...any) (int, error) {
	if p == nil {
		return fmt.Fprintf(w, format, args...)
	}
	return io.WriteString(w, p.Sprintf(format, args...))
}

// Sprintf is Fprintf into a string.
func (p *Printer) Sprintf(format string, args ...any) string {
	if p == nil {
		return fmt.Sprintf(format, args...)
	}
	core := strings.Trim(format, "\n")
	e := p.russian().byFormat[core]
	if e == nil || len(e.verbs) != len(args) {
		return fmt.Sprintf(format, p.translated(args)...)
	}
	head, tail, _ := strings.Cut(format, core)
	values := make([]string, len(args))
	for i, arg := range p.translated(args) {
		values[i] = fmt.Sprintf(e.verbs[i], arg)
	}
	return head + e.say(values) + tail
}

// translated gives the arguments as they are to be printed. Errors become texts, for which %w would mean nothing.
func (p *Printer) translated(args []any) []any {
	out := make([]any, len(args))
	for i, arg := range args {
		switch a := arg.(type) {
		case error:
			out[i] = p.Text(a.Error())
		case fmt.Stringer:
			out[i] = arg
			if s := a.String(); p.Text(s) != s {
				out[i] = p.Text(s)
			}
		case string:
			out[i] = p.Text(a)
		default:
			out[i] = arg
		}
	}
	return out
}

// Word translates a single word that stands for something in the program, such as the state of a part. Text leaves single words
// alone, because they could as well be the name of a reader.
func (p *Printer) Word(word string) string {
	if c := p.russian(); c != nil {
		if russian, ok := c.words[word]; ok {
			return russian
		}
	}
	return word
}

// Text translates a finished text of one or several lines as far as it is known: whole, or the parts of a chain such as
// "prefix: cause (advice)". Names, numbers and quotes in it stay as they are.
func (p *Printer) Text(s string) string {
	c := p.russian()
	if c == nil {
		return s
	}
	if e := c.byFormat[s]; e != nil {
		return e.say(e.verbs)
	}
	if !strings.Contains(s, "\n") {
		return c.line(s)
	}
	lines := strings.Split(s, "\n")
	for i := range lines {
		lines[i] = c.line(lines[i])
	}
	return strings.Join(lines, "\n")
}
