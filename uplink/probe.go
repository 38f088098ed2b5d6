package uplink

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync"
	"time"
)

// What findings are about.
const (
	AboutName       = "name"
	AboutProxy      = "proxy"
	AboutConnection = "connection"
	AboutTLS        = "TLS"
	AboutClock      = "clock"
	AboutAnswer     = "answer"
	AboutKey        = "key"
	AboutLogin      = "login"
)

const (
	// probeTime bounds a probe, so that it ends within what Probing promises.
	probeTime = 25 * time.Second
	// renewal is how long before its end a certificate should have been renewed.
	renewal = 14 * 24 * time.Hour
	// slightOffset is a difference between two clocks that does no harm, wrongOffset one with which times are wrong for people.
	slightOffset = 5 * time.Second
	wrongOffset  = time.Minute
)

// A LoggingIn uplink probes with a log-in that the portal counts: after a few refusals it may lock the account. Who asks for its
// Probe remembers a finding AboutLogin that is wrong, and does not ask again before something was changed.
type LoggingIn interface {
	Probing
	// LogsIn does nothing; it marks the uplink.
	LogsIn()
}

// Probe sends one request over a connection of its own, when it is the portal's turn, and says what it met on the way: name,
// connection or proxy, certificate, clock. The request must be one that leaves nothing behind at the portal. Without an answer,
// which is then nil, the last finding says what is wrong.
func (c *Client) Probe(ctx context.Context, req *http.Request) (findings []Finding, answer *Answer) {
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	transport, ok := c.http.Transport.(*http.Transport)
	if !ok {
		return []Finding{{What: AboutConnection, Err: errors.New("the client has no transport of its own (please report it)")}}, nil
	}
	own := transport.Clone()
	own.DisableKeepAlives = true
	defer own.CloseIdleConnections()
	w := &way{proxied: own.Proxy != nil}
	asked := time.Now()
	answer, err := c.do(httptrace.WithClientTrace(ctx, w.trace()), &http.Client{Transport: own, CheckRedirect: c.http.CheckRedirect}, req)
	if err != nil {
		return append(w.findings(), c.obstacle(err, w)), nil
	}
	findings = w.findings()
	if !answer.Date.IsZero() {
		// The request may have waited for its turn: what counts is when it left.
		findings = append(findings, compareClocks(answer.Date, w.left(asked), time.Now()))
	}
	return findings, answer
}

// A way notes what happens between here and the portal. The transport calls from goroutines of its own.
type way struct {
	proxied bool

	mu       sync.Mutex
	name     string
	resolved []net.IPAddr
	address  string
	began    time.Time
	took     time.Duration
	tls      *tls.ConnectionState
	sent     time.Time
}

func (w *way) trace() *httptrace.ClientTrace {
	note := func(what func()) {
		w.mu.Lock()
		defer w.mu.Unlock()
		what()
	}
	return &httptrace.ClientTrace{
		DNSStart: func(i httptrace.DNSStartInfo) { note(func() { w.name = i.Host }) },
		DNSDone: func(i httptrace.DNSDoneInfo) {
			note(func() {
				if i.Err == nil {
					w.resolved = i.Addrs
				}
			})
		},
		ConnectStart: func(string, string) { note(func() { w.began = time.Now() }) },
		ConnectDone: func(_, address string, err error) {
			note(func() {
				if err == nil {
					w.address, w.took = address, time.Since(w.began)
				}
			})
		},
		TLSHandshakeDone: func(s tls.ConnectionState, err error) {
			note(func() {
				if err == nil {
					w.tls = &s
				}
			})
		},
		WroteRequest: func(httptrace.WroteRequestInfo) { note(func() { w.sent = time.Now() }) },
	}
}

// left is when the request left, or otherwise if nobody noted it.
func (w *way) left(otherwise time.Time) time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.sent.IsZero() {
		return otherwise
	}
	return w.sent
}

// findings are about the parts of the way that were gone without an obstacle.
func (w *way) findings() (all []Finding) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.resolved) > 0 {
		addresses := make([]string, 0, len(w.resolved))
		for _, a := range w.resolved[:min(3, len(w.resolved))] {
			addresses = append(addresses, a.String())
		}
		all = append(all, Finding{What: AboutName, Seen: fmt.Sprintf("%s is %s", w.name, strings.Join(addresses, ", "))})
	}
	switch {
	case w.address == "":
	case w.proxied:
		all = append(all, Finding{What: AboutProxy, Seen: fmt.Sprintf("the proxy %s answers after %s", w.address, w.took.Round(100*time.Microsecond))})
	default:
		all = append(all, Finding{What: AboutConnection, Seen: fmt.Sprintf("%s answers after %s", w.address, w.took.Round(100*time.Microsecond))})
	}
	if w.tls != nil {
		all = append(all, Certificates(w.tls, time.Now()))
	}
	return all
}

// Certificates says until when the certificates of a connection that was accepted are good.
func Certificates(s *tls.ConnectionState, now time.Time) Finding {
	f := Finding{What: AboutTLS}
	if len(s.PeerCertificates) == 0 {
		f.Seen = tls.VersionName(s.Version)
		return f
	}
	ends := s.PeerCertificates[0].NotAfter
	// Of several chains the best one counts; of a chain its first certificate to end.
	for i, chain := range s.VerifiedChains {
		if end := endOf(chain); i == 0 || end.After(ends) {
			ends = end
		}
	}
	f.Seen = fmt.Sprintf("%s, the certificate is from %q and valid until %s",
		tls.VersionName(s.Version), issuer(s.PeerCertificates[0]), ends.Format(time.DateOnly))
	if left := ends.Sub(now); left < renewal {
		f.Warning = true
		f.Err = fmt.Errorf("the certificate ends in %d days, on %s (tell the operator of the other side; is the clock of this device right?)",
			int(left.Hours())/24, ends.Format(time.DateOnly))
	}
	return f
}

func endOf(chain []*x509.Certificate) (ends time.Time) {
	for i, c := range chain {
		if i == 0 || c.NotAfter.Before(ends) {
			ends = c.NotAfter
		}
	}
	return ends
}

func issuer(c *x509.Certificate) string {
	if c.Issuer.CommonName != "" {
		return c.Issuer.CommonName
	}
	return strings.Join(c.Issuer.Organization, ", ")
}

// obstacle says at which part of the way a request has come to an end.
func (c *Client) obstacle(err error, w *way) Finding {
	w.mu.Lock()
	defer w.mu.Unlock()
	var name *net.DNSError
	switch {
	case errors.Is(err, context.DeadlineExceeded) && w.address == "" && w.began.IsZero() && w.name == "":
		return Finding{What: AboutAnswer, Unsure: true, Err: fmt.Errorf("%s: the portal's pace left no room for a question within %s (try again later)",
			c.URL.Host, probeTime)}
	case errors.Is(err, context.DeadlineExceeded) && w.address != "":
		return Finding{What: AboutAnswer, Err: fmt.Errorf("%s: no answer within %s (is the portal overloaded, or a firewall in between? try again later)",
			c.URL.Host, probeTime)}
	case w.proxied && (w.address == "" || w.tls == nil && c.URL.Scheme == "https" && !isCertificate(err)):
		return Finding{What: AboutProxy, Err: fmt.Errorf("there is no way through the proxy: %w (check the setting proxy and the network)", cause(err))}
	case errors.As(err, &name):
		return Finding{What: AboutName, Err: err}
	case w.address == "":
		return Finding{What: AboutConnection, Err: err}
	case w.tls == nil && c.URL.Scheme == "https":
		return Finding{What: AboutTLS, Err: err}
	}
	return Finding{What: AboutAnswer, Err: err}
}

// cause is a failure without its hint, which speaks of the portal.
func cause(err error) error {
	if f, ok := errors.AsType[*Failure](err); ok {
		return f.cause
	}
	return err
}

func isCertificate(err error) bool {
	var checked *tls.CertificateVerificationError
	return errors.As(err, &checked)
}

// compareClocks compares the portal's clock with that of this device, on which the request left and the answer came.
func compareClocks(date, left, came time.Time) Finding {
	f := Finding{What: AboutClock}
	// The date is cut to whole seconds, and somebody has looked at his clock somewhere between.
	here := left.Add(came.Sub(left) / 2).Round(0)
	ahead := here.Sub(date.Add(500 * time.Millisecond))
	off := ahead.Abs().Round(time.Second)
	switch {
	case off <= slightOffset:
		f.Seen = "the clocks of this device and of the portal agree"
		return f
	case ahead > 0:
		f.Err = fmt.Errorf("the clock of this device is %s ahead of the portal's (set up time synchronisation: chrony or systemd-timesyncd)", off)
	default:
		f.Err = fmt.Errorf("the clock of this device is %s behind the portal's (set up time synchronisation: chrony or systemd-timesyncd)", off)
	}
	f.Warning = off < wrongOffset
	return f
}
