package callback

import (
	"encoding/base64"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/acs-agent/acs-agent/agent/health"
	"github.com/acs-agent/acs-agent/agent/settings"
	"github.com/acs-agent/acs-agent/uplink/sandbox"
	"github.com/acs-agent/acs-agent/uplink/uplinktest"
)

const unauthorized = "{\n \"statusCode\": 401,\n \"data\":\n {\n \"type\": \"Not authorized\",\n }\n}"

func TestAnExpiredTokenIsRenewedOnceAndTheCallRepeated(t *testing.T) {
	p := newPlatform(t, func(call string, times int) (int, string) {
		switch {
		case call == "in":
			return 200, fmt.Sprintf(`{"statusCode":200,"data":{"token":"token%d"}}`, times)
		case call == "state" && times == 0:
			return 401, `{"statusCode":400,"data":{"type":"Not authorized"}}`
		case call == "commit" && times == 0:
			return 200, unauthorized
		}
		return usual(call, times)
	})
	s := newSite(t, p.URL, &uplinktest.Store{}, scriptedPaths)
	s.run(t, func() bool { return len(s.requests(t)) == 1 && s.quiet() })
	if p.times("in") != 3 || p.times("state") != 2 || p.times("commit") != 2 {
		t.Errorf("%q", p.record().calls)
	}
	heads := p.record().heads
	if last := heads[len(heads)-1].Get(tokenHeader); last == "token0" {
		t.Errorf("the last call went with %s", last)
	}
	if r := s.requests(t)[0]; r.Statuses[0].Lost {
		t.Error("a call that was refused for its token counts as lost")
	}
}

// A wrong password must not lock the account: one attempt for each probe, and everything is kept.
func TestAWrongPasswordStopsWithAnAlarm(t *testing.T) {
	p := newPlatform(t, func(call string, times int) (int, string) {
		if call == "in" {
			return 401, unauthorized
		}
		return usual(call, times)
	})
	s := newSite(t, p.URL, &uplinktest.Store{}, scriptedPaths)
	s.config.Probe = settings.Duration(time.Hour)
	s.run(t, func() bool { return s.say.State() == health.Stopped })
	time.Sleep(50 * time.Millisecond)
	s.run(t, func() bool { return s.say.State() == health.Stopped })
	if n := len(p.record().calls); n != 1 {
		t.Errorf("%d calls: %q", n, p.record().calls)
	}
	r := s.say.Report()
	if !strings.Contains(r.Problem, "does not accept login and password") || strings.Contains(r.Problem, login) || r.Code != string(health.KeyRefused) {
		t.Errorf("problem: %s (%s)", r.Problem, r.Code)
	}
	// It is mended over there: the probe finds out, without anybody restarting anything.
	s.config.Probe = settings.Duration(10 * time.Millisecond)
	s.session.until = time.Time{}
	p.mu.Lock()
	p.answer = usual
	p.mu.Unlock()
	s.run(t, func() bool { return len(s.requests(t)) == 1 && s.quiet() && s.say.State() == health.Up })
}

// A token that is given out and never taken must not be fetched over and over.
func TestATokenThatIsNeverTakenStopsWithAnAlarm(t *testing.T) {
	p := newPlatform(t, func(call string, _ int) (int, string) {
		if call == "in" {
			return 200, tokenGiven
		}
		return 401, unauthorized
	})
	s := newSite(t, p.URL, &uplinktest.Store{}, scriptedPaths)
	s.config.Probe = settings.Duration(time.Hour)
	s.run(t, func() bool { return s.say.State() == health.Stopped })
	if p.times("in") != 2 || p.times("list") != 2 {
		t.Errorf("%q", p.record().calls)
	}
	if code := s.say.Report().Code; code != string(health.KeyRefused) {
		t.Errorf("code %q", code)
	}
}

func TestLoginsThatFailForAMomentAreRepeatedInPatience(t *testing.T) {
	for _, c := range []struct {
		status int
		body   string
		state  health.State
		words  string
	}{
		{500, `{}`, health.Down, "log in: the platform answered 500"},
		{429, `<html>`, health.Down, "log in: the platform answered 429"},
		{200, `<html>wifi</html>`, health.Down, "something answered 200 that is not the platform"},
		{200, `{"statusCode":200,"data":{}}`, health.Down, "in a form that the document does not know"},
		{200, `{"statusCode":200,"data":{"token":"two words"}}`, health.Down, "in a form that the document does not know"},
		{200, `{"statusCode":500}`, health.Down, "which means 500"},
		{302, ``, health.Stopped, "check paths.login"},
		{404, `<html>`, health.Stopped, "check paths.login"},
		{405, ``, health.Stopped, "check paths.login"},
		{400, `{"statusCode":400,"data":{"type":"x"}}`, health.Stopped, "check paths.login"},
	} {
		p := newPlatform(t, func(call string, times int) (int, string) {
			if call == "in" && times < 3 {
				return c.status, c.body
			}
			if call == "in" {
				return 200, tokenGiven
			}
			return usual(call, times)
		})
		s := newSite(t, p.URL, &uplinktest.Store{}, scriptedPaths)
		s.RetryMax, s.config.Probe = settings.Duration(time.Hour), settings.Duration(time.Hour)
		s.run(t, func() bool { return s.say.State() != health.Starting })
		if got := s.say.Report(); got.State != c.state || !strings.Contains(got.Problem, c.words) {
			t.Errorf("%d %s: %+v", c.status, c.body, got)
		}
		if p.times("in") != 1 {
			t.Errorf("%d %s: %q", c.status, c.body, p.record().calls)
		}
		s.RetryMax, s.config.Probe, s.session.until = settings.Duration(time.Millisecond), settings.Duration(time.Millisecond), time.Time{}
		s.run(t, func() bool { return len(s.requests(t)) == 1 && s.quiet() })
	}
}

// jwt makes a token with these claims.
func jwt(claims string) string {
	return "e30." + base64.RawURLEncoding.EncodeToString([]byte(claims)) + ".c2ln"
}

// The end that a token names is a hint, measured so that a wrong clock of the device does no harm.
func TestTheEndOfATokenIsAHint(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	for claims, want := range map[string]time.Duration{
		`{"iat":1000,"exp":4600}`:     time.Hour - renewBefore, // by the platform's clock alone
		`{"exp":1800003600}`:          time.Hour - renewBefore,
		`{"iat":1000.5,"exp":4600.5}`: time.Hour - renewBefore,
		`{"exp":1799990000}`:          0, // over already: our clock is wrong, or theirs
		`{"exp":1800000060}`:          0, // too short to renew before
		`{"exp":9999999999999}`:       0,
		`{"exp":1e300}`:               0,
		`{"exp":"soon"}`:              0,
		`{"jti":"x"}`:                 0,
		`{`:                           0,
	} {
		got := renewal(jwt(claims), now)
		if want == 0 && !got.IsZero() || want != 0 && got.Sub(now) != want {
			t.Errorf("%s: %v, want %v", claims, got, want)
		}
	}
	for _, token := range []string{"", "opaque", "a.b", "a.!.c"} {
		if got := renewal(token, now); !got.IsZero() {
			t.Errorf("%q: %v", token, got)
		}
	}
}

func TestATokenIsRenewedBeforeItsEndAndKeptIfThatFails(t *testing.T) {
	var broken atomic.Bool
	p := newPlatform(t, func(call string, times int) (int, string) {
		switch {
		case call == "in" && broken.Load():
			return 503, `{}`
		case call == "in":
			return 200, fmt.Sprintf(`{"statusCode":200,"data":{"token":%q}}`, jwt(fmt.Sprintf(`{"iat":1,"exp":3601,"jti":"%d"}`, times)))
		}
		return 200, nothing
	})
	s := newSite(t, p.URL, &uplinktest.Store{}, scriptedPaths)
	s.run(t, func() bool { return p.times("list") > 1 })
	if p.times("in") != 1 || s.session.renew.IsZero() {
		t.Fatalf("%d log-ins, renewal at %v", p.times("in"), s.session.renew)
	}
	s.session.renew = time.Now().Add(-time.Second)
	s.run(t, func() bool { return p.times("in") == 2 })
	broken.Store(true)
	s.session.renew = time.Now().Add(-time.Second)
	lists := p.times("list")
	s.run(t, func() bool { return p.times("list") > lists+2 })
	if p.times("in") != 3 || s.say.State() != health.Up {
		t.Errorf("%d log-ins, %+v", p.times("in"), s.say.Report())
	}
}

func FuzzRenewal(f *testing.F) {
	f.Add(jwt(`{"iat":1000,"exp":4600}`))
	f.Add("a.b.c")
	f.Fuzz(func(t *testing.T, token string) {
		now := time.Unix(1_800_000_000, 0)
		got := renewal(token, now)
		if !got.IsZero() && (got.Before(now) || got.After(now.Add(longestLife))) {
			t.Fatalf("%q: %v", token, got)
		}
	})
}

// Many tokens that live for a moment only: a log-in for each call at most.
func TestShortTokensMakeNoStorm(t *testing.T) {
	p, server := newPortal(t, sandbox.CallbackOptions{TokenLife: time.Nanosecond})
	apply(t, p, 1)
	s := newSite(t, server.URL, &uplinktest.Store{}, "")
	s.config.Probe = settings.Duration(time.Hour)
	s.run(t, func() bool { return s.say.State() == health.Stopped })
	if n := p.Stats().Requests; n > 8 {
		t.Errorf("%d requests", n)
	}
}
