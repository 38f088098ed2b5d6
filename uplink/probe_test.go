package uplink

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// place makes relative paths relative to nothing.
type place struct{}

func (place) Decode(any) error        { return nil }
func (place) Text(string) string      { return "" }
func (place) Path(path string) string { return path }

// probeClient makes a client for a server, whose certificate it trusts.
func probeClient(t *testing.T, server *httptest.Server, change func(*ClientSettings)) *Client {
	t.Helper()
	s := ClientSettings{URL: server.URL + "/path", RequestsPerSecond: 100}
	if c := server.Certificate(); c != nil {
		s.CAFile = filepath.Join(t.TempDir(), "ca.pem")
		if err := os.WriteFile(s.CAFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if change != nil {
		change(&s)
	}
	c, err := NewClient(Env{Pace: NewPace()}, place{}, s)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func probeOf(t *testing.T, c *Client) ([]Finding, *Answer) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, c.URL.String(), http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	return c.Probe(t.Context(), req)
}

// about gives the finding about something; a zero one if there is none.
func about(findings []Finding, what string) Finding {
	for _, f := range findings {
		if f.What == what {
			return f
		}
	}
	return Finding{}
}

func TestProbeOfAPortalThatIsWell(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/path" {
			t.Errorf("asked for %s", r.URL)
		}
		http.Redirect(w, r, "https://elsewhere.invalid", http.StatusFound)
	}))
	defer server.Close()
	c := probeClient(t, server, func(s *ClientSettings) {
		s.URL = strings.Replace(s.URL, "127.0.0.1", "localhost", 1)
		s.URL = strings.Replace(s.URL, "localhost", "127.0.0.1", 1)
	})
	findings, answer := probeOf(t, c)
	if answer == nil || answer.Status != http.StatusFound || answer.Date.IsZero() {
		t.Fatalf("answer %+v; a redirect must not be followed", answer)
	}
	for _, what := range []string{AboutConnection, AboutTLS, AboutClock} {
		if f := about(findings, what); f.Seen == "" || f.Err != nil {
			t.Errorf("%s: %+v", what, f)
		}
	}
}

func TestProbeSaysAtWhichPartOfTheWayItEnded(t *testing.T) {
	well := httptest.NewServer(http.NotFoundHandler())
	defer well.Close()
	secure := httptest.NewTLSServer(http.NotFoundHandler())
	defer secure.Close()
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	for name, c := range map[string]struct {
		server *httptest.Server
		change func(*ClientSettings)
		what   string
		words  string
	}{
		"nobody listens":         {gone, nil, AboutConnection, "nothing answers there"},
		"unknown authority":      {secure, func(s *ClientSettings) { s.CAFile = "" }, AboutTLS, "something between here and the portal opens the connection"},
		"another name":           {secure, func(s *ClientSettings) { s.URL = strings.Replace(s.URL, "127.0.0.1", "localhost", 1) }, AboutTLS, "somebody else answers under this name"},
		"no TLS there":           {well, func(s *ClientSettings) { s.URL = strings.Replace(s.URL, "http:", "https:", 1) }, AboutTLS, ""},
		"the proxy is not there": {secure, func(s *ClientSettings) { s.Proxy = gone.URL }, AboutProxy, "check the setting proxy"},
	} {
		t.Run(name, func(t *testing.T) {
			findings, answer := probeOf(t, probeClient(t, c.server, c.change))
			if answer != nil || len(findings) == 0 {
				t.Fatalf("%+v, %+v", findings, answer)
			}
			last := findings[len(findings)-1]
			if last.What != c.what || last.Err == nil || last.Unsure || !strings.Contains(last.Err.Error(), c.words) {
				t.Errorf("%+v; want %s: … %s", last, c.what, c.words)
			}
		})
	}
}

func TestProbeThroughAProxy(t *testing.T) {
	portal := httptest.NewTLSServer(http.NotFoundHandler())
	defer portal.Close()
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		far, err := net.Dial("tcp", portal.Listener.Addr().String())
		if err != nil || r.Method != http.MethodConnect {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		near, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			return
		}
		_, _ = near.Write([]byte("HTTP/1.1 200 OK\r\n\r\n"))
		go func() { _, _ = far.(*net.TCPConn).ReadFrom(near); _ = far.Close() }()
		_, _ = near.(*net.TCPConn).ReadFrom(far)
		_ = near.Close()
	}))
	defer proxy.Close()
	findings, answer := probeOf(t, probeClient(t, portal, func(s *ClientSettings) { s.Proxy = proxy.URL }))
	if answer == nil || answer.Status != http.StatusNotFound {
		t.Fatalf("%+v %+v", findings, answer)
	}
	if f := about(findings, AboutProxy); !strings.Contains(f.Seen, proxy.Listener.Addr().String()) {
		t.Errorf("%+v", findings)
	}
	if f := about(findings, AboutTLS); f.Seen == "" {
		t.Errorf("%+v", findings)
	}
}

func TestProbeWaitsForThePaceAndGivesUp(t *testing.T) {
	asked := 0
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked++ }))
	defer server.Close()
	c := probeClient(t, server, func(s *ClientSettings) { s.RequestsPerSecond = 0.01 })
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.URL.String(), http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	findings, answer := c.Probe(ctx, req)
	if answer != nil || asked != 0 || len(findings) != 1 || findings[0].Err == nil {
		t.Errorf("%+v %+v, asked %d times", findings, answer, asked)
	}
}

func TestTheClockIsComparedWithThePortals(t *testing.T) {
	for ahead, want := range map[time.Duration]struct {
		words   string
		warning bool
	}{
		0:                 {"", false},
		4 * time.Second:   {"", false},
		20 * time.Second:  {"20s ahead of the portal's", true},
		-20 * time.Second: {"20s behind the portal's", true},
		5 * time.Minute:   {"5m0s ahead of the portal's", false},
		-24 * time.Hour:   {"24h0m0s behind the portal's", false},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Date", time.Now().Add(-ahead).UTC().Format(http.TimeFormat))
		}))
		findings, _ := probeOf(t, probeClient(t, server, nil))
		server.Close()
		f := about(findings, AboutClock)
		switch {
		case want.words == "" && (f.Err != nil || f.Seen == ""):
			t.Errorf("%s ahead: %+v", ahead, f)
		case want.words != "" && (f.Err == nil || !near(f.Err.Error(), want.words) || f.Warning != want.warning):
			t.Errorf("%s ahead: %+v, want %s", ahead, f, want.words)
		}
	}
}

// near forgives a second, in which the answer may have been made.
func near(got, want string) bool {
	for _, other := range []string{
		want, strings.Replace(want, "20s", "19s", 1), strings.Replace(want, "20s", "21s", 1),
		strings.Replace(want, "5m0s", "5m1s", 1), strings.Replace(want, "5m0s", "4m59s", 1), strings.Replace(want, "24h0m0s", "24h0m1s", 1), strings.Replace(want, "24h0m0s", "23h59m59s", 1),
	} {
		if strings.Contains(got, other) {
			return true
		}
	}
	return false
}

func TestCertificatesThatEndSoon(t *testing.T) {
	now := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	ends := func(days int) *x509.Certificate {
		return &x509.Certificate{NotAfter: now.Add(time.Duration(days) * 24 * time.Hour)}
	}
	leaf := ends(60)
	for name, c := range map[string]struct {
		chains  [][]*x509.Certificate
		warning bool
	}{
		"all good":                              {[][]*x509.Certificate{{leaf, ends(900)}}, false},
		"the authority ends":                    {[][]*x509.Certificate{{leaf, ends(3)}}, true},
		"one of two ways is good":               {[][]*x509.Certificate{{leaf, ends(3)}, {leaf, ends(400)}}, false},
		"nobody has checked, and it is our own": {nil, false},
	} {
		f := Certificates(&tls.ConnectionState{Version: tls.VersionTLS13, PeerCertificates: []*x509.Certificate{leaf}, VerifiedChains: c.chains}, now)
		if f.Warning != c.warning || (f.Err != nil) != c.warning || f.Seen == "" {
			t.Errorf("%s: %+v", name, f)
		}
	}
	if f := Certificates(&tls.ConnectionState{Version: tls.VersionTLS13}, now); f.Seen != "TLS 1.3" || f.Err != nil {
		t.Errorf("%+v", f)
	}
}

func TestObstacles(t *testing.T) {
	c := &Client{URL: &url.URL{Host: "portal.example"}}
	if f := c.obstacle(context.DeadlineExceeded, &way{address: "127.0.0.1:1"}); f.What != AboutAnswer || !strings.Contains(f.Err.Error(), "no answer within") {
		t.Errorf("%+v", f)
	}
	if f := c.obstacle(context.DeadlineExceeded, &way{}); !f.Unsure || !strings.Contains(f.Err.Error(), "left no room") {
		t.Errorf("%+v", f)
	}
	lost := explain(&url.Error{Op: "Get", URL: "https://portal.example", Err: &net.DNSError{Name: "portal.example", IsNotFound: true}}, true, "portal.example")
	if f := c.obstacle(lost, &way{}); f.What != AboutName || !strings.Contains(f.Err.Error(), "the name is not found") {
		t.Errorf("%+v", f)
	}
	if f := c.obstacle(errors.New("strange"), &way{address: "127.0.0.1:1"}); f.What != AboutAnswer || f.Err.Error() != "strange" {
		t.Errorf("%+v", f)
	}
}
