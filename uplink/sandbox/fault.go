package sandbox

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/acs-agent/acs-agent/agent/event"
)

// A Kind is a way to misbehave.
type Kind string

// The kinds. Unless it is said otherwise, a request that they hit leaves nothing behind.
const (
	// Status answers with Fault.Status: with the document's body if it has one, else with a page, as a proxy would.
	Status Kind = "status"
	// Hang reads the request and never answers, until the faults are set anew or the server ends; then it cuts the connection.
	Hang Kind = "hang"
	// Slow does everything right, but waits for Fault.Delay before the answer.
	Slow Kind = "slow"
	// CutBefore resets the connection before anything of the body is read.
	CutBefore Kind = "cut-before"
	// CutBody resets the connection in the middle of the body.
	CutBody Kind = "cut-body"
	// CutAnswer keeps what came and resets the connection instead of answering: the lost answer.
	CutAnswer Kind = "cut-answer"
	// Truncated keeps what came and ends the connection in the middle of the answer's body.
	Truncated Kind = "truncated"
	// WrongType keeps what came and answers rightly, but as text/html.
	WrongType Kind = "wrong-type"
	// Captive answers 200 with the log-in page of somebody else's network.
	Captive Kind = "captive"
	// Empty keeps what came and answers with the right status, but without a body.
	Empty Kind = "empty"
	// OtherJSON keeps what came and answers with the right status and JSON that the document does not know.
	OtherJSON Kind = "other-json"
	// Endless keeps what came and answers with gigabytes.
	Endless Kind = "endless"
	// RefuseIIN refuses each request that has a row with one of Fault.IINs, with 400.
	RefuseIIN Kind = "refuse-iin"
	// RefuseNote refuses each request that has a row whose note contains Fault.Note, with 400.
	RefuseNote Kind = "refuse-note"
	// TLSExpired shows a certificate that is no longer valid, on new connections.
	TLSExpired Kind = "tls-expired"
	// TLSNotYetValid shows a certificate that is not valid yet, as if the client's clock were slow.
	TLSNotYetValid Kind = "tls-not-yet-valid"
	// TLSOtherHost shows a valid certificate of another host.
	TLSOtherHost Kind = "tls-other-host"
)

// The names of the portals.
const (
	acsName      = "acs"
	examName     = "exam"
	subjectsName = "subjects"
	checksName   = "checks"
	callbackName = "callback"
)

func portalNames() []string {
	return []string{acsName, examName, subjectsName, checksName, callbackName}
}

// maxDelay is the longest Delay, well below what the server gives to a request.
const maxDelay = 5 * time.Minute

// A Fault is one way to misbehave, and when. It lasts until it is cleared, unless Next or Share says otherwise.
type Fault struct {
	Kind Kind
	// Next is for how many requests (for TLS kinds: connections) it lasts; 0: until it is cleared.
	Next int
	// Share is the part of the requests that it hits, above 0 and up to 1; 0: all. Not together with Next.
	Share float64
	// Above hits only requests that announce a body longer than this, in bytes. Not for the kinds that refuse rows or change TLS.
	Above int64
	// Stored keeps what the request brought all the same. For Status and Hang; it comes to nothing if the request was wrong.
	Stored bool
	// Portal hits only requests to this portal: acs, exam, subjects, checks or callback. Not for the kinds that change TLS; those
	// that refuse rows are for acs anyway.
	Portal string

	// Status is for Status: 300 to 599.
	Status int
	// RetryAfter adds a header of that name to Status, in whole seconds; RetryDate writes it as a date.
	RetryAfter time.Duration
	RetryDate  bool
	// Location is where a Status of 300 to 399 points to. Default: a host that does not exist.
	Location string
	// Delay is for Slow.
	Delay time.Duration
	// IINs are for RefuseIIN.
	IINs []string
	// Note is for RefuseNote.
	Note string

	// Met is how many requests (for TLS kinds: connections) it has hit since it was set, one that still hangs included. Faults
	// tells it; for SetFaults it means nothing.
	Met int
}

// Faults are tried in their order; the first that fits a request hits it.
type Faults []Fault

// name is the kind for logs and lists: it holds nothing of what a row could hold.
func (f *Fault) name() string {
	if f.Kind == Status {
		return fmt.Sprint(f.Status)
	}
	return string(f.Kind)
}

func (f *Fault) refusesRows() bool { return f.Kind == RefuseIIN || f.Kind == RefuseNote }

func (f *Fault) isTLS() bool {
	return f.Kind == TLSExpired || f.Kind == TLSNotYetValid || f.Kind == TLSOtherHost
}

// bars says whether the fault refuses a row.
func (f *Fault) bars(iin, note []byte) bool {
	if f.Kind == RefuseNote {
		return bytes.Contains(note, []byte(f.Note))
	}
	return slices.Contains(f.IINs, string(iin))
}

// check says what is wrong with a fault. It does not repeat IINs.
func (f *Fault) check() error {
	if !slices.ContainsFunc(forms(), func(known form) bool { return known.kind == f.Kind }) {
		return fmt.Errorf("fault %q is not known", f.Kind)
	}
	var errs []error
	must := func(right bool, what string) {
		if !right {
			errs = append(errs, fmt.Errorf("fault %s: %s", f.name(), what))
		}
	}
	redirect := f.Kind == Status && f.Status/100 == 3
	must(f.Next >= 0, "next is below 0")
	must(f.Share >= 0 && f.Share <= 1, "share is not between 0 and 1")
	must(f.Next == 0 || f.Share == 0, "next and share exclude each other")
	must(f.Above >= 0, "above is below 0")
	must(f.Above == 0 || !f.isTLS() && !f.refusesRows(), "above is not for this kind")
	must(f.Portal == "" || slices.Contains(portalNames(), f.Portal), "portal is none of "+strings.Join(portalNames(), ", "))
	must(f.Portal == "" || !f.isTLS(), "portal is not for this kind")
	must(f.Portal == "" || f.Portal == acsName || !f.refusesRows(), "only acs has rows to refuse")
	must(!f.Stored || f.Kind == Status || f.Kind == Hang, "stored is for statuses and hang")
	must(f.Kind != Status || f.Status >= 300 && f.Status <= 599 && http.StatusText(f.Status) != "", "status is not a known one of 300 to 599")
	must(f.Kind == Status || f.Status == 0, "a status is not for this kind")
	must(f.RetryAfter == 0 && !f.RetryDate || f.Kind == Status, "retry-after is for statuses")
	must(f.RetryAfter >= 0 && f.RetryAfter <= 24*time.Hour, "retry-after is not between 0 and a day")
	must(f.Location == "" || redirect, "location is for statuses 300 to 399")
	must(f.Kind != Slow || f.Delay > 0 && f.Delay <= maxDelay, fmt.Sprintf("the delay is not between 0 and %v", maxDelay))
	must(f.Kind == Slow || f.Delay == 0, "a delay is for slow")
	must(f.Kind != RefuseIIN || len(f.IINs) > 0, "there is no IIN")
	must(f.Kind == RefuseIIN || len(f.IINs) == 0, "IINs are for refuse-iin")
	must(!slices.ContainsFunc(f.IINs, func(s string) bool { return !event.ValidIIN(s) }), "one of the IINs is not 12 digits with the right control digit")
	must((f.Kind == RefuseNote) == (f.Note != ""), "a note belongs to refuse-note, and is not empty")
	return errors.Join(errs...)
}
