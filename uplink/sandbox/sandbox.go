// Package sandbox stands for portals that cannot be reached from a workbench: people rehearse against it, the demo runs against
// it, and so do the tests. It is at least as strict as the portals' documents, because what it lets pass by mistake is refused
// later by the real one. It can also misbehave on demand, in the ways in which portals and the networks before them do.
//
// It promises that a request answered with an error has left nothing behind (unless a fault was told to do otherwise), that
// what a request takes of memory is bounded, and that neither its log nor its list of requests holds personal data.
//
// Each portal is a service with its own files and its own paths: acs.go, exam.go, subjects.go, checks.go and callback.go. What
// they have in common (faults, the list of requests, the pages for people under /sandbox/, TLS) is in the Portal.
package sandbox

import (
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Options say how a Portal is made. The zero value is usable, but has no key that would be right.
type Options struct {
	// Key is the one that X-API-KEY must carry. Empty: every key is answered with 401.
	Key string
	// Log gets one line for each request, without personal data. Default: none.
	Log *slog.Logger
	// Now is the clock for the pace of requests and for what is shown to people. Default: time.Now.
	Now func() time.Time
	// Hosts are names and IP addresses for the certificate of ServeTLS, besides localhost, 127.0.0.1 and ::1.
	Hosts []string
	// Seed makes the faults that hit a share of the requests the same in each run.
	Seed uint64
	// AllowBursts counts requests above the portal's pace without refusing them: for tests of volume.
	AllowBursts bool
	// Exam is for the portal of exam reports.
	Exam ExamOptions
	// Reestro is for the portals of subjects and checks.
	Reestro ReestroOptions
	// Callback is for the portal of call-back requests.
	Callback CallbackOptions
}

// A Portal is the sandbox: an http.Handler to be mounted at the root of a server, or served by Serve and ServeTLS.
// All its methods can be called at any time by many goroutines.
type Portal struct {
	log      *slog.Logger
	now      func() time.Time
	acs      *acs
	exam     *exam
	subjects *subjects
	checks   *checks
	callback *callback
	services []service
	faults   *faultBox
	book     book
	identity func() (*identity, error)
	servers  servers
}

// A service is one portal's document.
type service interface {
	// name is what faults and the list of requests call it.
	name() string
	// takes says whether a request is addressed to this portal. Paths are compared as they were written: a slash at the end, an
	// escaped letter or a query that is not foreseen make another path.
	takes(r *http.Request) bool
	// serve checks the request, keeps what it carries and answers it with exactly one call of answer or refuse.
	serve(x *exchange)
	// documented is what the document answers to a request with an error status, if it has that status. Without a media type
	// the answer has no body.
	documented(r *http.Request, status int) (mediaType, body string, known bool)
}

// paced is a service that limits the pace of its clients.
type paced interface {
	// arrived is told of each request at once, also of those that a fault keeps from being served.
	arrived(x *exchange)
}

// New makes a Portal that keeps what it gets in memory; passes can be kept in a folder as well, see KeepIn.
func New(o Options) *Portal {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	p := &Portal{
		log:    o.Log,
		now:    o.Now,
		faults: newFaultBox(o.Seed),

		acs:      newACS(o.Key, o.AllowBursts),
		exam:     newExam(o.Exam, o.Now),
		subjects: newSubjects(o.Reestro, o.Now),
		checks:   newChecks(o.Reestro, o.Now),
		callback: newCallback(o.Callback, o.Now),
	}
	p.services = []service{p.acs, p.exam, p.subjects, p.checks, p.callback}
	hosts := append([]string{"localhost", "127.0.0.1", "::1"}, o.Hosts...)
	p.identity = sync.OnceValues(func() (*identity, error) { return newIdentity(hosts, time.Now()) })
	return p
}

// ServeHTTP answers as the portals do.
func (p *Portal) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, controlPrefix) {
		p.control(w, r)
		return
	}
	x := &exchange{w: w, r: r, portal: p, body: &countingBody{from: r.Body}}
	x.entry.At = p.now()
	p.book.arrived()
	defer x.record()

	known := slices.IndexFunc(p.services, func(s service) bool { return s.takes(r) })
	if known < 0 {
		x.entry.Reason = "no portal has this path"
		x.page(http.StatusNotFound)
		return
	}
	x.service = p.services[known]
	x.entry.Portal = x.service.name()
	if limited, ok := x.service.(paced); ok {
		limited.arrived(x)
	}
	x.released = p.faults.release() // first, so that whoever sees the request hang can let it go
	x.fault = p.faults.pickRequest(x.entry.Portal, r.ContentLength)
	x.entry.Fault = x.fault.name()
	if !x.misbehave() {
		x.service.serve(x)
	}
}

// target is what a request asks for, as it was written: the path and, if there is one, the query.
func target(r *http.Request) string {
	path := r.URL.EscapedPath()
	if r.URL.RawQuery != "" || r.URL.ForceQuery {
		path += "?" + r.URL.RawQuery
	}
	return path
}
