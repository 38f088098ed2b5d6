package uplink

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Outcome is what a request did to the passes in it.
type Outcome int

// The outcomes.
const (
	// Delivered: the portal has said, in the documented form, that it keeps them.
	Delivered Outcome = iota
	// Retry: not delivered, or nobody knows, and trying again does no harm.
	Retry
	// Refused: the portal does not want the request as it is. Of several passes any one may be the cause, so the batch is
	// halved; a single one is a dead letter.
	Refused
	// TooLarge: as Refused, and later batches are made smaller too.
	TooLarge
	// Stop: nothing will work until a person acts.
	Stop
	// Unknown: the request may have been taken, the portal cannot be asked, and a repetition would do harm.
	Unknown
)

// A Verdict is an outcome and what is known about it.
type Verdict struct {
	Outcome Outcome
	// Reason is for people: what happened and what to do. No personal data.
	Reason string
	// After is how long the portal asked to be left alone; 0 if it did not.
	After time.Duration
}

// maxQuote is how many characters of a portal's answer are shown to people.
const maxQuote = 200

// Quote prepares what a portal said for logs and status: one line, cut short, without control characters, and with every run
// of nine digits or more replaced, because error messages like to repeat the number they complain of.
func Quote(answer string) string {
	var out strings.Builder
	var digits []rune
	flush := func() {
		if len(digits) >= 9 {
			out.WriteString("…")
		} else {
			out.WriteString(string(digits))
		}
		digits = digits[:0]
	}
	shown := 0
	for _, r := range strings.Join(strings.Fields(answer), " ") {
		if shown++; shown > maxQuote {
			break
		}
		switch {
		case unicode.IsDigit(r):
			digits = append(digits, r)
			continue
		case r == utf8.RuneError || unicode.IsControl(r) || !unicode.IsPrint(r):
			r = '.'
		}
		flush()
		out.WriteRune(r)
	}
	flush()
	return out.String()
}
