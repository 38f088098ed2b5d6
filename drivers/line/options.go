package line

import (
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/acs-agent/acs-agent/agent/settings"
	"github.com/acs-agent/acs-agent/drivers/serialport"
)

// options are the keys of one reader.
type options struct {
	serialport.Settings `yaml:",inline"`
	// Suffix is what ends a line. Default: any run of CR and LF.
	Suffix suffix `yaml:"suffix"`
	// Prefix is text that the reader puts before each line and that is no part of it.
	Prefix string `yaml:"prefix"`
	// Gap is the silence that ends a line if suffix is none, and after which an unfinished line is dropped otherwise.
	// Default: 0, two seconds.
	Gap settings.Duration `yaml:"gap"`
	// AIM says that lines begin with an AIM symbology identifier, such as ]Q3. Default: false.
	AIM bool `yaml:"aim"`
	// LRC says that lines are ':' and hexadecimal digits, of which the last byte makes the sum zero. Default: false.
	LRC bool `yaml:"lrc"`
	// Number says what the characters of a card mean: text, hex, decimal or facility. Default: text.
	Number form `yaml:"number"`
	// Pattern is a regular expression with the groups card and, as far as there are any, direction, time, event, outcome.
	Pattern string `yaml:"pattern"`
	// Ignore is a regular expression for lines that are no cards and no faults.
	Ignore string `yaml:"ignore"`
	// Directions are the words of the group direction.
	Directions struct {
		In  []string `yaml:"in"`
		Out []string `yaml:"out"`
	} `yaml:"directions"`
	// Outcomes are the words of the group outcome.
	Outcomes struct {
		Passed    []string `yaml:"passed"`
		NotPassed []string `yaml:"not_passed"`
	} `yaml:"outcomes"`
	// TimeLayout is how the group time is written, in the notation of Go: 2006-01-02 15:04:05 and its like.
	TimeLayout string `yaml:"time_layout"`
}

func defaults() options {
	o := options{Settings: serialport.Defaults(9600), TimeLayout: time.DateTime}
	o.Directions.In, o.Directions.Out = []string{"in", "вход"}, []string{"out", "выход"}
	o.Outcomes.Passed, o.Outcomes.NotPassed = []string{"passed", "проход"}, []string{"not passed", "нет прохода"}
	return o
}

func (o *options) check() error {
	var wrong []error
	mistake := func(field, problem, advice string) {
		wrong = append(wrong, settings.Mistake{Field: field, Problem: problem, Advice: advice})
	}
	if err := o.Check(); err != nil {
		wrong = append(wrong, err)
	}
	if o.Suffix.none && o.Gap == 0 {
		mistake("gap", "is missing: without a suffix only a silence can end a line", "write gap: 80ms")
	}
	if o.Gap != 0 && (o.Gap.Std() < 10*time.Millisecond || o.Gap.Std() > 10*time.Second) {
		mistake("gap", o.Gap.String()+" is not between 10ms and 10s", "80ms suits nearly all scanners")
	}
	if o.LRC && o.Number != text && o.Number != hexadecimal {
		mistake("number", "does not go with lrc", "lines with a checksum are hexadecimal: leave number away")
	}
	if o.LRC && o.AIM {
		mistake("aim", "does not go with lrc", "leave one of them away")
	}
	return errors.Join(wrong...)
}

// suffix is what ends a line. Its zero value is any run of CR and LF.
type suffix struct {
	ends [][]byte
	none bool
}

var controls = map[string]string{"CR": "\r", "LF": "\n", "CRLF": "\r\n", "TAB": "\t", "ETX": "\x03"}

// UnmarshalText reads none, or names of control characters and hexadecimal bytes, separated by commas: each of them is an end.
func (s *suffix) UnmarshalText(b []byte) error {
	*s = suffix{}
	if strings.EqualFold(strings.TrimSpace(string(b)), "none") {
		s.none = true
		return nil
	}
	for word := range strings.SplitSeq(string(b), ",") {
		word = strings.ToUpper(strings.TrimSpace(word))
		if end, found := controls[word]; found {
			s.ends = append(s.ends, []byte(end))
			continue
		}
		end, err := hex.DecodeString(strings.TrimPrefix(word, "0X"))
		if err != nil || len(end) == 0 || len(end) > 4 {
			return fmt.Errorf("%q is no suffix: write CR, LF, CRLF, TAB, ETX, hexadecimal bytes such as 0x1E, "+
				"several of them with commas between, or none", word)
		}
		s.ends = append(s.ends, end)
	}
	return nil
}

// form says what the characters of a card mean.
type form uint8

const (
	text form = iota
	hexadecimal
	decimal
	facility
)

var forms = []string{"text", "hex", "decimal", "facility"}

func (f form) String() string { return forms[f] }

// UnmarshalText reads the name of a form.
func (f *form) UnmarshalText(b []byte) error {
	i := slices.Index(forms, string(b))
	if i < 0 {
		return fmt.Errorf("%q is no form of a number: write text, hex, decimal or facility", b)
	}
	*f = form(i) //nolint:gosec // below 4
	return nil
}
