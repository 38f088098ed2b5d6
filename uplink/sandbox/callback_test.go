package sandbox

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

const (
	loginBase  = `{"login":"` + clerk + `","password":"` + password + `"}`
	statusBase = `{"applicationId":"111","status":"rejected","comment":"не дозвонились"}`
)

// logIn gives the header line with a token.
func logIn(t *testing.T, p *Portal) string {
	t.Helper()
	resp := ask(p, call(t, "POST", "http://localhost/api/auth", loginBase))
	var answer struct {
		StatusCode int
		Data       struct{ Token string }
	}
	if err := json.Unmarshal([]byte(read(t, resp)), &answer); err != nil || resp.StatusCode != 200 || answer.StatusCode != 200 || answer.Data.Token == "" {
		t.Fatalf("log-in: %d %+v %v", resp.StatusCode, answer, err)
	}
	return "x-auth-jwt-token: " + answer.Data.Token
}

// offers lists, and gives the code and the ids.
func offers(t *testing.T, p *Portal, token string, limit int) (code string, ids []string) {
	t.Helper()
	resp := ask(p, call(t, "GET", fmt.Sprintf("http://localhost/api//?limit=%d", limit), "", token))
	body := read(t, resp)
	var answer struct {
		StatusCode   int
		Commit       *string
		Applications []struct {
			ID string `json:"applicationId"`
		}
	}
	if err := json.Unmarshal([]byte(body), &answer); err != nil || resp.StatusCode != 200 || answer.StatusCode != 200 || answer.Applications == nil {
		t.Fatalf("list: %d %s: %v", resp.StatusCode, body, err)
	}
	for _, a := range answer.Applications {
		ids = append(ids, a.ID)
	}
	if (answer.Commit != nil) != (len(ids) > 0) {
		t.Errorf("the code of %d applications: %s", len(ids), body)
	}
	if answer.Commit != nil {
		code = *answer.Commit
	}
	return code, ids
}

func withApplications(t *testing.T, options Options, n int) *Portal {
	t.Helper()
	p := New(options)
	for range n {
		if _, err := p.AddApplication(DemoApplication("person")); err != nil {
			t.Fatal(err)
		}
	}
	return p
}

func commitPath(code string) string { return "http://localhost/api/v1/commit/" + code + "/" }

func (p *Portal) answers(t *testing.T, req *http.Request) (int, string) {
	t.Helper()
	resp := ask(p, req)
	return resp.StatusCode, read(t, resp)
}

func TestLogin(t *testing.T) {
	for name, c := range map[string]struct {
		old, new string
		status   int
	}{
		"right":            {"", "", 200},
		"wrong login":      {clerk, "Integration@example", 401},
		"wrong password":   {password, "rehearsal2", 401},
		"password blank":   {password, " ", 400},
		"no password":      {`,"password":"` + password + `"`, "", 400},
		"no login":         {`"login":"` + clerk + `",`, "", 400},
		"login a number":   {`"` + clerk + `"`, "1", 400},
		"unknown member":   {`{`, `{"remember":true,`, 400},
		"member twice":     {`{`, `{"login":"x",`, 400},
		"form":             {loginBase, "login=x&password=y", 400},
		"comma at the end": {`"}`, `",}`, 400},
	} {
		t.Run(name, func(t *testing.T) {
			body := strings.Replace(loginBase, c.old, c.new, 1)
			if body == loginBase && c.old != "" {
				t.Fatal("the case changes nothing")
			}
			p := New(rehearsal())
			status, got := p.answers(t, call(t, "POST", "http://localhost/api/auth", body))
			want := map[int]string{400: textFormat, 401: textOfLogin}[c.status]
			if status != c.status || want != "" && got != want {
				t.Errorf("answer %d %s", status, got)
			}
			if json.Valid([]byte(textOfLogin)) {
				t.Error("the comma of the document is missing")
			}
		})
	}
	status, _ := New(Options{}).answers(t, call(t, "POST", "http://localhost/api/auth", `{"login":"x","password":"x"}`))
	if status != 401 {
		t.Errorf("without a login: %d", status)
	}
}

// Every call but the log-in wants a good token, and each says so in its own way.
func TestTokens(t *testing.T) {
	now := fixedNow()
	options := rehearsal()
	options.Now = func() time.Time { return now }
	options.Callback.TokenLife = time.Hour
	p := withApplications(t, options, 2)
	token := logIn(t, p)
	code, _ := offers(t, p, token, 10)
	calls := func(header ...string) map[string]*http.Request {
		return map[string]*http.Request{
			textOfList:   call(t, "GET", "http://localhost/api//?limit=10", "", header...),
			textOfCommit: call(t, "GET", commitPath(code), "", header...),
			textOfStatus: call(t, "POST", "http://localhost/api/status", statusBase, header...),
		}
	}
	refused := func(when string, header ...string) {
		t.Helper()
		for want, req := range calls(header...) {
			if status, got := p.answers(t, req); status != 401 || got != want {
				t.Errorf("%s: %s: %d %s", when, req.URL, status, got)
			}
		}
	}
	refused("without a token")
	refused("with another token", "x-auth-jwt-token: "+strings.TrimPrefix(token, "x-auth-jwt-token: ")+"x")
	refused("as a bearer", "Authorization: Bearer "+strings.TrimPrefix(token, "x-auth-jwt-token: "))
	now = now.Add(time.Hour - time.Second)
	offers(t, p, token, 10)
	later := logIn(t, p)
	now = now.Add(time.Second)
	refused("after an hour", token)
	offers(t, p, later, 10)
	p.ExpireTokens()
	refused("when all have ended", later)
	if got := p.Committed(); got != nil {
		t.Errorf("committed %v", got)
	}
	token = logIn(t, p)
	for _, req := range calls(token) {
		if status, got := p.answers(t, req); status != 200 {
			t.Errorf("%s: %d %s", req.URL, status, got)
		}
	}
	if json.Valid([]byte(textOfCommit)) || !json.Valid([]byte(textOfList)) || !json.Valid([]byte(textOfStatus)) || !strings.Contains(textOfStatus, "400") {
		t.Error("the slips of the document are missing")
	}
}

// The same applications come again, under another code, until a list with them is confirmed.
func TestListAndCommit(t *testing.T) {
	p := withApplications(t, rehearsal(), 3)
	token := logIn(t, p)
	commit := func(code string) int {
		status, got := p.answers(t, call(t, "GET", commitPath(code), "", token))
		if want := map[int]string{200: `{"statusCode":200}`, 400: textFormat}[status]; got != want {
			t.Errorf("commit: %d %s", status, got)
		}
		return status
	}
	first, ids := offers(t, p, token, 2)
	again, same := offers(t, p, token, 2)
	if !slices.Equal(ids, []string{"111", "112"}) || !slices.Equal(same, ids) || again == first {
		t.Errorf("%s %v, then %s %v", first, ids, again, same)
	}
	if status := commit("unheard"); status != 400 {
		t.Errorf("unknown code: %d", status)
	}
	if status := commit(first); status != 200 {
		t.Errorf("first code: %d", status)
	}
	if status := commit(first); status != 400 {
		t.Errorf("first code, used: %d", status)
	}
	if status := commit(again); status != 200 || len(p.Committed()) != 2 {
		t.Errorf("the other code of the same applications: %d, %v", status, p.Committed())
	}
	last, ids := offers(t, p, token, 2)
	if !slices.Equal(ids, []string{"113"}) || commit(last) != 200 {
		t.Errorf("the rest: %v", ids)
	}
	if _, ids := offers(t, p, token, 2); ids != nil {
		t.Errorf("in the end: %v", ids)
	}
	if got := p.Committed(); !slices.Equal(got, []string{"111", "112", "113"}) {
		t.Errorf("committed %v", got)
	}
	if err := p.OfferAgain("112"); err != nil {
		t.Error(err)
	}
	if _, ids := offers(t, p, token, 10); !slices.Equal(ids, []string{"112"}) {
		t.Errorf("once more: %v", ids)
	}
	if p.OfferAgain("7") == nil {
		t.Error("an unknown application can be offered")
	}
}

// What a list holds, with the slips of the document.
func TestListedApplications(t *testing.T) {
	p := New(rehearsal())
	created := time.Date(2022, 12, 29, 10, 0, 0, 0, time.UTC)
	for _, a := range []Application{
		{ID: "111", Created: created, Surname: "Пробный", Firstname: "Проба", Patronymic: "Пробович", OPF: "legalEntity", OrganizationName: "ООО Проба", INN: "7719283390", Phone: "+7 (000) 000-00-00"},
		{ID: "А-2", Created: created, Surname: "Пробный", Firstname: "Проба", OPF: "selfEmployed", OrganizationName: "не передается", INN: "500100732259", Phone: "8 000"},
		{Created: created},
	} {
		if _, err := p.AddApplication(a); err != nil {
			t.Fatal(err)
		}
	}
	_, got := p.answers(t, call(t, "GET", "http://localhost/api//?limit=10", "", logIn(t, p)))
	_, got, _ = strings.Cut(got, `"applications":`)
	want := `[{"applicationId":"111","dateCreation":"2022-29-12","firstname":"Проба","inn":"7719283390","opf":" legalEntity","organizationName":"ООО Проба","patronymic":"Пробович","phone":"+7 (000) 000-00-00","surname":"Пробный"},` +
		`{"applicationId":"А-2","dateCreation":"2022-29-12","firstname":"Проба","opf":" selfEmployed","phone":"8 000","surname":"Пробный"},` +
		`{"applicationId":"113","dateCreation":"2022-29-12","opf":" person"}]}`
	if got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
	for _, wrong := range []Application{{ID: "111"}, {OPF: " person"}} {
		if _, err := p.AddApplication(wrong); err == nil {
			t.Errorf("%+v passes", wrong)
		}
	}
}

func TestStatuses(t *testing.T) {
	const comment = `,"comment":"не дозвонились"`
	notFound, format := textNotFound, `{"statusCode":400,"data":{"type":"Format-logical control error "}}`
	for name, c := range map[string]struct {
		old, new string
		want     string // "": taken
	}{
		"rejected":                   {"", "", ""},
		"registered":                 {`rejected"` + comment, `registered"`, ""},
		"rendered":                   {`rejected"` + comment, `rendered"`, ""},
		"rendered with a comment":    {"rejected", "rendered", ""},
		"registered, comment empty":  {`rejected","comment":"не дозвонились"`, `registered","comment":""`, ""},
		"rejected, no comment":       {comment, "", format},
		"rejected, comment blank":    {"не дозвонились", " ", format},
		"comment null":               {`"не дозвонились"`, "null", format},
		"unknown status":             {"rejected", "done", format},
		"status of the office":       {"rejected", "Отклонена", format},
		"no status":                  {`"status":"rejected",`, "", format},
		"no application":             {`"applicationId":"111",`, "", format},
		"application as a number":    {`"111"`, "111", format},
		"unknown application":        {`"111"`, `"110"`, notFound},
		"wrong goes before unknown":  {`"111","status":"rejected"`, `"110","status":"done"`, format},
		"unknown member":             {`{`, `{"id":1,`, format},
		"with the document's marker": {`"status"`, `[bookmark: _GoBack]"status"`, format},
	} {
		t.Run(name, func(t *testing.T) {
			body := strings.Replace(statusBase, c.old, c.new, 1)
			if body == statusBase && c.old != "" {
				t.Fatal("the case changes nothing")
			}
			p := withApplications(t, rehearsal(), 1)
			status, got := p.answers(t, call(t, "POST", "http://localhost/api/status", body, logIn(t, p)))
			kept := p.Applications()[0].Statuses
			if c.want == "" {
				if status != 200 || got != `{"statusCode":200}` || len(kept) != 1 {
					t.Errorf("answer %d %s, kept %v", status, got, kept)
				}
				return
			}
			if status != 400 || got != c.want || len(kept) != 0 {
				t.Errorf("answer %d %s, kept %v", status, got, kept)
			}
		})
	}
	p := withApplications(t, rehearsal(), 1)
	token := logIn(t, p)
	for _, status := range []string{"registered", "registered", "rendered"} {
		p.answers(t, call(t, "POST", "http://localhost/api/status", `{"applicationId":"111","status":"`+status+`"}`, token))
	}
	var history []string
	for _, s := range p.Applications()[0].Statuses {
		history = append(history, s.Status)
	}
	if !slices.Equal(history, []string{"registered", "registered", "rendered"}) {
		t.Errorf("history %v", history)
	}
}

// Paths are compared as they were written.
func TestCallbackPaths(t *testing.T) {
	literal := rehearsal()
	literal.Callback.Paths = CallbackPaths{Login: "/api/", Status: "/api/"}
	for name, c := range map[string]struct {
		options      Options
		method, path string
		body         string
		status       int
	}{
		"one slash":                {rehearsal(), "GET", "/api/?limit=1", "", 404},
		"no limit":                 {rehearsal(), "GET", "/api//", "", 404},
		"limit empty":              {rehearsal(), "GET", "/api//?limit=", "", 400},
		"limit 0":                  {rehearsal(), "GET", "/api//?limit=0", "", 400},
		"limit 1001":               {rehearsal(), "GET", "/api//?limit=1001", "", 400},
		"limit as it is printed":   {rehearsal(), "GET", "/api//?limit=%7Blimit%7D", "", 400},
		"limit and more":           {rehearsal(), "GET", "/api//?limit=1&page=2", "", 404},
		"list by POST":             {rehearsal(), "POST", "/api//?limit=1", "{}", 405},
		"log-in by GET":            {rehearsal(), "GET", "/api/auth", "", 405},
		"log-in with a slash":      {rehearsal(), "POST", "/api/auth/", loginBase, 404},
		"status by GET":            {rehearsal(), "GET", "/api/status", "", 405},
		"commit by POST":           {rehearsal(), "POST", "/api/v1/commit/x/", "{}", 405},
		"commit, slash missing":    {rehearsal(), "GET", "/api/v1/commit/x", "", 301},
		"commit of nothing":        {rehearsal(), "GET", "/api/v1/commit//", "", 400},
		"commit with a query":      {rehearsal(), "GET", "/api/v1/commit/x/?a", "", 404},
		"commit, two slashes":      {rehearsal(), "GET", "/api/v1/commit/x//", "", 404},
		"log-in of the document":   {literal, "POST", "/api/", loginBase, 400}, // there is a token, and so it is a status
		"status of the document":   {literal, "POST", "/api/", statusBase, 200},
		"list beside both of them": {literal, "GET", "/api//?limit=1", "", 200},
	} {
		t.Run(name, func(t *testing.T) {
			p := withApplications(t, c.options, 1)
			token := "x-auth-jwt-token: " + p.callback.tokens.give()
			resp := ask(p, call(t, c.method, "http://localhost"+c.path, c.body, token))
			if body := read(t, resp); resp.StatusCode != c.status {
				t.Errorf("answer %d %s, want %d", resp.StatusCode, body, c.status)
			}
			if c.status == 301 && resp.Header.Get("Location") != c.path+"/" {
				t.Errorf("Location %q", resp.Header.Get("Location"))
			}
		})
	}
	p := New(literal)
	if status, body := p.answers(t, call(t, "POST", "http://localhost/api/", loginBase)); status != 200 {
		t.Errorf("log-in under the path of both: %d %s", status, body)
	}
}

// The document lists a body for the commit, though it is a GET. It can be demanded; if it is there, it has to be right.
func TestCommitBody(t *testing.T) {
	for _, demanded := range []bool{false, true} {
		options := rehearsal()
		options.Callback.CommitBody = demanded
		p := withApplications(t, options, 1)
		token := logIn(t, p)
		for body, want := range map[string]int{"": map[bool]int{false: 200, true: 400}[demanded], `{"code":"x"}`: 400, `{}`: 400, `{"code":"CODE"}`: 200} {
			code, _ := offers(t, p, token, 1)
			req := call(t, "GET", commitPath(code), strings.Replace(body, "CODE", code, 1), token, "Content-Type: application/json")
			if status, got := p.answers(t, req); status != want {
				t.Errorf("demanded %v, body %s: %d %s", demanded, body, status, got)
			}
			if err := p.OfferAgain("111"); err != nil {
				t.Error(err)
			}
		}
	}
}
