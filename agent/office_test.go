//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/acs-agent/acs-agent/uplink/sandbox"
)

const (
	officeSubjects = 60
	officeRequests = 20
	officeKills    = 10
)

// TestNothingIsLostOrDoubledAtTheOtherPortalsWhateverHappens is the promise for the portals that forgive nothing: the agent is
// killed again and again while subjects, call-back requests and an exam report are on their way, and the portals fail meanwhile. In
// the end each subject is registered once, each request was confirmed and got its statuses in order, and there is one report.
func TestNothingIsLostOrDoubledAtTheOtherPortalsWhateverHappens(t *testing.T) {
	t.Parallel()
	s := newE2E(t)
	s.startPortal()
	s.writeOffice()
	s.startAgent()
	t.Cleanup(s.stopAgent)

	troubled, calm := context.WithCancel(t.Context())
	var trouble sync.WaitGroup
	trouble.Go(func() { s.killOften(troubled) })
	trouble.Go(func() { s.failOften(troubled) })
	for n := range officeRequests {
		if n%4 == 0 {
			s.dropTable(n/4, officeSubjects/(officeRequests/4))
		}
		if _, err := s.portal.AddApplication(sandbox.DemoApplication("person")); err != nil {
			t.Fatal(err)
		}
		if n == officeRequests/2 {
			s.untilDone("order the report", func() error { return s.tell("exam", "send", nil, nil) })
		}
		pause(t.Context(), 300*time.Millisecond)
	}
	for n := 1; n <= officeRequests; n++ {
		s.untilDone(fmt.Sprintf("tell what became of request %d", n), func() error {
			return s.tell("reception", fmt.Sprintf("requests/%d/status", n), map[string]string{"status": "rendered"}, nil)
		})
	}
	for s.killed() < officeKills {
		pause(t.Context(), 50*time.Millisecond)
	}
	calm()
	trouble.Wait()
	if err := s.portal.SetFaults(nil); err != nil {
		t.Fatal(err)
	}
	s.untilDone("the report is settled", s.settleReport)
	s.untilDone("all subjects are known", s.subjectsKnown)
	s.untilDone("all statuses are told", s.statusesTold)
	t.Logf("%d kills; the portal: %+v", s.killed(), s.portal.Stats())
	s.checkOffice()
	s.uncertainReport()
	s.requestAgain()
	s.checkOffice()
}

// uncertainReport has the answer to a report lost, and then the agent killed while it waits for one, which chance may have left out
// above. Neither is repeated before a person says so.
func (s *e2e) uncertainReport() {
	t := s.t
	t.Helper()
	const settled = 3 * time.Second // a request that is tried again is by then
	uncertain := func(when string, versions int) {
		t.Helper()
		var state string
		s.untilDone(when, func() (err error) {
			if state, err = s.weekState(); err == nil && state == "sending" {
				err = errors.New("the report is still on its way")
			}
			return err
		})
		pause(t.Context(), settled)
		if r := s.portal.Reports(); state != "uncertain" || len(r) != 1 || len(r[0].Versions) != versions {
			t.Fatalf("%s: the report is %s; the portal has %d, want one of %d versions: %+v", when, state, len(r), versions, r)
		}
	}
	before := len(s.portal.Reports()[0].Versions)
	s.set("cut-answer:portal=exam")
	s.write("roster.csv", strings.Replace(demoRoster(), ";3;1", ";3;2", 1))
	s.untilDone("a correction is sent", func() error {
		err := s.tell("exam", "correct", nil, nil)
		if s.portal.Faults()[0].Met > 0 {
			return nil
		}
		return fmt.Errorf("no request yet: %w", err)
	})
	uncertain("the answer is lost", before+1)

	s.set("hang:portal=exam")
	s.untilDone("the correction is ordered once more", func() error { return s.tell("exam", "resend", nil, nil) })
	s.untilDone("it is on its way", func() error {
		if s.portal.Faults()[0].Met == 0 {
			return errors.New("no request")
		}
		return nil
	})
	s.killOnce()
	s.set("")
	s.startAgent()
	uncertain("killed while the report is on its way", before+1)
	s.untilDone("a person has asked the portal's operator", func() error { return s.mark(s.portal.Reports()[0].ID) })
}

// requestAgain has the platform give out a request that was confirmed: it is the same request.
func (s *e2e) requestAgain() {
	s.t.Helper()
	if err := s.portal.OfferAgain(s.portal.Applications()[0].ID); err != nil {
		s.t.Fatal(err)
	}
	s.untilDone("it is confirmed once more", func() error {
		if !s.portal.Applications()[0].Committed {
			return errors.New("not yet")
		}
		return nil
	})
	s.untilDone("the requests are counted", func() error {
		var known struct {
			Requests []struct{} `json:"requests"`
		}
		err := s.ask("reception", http.MethodGet, "requests", nil, &known)
		if err == nil && len(known.Requests) != officeRequests {
			s.t.Errorf("the agent has %d requests, and %d were made", len(known.Requests), officeRequests)
		}
		return err
	})
}

func (s *e2e) weekState() (string, error) {
	var week struct {
		State string `json:"state"`
	}
	err := s.ask("exam", http.MethodGet, "week", nil, &week)
	return week.State, err
}

func (s *e2e) writeOffice() {
	portal, err := os.ReadFile(filepath.Join(s.dir, "config.yaml"))
	if err != nil {
		s.t.Fatal(err)
	}
	quick := strings.NewReplacer("retry_max: 2s", "retry_max: 1s, probe: 1s, requests_per_second: 40")
	s.write("config.yaml", `device: office
timezone: Asia/Almaty
data_dir: data
listen: off
readers: [{name: gate-4, type: simulator, cards: ["5500000001"], every: 1h}]
uplinks:
`+quick.Replace(demoUplinks(string(portal))))
	s.write("reestro.key", demoReestroKey)
	s.write("callback.password", demoPassword)
	s.write("roster.csv", demoRoster())
	if err := os.Mkdir(filepath.Join(s.dir, "inbox"), 0o700); err != nil {
		s.t.Fatal(err)
	}
}

// dropTable puts the n-th table of people into the inbox.
func (s *e2e) dropTable(n, people int) {
	var b strings.Builder
	b.WriteString("surname;name;birth_date;consent\n")
	for i := n * people; i < (n+1)*people; i++ {
		fmt.Fprintf(&b, "Пробная;Проба;%s;да\n", officeBirthday(i))
	}
	s.write(filepath.Join("inbox", fmt.Sprintf("table-%d.csv", n)), b.String())
}

// officeBirthday tells the people of the test apart: all have the same name.
func officeBirthday(n int) string {
	return time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, n).Format(time.DateOnly)
}

func (s *e2e) killOften(ctx context.Context) {
	for s.killed() < officeKills && ctx.Err() == nil {
		pause(ctx, 1500*time.Millisecond+rand.N(time.Second))
		s.killOnce()
		s.startAgent()
	}
}

func (s *e2e) killOnce() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.agent.Process.Signal(syscall.SIGKILL); err != nil {
		s.t.Error(err)
	}
	<-s.ended
	s.kills++
}

func (s *e2e) failOften(ctx context.Context) {
	faults := []string{
		"cut-answer", "cut-before", "500", "500:stored", "captive", "truncated", "hang:stored", "empty", "other-json", "429:retry-after=1", "wrong-type",
	}
	for i := 0; ctx.Err() == nil; i++ {
		f, err := sandbox.ParseFault(faults[i%len(faults)] + map[bool]string{true: ":next=1", false: ",next=1"}[!strings.Contains(faults[i%len(faults)], ":")])
		if err == nil {
			err = s.portal.SetFaults(sandbox.Faults{f})
		}
		if err != nil {
			s.t.Error(err)
			return
		}
		pause(ctx, 150*time.Millisecond)
		if err := s.portal.SetFaults(nil); err != nil {
			s.t.Error(err)
		}
		pause(ctx, 150*time.Millisecond)
	}
}

// tell gives an uplink a command.
func (s *e2e) tell(uplink, path string, body, into any) error {
	return s.ask(uplink, http.MethodPost, path, body, into)
}

func (s *e2e) ask(uplink, method, path string, body, into any) error {
	c, err := s.client()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return c.Command(ctx, uplink, method, path, nil, body, into)
}

// mark says that the portal has the report.
func (s *e2e) mark(id int64) error {
	c, err := s.client()
	if err != nil {
		return err
	}
	return c.Command(s.t.Context(), "exam", http.MethodPost, "mark-sent", url.Values{"id": {strconv.FormatInt(id, 10)}}, nil, nil)
}

// untilDone does something again and again, since the agent may be dead at any moment.
func (s *e2e) untilDone(what string, do func() error) {
	s.t.Helper()
	var err error
	for deadline := time.Now().Add(60 * time.Second); time.Now().Before(deadline); pause(s.t.Context(), 50*time.Millisecond) {
		if err = do(); err == nil {
			return
		}
	}
	s.t.Fatalf("%s: not within a minute: %v\n%s", what, err, s.log())
}

// settleReport does what a person does: if nobody knows whether the report arrived, the portal's operator is asked.
func (s *e2e) settleReport() error {
	state, err := s.weekState()
	if err != nil {
		return err
	}
	switch reports := s.portal.Reports(); {
	case state == "sent":
		return nil
	case state == "uncertain" && len(reports) > 0:
		_ = s.mark(reports[0].ID) // the next look tells
	case state == "uncertain":
		_ = s.tell("exam", "resend", nil, nil)
	case state == "ready", state == "draft":
		_ = s.tell("exam", "send", nil, nil) // an order that came while it was on its way
	}
	return fmt.Errorf("the report is %s", state)
}

func (s *e2e) subjectsKnown() error {
	var subjects []struct {
		State string `json:"state"`
	}
	if err := s.ask("vetting", http.MethodGet, "subjects", nil, &subjects); err != nil {
		return err
	}
	counts := make(map[string]int)
	for _, x := range subjects {
		counts[x.State]++
	}
	if counts["registered"]+counts["exists"] != officeSubjects || len(subjects) != officeSubjects {
		return fmt.Errorf("subjects by state: %v", counts)
	}
	return nil
}

func (s *e2e) statusesTold() error {
	for _, a := range s.portal.Applications() {
		if n := len(a.Statuses); !a.Committed || n == 0 || a.Statuses[n-1].Status != "rendered" {
			return fmt.Errorf("request %s: confirmed %v, statuses %v", a.ID, a.Committed, a.Statuses)
		}
	}
	return nil
}

func (s *e2e) checkOffice() {
	t := s.t
	if r := s.portal.Reports(); len(r) != 1 || len(r[0].Versions[0].Report.Requests) != 3 {
		t.Errorf("%d reports at the portal, want one with three exams", len(r))
	}
	born := make(map[string]int)
	for _, x := range s.portal.Subjects() {
		born[x.Person.BirthDate]++
	}
	for n := range officeSubjects {
		if got := born[officeBirthday(n)]; got != 1 {
			t.Errorf("subject %d is registered %d times", n, got)
		}
	}
	if len(born) != officeSubjects {
		t.Errorf("%d people are registered, want %d", len(born), officeSubjects)
	}
	applications := s.portal.Applications()
	if len(applications) != officeRequests {
		t.Errorf("%d requests", len(applications))
	}
	for _, a := range applications {
		rendered := false
		for i, status := range a.Statuses { // a lost answer is followed by the same status again, never by an earlier one
			rendered = rendered || status.Status == "rendered"
			if want := map[bool]string{false: "registered", true: "rendered"}[rendered]; status.Status != want || i == 0 && rendered {
				t.Errorf("request %s: statuses %v", a.ID, a.Statuses)
				break
			}
		}
	}
	if left, err := os.ReadDir(filepath.Join(s.dir, "inbox")); err != nil || len(left) > 0 {
		t.Logf("the inbox still holds %d files, %v", len(left), err)
	}
	if log := s.log(); strings.Contains(log, "Пробн") || strings.Contains(log, officeBirthday(3)) {
		t.Error("the log names people")
	}
}
