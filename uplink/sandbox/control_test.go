package sandbox

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestControl(t *testing.T) {
	p := New(Options{Key: testKey, AllowBursts: true})
	client, base := start(t, p, false)
	call := func(method, path, body string) (int, string) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), method, base+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, read(t, resp)
	}
	send := func(rows ...Row) int {
		t.Helper()
		resp, err := client.Do(request(t, base, encode(rows...)))
		if err != nil {
			t.Fatal(err)
		}
		read(t, resp)
		return resp.StatusCode
	}

	if code, body := call("PUT", "/sandbox/faults", "500:next=1\nrefuse-iin=900101300017\n"); code != 200 {
		t.Fatalf("%d %s", code, body)
	}
	if got := [...]int{send(row()), send(row()), send(second())}; got != [...]int{500, 200, 400} {
		t.Errorf("answers %v", got)
	}
	code, body := call("PUT", "/sandbox/faults", "hang:next=x\n")
	if code != 400 || !strings.HasPrefix(body, `line 1: fault hang: option next: "x" is not a whole number`) {
		t.Errorf("%d %s", code, body)
	}

	code, body = call("GET", "/sandbox/status", "")
	var shown struct {
		Stats    Stats
		Faults   []string
		Requests []Request
	}
	if err := json.Unmarshal([]byte(body), &shown); code != 200 || err != nil {
		t.Fatalf("%d %s: %v", code, body, err)
	}
	if s := shown.Stats; s.Rows != 1 || s.Requests != 3 || s.Answers[400] != 1 || s.Faulted != 2 {
		t.Errorf("stats %+v", s)
	}
	if len(shown.Faults) != 1 || shown.Faults[0] != "refuse-iin=9001*****017" {
		t.Errorf("faults %q", shown.Faults)
	}
	if r := shown.Requests; len(r) != 3 || r[2].Reason != "param.data[0].person[0]: is refused by the fault refuse-iin" || r[2].Fault != "refuse-iin" {
		t.Errorf("requests %+v", r)
	}

	if code, body := call("PUT", "/sandbox/faults", ""); code != 200 || len(p.Faults()) != 0 {
		t.Errorf("%d %s", code, body)
	}
	send(second())
	code, body = call("GET", "/sandbox/rows", "")
	want := `{"bin":"010140000014","org_name":"Школа № 12","datetime":"2026-01-13T10:01:23+05:00","iin":"0501*****030","fio":"П*** П*** П***","note":"Корпус 1; вход"}` + "\n" +
		`{"bin":"010140000014","org_name":"Школа № 12","datetime":"2026-01-13T10:01:23+05:00","iin":"9001*****017","fio":"П*** П*** П***","note":"Корпус 2; выход"}` + "\n"
	if code != 200 || body != want {
		t.Errorf("%d %s", code, body)
	}
	if code, body := call("GET", "/sandbox/rows?last=1", ""); code != 200 || body != strings.SplitAfter(want, "\n")[1] {
		t.Errorf("%d %s", code, body)
	}
	for _, wrong := range []string{"0", "-1", "x", "10001"} {
		if code, _ := call("GET", "/sandbox/rows?last="+wrong, ""); code != 400 {
			t.Errorf("last=%s: %d", wrong, code)
		}
	}
	for _, wrong := range [][2]string{{"POST", "/sandbox/faults"}, {"GET", "/sandbox/"}, {"GET", "/sandbox/status/"}} {
		if code, _ := call(wrong[0], wrong[1], ""); code != 404 {
			t.Errorf("%v: %d", wrong, code)
		}
	}
	if code, _ := call("PUT", "/sandbox/faults", strings.Repeat("\n", maxFaultsText+1)); code != 400 {
		t.Errorf("too much text: %d", code)
	}
	if s := p.Stats(); s.Requests != 4 {
		t.Errorf("the control pages are counted as requests: %+v", s)
	}
}

// What the status page shows of each portal, and how people at this machine make the agent find something.
func TestControlOfThePortals(t *testing.T) {
	p := New(rehearsal())
	if err := p.AddDemoData(); err != nil {
		t.Fatal(err)
	}
	at := func(method, path string) (code int, shown status, text string) {
		t.Helper()
		req := call(t, method, "http://localhost"+path, "")
		resp := ask(p, req)
		text = read(t, resp)
		if resp.StatusCode == 200 {
			if err := json.Unmarshal([]byte(text), &shown); err != nil {
				t.Fatalf("%s: %v", text, err)
			}
		}
		return resp.StatusCode, shown, text
	}
	token := logIn(t, p)
	for _, req := range []*http.Request{
		call(t, "POST", "http://localhost"+ExamPath, examBase),
		call(t, "POST", "http://localhost"+ExamPath, replacing),
		call(t, "POST", "http://localhost"+SubjectsPath, personBase, authorization),
		call(t, "POST", "http://localhost"+SubjectsPath, legalBase, authorization),
		call(t, "POST", "http://localhost/api/status", statusBase, token),
	} {
		if status, body := p.answers(t, req); status > 299 {
			t.Errorf("%s: %d %s", req.URL, status, body)
		}
	}
	code, shown, text := at("GET", "/sandbox/status")
	if e := shown.Exam; code != 200 || e.Kept != 1 || len(e.Last) != 1 || e.Last[0] != (shownReport{1, 17, "2025-05-26", "2025-06-01", 0, 2}) {
		t.Errorf("exam %+v", e)
	}
	if s := shown.Subjects; s.Kept != 2 || !s.Last[0].Person || s.Last[1].Person || s.Last[0].ID != p.Subjects()[0].ID {
		t.Errorf("subjects %+v", s)
	}
	if c := shown.Checks; c.Kept != 3 || c.Last[0].State != "Processing" || c.Last[2].State != "Processed" {
		t.Errorf("checks %+v", c)
	}
	if a := shown.Applications; a.Kept != 4 || a.Last[0].OPF != "legalEntity" || strings.Join(a.Last[0].Statuses, ",") != "rejected" {
		t.Errorf("applications %+v", a)
	}
	for _, personal := range []string{"Проб", "1990", examHash, "+7", "не дозвонились", "7719283390"} {
		if strings.Contains(text, personal) {
			t.Errorf("%s is shown: %s", personal, text)
		}
	}

	if code, shown, text := at("PUT", "/sandbox/check?subject="+exampleID+"&type=Passport"); code != 200 || shown.Checks.Kept != 4 || shown.Checks.Last[0].Subject != exampleID {
		t.Errorf("%d %s", code, text)
	}
	if code, shown, text := at("PUT", "/sandbox/check?id="+p.Checks()[0].ID+"&state=Cancelled"); code != 200 || shown.Checks.Last[0].State != "Cancelled" {
		t.Errorf("%d %s", code, text)
	}
	if code, shown, text := at("PUT", "/sandbox/application?opf=entrepreneur"); code != 200 || shown.Applications.Kept != 5 {
		t.Errorf("%d %s", code, text)
	}
	for _, wrong := range []string{"/sandbox/check?subject=x", "/sandbox/check?id=x&state=Processed", "/sandbox/application?opf=x"} {
		if code, _, text := at("PUT", wrong); code != 400 {
			t.Errorf("%s: %d %s", wrong, code, text)
		}
	}
	for range 30 {
		at("PUT", "/sandbox/application")
		at("PUT", "/sandbox/check")
	}
	if _, shown, _ := at("GET", "/sandbox/status"); len(shown.Applications.Last) != shownLast || len(shown.Checks.Last) != shownLast || shown.Checks.Kept != 34 {
		t.Errorf("%d applications and %d checks are shown", len(shown.Applications.Last), len(shown.Checks.Last))
	}
	if code, _, _ := at("DELETE", "/sandbox/tokens"); code != 200 {
		t.Error(code)
	}
	if status, _ := p.answers(t, call(t, "GET", "http://localhost/api//?limit=1", "", token)); status != 401 {
		t.Errorf("the token is still good: %d", status)
	}
}

func TestControlIsForThisMachineOnly(t *testing.T) {
	for _, c := range []struct {
		peer, host string
		want       int
	}{
		{"127.0.0.1:5", "localhost:8480", 200},
		{"127.8.9.10:5", "127.0.0.1:8480", 200},
		{"[::1]:5", "[::1]:8480", 200},
		{"[::1]:5", "[::1]", 200},
		{"[::ffff:127.0.0.1]:5", "localhost", 200},
		{"192.168.1.5:5", "localhost:8480", 403},
		{"[fe80::1%eth0]:5", "localhost:8480", 403},
		{"", "localhost:8480", 403},
		{"127.0.0.1:5", "rebound.example:8480", 403}, // a name that somebody else points here
		{"127.0.0.1:5", "192.168.1.5:8480", 403},
		{"127.0.0.1:5", "", 403},
	} {
		r := httptest.NewRequestWithContext(t.Context(), "GET", "/sandbox/status", nil)
		r.RemoteAddr, r.Host = c.peer, c.host
		w := httptest.NewRecorder()
		New(Options{}).ServeHTTP(w, r)
		if w.Code != c.want {
			t.Errorf("from %q to %q: %d, want %d", c.peer, c.host, w.Code, c.want)
		}
	}
}
