package callback

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/acs-agent/acs-agent/uplink/uplinktest"
)

// What arrives on the wire is what the configuration says, letter by letter.
func TestPathsArriveAsTheyAreWritten(t *testing.T) {
	p := newPlatform(t, func(call string, times int) (int, string) {
		if call == "" {
			call = "list"
		}
		if call == "list" && times == 0 {
			return 200, strings.Replace(oneRequest(""), `"c/1"`, `"a/b ?#é%2F"`, 1)
		}
		return usual(call, times)
	})
	s := newSite(t, p.URL+"/base", &uplinktest.Store{},
		`paths: {login: "/in//", list: "/list//./a/../?x=%2f&limit={limit}&", commit: "/commit//{code}/", status: "/state/%7Estate//?"}`)
	// The base has a path of its own here, so the scripted platform must not see it as the name of a call.
	p.answer = withoutBase(p.answer)
	s.Limit = 7
	s.run(t, func() bool { return p.arrived("POST /base/state/%7Estate//?") && s.quiet() })
	for _, want := range []string{
		"POST /base/in//", "GET /base/list//./a/../?x=%2f&limit=7&", "GET /base/commit//a%2Fb%20%3F%23%C3%A9%252F/", "POST /base/state/%7Estate//?",
	} {
		if !p.arrived(want) {
			t.Errorf("%s has not arrived; there were\n%s", want, strings.Join(p.record().calls, "\n"))
		}
	}
}

// withoutBase answers for paths below /base/, by the order in which the calls are made.
func withoutBase(answer func(string, int) (int, string)) func(string, int) (int, string) {
	lists := 0
	return func(_ string, times int) (int, string) {
		switch times {
		case 0, 1: // nothing waits at first: the first call is the login, the second the list
			call := []string{"in", "list"}[times]
			if call == "list" {
				lists++
				return answer(call, lists-1)
			}
			return answer(call, 0)
		case 2:
			return answer("commit", 0)
		case 4:
			return answer("state", 0)
		default:
			return 200, nothing
		}
	}
}

func (p *platform) arrived(call string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Contains(p.calls, call)
}

// Login and status may have the same path, as they have in the document.
func TestOnePathMayServeTwoCalls(t *testing.T) {
	var p *platform
	p = newPlatform(t, func(call string, times int) (int, string) {
		p.mu.Lock()
		last := len(p.texts) - 1
		isLogin := call == "api" && strings.Contains(p.texts[last], `"login"`)
		isList := strings.Contains(p.calls[last], "limit=")
		first := strings.Count(strings.Join(p.calls, "\n"), "limit=") == 1
		p.mu.Unlock()
		switch {
		case isLogin:
			return usual("in", times)
		case isList && first:
			return usual("list", 0)
		case isList:
			return 200, nothing
		default:
			return 200, taken
		}
	})
	s := newSite(t, p.URL, &uplinktest.Store{}, `paths: {login: /api/, list: "/api//?limit={limit}", commit: "/api/v1/commit/{code}/", status: /api/}`)
	s.run(t, func() bool { return len(s.requests(t)) == 1 && s.quiet() })
	if !p.arrived("GET /api//?limit=10") || !p.arrived("GET /api/v1/commit/c%2F1/") || !p.arrived("POST /api/") {
		t.Errorf("%q", p.record().calls)
	}
}

func TestCallsAreThoseOfTheDocument(t *testing.T) {
	for _, withBody := range []bool{false, true} {
		p := newPlatform(t, usual)
		more := ""
		if withBody {
			more = "commit_body: true\n"
		}
		s := newSite(t, p.URL, &uplinktest.Store{}, more+scriptedPaths)
		s.run(t, func() bool { return p.times("state") == 1 && s.quiet() })
		want := map[string]string{
			"POST /in/":            `{"login":"integration@example","password":"Wz-61:pass\"word"}`,
			"GET /list//?limit=10": "",
			"GET /commit/c%2F1/":   "",
			"POST /state/":         `{"applicationId":"111","status":"registered"}`,
		}
		if withBody {
			want["GET /commit/c%2F1/"] = `{"code":"c/1"}`
		}
		seen := p.record()
		for i, call := range seen.calls {
			body, known := want[call]
			if !known || seen.texts[i] != body {
				t.Errorf("%s with %s", call, seen.texts[i])
			}
			token := seen.heads[i].Get("x-auth-jwt-token")
			if isLogin := call == "POST /in/"; isLogin != (token == "") || !isLogin && token != "a.b.c" {
				t.Errorf("%s with token %q", call, token)
			}
			if body != "" && seen.heads[i].Get("Content-Type") != "application/json" {
				t.Errorf("%s is sent as %q", call, seen.heads[i].Get("Content-Type"))
			}
		}
		if len(seen.calls) < 4 {
			t.Errorf("%q", p.record().calls)
		}
	}
}

// The code of a commit is one segment of the path, whatever stands in it.
func FuzzCommitPath(f *testing.F) {
	f.Add("abc")
	f.Add("../../a?b#c%2F")
	f.Fuzz(func(t *testing.T, code string) {
		p := paths{Commit: "/api/v1/commit/{code}/"}
		u, err := url.Parse("https://host" + p.commit(code))
		if err != nil {
			t.Fatal(err)
		}
		segment, found := strings.CutPrefix(u.RequestURI(), "/api/v1/commit/")
		segment, slash := strings.CutSuffix(segment, "/")
		back, err := url.PathUnescape(segment)
		if !found || !slash || strings.ContainsAny(segment, "/?#") || err != nil || back != code {
			t.Fatalf("%q is called as %s", code, u.RequestURI())
		}
	})
}
