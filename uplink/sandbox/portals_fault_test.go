package sandbox

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// A deed is a request to one of the portals, and what it leaves there.
type deed struct {
	portal, call string
	status       int
	media        string
	body400      string // what a fault "400" answers
	body401      string // and a fault "401"; "…": a page, "": nothing
	request      func(t *testing.T, p *Portal, base string) *http.Request
	done         func(p *Portal) int // how often it has left something
}

func deeds() map[string]deed {
	post := func(path, body string, header ...string) func(*testing.T, *Portal, string) *http.Request {
		return func(t *testing.T, _ *Portal, base string) *http.Request {
			return call(t, "POST", base+path, body, header...)
		}
	}
	withToken := func(p *Portal) string { return "x-auth-jwt-token: " + p.callback.tokens.give() }
	return map[string]deed{
		"exam": {
			portal: "exam", status: 200, media: mediaASP, body400: `{"error":"Описание ошибки"}`, body401: "…",
			request: post(ExamPath, examBase), done: func(p *Portal) int { return len(p.Reports()) },
		},
		"subjects": {
			portal: "subjects", status: 201, media: "Application/json", body400: textNoSubject,
			request: post(SubjectsPath, strings.Replace(personBase, `"externalId":"a_1",`, "", 1), authorization),
			done:    func(p *Portal) int { return len(p.Subjects()) },
		},
		"checks": {
			portal: "checks", status: 200, media: "Application/json",
			body400: strings.NewReplacer("AbsenceOfRequiredField", "WrongFieldValue", bothRequired, "subjectId should be guid").Replace(textNoSubject),
			request: func(t *testing.T, _ *Portal, base string) *http.Request {
				return call(t, "GET", base+ChecksPath+"?count=1", "", authorization)
			},
		},
		"login": {
			portal: "callback", call: "login", status: 200, media: mediaJSON, body400: textFormat, body401: textOfLogin,
			request: post("/api/auth", loginBase), done: func(p *Portal) int { return len(p.callback.tokens.list) },
		},
		"list": {
			portal: "callback", call: "list", status: 200, media: mediaJSON, body400: textFormat, body401: textOfList,
			request: func(t *testing.T, p *Portal, base string) *http.Request {
				return call(t, "GET", base+"/api//?limit=1", "", withToken(p))
			},
			done: func(p *Portal) int { return p.Applications()[0].Offered },
		},
		"commit": {
			portal: "callback", call: "commit", status: 200, media: mediaJSON, body400: textFormat, body401: textOfCommit,
			request: func(t *testing.T, p *Portal, base string) *http.Request {
				code, _ := p.callback.office.offer(1)
				if code == "" { // confirmed by the request before
					_ = p.OfferAgain("111")
					code, _ = p.callback.office.offer(1)
				}
				return call(t, "GET", strings.Replace(commitPath(code), "http://localhost", base, 1), "", withToken(p))
			},
			done: func(p *Portal) int { return len(p.Committed()) },
		},
		"status": {
			portal: "callback", call: "status", status: 200, media: mediaJSON, body400: textFormat, body401: textOfStatus,
			request: func(t *testing.T, p *Portal, base string) *http.Request {
				return call(t, "POST", base+"/api/status", statusBase, withToken(p))
			},
			done: func(p *Portal) int { return len(p.Applications()[0].Statuses) },
		},
	}
}

// Each kind of fault on each portal, over real connections: what the client sees, and whether something was left behind.
func TestFaultsOnEachPortal(t *testing.T) {
	const noAnswer = 0
	for name, d := range deeds() {
		for _, c := range []struct {
			fault  string
			status int
			media  string
			body   string // "…": any
			kept   bool
		}{
			{fault: "400", status: 400, media: map[bool]string{true: "Application/json", false: "application/json"}[strings.HasPrefix(d.media, "A")], body: d.body400},
			{fault: "401", status: 401, body: d.body401},
			{fault: "503:retry-after=1", status: 503, media: mediaHTML, body: "…"},
			{fault: "500:stored", status: 500, media: mediaHTML, body: "…", kept: true},
			{fault: "302", status: 302, media: mediaHTML, body: "…"},
			{fault: "hang", status: noAnswer},
			{fault: "hang:stored", status: noAnswer, kept: true},
			{fault: "slow=20ms", status: d.status, media: d.media, body: "…", kept: true},
			{fault: "cut-before", status: noAnswer},
			{fault: "cut-body", status: noAnswer},
			{fault: "cut-answer", status: noAnswer, kept: true},
			{fault: "truncated", status: d.status, media: d.media, body: "…", kept: true},
			{fault: "wrong-type", status: d.status, media: mediaHTML, body: "…", kept: true},
			{fault: "captive", status: 200, media: mediaHTML, body: loginPage},
			{fault: "empty", status: d.status, media: d.media, body: "", kept: true},
			{fault: "other-json", status: d.status, media: mediaJSON, body: otherJSON, kept: true},
			{fault: "endless", status: d.status, media: mediaJSON, body: "…", kept: true},
		} {
			t.Run(name+" "+c.fault, func(t *testing.T) {
				t.Parallel()
				p := withApplications(t, rehearsal(), 1)
				if _, err := p.AddCheck(Check{SubjectID: exampleID}); err != nil {
					t.Fatal(err)
				}
				client, base := start(t, p, false)
				request := d.request(t, p, base)
				before := p.done(d)
				fault, err := ParseFault(c.fault)
				if err != nil {
					t.Fatal(err)
				}
				fault.Next, fault.Portal = 1, d.portal
				if err := p.SetFaults(Faults{fault}); err != nil {
					t.Fatal(err)
				}

				ctx, giveUp := context.WithCancel(t.Context())
				defer giveUp()
				if fault.Kind == Hang {
					time.AfterFunc(100*time.Millisecond, giveUp)
				}
				resp, err := client.Do(request.WithContext(ctx))
				if (err != nil) != (c.status == noAnswer) {
					t.Fatalf("answer %v, error %v", resp, err)
				}
				if err == nil {
					checkFaulted(t, resp, c.fault, c.status, c.media, c.body)
				}
				eventually(t, "an entry in the list of requests", func() bool { return len(p.Requests()) == 1 })
				if got := p.Requests()[0]; got.Portal != d.portal || got.Fault != fault.name() || got.Status != c.status || c.kept && got.Call != d.call {
					t.Errorf("on record: %+v", got)
				}
				if kept := p.done(d) > before; kept != c.kept && d.done != nil {
					t.Errorf("kept: %v, want %v", kept, c.kept)
				}

				// It was for one request; the next one is served.
				resp, err = client.Do(d.request(t, p, base))
				if err != nil {
					t.Fatal(err)
				}
				if body := read(t, resp); resp.StatusCode != d.status || resp.Header.Get("Content-Type") != d.media || p.done(d) == before && d.done != nil {
					t.Errorf("the next: %d %v %s", resp.StatusCode, resp.Header, body)
				}
			})
		}
	}
}

func (p *Portal) done(d deed) int {
	if d.done == nil {
		return 0
	}
	return d.done(p)
}

func checkFaulted(t *testing.T, resp *http.Response, fault string, status int, media, want string) {
	t.Helper()
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if resp.StatusCode != status || media != "" && !strings.HasPrefix(resp.Header.Get("Content-Type"), media) {
		t.Errorf("answer %d %v, want %d %s", resp.StatusCode, resp.Header, status, media)
	}
	if got := string(body); want != "…" && got != want {
		t.Errorf("body %s, want %s", got, want)
	}
	if cut := errors.Is(err, io.ErrUnexpectedEOF); cut != (fault == "truncated") {
		t.Errorf("the body ended with %v", err)
	}
	if fault == "endless" && len(body) != 1<<20 {
		t.Errorf("%d bytes are not endless", len(body))
	}
}

// A fault that names a portal leaves the others alone, and its turns are not used up by them.
func TestFaultsOfOnePortal(t *testing.T) {
	for text, want := range map[string][]int{
		"500":                                    {500, 500, 500, 500, 500},
		"500:portal=acs":                         {500, 200, 201, 200, 200},
		"500:portal=exam,next=1":                 {200, 500, 201, 200, 200},
		"500:portal=subjects":                    {200, 200, 500, 200, 200},
		"500:portal=checks":                      {200, 200, 201, 500, 200},
		"500:portal=callback,above=10":           {200, 200, 201, 200, 500},
		"503:portal=exam\n500":                   {500, 503, 500, 500, 500},
		"refuse-iin=050101500030:portal=acs":     {400, 200, 201, 200, 200},
		`refuse-note="Корпус 1":portal=acs`:      {400, 200, 201, 200, 200},
		"500:portal=exam\n503:portal=exam\n":     {200, 500, 201, 200, 200},
		"429:retry-after=5,portal=exam,share=1":  {200, 429, 201, 200, 200},
		"302:portal=checks,location=https://x.y": {200, 200, 201, 302, 200},
	} {
		p := New(rehearsal())
		faults, err := ParseFaults(text)
		if err != nil {
			t.Fatal(err)
		}
		if err := p.SetFaults(faults); err != nil {
			t.Fatal(err)
		}
		var got []int
		for _, req := range []*http.Request{
			request(t, "http://localhost", encode(row())),
			call(t, "POST", "http://localhost"+ExamPath, examBase),
			call(t, "POST", "http://localhost"+SubjectsPath, personBase, authorization),
			call(t, "GET", "http://localhost"+ChecksPath, "", authorization),
			call(t, "POST", "http://localhost/api/auth", loginBase),
		} {
			got = append(got, ask(p, req).StatusCode)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", text, got, want)
		}
	}
}
