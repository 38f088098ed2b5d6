package callback

import (
	"fmt"
	"strings"
	"testing"

	"github.com/acs-agent/acs-agent/agent/health"
	"github.com/acs-agent/acs-agent/uplink/uplinktest"
)

func TestAnEmptyListIsNotConfirmed(t *testing.T) {
	for _, list := range []string{
		nothing, `{"statusCode":200,"commit":"c","applications":[]}`, `{"statusCode":200}`, `{"applications":[]}`, `{"statusCode":200,"applications":null}`,
	} {
		p := newPlatform(t, func(call string, _ int) (int, string) {
			if call == "in" {
				return 200, tokenGiven
			}
			return 200, list
		})
		s := newSite(t, p.URL, &uplinktest.Store{}, scriptedPaths)
		s.run(t, func() bool { return p.times("list") > 2 })
		if p.times("commit") != 0 || s.say.State() != health.Up {
			t.Errorf("%s: %q, %+v", list, p.record().calls, s.say.Report())
		}
	}
}

func TestListsThatAreNoneAreNotBelieved(t *testing.T) {
	for list, state := range map[string]health.State{
		`<html>log in</html>`:                  health.Down,
		`{}`:                                   health.Down,
		`{"status":"accepted"}`:                health.Down,
		`[]`:                                   health.Down,
		``:                                     health.Down,
		`{"statusCode":200,"applications":{}}`: health.Down,
		`{"statusCode":500,"applications":[]}`: health.Down,
		`{"statusCode":400,"data":{"type":"limit"}}`:  health.Stopped,
		`{"statusCode":200,"applications":[{"applica`: health.Down,
	} {
		p := newPlatform(t, func(call string, _ int) (int, string) {
			if call == "in" {
				return 200, tokenGiven
			}
			return 200, list
		})
		s := newSite(t, p.URL, &uplinktest.Store{}, scriptedPaths)
		s.run(t, func() bool { return s.say.State() != health.Starting })
		if s.say.State() != state || p.times("commit") != 0 || len(s.requests(t)) != 0 {
			t.Errorf("%s: %+v", list, s.say.Report())
		}
	}
}

// A list without a code is stored all the same; what is known already is not stored twice.
func TestAListWithoutACodeIsStored(t *testing.T) {
	p := newPlatform(t, func(call string, times int) (int, string) {
		if call == "list" {
			return 200, `{"statusCode":200,"applications":[{"applicationId":"1"},{"applicationId":1},{"applicationId":"2"}]}`
		}
		return usual(call, times)
	})
	s := newSite(t, p.URL, &uplinktest.Store{}, scriptedPaths)
	s.run(t, func() bool { return p.times("list") > 3 && s.quiet() })
	if len(s.requests(t)) != 2 || p.times("commit") != 0 || p.times("state") != 2 || s.say.Report().Oddities == 0 {
		t.Errorf("%q, %+v", p.record().calls, s.say.Report())
	}
}

// The answer to a commit was lost: the code is used up, and the next list tells what is left.
func TestAnUnknownCodeMeansListAgain(t *testing.T) {
	for _, body := range []string{`{"statusCode":400,"data":{"type":"x"}}`, `{"statusCode":404}`} {
		p := newPlatform(t, func(call string, times int) (int, string) {
			switch {
			case call == "commit" && times == 0:
				return 404, body
			case call == "list" && times < 2:
				return 200, strings.Replace(oneRequest(""), "c/1", fmt.Sprint("code", times), 1)
			case call == "list":
				return 200, nothing
			}
			return usual(call, times)
		})
		s := newSite(t, p.URL, &uplinktest.Store{}, scriptedPaths)
		s.run(t, func() bool { return p.times("list") > 2 && s.quiet() })
		if len(s.requests(t)) != 1 || p.times("commit") != 2 || !p.arrived("GET /commit/code1/") || p.times("state") != 1 {
			t.Errorf("%s: %q", body, p.record().calls)
		}
	}
}

func TestCodesThatAreNeverTakenAreTold(t *testing.T) {
	p := newPlatform(t, func(call string, times int) (int, string) {
		switch call {
		case "commit":
			return 400, `{"statusCode":400}`
		case "list":
			return 200, oneRequest("")
		}
		return usual(call, times)
	})
	s := newSite(t, p.URL, &uplinktest.Store{}, scriptedPaths)
	s.run(t, func() bool { return s.say.State() == health.Down })
	if len(s.requests(t)) != 1 || !strings.Contains(s.say.Report().Problem, "codes of its own lists") {
		t.Errorf("%+v", s.say.Report())
	}
}

// A platform that shows the same list for ever, confirmed or not, is asked once for each poll.
func TestAListThatNeverEndsIsNoLoop(t *testing.T) {
	p := newPlatform(t, func(call string, times int) (int, string) {
		if call == "list" {
			return 200, oneRequest("")
		}
		return usual(call, times)
	})
	s := newSite(t, p.URL, &uplinktest.Store{}, scriptedPaths)
	s.Poll = 3600e9
	s.run(t, func() bool { return s.say.State() == health.Up })
	if p.times("list") != 2 || p.times("state") != 1 {
		t.Errorf("%q", p.record().calls)
	}
}

func TestACommitThatIsRedirectedStops(t *testing.T) {
	p := newPlatform(t, func(call string, times int) (int, string) {
		if call == "commit" {
			return 301, ""
		}
		return usual(call, times)
	})
	s := newSite(t, p.URL, &uplinktest.Store{}, scriptedPaths)
	s.run(t, func() bool { return s.say.State() == health.Stopped && s.quiet() })
	if !strings.Contains(s.say.Report().Problem, "check paths.commit to the last slash") {
		t.Error(s.say.Report().Problem)
	}
}

// An answer that is too large to be read is asked for in smaller pieces.
func TestListsThatAreTooLargeBecomeSmaller(t *testing.T) {
	p := newPlatform(t, func(call string, times int) (int, string) {
		if call == "list" && times < 2 {
			return 200, oneRequest(`,"surname":"` + strings.Repeat("x", largest) + `"`)
		}
		return usual(call, max(times-2, 0))
	})
	s := newSite(t, p.URL, &uplinktest.Store{}, scriptedPaths)
	s.run(t, func() bool { return len(s.requests(t)) == 1 && s.quiet() })
	for _, want := range []string{"limit=10", "limit=5", "limit=2"} {
		if !p.arrived("GET /list//?" + want) {
			t.Errorf("%s: %q", want, p.record().calls)
		}
	}
}

// Requests that are larger than one change of the store come in several.
func TestLargeListsAreStoredInPieces(t *testing.T) {
	s := newSite(t, "http://127.0.0.1:1", &uplinktest.Store{}, "")
	var list []application
	for n := range 150 {
		list = append(list, application{ID: fmt.Sprint(n), Surname: strings.Repeat("я", n)})
	}
	fresh, err := s.book.take(t.Context(), list)
	if err != nil || len(fresh) != 150 || len(s.requests(t)) != 150 {
		t.Fatalf("%d, %v", len(fresh), err)
	}
	for i := range list {
		list[i].Phone = "+79999999999" // all are corrected
	}
	if fresh, err = s.book.take(t.Context(), list); err != nil || len(fresh) != 0 {
		t.Fatalf("%d, %v", len(fresh), err)
	}
	for _, r := range s.requests(t) {
		if r.Application.Phone == "" || r.ChangedAt.IsZero() || len(r.Statuses) != 1 {
			t.Fatalf("%+v", r)
		}
	}
}

func FuzzList(f *testing.F) {
	f.Add([]byte(`{"statusCode":200,"commit":"{code}","applications":[{"applicationId":"111","opf":" legalEntity"},7,null]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		p := newBareBook()
		var of []application
		for _, raw := range splitList(body) {
			of = append(of, readApplication(raw))
		}
		fresh, err := p.take(t.Context(), of)
		if err != nil || len(fresh) > len(of) {
			t.Fatalf("%d of %d, %v", len(fresh), len(of), err)
		}
		again, err := p.take(t.Context(), of)
		if err != nil || len(again) != 0 {
			t.Fatalf("%d come again as new, %v", len(again), err)
		}
	})
}
