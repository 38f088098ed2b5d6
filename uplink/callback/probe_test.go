package callback

import (
	"net/http"
	"strings"
	"testing"

	"github.com/acs-agent/acs-agent/agent/settings"
	"github.com/acs-agent/acs-agent/uplink"
	"github.com/acs-agent/acs-agent/uplink/sandbox"
	"github.com/acs-agent/acs-agent/uplink/uplinktest"
)

// last is what a probe says at its end.
func last(t *testing.T, s *site) uplink.Finding {
	t.Helper()
	findings := s.Probe(t.Context())
	for _, f := range findings {
		if strings.Contains(f.Seen, password) || f.Err != nil && strings.Contains(f.Err.Error(), password) {
			t.Errorf("the password is told: %+v", f)
		}
	}
	return findings[len(findings)-1]
}

func TestProbeLogsInAndAsksForNobody(t *testing.T) {
	p, server := newPortal(t, sandbox.CallbackOptions{})
	apply(t, p, 1)
	s := newSite(t, server.URL, &uplinktest.Store{}, "")
	if f := last(t, s); f.What != uplink.AboutLogin || f.Err != nil || !strings.Contains(f.Seen, "login and password accepted") {
		t.Errorf("%+v", f)
	}
	if n := p.Applications()[0].Offered; n != 0 {
		t.Errorf("the request was handed out %d times", n)
	}
	if n := p.Stats().Requests; n != 1 {
		t.Errorf("%d requests, want 1", n)
	}
}

// However often somebody asks: a refused password is tried once.
func TestProbeNeverLocksTheAccount(t *testing.T) {
	p, server := newPortal(t, sandbox.CallbackOptions{})
	s := newSite(t, server.URL, &uplinktest.Store{}, "")
	s.Password = settings.NewSecret("password-of-last-year")
	if f := last(t, s); f.What != uplink.AboutLogin || f.Err == nil || !strings.Contains(f.Err.Error(), "does not accept login and password") {
		t.Errorf("%+v", f)
	}
	for range 10 {
		if f := last(t, s); f.What != uplink.AboutLogin || f.Err == nil || !strings.Contains(f.Err.Error(), "not tried again") {
			t.Errorf("%+v", f)
		}
	}
	if n := p.Stats().Requests; n != 1 {
		t.Errorf("%d log-ins, want 1", n)
	}
}

// What the running uplink was told counts for the probe.
func TestProbeKnowsThatTheSessionWasRefused(t *testing.T) {
	p, server := newPortal(t, sandbox.CallbackOptions{})
	s := newSite(t, server.URL, &uplinktest.Store{}, "")
	right := s.Password
	s.Password = settings.NewSecret("password-of-last-year")
	if _, trouble := s.session.login(t.Context()); trouble == nil {
		t.Fatal("it was let in")
	}
	before := p.Stats().Requests
	if f := last(t, s); f.Err == nil || p.Stats().Requests != before {
		t.Errorf("%+v, %d requests", f, p.Stats().Requests)
	}
	s.Password = right
	if _, trouble := s.session.login(t.Context()); trouble != nil {
		t.Fatal(trouble.reason)
	}
	if f := last(t, s); f.Err != nil {
		t.Errorf("%+v", f)
	}
}

func TestProbeOfSomethingElse(t *testing.T) {
	p, server := newPortal(t, sandbox.CallbackOptions{})
	s := newSite(t, server.URL, &uplinktest.Store{}, "")
	if err := p.SetFaults(sandbox.Faults{{Kind: sandbox.Captive}}); err != nil {
		t.Fatal(err)
	}
	if f := last(t, s); f.What != uplink.AboutAnswer || f.Err == nil || !strings.Contains(f.Err.Error(), "is not the platform") {
		t.Errorf("%+v", f)
	}
	if err := p.SetFaults(sandbox.Faults{{Kind: sandbox.Status, Status: http.StatusNotFound}}); err != nil {
		t.Fatal(err)
	}
	if f := last(t, s); f.What != uplink.AboutAnswer || f.Err == nil || !strings.Contains(f.Err.Error(), "paths.login") {
		t.Errorf("%+v", f)
	}
}
