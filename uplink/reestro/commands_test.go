package reestro

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/acs-agent/acs-agent/uplink"
	"github.com/acs-agent/acs-agent/uplink/sandbox"
	"github.com/acs-agent/acs-agent/uplink/uplinktest"
)

// command gives a command and reads the answer into into, unless that is nil.
func (s *site) command(t *testing.T, method, path, body string, into any) (status int, text string) {
	t.Helper()
	w := httptest.NewRecorder()
	s.Commands().ServeHTTP(w, httptest.NewRequest(method, path, strings.NewReader(body)))
	if into != nil {
		if err := json.Unmarshal(w.Body.Bytes(), into); err != nil {
			t.Fatalf("%s %s: %v: %s", method, path, err, w.Body)
		}
	}
	return w.Code, w.Body.String()
}

func TestSubjectsByCommand(t *testing.T) {
	s := newSite(t)
	body, _ := json.Marshal(anna)
	var got ReceiptView
	if status, text := s.command(t, "POST", "/subjects", string(body), &got); status != 201 || got != (ReceiptView{Number: 1, State: string(fresh)}) {
		t.Fatalf("%d %s", status, text)
	}
	if status, _ := s.command(t, "POST", "/subjects", strings.Replace(string(body), "Анна", " АННА ", 1), &got); status != 200 || !got.Known || got.Number != 1 {
		t.Errorf("again: %d %+v", status, got)
	}
	s.command(t, "POST", "/subjects", `{"ogrn":"1027700132195"}`, nil)

	// The command was given while nothing ran; it is found later.
	again := s.reborn(t, s.store.Clone())
	again.run(t, again.settled)
	var all []SubjectView
	again.command(t, "GET", "/subjects", "", &all)
	if len(all) != 2 || all[0].State != string(registered) || all[0].SubjectID != s.portal.Subjects()[0].ID ||
		all[1].State != string(refused) || len(all[1].Codes) != 1 || all[1].Codes[0] != codeDissolved || all[1].Reason == "" {
		t.Errorf("%+v", all)
	}
	for _, path := range []string{"/subjects", "/subjects/1", "/subjects/2"} {
		_, text := again.command(t, "GET", path, "", nil)
		for _, secret := range texts() {
			if strings.Contains(text, secret) {
				t.Errorf("%s shows %q: %s", path, secret, text)
			}
		}
	}
	var one SubjectView
	again.command(t, "GET", "/subjects/1?reveal", "", &one)
	if one.Name != "Пробная Анна Пробовна" || one.INN != anna.INN || one.SNILS != anna.SNILS || one.BirthDate != anna.BirthDate {
		t.Errorf("revealed is %+v", one)
	}
	again.command(t, "GET", "/subjects?state=refused&state=exists&limit=1", "", &all)
	if len(all) != 1 || all[0].Number != 2 {
		t.Errorf("refused are %+v", all)
	}
	again.command(t, "GET", "/subjects?state=sending", "", &all)
	if len(all) != 0 {
		t.Errorf("sending are %+v", all)
	}

	// Mended with one field; the rest stays.
	if status, text := again.command(t, "POST", "/subjects/2/retry", `{"ogrn":"1037700013020"}`, &one); status != 200 || one.State != string(fresh) {
		t.Fatalf("%d %s", status, text)
	}
	again.run(t, again.in(t, 2, registered))
	var counts StatusView
	again.command(t, "GET", "/status", "", &counts)
	if counts.Subjects[string(registered)] != 2 || counts.Subjects[string(refused)] != 0 {
		t.Errorf("%+v", counts)
	}
	again.wantPrivate(t)
}

func TestTheIDOfASubjectThatExistsIsTold(t *testing.T) {
	s := newSite(t)
	setFaults(t, s.portal, sandbox.Fault{Kind: sandbox.CutAnswer, Portal: "subjects", Next: 1})
	s.add(t, anna)
	s.run(t, s.in(t, 1, exists))
	id := s.portal.Subjects()[0].ID
	var one SubjectView
	if status, text := s.command(t, "POST", "/subjects/1/resolve?subject_id="+id, "", &one); status != 200 || one.State != string(registered) || one.SubjectID != id {
		t.Errorf("%d %s", status, text)
	}
	again := s.reborn(t, s.store.Clone())
	if got := again.subject(t, 1); got.SubjectID != id {
		t.Errorf("after a restart the id is %q", got.SubjectID)
	}
}

func TestWhatCannotBeDoneIsSaid(t *testing.T) {
	s := newSite(t)
	setFaults(t, s.portal, sandbox.Fault{Kind: sandbox.CutAnswer, Portal: "subjects", Next: 1})
	s.add(t, anna, boris, firm)
	s.run(t, s.settled)
	s.add(t, vera) // waits
	for _, c := range []struct {
		method, path, body string
		status             int
		want               string
	}{
		{"POST", "/subjects", `{"surname":"Пробная"}`, 422, "name is empty"},
		{"POST", "/subjects", `{"surname":"Пробная","фамилия":1}`, 400, "not understood"},
		{"POST", "/subjects", `["Пробная"]`, 400, "not understood"},
		{"POST", "/subjects", ``, 422, "neither"},
		{"GET", "/subjects?state=gone", "", 400, "no state"},
		{"GET", "/subjects?limit=-1", "", 400, "limit"},
		{"GET", "/subjects/99", "", 404, "no subject"},
		{"GET", "/subjects/0", "", 404, "no subject"},
		{"GET", "/subjects/x", "", 404, "no subject"},
		{"POST", "/subjects/1/retry", "", 409, "resolve"},
		{"POST", "/subjects/2/retry", "", 409, "is registered"},
		{"POST", "/subjects/4/retry", "", 409, "waiting"},
		{"POST", "/subjects/3/retry", `{"ogrn":"1027700132196"}`, 422, "control digit"},
		{"POST", "/subjects/99/retry", "", 404, "no subject"},
		{"POST", "/subjects/2/resolve?subject_id=" + testKey, "", 409, "this one is registered"},
		{"POST", "/subjects/1/resolve?subject_id=17", "", 400, "of the form"},
		{"POST", "/subjects/1/resolve", "", 400, "of the form"},
		{"POST", "/subjects/99/resolve?subject_id=" + testKey, "", 404, "no subject"},
		{"GET", "/checks?from=yesterday", "", 400, "want a day"},
		{"GET", "/checks?state=%D0%9F", "", 400, "no type or state"},
		{"GET", "/checks?subject=17", "", 400, "the portal's id"},
		{"GET", "/checks?external-id=a%20b", "", 400, "an id has"},
		{"GET", "/checks?limit=many", "", 400, "limit"},
	} {
		var answer struct{ Error string }
		status, text := s.command(t, c.method, c.path, c.body, &answer)
		if status != c.status || !strings.Contains(answer.Error, c.want) {
			t.Errorf("%s %s: %d %s, want %d and %q", c.method, c.path, status, text, c.status, c.want)
		}
		for _, secret := range append(texts(), "фамилия") {
			if strings.Contains(text, secret) {
				t.Errorf("%s %s repeats %q: %s", c.method, c.path, secret, text)
			}
		}
	}
	if _, text := s.command(t, "POST", "/subjects/3/retry", `{"ogrn":"1037700013020"}`, nil); strings.Contains(text, "error") {
		t.Error(text)
	}
	s.wantPrivate(t)
}

func TestChecksAreChosenTheSameWayHereAndLive(t *testing.T) {
	s := newSite(t)
	day := time.Date(2026, 11, 10, 0, 0, 0, 0, almaty)
	for i, c := range []sandbox.Check{
		{Created: day.Add(-time.Microsecond)},
		{Created: day, Type: "Passport", ExternalID: "abc"},
		{Created: day.Add(time.Hour), State: "Processed", CorrelationID: "group_1"},
		{Created: day.Add(24*time.Hour - time.Microsecond), State: "Failed", SubjectID: testOrg},
		{Created: day.Add(24 * time.Hour), Type: "Bankruptcy"},
	} {
		c.ID = fmt.Sprintf("00000000-0000-0000-0000-%012d", i)
		if _, err := s.portal.AddCheck(c); err != nil {
			t.Fatal(err)
		}
	}
	s.Poll = settingsHour
	s.run(t, s.whole)
	for query, want := range map[string]string{
		"":                                 "43210",
		"limit=2":                          "43",
		"type=Passport":                    "1",
		"type=Passport&type=Bankruptcy":    "41",
		"state=Processed":                  "2",
		"state=Processed&state=Failed":     "32",
		"from=2026-11-10":                  "4321",
		"to=2026-11-10":                    "3210",
		"from=2026-11-10&to=2026-11-10":    "321",
		"from=2026-11-10T01:00:00%2B05:00": "432",
		"to=2026-11-10T01:00:00%2B05:00":   "10",
		"subject=" + testOrg:               "3",
		"external-id=abc":                  "1",
		"correlation-id=group_1":           "2",
		"correlation-id=group_2":           "",
	} {
		for _, live := range []string{"", "&live"} {
			all := []Check{}
			s.command(t, "GET", "/checks?"+query+live, "", &all)
			got := ""
			for _, c := range all {
				got += c.ID[len(c.ID)-1:]
			}
			if got != want {
				t.Errorf("%s%s chooses %q, want %q", query, live, got, want)
			}
		}
	}
	setFaults(t, s.portal, sandbox.Fault{Kind: sandbox.Status, Status: 401})
	var answer struct{ Error string }
	if status, _ := s.command(t, "GET", "/checks?live", "", &answer); status != http.StatusBadGateway || !strings.Contains(answer.Error, "401") {
		t.Errorf("%d %q", status, answer.Error)
	}
}

func TestLiveReadsAllPages(t *testing.T) {
	s := newSite(t)
	someChecks(t, s.portal, 95, "Processed")
	var all []Check
	s.command(t, "GET", "/checks?live&limit=0", "", &all)
	if len(all) != 95 {
		t.Errorf("%d checks", len(all))
	}
	s.command(t, "GET", "/checks?live&limit=31", "", &all)
	if len(all) != 31 {
		t.Errorf("%d checks", len(all))
	}
}

func TestSettings(t *testing.T) {
	const right = "api_key: k\norg_id: o\n"
	for text, want := range map[string]string{
		right:                                "",
		right + "final_states: [Done]":       "",
		"org_id: o":                          "api_key_file",
		"api_key: k":                         "org_id",
		"api_key: a&b\norg_id: o":            "api_key_file",
		"api_key: k\norg_id: 'a b'":          "org_id",
		right + "poll: 1s":                   "poll",
		right + "poll: 2d":                   "poll",
		right + "inbox_wait: 0s":             "inbox_wait",
		right + "subjects_path: subjects":    "subjects_path",
		right + "checks_path: /checks#x":     "checks_path",
		right + "final_states: ['a b']":      "final_states",
		right + "url: http://example.org/v1": "url",
		right + "probe: 0s":                  "probe",
		right + "paths: {}":                  "paths",
	} {
		_, err := New(uplink.Env{Pace: uplink.NewPace()}, uplinktest.Section(t, text))
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}
