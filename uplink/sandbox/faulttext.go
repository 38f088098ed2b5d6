package sandbox

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/acs-agent/acs-agent/agent/event"
)

// A form is how a kind is written, and for people what it does.
type form struct {
	kind    Kind
	example string
	meaning string
}

func forms() []form {
	return []form{
		{Status, "500", "answer with this status: 300 to 599"},
		{Hang, "hang", "read the request and never answer"},
		{Slow, "slow=20s", "answer rightly, but so late"},
		{CutBefore, "cut-before", "reset the connection before the body is read"},
		{CutBody, "cut-body", "reset the connection in the middle of the body"},
		{CutAnswer, "cut-answer", "keep what came, reset the connection instead of answering"},
		{Truncated, "truncated", "keep what came, answer with half of the body"},
		{WrongType, "wrong-type", "keep what came, answer rightly but as text/html"},
		{Captive, "captive", "answer 200 with a log-in page, keep nothing"},
		{Empty, "empty", "keep what came, answer rightly but without a body"},
		{OtherJSON, "other-json", "keep what came, answer with unknown JSON"},
		{Endless, "endless", "keep what came, answer with gigabytes"},
		{RefuseIIN, "refuse-iin=900101300017,900101400023", "acs: 400 for each request with a row of these people"},
		{RefuseNote, "refuse-note=Корпус 2", "acs: 400 for each request with a row whose note contains this"},
		{TLSExpired, "tls-expired", "a certificate that is no longer valid"},
		{TLSNotYetValid, "tls-not-yet-valid", "a certificate that is not valid yet"},
		{TLSOtherHost, "tls-other-host", "a certificate of another host"},
	}
}

// FaultForms is a table of all forms that ParseFault takes, for help texts.
func FaultForms() string {
	var table strings.Builder
	w := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	for _, f := range forms() {
		fmt.Fprintf(w, "%s\t%s\n", f.example, f.meaning) //nolint:errcheck // a Builder takes everything
	}
	for _, option := range [][2]string{
		{":next=3", "for the next 3 requests (TLS: connections) only"},
		{":share=0.1", "for one request in ten"},
		{":portal=exam", "for this portal only: acs, exam, subjects, checks or callback"},
		{":above=100000", "for bodies longer than this, in bytes"},
		{":stored", "statuses and hang: keep what came all the same"},
		{":retry-after=2", "statuses: with this header, in seconds"},
		{":retry-after-date=2", "the same, written as a date"},
		{":location=https://…", "statuses 300 to 399: where to"},
	} {
		fmt.Fprintf(w, "%s\t%s\n", option[0], option[1]) //nolint:errcheck // a Builder takes everything
	}
	_ = w.Flush() // a Builder takes everything
	return table.String()
}

// ParseFault reads the text form of a fault: KIND[=VALUE][:OPTION[=VALUE],…], for example "500:next=3" or
// "429:retry-after=2,next=1". FaultForms lists what there is. Errors do not repeat IINs.
func ParseFault(text string) (Fault, error) {
	text = strings.TrimSpace(text)
	name, value, options, err := splitFault(text)
	if err != nil {
		return Fault{}, err
	}
	f := Fault{Kind: Kind(name)}
	if status, err := strconv.Atoi(name); err == nil {
		f.Kind, f.Status = Status, status
	} else if f.Kind == Status {
		return Fault{}, errors.New("fault status: write the number itself, for example 500")
	}
	var errs []error
	switch hasValue := value != ""; {
	case f.Kind == Slow:
		if f.Delay, err = time.ParseDuration(value); err != nil {
			errs = append(errs, errors.New("fault slow: write how late, for example slow=20s"))
			f.Delay = time.Second // so that check does not complain of it again
		}
	case f.Kind == RefuseIIN && hasValue:
		f.IINs = strings.Split(value, ",")
	case f.Kind == RefuseNote:
		f.Note = value
	case hasValue:
		errs = append(errs, fmt.Errorf("fault %s: takes no value after =", f.name()))
	}
	if options != "" {
		errs = append(errs, f.setOptions(strings.Split(options, ",")))
	}
	if err := errors.Join(append(errs, f.check())...); err != nil {
		return Fault{}, err
	}
	return f, nil
}

// splitFault takes the text apart. A note may contain what otherwise separates; in quotation marks it ends with them.
func splitFault(text string) (name, value, options string, err error) {
	end := strings.IndexAny(text, "=:")
	if end < 0 {
		return text, "", "", nil
	}
	name, rest := text[:end], text[end+1:]
	switch {
	case text[end] == ':':
		options = rest
	case strings.HasPrefix(rest, `"`):
		quoted, err := strconv.QuotedPrefix(rest)
		if err != nil {
			return "", "", "", fmt.Errorf("fault %s: the quotation marks do not match", name)
		}
		if value, err = strconv.Unquote(quoted); err != nil {
			return "", "", "", fmt.Errorf("fault %s: the text in quotation marks is wrong", name)
		}
		var found bool
		if options, found = strings.CutPrefix(rest[len(quoted):], ":"); !found && options != "" {
			return "", "", "", fmt.Errorf("fault %s: expected a colon after the quotation marks", name)
		}
		return name, value, options, nil
	case name == string(RefuseNote):
		return name, rest, "", nil
	default:
		value, options, _ = strings.Cut(rest, ":")
	}
	if text[end] == ':' && options == "" || strings.HasSuffix(text, ":") {
		return "", "", "", fmt.Errorf("fault %s: nothing follows the colon", name)
	}
	return name, value, options, nil
}

func (f *Fault) setOptions(options []string) error {
	var errs []error
	seen := make(map[string]bool)
	for _, option := range options {
		key, value, _ := strings.Cut(option, "=")
		if seen[key] {
			errs = append(errs, fmt.Errorf("fault %s: option %s stands there twice", f.name(), key))
		}
		seen[key] = true
		if err := f.setOption(key, value); err != nil {
			errs = append(errs, fmt.Errorf("fault %s: option %s: %w", f.name(), key, err))
		}
	}
	return errors.Join(errs...)
}

func (f *Fault) setOption(key, value string) (err error) {
	number := func(least int64) int64 {
		n, parseErr := strconv.ParseInt(value, 10, 32)
		if parseErr != nil || n < least {
			err = fmt.Errorf("%q is not a whole number from %d", value, least)
		}
		return n
	}
	switch key {
	case "next":
		f.Next = int(number(1))
	case "share":
		share, parseErr := strconv.ParseFloat(value, 64)
		if parseErr != nil || !(share > 0 && share <= 1) {
			return fmt.Errorf("%q is not a number above 0 and up to 1", value)
		}
		f.Share = share
	case "portal":
		if f.Portal = value; value == "" {
			return errors.New("is empty")
		}
	case "above":
		f.Above = number(1)
	case "stored":
		if f.Stored = value == ""; !f.Stored {
			return errors.New("takes no value")
		}
	case "retry-after", "retry-after-date":
		f.RetryAfter = time.Duration(number(0)) * time.Second
		f.RetryDate = key == "retry-after-date"
	case "location":
		if f.Location = value; value == "" {
			return errors.New("is empty")
		}
	default:
		return errors.New("is not known")
	}
	return err
}

// String gives the form that ParseFault takes, except that IINs are masked.
func (f Fault) String() string {
	var b bytes.Buffer
	b.WriteString(f.name())
	switch f.Kind {
	case Slow:
		fmt.Fprintf(&b, "=%v", f.Delay)
	case RefuseNote:
		fmt.Fprintf(&b, "=%q", f.Note)
	case RefuseIIN:
		masked := make([]string, len(f.IINs))
		for i, iin := range f.IINs {
			masked[i] = event.MaskIIN(iin)
		}
		b.WriteString("=" + strings.Join(masked, ","))
	default: // the others have no value
	}
	var options []string
	add := func(wanted bool, option string) {
		if wanted {
			options = append(options, option)
		}
	}
	add(f.Next > 0, fmt.Sprintf("next=%d", f.Next))
	add(f.Share > 0, fmt.Sprintf("share=%v", f.Share))
	add(f.Portal != "", "portal="+f.Portal)
	add(f.Above > 0, fmt.Sprintf("above=%d", f.Above))
	add(f.Stored, "stored")
	add(f.RetryDate, fmt.Sprintf("retry-after-date=%d", f.RetryAfter/time.Second))
	add(!f.RetryDate && f.RetryAfter > 0, fmt.Sprintf("retry-after=%d", f.RetryAfter/time.Second))
	add(f.Location != "", "location="+f.Location)
	if len(options) > 0 {
		b.WriteString(":" + strings.Join(options, ","))
	}
	return b.String()
}
