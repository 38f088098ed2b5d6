package callback

import (
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/acs-agent/acs-agent/agent/health"
	"github.com/acs-agent/acs-agent/uplink/uplinktest"
)

// received makes a site with so many requests in its book, none of which the platform has heard of.
func received(t *testing.T, p *platform, count int) *site {
	t.Helper()
	s := newSite(t, p.URL, &uplinktest.Store{}, scriptedPaths)
	for n := range count {
		if fresh, err := s.book.take(t.Context(), []application{{ID: fmt.Sprint("id", n+1)}}); err != nil || len(fresh) != 1 {
			t.Fatal(fresh, err)
		}
	}
	return s
}

func TestARefusedStatusIsShownWithAllThatThePlatformSays(t *testing.T) {
	for _, c := range []struct {
		status       int
		body, reason string
	}{
		{
			400, `{"statusCode":400,"data":{"type":"Format-logical control error ","errors":["поле comment 900101300017"]}}`,
			`{"type":"Format-logical control error ","errors":["поле comment …"]}`,
		},
		{400, `{"statusCode":400,"data":{"type":"Application not found"}}`, `{"type":"Application not found"}`},
		{404, `{"statusCode":400,"data":{"type":"Application not found"}}`, `{"type":"Application not found"}`},
		{200, `{"statusCode":400,"data":{"type":"Application not found"}}`, `{"type":"Application not found"}`},
		{400, `{"statusCode":400,"explanation":"elsewhere"}`, `{"statusCode":400,"explanation":"elsewhere"}`},
	} {
		p := newPlatform(t, func(call string, times int) (int, string) {
			switch {
			case call == "state" && times == 0:
				return c.status, c.body
			case call == "list":
				return 200, nothing
			}
			return usual(call, times)
		})
		s := received(t, p, 2)
		s.run(t, s.quiet)
		all := s.requests(t)
		if got := all[0].Statuses[0]; got.Outcome != refused || got.Reason != c.reason {
			t.Errorf("%s: %s %q", c.body, got.Outcome, got.Reason)
		}
		if got := all[1].Statuses[0]; got.Outcome != sent {
			t.Errorf("%s: the other request: %+v", c.body, got)
		}
		if p.times("state") != 2 || s.say.State() == health.Stopped {
			t.Errorf("%s: %q, %+v", c.body, p.record().calls, s.say.Report())
		}
		// What was refused can be said again in other words.
		if _, err := s.book.set(t.Context(), 1, rejected, "other words"); err != nil {
			t.Error(err)
		}
		s.run(t, s.quiet)
		if got := s.requests(t)[0]; got.ClosedAt.IsZero() || got.Statuses[1].Outcome != sent {
			t.Errorf("%+v", got)
		}
	}
}

// An answer that was lost makes the same status go out again; should it be refused then, people learn why that may be.
func TestALostAnswerIsFollowedByTheSameStatus(t *testing.T) {
	p := newPlatform(t, func(call string, times int) (int, string) {
		switch {
		case call == "state" && times == 0:
			return 502, "<html>"
		case call == "state":
			return 400, `{"statusCode":400,"data":{"type":"Format-logical control error "}}`
		case call == "list":
			return 200, nothing
		}
		return usual(call, times)
	})
	s := received(t, p, 1)
	s.run(t, s.quiet)
	if got := s.requests(t)[0].Statuses[0]; !got.Lost || !strings.HasSuffix(got.Reason, "(an earlier attempt got no answer, and may have been taken)") {
		t.Errorf("%+v", got)
	}
	if p.record().status() != `{"applicationId":"id1","status":"registered"}` {
		t.Errorf("%q", p.record().texts)
	}
}

// The statuses of one request never overtake each other, and a request that fails all the time stands in nobody's way.
func TestOrderOfStatuses(t *testing.T) {
	var mended atomic.Bool
	var p *platform
	p = newPlatform(t, func(call string, times int) (int, string) {
		switch call {
		case "list":
			return 200, nothing
		case "state":
			p.mu.Lock()
			last := p.texts[len(p.texts)-1]
			p.mu.Unlock()
			for bad := 1; bad <= 4; bad++ {
				if strings.Contains(last, fmt.Sprintf(`"id%d"`, bad)) && !mended.Load() {
					return 500, `{}`
				}
			}
		}
		return usual(call, times)
	})
	s := received(t, p, 8)
	for n := uint64(1); n <= 8; n++ {
		for _, code := range []string{rejected, rendered} {
			if _, err := s.book.set(t.Context(), n, code, "x"); err != nil {
				t.Fatal(err)
			}
		}
	}
	waitingOf := func() (left []uint64) {
		for _, r := range s.requests(t) {
			if r.waits() {
				left = append(left, r.Number)
			}
		}
		return left
	}
	s.run(t, func() bool { return slices.Equal(waitingOf(), []uint64{1, 2, 3, 4}) })
	mended.Store(true)
	s.run(t, s.quiet)
	order := make(map[string][]string)
	seen := p.record()
	for i, call := range seen.calls {
		if call != "POST /state/" {
			continue
		}
		id := strings.SplitN(seen.texts[i], `"`, 5)[3]
		for _, code := range []string{registered, rejected, rendered} {
			if known := order[id]; strings.Contains(seen.texts[i], code) && (len(known) == 0 || known[len(known)-1] != code) {
				order[id] = append(known, code)
			}
		}
	}
	for n := 1; n <= 8; n++ {
		if got := order[fmt.Sprint("id", n)]; !slices.Equal(got, []string{registered, rejected, rendered}) {
			t.Errorf("request %d: %q", n, got)
		}
	}
}

// A status path that is wrong does not keep requests from coming, nor a list path statuses from going.
func TestChoresDoNotHinderEachOther(t *testing.T) {
	p := newPlatform(t, func(call string, times int) (int, string) {
		if call == "state" {
			return 404, "<html>"
		}
		return usual(call, times)
	})
	s := newSite(t, p.URL, &uplinktest.Store{}, scriptedPaths)
	s.run(t, func() bool { return p.times("commit") == 1 && s.say.State() == health.Stopped })
	if !strings.Contains(s.say.Report().Problem, "paths.status") || len(s.requests(t)) != 1 || s.requests(t)[0].Statuses[0].Lost {
		t.Errorf("%+v, %+v", s.say.Report(), s.requests(t))
	}
	p = newPlatform(t, func(call string, times int) (int, string) {
		if call == "list" {
			return 500, "{}"
		}
		return usual(call, times)
	})
	s = received(t, p, 2)
	s.run(t, func() bool { return s.quiet() && s.say.State() == health.Down })
}

func TestStatusesAreCheckedHere(t *testing.T) {
	p := newPlatform(t, usual)
	s := received(t, p, 1)
	for _, c := range []struct{ code, comment string }{
		{rejected, ""},
		{rejected, " \n\t"},
		{registered, "x"},
		{"done", "x"},
		{rendered, strings.Repeat("я", maxComment+1)},
		{rendered, strings.Repeat("😀", maxComment)},
	} {
		if _, err := s.book.set(t.Context(), 1, c.code, c.comment); err == nil {
			t.Errorf("%s %.10q is taken", c.code, c.comment)
		}
	}
	if _, err := s.book.set(t.Context(), 2, rendered, ""); err == nil {
		t.Error("a request that is not there")
	}
	// The same once more is the same.
	for range 2 {
		if r, err := s.book.set(t.Context(), 1, rejected, " Не отвечает\x00\n"); err != nil || len(r.Statuses) != 2 || r.Statuses[1].Comment != "Не отвечает" {
			t.Errorf("%+v, %v", r, err)
		}
	}
	for n := range maxStatuses {
		_, err := s.book.set(t.Context(), 1, rendered, fmt.Sprint(n))
		if full := n >= maxStatuses-2; (err != nil) != full {
			t.Errorf("status %d: %v", n+3, err)
		}
	}
}

// What came without an id can be closed, although the platform cannot be told.
func TestARequestWithoutAnIDIsKeptForAPerson(t *testing.T) {
	p := newPlatform(t, func(call string, times int) (int, string) {
		if call == "list" && times < 2 { // twice the same
			return 200, fmt.Sprintf(`{"statusCode":200,"commit":"c%d","applications":[{"surname":"Пробный","phone":"89999999999"},"odd"]}`, times)
		}
		return usual(call, max(times, 1))
	})
	s := newSite(t, p.URL, &uplinktest.Store{}, scriptedPaths)
	s.run(t, func() bool { return p.times("commit") == 2 })
	all := s.requests(t)
	if len(all) != 2 || len(all[0].Statuses) != 0 || all[0].Application.Surname != "Пробный" || all[1].Application.Raw != `"odd"` {
		t.Fatalf("%+v", all)
	}
	r, err := s.book.set(t.Context(), 1, rendered, "")
	if err != nil || r.ClosedAt.IsZero() || r.Statuses[0].Outcome != refused || !strings.Contains(r.Statuses[0].Reason, "applicationId") {
		t.Errorf("%+v, %v", r, err)
	}
	if !s.quiet() || p.times("state") != 0 {
		t.Error("something is sent")
	}
}
