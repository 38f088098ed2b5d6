package callback

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/acs-agent/acs-agent/agent/health"
	"github.com/acs-agent/acs-agent/uplink"
)

// tokenHeader carries the token. The map of headers is filled directly, so that the name goes out as it is printed.
const tokenHeader = "x-auth-jwt-token"

const (
	// renewBefore is how long before its end a token is renewed.
	renewBefore = 30 * time.Second
	// A hint at a life outside these bounds is none.
	shortestLife = 2 * time.Minute
	longestLife  = 365 * 24 * time.Hour
)

// A session makes calls with a token. It is for one goroutine.
//
// A call that is answered with 401 gets one new log-in and is repeated once. A log-in that is answered with 401, or a fresh token
// that is not taken, blocks the session until the time for a probe has come: accounts are locked after many wrong attempts.
type session struct {
	*config
	client *uplink.Client
	token  string
	// renew is when a new token should be fetched; zero if the token gives no hint.
	renew time.Time

	// blocked, if not nil, is why there is no log-in before until.
	blocked *trouble
	until   time.Time
	// failures counts log-ins in a row that came to nothing.
	failures int
	// refused is when the last log-in was refused, in nanoseconds of Unix time; 0 if it was accepted, or if there was none. A
	// probe reads and writes it while the session works.
	refused atomic.Int64
}

// A call is one request to the platform.
type call struct {
	method string
	// path begins behind the base; it is sent letter by letter.
	path string
	// body is sent as JSON; nil for none.
	body any
	// field is the setting that holds the path.
	field string
}

// do makes a call. Other codes than 401 are for the caller to judge.
func (s *session) do(ctx context.Context, c call) (reply, *trouble) {
	for again := false; ; again = true {
		if t := s.enter(ctx); t != nil {
			return reply{}, t
		}
		r, t := s.send(ctx, c, s.token)
		if t != nil || r.code != http.StatusUnauthorized {
			return r, t
		}
		s.token = ""
		if again {
			return r, s.block(ctx, &trouble{
				reason: r.String() + " although the login has just succeeded; ask the platform's operator", code: health.KeyRefused, stop: true, wide: true,
			})
		}
	}
}

// enter sees to it that there is a token.
func (s *session) enter(ctx context.Context) *trouble {
	now := time.Now()
	if s.blocked != nil && now.Before(s.until) {
		left := *s.blocked
		left.after = s.until.Sub(now)
		return &left
	}
	if s.token != "" && (s.renew.IsZero() || now.Before(s.renew)) {
		return nil
	}
	token, t := s.login(ctx)
	switch {
	case t == nil:
		s.token, s.renew = token, renewal(token, time.Now())
		s.blocked, s.failures = nil, 0
		return nil
	case s.token != "" && !t.stop:
		s.renew = time.Time{} // it was a hint only: the old token may do
		return nil
	}
	s.token = ""
	return s.block(ctx, t)
}

// block keeps log-ins back for as long as the trouble asks for.
func (s *session) block(ctx context.Context, t *trouble) *trouble {
	t.taken = false
	if ctx.Err() != nil {
		return t // it is ours, not the platform's
	}
	t.after = s.wait(t, s.failures)
	s.failures++
	s.blocked, s.until = t, time.Now().Add(t.after)
	return t
}

// login fetches a token.
func (s *session) login(ctx context.Context) (token string, t *trouble) {
	r, t := s.send(ctx, s.loginCall(), "")
	if t != nil {
		t.wide = true
		return "", t
	}
	return s.readLogin(r)
}

// loginCall is the call that fetches a token.
func (s *session) loginCall() call {
	return call{http.MethodPost, s.Paths.Login, struct {
		Login    string `json:"login"`
		Password string `json:"password"`
	}{s.Login, s.Password.Reveal()}, "paths.login"}
}

// readLogin takes the token out of the answer to a log-in.
func (s *session) readLogin(r reply) (token string, t *trouble) {
	var data struct {
		Token text `json:"token"`
	}
	switch {
	case r.code == http.StatusUnauthorized:
		s.refused.Store(time.Now().UnixNano())
		return "", &trouble{
			reason: "the platform does not accept login and password: check them with the platform's operator; tried again every " + s.Probe.String(),
			code:   health.KeyRefused, stop: true, wide: true,
		}
	case r.done() && decode(r.data, &data) == nil && usable(string(data.Token)):
		s.refused.Store(0)
		return string(data.Token), nil
	}
	t = r.unexpected("paths.login")
	t.reason = "log in: " + t.reason
	t.wide = true
	return "", t
}

// usable says whether a token can be sent in a header.
func usable(token string) bool {
	return token != "" && strings.IndexFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) < 0
}

// renewal gives the time for a new token. What the token says of its end is measured from what it says of its beginning, so
// that a wrong clock of this device changes nothing; a token without beginning is measured by the clock. It is a hint: a life
// that makes no sense is left aside, and the platform has the last word.
func renewal(token string, now time.Time) time.Time {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return time.Time{}
	}
	claims, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(parts[1], "="))
	if err != nil {
		return time.Time{}
	}
	var of struct {
		Ends   float64 `json:"exp"`
		Issued float64 `json:"iat"`
	}
	if json.Unmarshal(claims, &of) != nil || of.Ends == 0 {
		return time.Time{}
	}
	if of.Issued == 0 {
		of.Issued = float64(now.Unix())
	}
	seconds := of.Ends - of.Issued
	if !(seconds >= shortestLife.Seconds() && seconds <= longestLife.Seconds()) {
		return time.Time{}
	}
	return now.Add(time.Duration(seconds)*time.Second - renewBefore)
}

// newRequest makes the request of a call.
func (s *session) newRequest(ctx context.Context, c call, token string) (*http.Request, *trouble) {
	var body []byte
	if c.body != nil {
		var err error
		if body, err = json.Marshal(c.body); err != nil {
			return nil, &trouble{reason: fmt.Sprintf("make the request: %v", err), stop: true}
		}
	}
	req, err := http.NewRequestWithContext(ctx, c.method, s.URL+c.path, bytes.NewReader(body))
	if err != nil {
		return nil, &trouble{reason: "the address cannot be called; check " + c.field, code: health.WrongAddress, stop: true}
	}
	req.Header.Set("Accept", "application/json")
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		req.Header[tokenHeader] = []string{token}
	}
	return req, nil
}

// send makes one request and reads the answer.
func (s *session) send(ctx context.Context, c call, token string) (reply, *trouble) {
	req, t := s.newRequest(ctx, c, token)
	if t != nil {
		return reply{}, t
	}
	answer, err := s.client.Do(ctx, req)
	if err != nil {
		return reply{}, unanswered(err)
	}
	return read(answer), nil
}
