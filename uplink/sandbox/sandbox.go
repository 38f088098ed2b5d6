// Package sandbox stands for portals that cannot be reached from a workbench: people rehearse against it, the demo runs against
// it, and so do the tests. It is at least as strict as the portals' documents, because what it lets pass by mistake is refused
// later by the real one. It can also misbehave on demand, in the ways in which portals and the networks before them do.
//
// It promises that a request answered with an error has left nothing behind (unless a fault was told to do otherwise), that
// memory does not grow with the size of a request, and that neither its log nor its list of requests holds personal data.
//
// Each portal is a service with its own file and its own path; acs.go is the first. What they have in common (faults, the list
// of requests, the pages for people under /sandbox/, TLS) is in the Portal.
package sandbox

import (
	"log/slog"
	"net/http"
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
}

// A Portal is the sandbox: an http.Handler to be mounted at the root of a server, or served by Serve and ServeTLS.
// All its methods can be called at any time by many goroutines.
type Portal struct {
	log      *slog.Logger
	now      func() time.Time
	acs      *acs
	services map[string]service
	faults   *faultBox
	book     book
	identity func() (*identity, error)
	servers  servers
}

// A service is one portal's document.
type service interface {
	// name is what the list of requests calls it.
	name() string
	// arrived is told of each request at once, also of those that a fault keeps from being served.
	arrived(x *exchange)
	// serve checks the request, keeps what it carries and answers it with exactly one call of answer or refuse.
	serve(x *exchange)
	// documented is the JSON body that the document gives for an error status, or "" if it gives none.
	documented(status int) string
}

// New makes a Portal that keeps what it gets in memory; see KeepIn.
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
		acs:    newACS(o.Key, o.AllowBursts),
	}
	p.services = map[string]service{ACSPath: p.acs}
	hosts := append([]string{"localhost", "127.0.0.1", "::1"}, o.Hosts...)
	p.identity = sync.OnceValues(func() (*identity, error) { return newIdentity(hosts, time.Now()) })
	return p
}

// ServeHTTP answers as the portals do. It compares paths as they were written: a slash at the end, an escaped letter or a
// query make another path.
func (p *Portal) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, controlPrefix) {
		p.control(w, r)
		return
	}
	x := &exchange{w: w, r: r, portal: p, body: &countingBody{from: r.Body}}
	x.entry.At = p.now()
	p.book.arrived()
	defer x.record()

	path := r.URL.EscapedPath()
	if r.URL.RawQuery != "" || r.URL.ForceQuery {
		path = ""
	}
	x.service = p.services[path]
	if x.service == nil {
		x.entry.Reason = "no portal has this path"
		x.page(http.StatusNotFound)
		return
	}
	x.entry.Portal = x.service.name()
	x.service.arrived(x)
	x.released = p.faults.release() // first, so that whoever sees the request hang can let it go
	x.fault = p.faults.pickRequest(r.ContentLength)
	x.entry.Fault = x.fault.name()
	if !x.misbehave() {
		x.service.serve(x)
	}
}
