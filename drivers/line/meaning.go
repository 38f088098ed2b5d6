package line

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"

	"github.com/acs-agent/acs-agent/agent/event"
	"github.com/acs-agent/acs-agent/agent/settings"
)

// meaning turns a line into a pass, as the settings say.
type meaning struct {
	options *options
	pattern *regexp.Regexp // nil: the whole line is the card
	ignore  *regexp.Regexp // nil: no line is ignored
	zone    *time.Location
}

var groups = []string{"card", "direction", "time", "event", "outcome"}

func newMeaning(o *options, zone *time.Location) (*meaning, error) {
	m := &meaning{options: o, zone: zone}
	var wrong []error
	mistake := func(field, problem, advice string) {
		wrong = append(wrong, settings.Mistake{Field: field, Problem: problem, Advice: advice})
	}
	compile := func(field, expression string) *regexp.Regexp {
		if expression == "" {
			return nil
		}
		re, err := regexp.Compile(expression)
		if err != nil {
			mistake(field, err.Error(), "quote it with '…' and see https://pkg.go.dev/regexp/syntax")
		}
		return re
	}
	m.pattern, m.ignore = compile("pattern", o.Pattern), compile("ignore", o.Ignore)
	if m.pattern != nil {
		names := m.pattern.SubexpNames()[1:]
		if !slices.Contains(names, "card") {
			mistake("pattern", "has no group with the name card", "write (?P<card>…) around the card's characters")
		}
		for _, name := range names {
			if name != "" && !slices.Contains(groups, name) {
				mistake("pattern", fmt.Sprintf("the group %q means nothing", name), "the groups are "+strings.Join(groups, ", "))
			}
		}
	}
	for _, word := range o.Directions.In {
		if slices.ContainsFunc(o.Directions.Out, func(w string) bool { return strings.EqualFold(w, word) }) {
			mistake("directions", fmt.Sprintf("%q is both in and out", word), "keep it in one of the lists")
		}
	}
	return m, errors.Join(wrong...)
}

var errPattern = errors.New("does not fit pattern: correct the pattern, or write an ignore: for such lines")

// pass reads a line without its end. Both results are nil for a line that is to be ignored. If there is a pass and an error, the
// pass is good as far as it goes, and the error says what of it could not be understood.
func (m *meaning) pass(line []byte) (*event.Pass, error) {
	format, payload := "line", line
	if m.numeric() && m.pattern == nil {
		payload = printable(line)
	}
	payload, _ = bytes.CutPrefix(payload, []byte(m.options.Prefix))
	if m.options.AIM {
		symbology, rest := cutAIM(payload)
		if symbology != "" {
			format, payload = "line/"+symbology, rest
		}
	}
	s := legible(payload)
	if strings.Trim(s, " ") == "" || m.ignore != nil && m.ignore.MatchString(s) {
		return nil, nil
	}
	p := &event.Pass{}
	var doubts error
	if m.pattern != nil {
		match := m.pattern.FindStringSubmatch(s)
		if match == nil {
			return nil, errPattern
		}
		doubts = m.describe(p, func(group string) string {
			if i := m.pattern.SubexpIndex(group); i >= 0 {
				return match[i]
			}
			return ""
		})
		s = match[m.pattern.SubexpIndex("card")]
	}
	s = strings.Trim(s, " ")
	if s == "" {
		return nil, errNoCard
	}
	number, bits, err := m.number(s)
	if err != nil {
		return nil, err
	}
	if format == "line" && m.numeric() {
		format = "line/" + m.formName()
	}
	p.Credential = event.Credential{Format: format, Number: number, Bits: bits, Text: s, Raw: bytes.Clone(line)}
	return p, doubts
}

// numeric says that cards are digits.
func (m *meaning) numeric() bool { return m.options.Number != text || m.options.LRC }

// printable is the end of a line from the last byte on that digits cannot stand beside: noise, most often from the moment at
// which the reader was switched on.
func printable(line []byte) []byte {
	start := len(line)
	for start > 0 && ' ' <= line[start-1] && line[start-1] <= '~' {
		start--
	}
	return line[start:]
}

func (m *meaning) formName() string {
	if m.options.LRC {
		return "lrc"
	}
	return m.options.Number.String()
}

func (m *meaning) number(s string) ([]byte, int, error) {
	if !m.options.LRC {
		return m.options.Number.number(s)
	}
	digits, err := cutLRC(s)
	if err != nil {
		return nil, 0, err
	}
	return hexNumber(digits)
}

// describe fills in what the groups of the pattern say besides the card. A word that is not understood costs its field, not
// the pass.
func (m *meaning) describe(p *event.Pass, group func(string) string) error {
	var doubts []string
	among := func(word string, words []string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return strings.EqualFold(w, word) })
	}
	switch word, o := strings.TrimSpace(group("direction")), m.options.Directions; {
	case word == "":
	case among(word, o.In):
		p.Direction = event.In
	case among(word, o.Out):
		p.Direction = event.Out
	default:
		doubts = append(doubts, "the direction is none of the words in `directions:`")
	}
	switch word, o := strings.TrimSpace(group("outcome")), m.options.Outcomes; {
	case word == "":
	case among(word, o.Passed):
		p.Outcome = event.Passed
	case among(word, o.NotPassed):
		p.Outcome = event.NotPassed
	default:
		doubts = append(doubts, "the outcome is none of the words in `outcomes:`")
	}
	if s := strings.TrimSpace(group("time")); s != "" {
		at, err := time.ParseInLocation(m.options.TimeLayout, s, m.zone)
		if err == nil {
			p.DeviceTime = at
		} else {
			doubts = append(doubts, "the time is not written as `time_layout:` says")
		}
	}
	p.EventID = strings.TrimSpace(group("event"))
	if len(doubts) == 0 {
		return nil
	}
	return errors.New(strings.Join(doubts, ", and "))
}

// legible gives the characters of a line. What is no UTF-8 is taken for windows-1251, in which Russian programs make QR codes.
func legible(b []byte) string {
	if utf8.Valid(b) {
		return string(b)
	}
	s, err := charmap.Windows1251.NewDecoder().Bytes(b)
	if err != nil {
		return strings.ToValidUTF8(string(b), "\uFFFD")
	}
	return string(s)
}
