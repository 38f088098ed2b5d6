package reestro

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/acs-agent/acs-agent/agent/event"
	"github.com/acs-agent/acs-agent/agent/health"
	"github.com/acs-agent/acs-agent/uplink"
	"github.com/acs-agent/acs-agent/uplink/sandbox"
)

// someChecks puts n checks on the sandbox's list, a minute apart, the last of them now.
func someChecks(t *testing.T, p *sandbox.Portal, n int, state string) (all []sandbox.Check) {
	t.Helper()
	for i := range n {
		made, err := p.AddCheck(sandbox.Check{Created: time.Now().Add(time.Duration(i-n) * 10 * time.Minute), State: state, SubjectID: testOrg})
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, made)
	}
	return all
}

func (s *site) checks(t *testing.T) (all []Check) {
	t.Helper()
	if err := s.mirror.walk(func(c *Check) bool { all = append(all, *c); return true }); err != nil {
		t.Fatal(err)
	}
	return all
}

func (s *site) checkRequests() (n int) {
	for _, r := range s.portal.Requests() {
		if r.Portal == "checks" {
			n++
		}
	}
	return n
}

// whole says whether one poll has come to its end.
func (s *site) whole() bool {
	s.mirror.mu.Lock()
	defer s.mirror.mu.Unlock()
	return s.mirror.progress.Whole
}

func TestTheMirrorHoldsAllChecksNewestFirst(t *testing.T) {
	for _, n := range []int{0, 1, 29, 30, 31, 60, 95} {
		s := newSite(t)
		made := someChecks(t, s.portal, n, "Processed")
		s.Poll = settingsHour
		s.run(t, s.whole)
		got := s.checks(t)
		if len(got) != n {
			t.Errorf("%d checks are mirrored as %d", n, len(got))
		}
		for i, c := range got {
			want := made[n-1-i]
			if c.ID != want.ID || c.State != "Processed" || c.Type != "Fssp" || c.SubjectID != testOrg || !c.created().Equal(want.Created) {
				t.Errorf("check %d of %d is %+v, want %+v", i, n, c, want)
			}
		}
		if pages := s.checkRequests(); pages != n/30+1 && pages != n/30+2 {
			t.Errorf("%d checks took %d requests", n, pages)
		}
		if len(s.checkEvents()) != 0 {
			t.Errorf("the first filling tells %v", s.checkEvents())
		}
	}
}

func TestAPollStopsAtWhatIsKnown(t *testing.T) {
	s := newSite(t)
	someChecks(t, s.portal, 90, "Processed")
	s.Poll = settingsHour
	s.run(t, s.whole)
	before := s.checkRequests()
	c, err := s.portal.AddCheck(sandbox.Check{State: "Processed"})
	if err != nil {
		t.Fatal(err)
	}
	again := s.reborn(t, s.store)
	again.Poll = settingsHour
	again.run(t, func() bool { return len(again.checks(t)) == 91 })
	if n := s.checkRequests() - before; n != 1 {
		t.Errorf("%d requests for one new check", n)
	}
	want := fmt.Sprintf(`{"event":"check","check_id":%q,"type":"Fssp","old":"","new":"Processed"}`, c.ID)
	if got := again.checkEvents(); !slices.Equal(got, []string{want}) {
		t.Errorf("told %v, want %s", got, want)
	}
}

func TestAFillingThatWasInterruptedIsDoneAgainToTheEnd(t *testing.T) {
	s := newSite(t)
	made := someChecks(t, s.portal, 90, "Processed")
	p := &poller{reestro: s.reestro, voices: &voices{part: s.say}}
	for range 2 { // of four
		if v, finished := p.step(t.Context()); v.outcome != done || finished {
			t.Fatalf("%+v %v", v, finished)
		}
	}
	again := s.reborn(t, s.store.Clone())
	again.Poll = settingsHour
	again.run(t, again.whole)
	if got := again.checks(t); len(got) != len(made) {
		t.Errorf("%d checks, want %d", len(got), len(made))
	}
}

func TestAChangeOfStateIsToldWhereverTheCheckStands(t *testing.T) {
	s := newSite(t)
	made := someChecks(t, s.portal, 100, "Processed")
	old, middle, recent := made[3], made[50], made[98]
	for _, c := range []sandbox.Check{old, middle, recent} {
		if err := s.portal.SetCheckState(c.ID, "Processing"); err != nil {
			t.Fatal(err)
		}
	}
	s.run(t, s.whole)
	for _, c := range []sandbox.Check{old, middle, recent} {
		if err := s.portal.SetCheckState(c.ID, "SomethingNew"); err != nil {
			t.Fatal(err)
		}
	}
	s.run(t, func() bool { return len(s.checkEvents()) == 3 })
	for _, c := range []sandbox.Check{old, middle, recent} {
		if err := s.portal.SetCheckState(c.ID, "Failed"); err != nil {
			t.Fatal(err)
		}
	}
	s.run(t, func() bool { return len(s.checkEvents()) == 6 })
	for _, c := range []sandbox.Check{old, middle, recent} {
		for _, change := range []string{`"old":"Processing","new":"SomethingNew"`, `"old":"SomethingNew","new":"Failed"`} {
			if !slices.Contains(s.checkEvents(), fmt.Sprintf(`{"event":"check","check_id":%q,"type":"Fssp",%s}`, c.ID, change)) {
				t.Errorf("%s of a check is not told: %v", change, s.checkEvents())
			}
		}
	}
	if _, open, _ := s.mirror.counts(); open != 0 {
		t.Errorf("%d checks are still looked at", open)
	}
	s.wantPrivate(t)
}

// book is a portal of checks that does what the test wants.
type book struct {
	mu    sync.Mutex
	items []map[string]any // newest first
	asked []url.Values
	// page, if not nil, answers instead.
	page func(q url.Values, n int) (status int, body string)
	// between is called after each answer.
	between func(n int)
}

func (b *book) add(n int) {
	item := map[string]any{
		"checkId": fmt.Sprintf("00000000-0000-0000-0000-%012d", n), "checkType": "Fssp", "checkState": "Processed",
		"creationDate": time.Date(2026, 11, 1, 0, n, 0, 12345000, time.UTC).Format("2006-01-02T15:04:05.000000Z"),
		"fssp":         map[string]any{"subjectId": testOrg, "regions": []string{"01", "77"}},
	}
	b.items = append([]map[string]any{item}, b.items...)
}

func (b *book) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	defer b.mu.Unlock()
	q := r.URL.Query()
	b.asked = append(b.asked, q)
	n := len(b.asked)
	w.Header().Set("Content-Type", "application/json")
	if b.page != nil {
		status, body := b.page(q, n)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	} else {
		items := b.items
		for i, item := range items {
			if item["checkId"] == q.Get("afterCheckId") {
				items = items[i+1:]
				break
			}
		}
		items = items[:min(30, len(items))]
		answer := map[string]any{"items": items}
		if len(items) > 0 {
			answer["lastCheckId"] = items[len(items)-1]["checkId"]
		} else {
			answer["items"] = []any{}
		}
		_ = json.NewEncoder(w).Encode(answer)
	}
	if b.between != nil {
		b.between(n)
	}
}

func (b *book) requests() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.asked)
}

func newBookSite(t *testing.T, b *book) *site {
	t.Helper()
	s := siteWith(t, b.ServeHTTP)
	s.Poll = settingsHour
	return s
}

func TestAFullLastPageIsFollowedByAnEmptyOne(t *testing.T) {
	b := &book{}
	for n := range 60 {
		b.add(n)
	}
	s := newBookSite(t, b)
	s.run(t, s.whole)
	if len(s.checks(t)) != 60 || b.requests() != 3 {
		t.Errorf("%d checks in %d requests, want 60 in 3", len(s.checks(t)), b.requests())
	}
	for i, q := range b.asked {
		if q.Get("count") != "30" || q.Has("afterCheckId") != (i > 0) || len(q) > 2 {
			t.Errorf("request %d is %v", i+1, q)
		}
	}
	if key := b.asked[1].Get("afterCheckId"); key != "00000000-0000-0000-0000-000000000030" {
		t.Errorf("the second page begins behind %s", key)
	}
}

func TestChecksThatArriveWhilePagingAreNotLost(t *testing.T) {
	b := &book{}
	for n := range 90 {
		b.add(n)
	}
	b.between = func(n int) {
		if n <= 4 {
			b.add(100 + n)
		}
	}
	s := newBookSite(t, b)
	s.run(t, s.whole)
	again := s.reborn(t, s.store)
	again.Poll = settingsHour
	again.run(t, func() bool { return len(again.checks(t)) == 94 })
	again.wantPrivate(t)
}

// oneCheck is an item as the document has it.
func oneCheck(id int, more string) string {
	return fmt.Sprintf(`{"checkId":"00000000-0000-0000-0000-%012d","corelationId":"c","creationDate":"2011-01-01T15:03:01.012345Z","checkType":"Fssp","checkState":"Processing"%s}`, id, more)
}

func TestStrangePages(t *testing.T) {
	for name, c := range map[string]struct {
		page    func(q url.Values, n int) (int, string)
		checks  int
		oddity  string
		problem string
	}{
		"repeated cursor": {func(_ url.Values, n int) (int, string) {
			return 200, fmt.Sprintf(`{"items":[%s],"lastCheckId":"00000000-0000-0000-0000-000000000001"}`, oneCheck(n, ""))
		}, 2, "again and again", ""},
		"cursor that comes back": {func(_ url.Values, n int) (int, string) {
			return 200, fmt.Sprintf(`{"items":[%s],"lastCheckId":"c%d"}`, oneCheck(n, ""), n%3)
		}, 4, "again and again", ""},
		"no cursor although there are checks": {func(url.Values, int) (int, string) {
			return 200, `{"items":[` + oneCheck(1, "") + `]}`
		}, 1, "", ""},
		"cursor although there are none": {func(url.Values, int) (int, string) {
			return 200, `{"items":[],"lastCheckId":"00000000-0000-0000-0000-000000000001"}`
		}, 0, "", ""},
		"cursor of null": {func(url.Values, int) (int, string) { return 200, `{"items":[],"lastCheckId":null}` }, 0, "", ""},
		"no items":       {func(url.Values, int) (int, string) { return 200, `{"status":"ok"}` }, 0, "", "not the portal's"},
		"the document's own slip": {func(url.Values, int) (int, string) {
			return 200, `{"items":[` + oneCheck(1, "") + `],"lastCheckId":"x"]`
		}, 0, "", "not the portal's"},
		"both spellings": {func(url.Values, int) (int, string) {
			return 200, `{"items":[` + oneCheck(1, `,"correlationId":"d"`) + `]}`
		}, 1, "", ""},
		"check without id": {func(url.Values, int) (int, string) {
			return 200, `{"items":[{"checkType":"Fssp"},{"checkId":"a b"},17,{"checkId":"` + strings.Repeat("a", 300) + `"},` + oneCheck(1, "") + `]}`
		}, 1, "4 checks without", ""},
		"members of other kinds": {func(url.Values, int) (int, string) {
			return 200, `{"items":[` + oneCheck(1, `,"externalId":17,"fssp":null,"other":[1],"passport":{"subjectId":5}`) + `]}`
		}, 1, "", ""},
		"date of no form": {func(url.Values, int) (int, string) {
			return 200, `{"items":[{"checkId":"c","creationDate":"soon","checkType":"Fssp","checkState":"Processed"}]}`
		}, 1, "", ""},
		"same check twice": {func(url.Values, int) (int, string) {
			return 200, `{"items":[` + oneCheck(1, "") + `,` + oneCheck(1, "") + `]}`
		}, 1, "", ""},
		"WrongFieldValue": {func(url.Values, int) (int, string) { return 400, documented("WrongFieldValue") }, 0, "", "WrongFieldValue"},
		"wrong key":       {func(url.Values, int) (int, string) { return 401, "" }, 0, "", "api_key_file"},
		"wrong org":       {func(url.Values, int) (int, string) { return 403, "" }, 0, "", "org_id"},
		"server error":    {func(url.Values, int) (int, string) { return 500, "" }, 0, "", "500"},
		"redirect":        {func(url.Values, int) (int, string) { return 302, "" }, 0, "", "elsewhere"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newBookSite(t, &book{page: c.page})
			s.run(t, func() bool { return s.whole() || s.say.Report().Problem != "" })
			r := s.say.Report()
			if got := s.checks(t); len(got) != c.checks || !strings.Contains(r.LastOddity, c.oddity) || (c.oddity == "") != (r.Oddities == 0) {
				t.Errorf("%d checks and oddity %q; want %d and %q", len(got), r.LastOddity, c.checks, c.oddity)
			}
			if !strings.Contains(r.Problem, c.problem) || (c.problem == "") != (r.Problem == "") {
				t.Errorf("problem %q, want %q", r.Problem, c.problem)
			}
			s.wantPrivate(t)
		})
	}
}

func TestAPageThatIsTooLongIsTakenInParts(t *testing.T) {
	b := &book{}
	for n := range 40 {
		b.add(n)
		b.items[0]["fssp"].(map[string]any)["details"] = strings.Repeat("x", 5000)
	}
	s := newBookSite(t, b)
	s.run(t, s.whole)
	if got := s.checks(t); len(got) != 40 {
		t.Errorf("%d checks of 40", len(got))
	}
	_ = s.store.Each("", func(key string, value []byte) bool {
		if strings.Contains(string(value), "xxx") {
			t.Errorf("%s holds what a check has found", key)
		}
		return true
	})
}

func TestACursorThatThePortalForgotBeginsThePollAnew(t *testing.T) {
	b := &book{}
	for n := range 40 {
		b.add(n)
	}
	b.page = func(_ url.Values, n int) (int, string) {
		if n == 2 {
			b.page = nil
			return 400, documented("WrongFieldValue")
		}
		text, _ := json.Marshal(map[string]any{"items": b.items[:30], "lastCheckId": b.items[29]["checkId"]})
		return 200, string(text)
	}
	s := newBookSite(t, b)
	s.run(t, s.whole)
	if got := s.checks(t); len(got) != 40 || b.asked[2].Has("afterCheckId") {
		t.Errorf("%d checks, third request %v", len(got), b.asked[2])
	}
}

func TestAPollIsPatientAndGoesOnAtTheSamePage(t *testing.T) {
	for _, fault := range []sandbox.Fault{
		{Kind: sandbox.Captive},
		{Kind: sandbox.CutAnswer},
		{Kind: sandbox.Truncated},
		{Kind: sandbox.WrongType},
		{Kind: sandbox.OtherJSON},
		{Kind: sandbox.Empty},
		{Kind: sandbox.Endless},
		{Kind: sandbox.Status, Status: 429},
		{Kind: sandbox.Status, Status: 401},
	} {
		s := newSite(t)
		someChecks(t, s.portal, 65, "Processed")
		s.Poll = settingsHour
		fault.Next, fault.Portal = 2, "checks"
		setFaults(t, s.portal, fault)
		s.run(t, s.whole)
		if got := s.checks(t); len(got) != 65 || s.say.State() != health.Up {
			t.Errorf("%s: %d checks, %+v", fault.Kind, len(got), s.say.Report())
		}
	}
}

func TestTheIDOfASubjectThatExistsIsFoundInItsChecks(t *testing.T) {
	s := newSite(t)
	s.Poll = settingsHour
	setFaults(t, s.portal, sandbox.Fault{Kind: sandbox.CutAnswer, Portal: "subjects", Next: 1})
	s.add(t, anna)
	s.run(t, func() bool { return s.subject(t, 1).State == exists && s.whole() })
	external := s.subject(t, 1).ExternalID
	id := s.portal.Subjects()[0].ID
	for _, c := range []sandbox.Check{{SubjectID: testOrg}, {SubjectID: testOrg, ExternalID: "other"}, {ExternalID: external}} {
		if _, err := s.portal.AddCheck(c); err != nil {
			t.Fatal(err)
		}
	}
	requests := s.checkRequests()
	s.run(t, func() bool { return s.checkRequests() >= requests+2 })
	if got := s.subject(t, 1); got.State != exists {
		t.Errorf("it is %s with the id %s of another", got.State, got.SubjectID)
	}
	if _, err := s.portal.AddCheck(sandbox.Check{SubjectID: id, ExternalID: external}); err != nil {
		t.Fatal(err)
	}
	s.run(t, s.in(t, 1, registered))
	if got := s.subject(t, 1); got.SubjectID != id {
		t.Errorf("the id is %s, want %s", got.SubjectID, id)
	}

	// Two ids under one external id: a person has to tell.
	if _, err := s.subjects.move(1, func(x *subject) error { x.State, x.SubjectID = exists, ""; return nil }); err != nil {
		t.Fatal(err)
	}
	if _, err := s.portal.AddCheck(sandbox.Check{SubjectID: testOrg, ExternalID: external}); err != nil {
		t.Fatal(err)
	}
	s.run(t, func() bool { return strings.Contains(s.say.Report().LastOddity, "several subjects") })
	if got := s.subject(t, 1); got.State != exists {
		t.Errorf("it is %s with one of two ids", got.State)
	}
	if len(s.portal.Subjects()) != 1 {
		t.Error("it was registered twice")
	}
	s.wantPrivate(t)
}

func TestWindowsLieASecondFurtherOut(t *testing.T) {
	s := newBookSite(t, &book{})
	at := time.Date(2026, 11, 1, 10, 0, 5, 700e6, time.UTC)
	var all []Check
	for _, d := range []time.Duration{0, 30 * time.Second, time.Hour} {
		all = append(all, Check{ID: fmt.Sprintf("c%d", d), Created: at.Add(d).Format(time.RFC3339Nano), State: "Processing"})
	}
	all = append(all, Check{ID: "undated", State: "Processing", SubjectID: testOrg})
	if _, _, err := s.mirror.keep(all); err != nil {
		t.Fatal(err)
	}
	p := &poller{reestro: s.reestro, oldest: at.Add(24 * time.Hour)}
	walks, err := p.windows()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, w := range walks {
		got = append(got, w.query.Encode())
	}
	want := []string{
		"subjectId=" + testOrg,
		"from=2026-11-01T10%3A00%3A04Z&to=2026-11-01T10%3A00%3A37Z",
		"from=2026-11-01T11%3A00%3A04Z&to=2026-11-01T11%3A00%3A07Z",
	}
	if !slices.Equal(got, want) {
		t.Errorf("windows %v\nwant %v", got, want)
	}
}

func TestManyOpenChecksAreLookedAtInTurn(t *testing.T) {
	s := newBookSite(t, &book{})
	var all []Check
	for i := range 3*maxWindows + 5 {
		all = append(all, Check{ID: fmt.Sprintf("c%d", i), Created: time.Date(2026, 10, 1, i, 0, 0, 0, time.UTC).Format(time.RFC3339), State: "Processing"})
	}
	if _, _, err := s.mirror.keep(all); err != nil {
		t.Fatal(err)
	}
	p := &poller{reestro: s.reestro}
	seen := map[string]bool{}
	for range 4 {
		walks, err := p.windows()
		if err != nil || len(walks) > maxWindows {
			t.Fatalf("%d windows, %v", len(walks), err)
		}
		for _, w := range walks {
			seen[w.query.Get("from")] = true
		}
	}
	if len(seen) != len(all) {
		t.Errorf("%d of %d checks were looked at", len(seen), len(all))
	}
}

func FuzzReadPage(f *testing.F) {
	f.Add(`{"items":[` + oneCheck(1, `,"fssp":{"subjectId":"`+testOrg+`"}`) + `],"lastCheckId":"x"}`)
	f.Add(`{"items":[]}`)
	f.Add(documented("WrongFieldValue"))
	f.Add(`{"lastCheckId":"x","items":[{"checkId":"a"},{"checkId":`)
	f.Fuzz(func(t *testing.T, text string) {
		for _, status := range []int{200, 201, 400, 500} {
			a := &uplink.Answer{Status: status, MediaType: "application/json", Body: []byte(text)}
			p, v := readPage(a)
			if status != 200 && v.outcome == done {
				t.Errorf("%d is a page", status)
			}
			for _, c := range p.checks {
				if c.ID == "" || len(checkKey(&c)) > event.MaxKey {
					t.Errorf("key of %d bytes", len(checkKey(&c)))
				}
			}
			for _, c := range v.codes {
				if word(c) != c {
					t.Errorf("code %q", c)
				}
			}
		}
		whole([]byte(text))
	})
}
