package uplink

import (
	"errors"
	"net/http"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/acs-agent/acs-agent/agent/health"
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
	// Code is the same for machines; empty if nothing more is known than the outcome.
	Code health.Code
	// After is how long the portal asked to be left alone; 0 if it did not.
	After time.Duration
}

// Problem is the verdict as an error, for the health of the uplink.
func (v *Verdict) Problem() error {
	problem := errors.New(v.Reason)
	switch {
	case v.Code != "":
		return health.Coded(v.Code, problem)
	case v.Outcome == Refused || v.Outcome == TooLarge:
		return health.Coded(health.PortalRefused, problem)
	case v.Outcome == Unknown:
		return health.Coded(health.Uncertain, problem)
	}
	return problem
}

// CodeOf is the code of an answer that is not the success which the portal's document describes, as far as its status tells.
func CodeOf(status int) health.Code {
	switch {
	case status == http.StatusUnauthorized, status == http.StatusForbidden, status == http.StatusProxyAuthRequired:
		return health.KeyRefused
	case status == http.StatusRequestTimeout, status == http.StatusTooManyRequests, status >= 500:
		return health.PortalBusy
	case status == http.StatusBadRequest, status == http.StatusConflict, status == http.StatusUnprocessableEntity,
		status == http.StatusRequestEntityTooLarge:
		return health.PortalRefused
	case status >= 300:
		return health.WrongAddress
	}
	return health.PortalStrange
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
