package reestro

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/acs-agent/acs-agent/agent/health"
	"github.com/acs-agent/acs-agent/uplink/sandbox"
	"github.com/acs-agent/acs-agent/uplink/uplinktest"
)

func TestSubjectsAreRegisteredOnce(t *testing.T) {
	s := newSite(t)
	numbers := s.add(t, anna, boris, Fields{OGRN: "1037700013020"}, anna)
	if !slices.Equal(numbers, []uint32{1, 2, 3, 1}) {
		t.Fatalf("numbers %v", numbers)
	}
	s.run(t, s.settled)
	kept := s.portal.Subjects()
	if len(kept) != 3 {
		t.Fatalf("the portal has %d subjects, want 3", len(kept))
	}
	for i, k := range kept {
		got := s.subject(t, uint32(i+1))
		if got.State != registered || got.SubjectID != k.ID || got.ExternalID != k.ExternalID {
			t.Errorf("subject %d is %s %s %s, the portal has %s %s", i+1, got.State, got.SubjectID, got.ExternalID, k.ID, k.ExternalID)
		}
		if !regexp.MustCompile(`^[0-9a-f]{32}$`).MatchString(k.ExternalID) {
			t.Errorf("external id %q", k.ExternalID)
		}
	}
	want := sandbox.Person{Name: "Анна", Surname: "Пробная", Patronymic: "Пробовна", BirthDate: "1996-12-11", INN: "500100732259", SNILS: "112-233-445 95"}
	if *kept[0].Person != want || kept[1].Person.BirthDate != "1990-01-05" || kept[2].Organization.OGRN != "1037700013020" {
		t.Errorf("the portal has %+v", kept)
	}
	s.wantPrivate(t)
}

func TestTheRequestIsTheDocuments(t *testing.T) {
	var mu sync.Mutex
	var seen []string
	s := siteWith(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		seen = append(seen, fmt.Sprintf("%s %s %q %q %s", r.Method, r.URL.RequestURI(), r.Header["Authorization"], r.Header["Content-Type"], body))
		mu.Unlock()
		w.WriteHeader(http.StatusInternalServerError)
	})
	s.SubjectsPath = "/subjects?resolveInn=true"
	s.add(t, anna)
	posts := func() (all []string) {
		mu.Lock()
		defer mu.Unlock()
		for _, r := range seen {
			if strings.HasPrefix(r, "POST") {
				all = append(all, r)
			}
		}
		return all
	}
	s.run(t, func() bool { return len(posts()) >= 3 })
	want := fmt.Sprintf(`POST /v1/subjects?resolveInn=true ["ReestroAuth apiKey=%s&portal.orgid=%s"] ["application/json"] {"externalId":"%s",`+
		`"person":{"name":"Анна","surname":"Пробная","patronymic":"Пробовна","birthDate":"1996-12-11","inn":"500100732259","snils":"112-233-445 95"}}`,
		testKey, testOrg, s.subject(t, 1).ExternalID)
	for i, got := range posts() {
		if got != want {
			t.Errorf("request %d\n%s\nwant\n%s", i+1, got, want)
		}
	}
	s.wantPrivate(t)
}

// documented is an error of the portal.
func documented(code string) string {
	return `{"code":"validation","message":"Failed to validate request","target":"api","errors":[{"code":"` + code +
		`","message":"Пробная, 112-233-445 95 (11223344595), 500100732259: unfit","target":"AssessmentApi"}]}`
}

func TestAnswersAndWhatTheyLeadTo(t *testing.T) {
	const id = "df1a5d92-7ec5-436c-be37-fc831f1715e3"
	for name, c := range map[string]struct {
		status    int
		mediaType string
		body      string
		want      state
		health    health.State
		problem   string
		codes     []string
		code      health.Code
	}{
		"registered": {
			201, "Application/json; charset=utf-8", `{"subjectId":"` + id + `","externalId":"EXTERNAL","person":{"dateBirth":"1996-12-11"},"new":[1]}`,
			registered, health.Up, "", nil, "",
		},
		"another's subject":   {201, "application/json", `{"subjectId":"` + id + `","externalId":"another"}`, sending, health.Down, "not the portal's", nil, health.PortalStrange},
		"no id":               {201, "application/json", `{"externalId":"EXTERNAL"}`, sending, health.Down, "not the portal's", nil, health.PortalStrange},
		"id of another form":  {201, "application/json", `{"subjectId":"17","externalId":"EXTERNAL"}`, sending, health.Down, "not the portal's", nil, health.PortalStrange},
		"login page":          {200, "text/html", "<html>Wi-Fi</html>", sending, health.Down, "login page", nil, health.PortalStrange},
		"page with 201":       {201, "text/html", `{"subjectId":"` + id + `"}`, sending, health.Down, "not the portal's", nil, health.PortalStrange},
		"right, but 200":      {200, "application/json", `{"subjectId":"` + id + `","externalId":"EXTERNAL"}`, sending, health.Down, "not the portal's", nil, health.PortalStrange},
		"nothing":             {204, "", "", sending, health.Down, "not the portal's", nil, health.PortalStrange},
		"absent field":        {400, "application/json", documented("AbsenceOfRequiredField"), refused, health.Up, "", []string{"AbsenceOfRequiredField"}, ""},
		"wrong value":         {400, "application/json", documented("WrongFieldValue"), refused, health.Up, "", []string{"WrongFieldValue"}, ""},
		"wrong snils":         {400, "application/json", documented("WrongSnils"), refused, health.Up, "", []string{"WrongSnils"}, ""},
		"wrong inn":           {400, "application/json", documented("WrongInn"), refused, health.Up, "", []string{"WrongInn"}, ""},
		"dissolved":           {400, "application/json", documented("DissolvedOrganization"), refused, health.Up, "", []string{"DissolvedOrganization"}, ""},
		"not found":           {400, "application/json", documented("WrongOrganization"), refused, health.Up, "", []string{"WrongOrganization"}, ""},
		"unknown code":        {400, "application/json", documented("NewInTheNextVersion"), refused, health.Up, "", []string{"NewInTheNextVersion"}, ""},
		"code of no form":     {400, "application/json", documented("Пробная 500100732259"), refused, health.Up, "", nil, ""},
		"no nested errors":    {400, "application/json", `{"code":"validation","message":"unfit"}`, refused, health.Up, "", []string{"validation"}, ""},
		"nested deeper":       {422, "application/json", `{"code":"a","errors":[{"code":"b","errors":[{"code":"WrongInn"},{"code":"WrongSnils"}]}]}`, refused, health.Up, "", []string{"WrongInn", "WrongSnils"}, ""},
		"errors by field":     {400, "application/json", `{"code":"validation","message":3,"errors":{"inn":["unfit"]}}`, refused, health.Up, "", []string{"validation"}, ""},
		"duplicate":           {400, "application/json", documented("DuplicatedExternalId"), exists, health.Up, "", nil, ""},
		"duplicate as 409":    {409, "application/json", documented("duplicatedExternalID"), exists, health.Up, "", nil, ""},
		"400 of a proxy":      {400, "text/html", "<html>", sending, health.Down, "not the portal's", nil, health.PortalStrange},
		"400 without errors":  {400, "application/json", "{}", sending, health.Down, "not the portal's", nil, health.PortalStrange},
		"wrong key":           {401, "", "", sending, health.Stopped, "api_key_file", nil, health.KeyRefused},
		"wrong organization":  {403, "", "", sending, health.Stopped, "org_id", nil, health.KeyRefused},
		"wrong path":          {404, "text/html", "<html>", sending, health.Stopped, "url", nil, health.WrongAddress},
		"wrong method":        {405, "", "", sending, health.Stopped, "url", nil, health.WrongAddress},
		"wrong content type":  {415, "", "", sending, health.Stopped, "application/json", nil, health.WrongAddress},
		"too fast":            {429, "", "", sending, health.Down, "429", nil, health.PortalBusy},
		"too slow":            {408, "", "", sending, health.Down, "408", nil, health.PortalBusy},
		"redirect":            {307, "", "", sending, health.Stopped, "elsewhere", nil, health.WrongAddress},
		"internal error":      {500, "text/html", "<html>", sending, health.Down, "500", nil, health.PortalBusy},
		"service unavailable": {503, "application/json", documented("WrongInn"), sending, health.Down, "503", nil, health.PortalBusy},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var mu sync.Mutex
			tries := map[string]int{}
			s := siteWith(t, func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodGet {
					w.Header().Set("Content-Type", "application/json")
					_, _ = io.WriteString(w, `{"items":[]}`)
					return
				}
				text, _ := io.ReadAll(r.Body)
				external := regexp.MustCompile(`"externalId":"(\w+)"`).FindStringSubmatch(string(text))[1]
				mu.Lock()
				tries[external]++
				mu.Unlock()
				if c.mediaType != "" {
					w.Header().Set("Content-Type", c.mediaType)
				}
				w.Header().Set("Location", "https://elsewhere.invalid")
				w.WriteHeader(c.status)
				_, _ = io.WriteString(w, strings.Replace(c.body, "EXTERNAL", external, 1))
			})
			s.add(t, anna)
			s.run(t, func() bool {
				mu.Lock()
				n := len(tries)
				mu.Unlock()
				return n > 0 && s.subject(t, 1).State == c.want && s.say.State() == c.health
			})
			got, r := s.subject(t, 1), s.say.Report()
			if !slices.Equal(got.Codes, c.codes) || !strings.Contains(r.Problem, c.problem) || (c.problem == "") != (r.Problem == "") {
				t.Errorf("codes %v, health %s %q; want %v and %q", got.Codes, r.State, r.Problem, c.codes, c.problem)
			}
			if r.Code != string(c.code) {
				t.Errorf("code %q, want %q", r.Code, c.code)
			}
			if (got.State == registered) != (got.SubjectID == id) {
				t.Errorf("subject id %q in state %s", got.SubjectID, got.State)
			}
			if len(tries) != 1 {
				t.Errorf("%d external ids were used", len(tries))
			}
			for _, secret := range texts() {
				if strings.Contains(got.Reason, secret) {
					t.Errorf("the reason repeats %q: %s", secret, got.Reason)
				}
			}
			s.wantPrivate(t)
		})
	}
}

func TestTroubleOnTheWayRegistersNobodyTwice(t *testing.T) {
	for name, c := range map[string]struct {
		fault sandbox.Fault
		want  state
	}{
		"cut before":            {sandbox.Fault{Kind: sandbox.CutBefore}, registered},
		"cut in the body":       {sandbox.Fault{Kind: sandbox.CutBody}, registered},
		"cut after":             {sandbox.Fault{Kind: sandbox.CutAnswer}, exists},
		"cut in the answer":     {sandbox.Fault{Kind: sandbox.Truncated}, exists},
		"answer of wrong type":  {sandbox.Fault{Kind: sandbox.WrongType}, exists},
		"login page":            {sandbox.Fault{Kind: sandbox.Captive}, registered},
		"empty answer":          {sandbox.Fault{Kind: sandbox.Empty}, exists},
		"other JSON":            {sandbox.Fault{Kind: sandbox.OtherJSON}, exists},
		"endless answer":        {sandbox.Fault{Kind: sandbox.Endless}, exists},
		"500":                   {sandbox.Fault{Kind: sandbox.Status, Status: 500}, registered},
		"500 that has stored":   {sandbox.Fault{Kind: sandbox.Status, Status: 500, Stored: true}, exists},
		"503":                   {sandbox.Fault{Kind: sandbox.Status, Status: 503}, registered},
		"401":                   {sandbox.Fault{Kind: sandbox.Status, Status: 401}, registered},
		"403":                   {sandbox.Fault{Kind: sandbox.Status, Status: 403}, registered},
		"415":                   {sandbox.Fault{Kind: sandbox.Status, Status: 415}, registered},
		"redirect":              {sandbox.Fault{Kind: sandbox.Status, Status: 302}, registered},
		"gateway that gave up":  {sandbox.Fault{Kind: sandbox.Status, Status: 504, Stored: true}, exists},
		"two answers were lost": {sandbox.Fault{Kind: sandbox.CutAnswer, Next: 2}, exists},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			c.fault.Portal, c.fault.Next = "subjects", max(1, c.fault.Next)
			setFaults(t, s.portal, c.fault)
			s.add(t, anna)
			s.run(t, s.settled)
			got := s.subject(t, 1)
			if got.State != c.want || len(s.portal.Subjects()) != 1 {
				t.Errorf("state %s with %d subjects at the portal; want %s with one", got.State, len(s.portal.Subjects()), c.want)
			}
			if got.ExternalID != s.portal.Subjects()[0].ExternalID {
				t.Error("the external id was changed")
			}
			s.wantPrivate(t)
		})
	}
}

func TestAWrongClockIsNamedAndNothingIsLost(t *testing.T) {
	for _, fault := range []sandbox.Kind{sandbox.TLSNotYetValid, sandbox.TLSExpired, sandbox.TLSOtherHost} {
		p, text := portal(t, true)
		s := siteFor(t, p, text, &uplinktest.Store{})
		setFaults(t, p, sandbox.Fault{Kind: fault})
		s.add(t, anna)
		s.run(t, func() bool { return s.say.State() == health.Down && s.subject(t, 1).State == sending })
		r, code := s.say.Report(), health.ClockWrong
		if fault == sandbox.TLSOtherHost {
			code = health.TLS
		}
		if r.Code != string(code) || code == health.ClockWrong && !strings.Contains(r.Problem, "clock") {
			t.Errorf("%s: %s (%s)", fault, r.Problem, r.Code)
		}
		if n := len(s.subjects.doubtful); n != 0 {
			t.Errorf("%s: nothing was sent, and yet the portal may have it", fault)
		}
		setFaults(t, p)
		s.run(t, s.settled)
		if got := s.subject(t, 1); got.State != registered || len(p.Subjects()) != 1 {
			t.Errorf("%s: then %s, the portal has %d", fault, got.State, len(p.Subjects()))
		}
		s.wantPrivate(t)
	}
}

func TestARestartInAnyStateRegistersNobodyTwice(t *testing.T) {
	for _, fault := range []sandbox.Kind{"", sandbox.CutAnswer, sandbox.CutBefore} {
		t.Run(string(fault), func(t *testing.T) {
			s := newSite(t)
			if fault != "" {
				setFaults(t, s.portal, sandbox.Fault{Kind: fault, Next: 2, Portal: "subjects"})
			}
			s.add(t, anna, boris, vera)
			stores := s.runStepwise(t)
			if len(stores) < 6 {
				t.Fatalf("only %d steps", len(stores))
			}
			before := len(s.portal.Subjects())
			for i, store := range stores {
				n := s.reborn(t, store)
				n.run(t, n.settled)
				if got := len(s.portal.Subjects()); got != before {
					t.Fatalf("after a restart at step %d the portal has %d subjects, want %d", i, got, before)
				}
				for number := range uint32(3) {
					if got := n.subject(t, number+1); got.State != registered && got.State != exists {
						t.Errorf("step %d: subject %d is %s", i, number+1, got.State)
					}
				}
				n.wantPrivate(t)
			}
		})
	}
}

// runStepwise does the clerk's work by hand and gives the records before each step and as they were during each request.
func (s *site) runStepwise(t *testing.T) (stores []*uplinktest.Store) {
	t.Helper()
	v := &voices{part: s.say}
	r := &registrar{reestro: s.reestro, voices: v}
	for !s.settled() {
		stores = append(stores, s.store.Clone())
		next, err := s.subjects.next()
		if err != nil {
			t.Fatal(err)
		}
		stores = append(stores, s.store.Clone())
		verdict, id := r.send(context.Background(), next)
		stores = append(stores, s.store.Clone())
		r.decide(context.Background(), next, verdict, id)
	}
	return append(stores, s.store.Clone())
}

func TestTheIDThatThePortalGaveIsNotLostWhenTheDiskIsFull(t *testing.T) {
	s := newSite(t)
	s.add(t, anna)
	var mu sync.Mutex
	writes := 0
	s.store.Fail = func() error {
		mu.Lock()
		defer mu.Unlock()
		if writes++; len(s.portal.Subjects()) > 0 && writes < 5 {
			return io.ErrShortWrite
		}
		return nil
	}
	s.run(t, s.in(t, 1, registered))
	if s.posts() != 1 {
		t.Errorf("%d requests", s.posts())
	}
}

func TestNothingIsSentBeforeItIsOnDisk(t *testing.T) {
	s := newSite(t)
	s.add(t, anna)
	s.store.Fail = func() error { return io.ErrShortWrite }
	s.run(t, func() bool { return s.say.State() == health.Down })
	if n := s.posts(); n != 0 {
		t.Errorf("%d requests although nothing could be written", n)
	}
	s.store.Fail = nil
	s.run(t, s.in(t, 1, registered))
}

func TestASubjectThatThePortalCannotDecideOnLetsOthersPass(t *testing.T) {
	s := siteWith(t, func(w http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		if strings.Contains(string(text), "Анна") {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusCreated)
		_, _ = io.WriteString(w, `{"subjectId":"df1a5d92-7ec5-436c-be37-fc831f1715e3"}`)
	})
	s.add(t, anna, boris)
	s.run(t, s.in(t, 2, registered))
	if got := s.subject(t, 1); got.State != sending {
		t.Errorf("the first is %s", got.State)
	}
}

func TestManyRefusalsInARowAreThePortalsFault(t *testing.T) {
	s := siteWith(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if r.Method == http.MethodGet {
			_, _ = io.WriteString(w, `{"items":[]}`)
			return
		}
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, documented("AbsenceOfRequiredField"))
	})
	for i := range tooManyRefusals + 5 {
		f := boris
		f.BirthDate = time.Date(1970, 1, 1+i, 0, 0, 0, 0, time.UTC).Format(time.DateOnly)
		s.add(t, f)
	}
	s.run(t, func() bool { return s.say.State() == health.Stopped })
	if counts, _ := s.subjects.count(); counts[refused] != tooManyRefusals {
		t.Errorf("%v", counts)
	}
	s.wantPrivate(t)
}

func TestARefusedSubjectIsSentAgainAfterItWasMended(t *testing.T) {
	var mu sync.Mutex
	code, ids := "", map[string]bool{}
	s := siteWith(t, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		text, _ := io.ReadAll(r.Body)
		w.Header().Set("Content-Type", "application/json")
		if r.Method == http.MethodGet {
			_, _ = io.WriteString(w, `{"items":[]}`)
			return
		}
		if found := regexp.MustCompile(`"externalId":"(\w+)"`).FindStringSubmatch(string(text)); found != nil {
			ids[found[1]] = true
		}
		if code == "cut" {
			w.WriteHeader(http.StatusBadGateway)
			code = "WrongFieldValue"
			return
		}
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, documented(code))
	})
	set := func(c string) {
		mu.Lock()
		defer mu.Unlock()
		code, ids = c, map[string]bool{}
	}
	mend := func() string {
		before := s.subject(t, 1).ExternalID
		got, err := s.subjects.again(1, func(s *subject) (*subject, error) { c := *s; return &c, nil })
		if err != nil {
			t.Fatal(err)
		}
		if got.ExternalID == before {
			return "same"
		}
		return "new"
	}
	set("WrongFieldValue")
	s.add(t, anna)
	for _, c := range []struct{ code, was, want string }{
		{"WrongFieldValue", "refused for its data", "new"},
		{"WrongInn", "refused for its data", "new"},
		{"SomethingElse", "refused for a reason that nobody knows", "same"},
		{"cut", "an answer was lost before it was refused", "same"},
		{"WrongFieldValue", "and refused once more", "same"},
	} {
		set(c.code)
		s.run(t, s.settled)
		if len(ids) != 1 {
			t.Errorf("%s: %d external ids were sent", c.was, len(ids))
		}
		if got := mend(); got != c.want {
			t.Errorf("%s (%s): the external id is %s, want %s", c.was, c.code, got, c.want)
		}
	}
	set("DuplicatedExternalId")
	s.run(t, s.in(t, 1, exists))
	if _, err := s.subjects.again(1, func(s *subject) (*subject, error) { return s, nil }); err == nil {
		t.Error("what exists can be sent again")
	}
}
