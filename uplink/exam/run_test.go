package exam

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/acs-agent/acs-agent/agent/event"
	"github.com/acs-agent/acs-agent/agent/health"
	"github.com/acs-agent/acs-agent/uplink"
	"github.com/acs-agent/acs-agent/uplink/sandbox"
	"github.com/acs-agent/acs-agent/uplink/uplinktest"
)

func TestTheReportGoesOutAtItsTime(t *testing.T) {
	at(t, "2026-11-16 08:00:00", func(t *testing.T) {
		s := newSite(t, plainSettings, sandbox.ExamOptions{})
		s.start()
		s.roster(anna + ",18.11.2026,1,,\n" + boris + ",2026-11-18,2,,55007EE424\n" + vera + ",2026-11-19,3,,\n")
		s.until("2026-11-18 09:00:00")
		s.shows(anna)
		s.holds(0x55, 0x00, 0x7E, 0xE4, 0x24)
		s.until("2026-11-22 12:00:00")
		s.roster(anna + ",18.11.2026,1,1,\n" + boris + ",2026-11-18,2,2,55007EE424\n" + vera + ",2026-11-19,3,,\n")
		s.until("2026-11-22 23:59:00")
		s.wantState("2026-W47", Running)
		s.until("2026-11-23 00:00:01")
		s.wantState("2026-W47", Ready)
		s.until("2026-11-23 09:59:59")
		s.wantSent(0)
		s.until("2026-11-23 10:00:01")
		s.wantSent(1)
		s.wantReports("1 2026-11-16 anna:18:1:1 boris:18:2:2")
		rec := s.wantState("2026-W47", Sent)
		if rec.ReportID != 1 || len(rec.History) != 1 || rec.History[0].Body != rec.Tried || rec.History[0].By != byTime {
			t.Errorf("record %+v", rec)
		}
		const want = `{"examinationAreaId":17,"periodStartDate":"2026-11-16","periodEndDate":"2026-11-22","noExamInSelectedPeriod":false,` +
			`"examinationAreaDoesNotWork":false,"patentNearestStartDate":"2026-12-05","noPatentExamType":false,"noTemporaryResidenceExamType":true,` +
			`"residencePermitNearestStartDate":"2026-12-19","noResidencePermitExamType":false,"requests":[{"identityDocumentNumber":"`
		if !strings.HasPrefix(s.sent()[0], want) {
			t.Errorf("body %s", s.sent()[0])
		}
		if body, err := s.frozen(rec.Week, rec.Kept); err != nil || string(body) != s.sent()[0] {
			t.Errorf("frozen %s, %v", body, err)
		}
		s.wantHealth(health.Up, "")
		if len(s.heard()) != 2 || s.heard()[0].State != Ready || s.heard()[1] != (Event{rec.Week, Sent, 2, 0}) {
			t.Errorf("told %+v", s.heard())
		}
		s.until("2026-11-29 12:00:00")
		s.wantSent(1)
	})
}

// Results are waited for: the report does not go out without them, and none is made up (E15).
func TestAMissingResultIsWaitedFor(t *testing.T) {
	at(t, "2026-11-18 09:00:00", func(t *testing.T) {
		s := newSite(t, plainSettings, sandbox.ExamOptions{})
		s.roster(anna + ",2026-11-18,1,,\n")
		s.start()
		s.shows(anna)
		s.until("2026-11-23 12:00:00")
		s.wantState("2026-W47", Draft)
		s.wantSent(0)
		s.wantHealth(health.Stopped, "no-result 1")
		s.wantCode(health.WaitsForPerson)
		s.until("2026-11-24 12:00:00")
		s.roster(anna + ",2026-11-18,1,1,\n")
		s.until("2026-11-24 12:01:30")
		s.wantSent(0) // somebody may still be typing
		s.until("2026-11-24 12:05:00")
		s.wantReports("1 2026-11-16 anna:18:1:1")
	})
}

func TestAWeekWithoutExamsAndAClosedSite(t *testing.T) {
	at(t, "2026-11-18 09:00:00", func(t *testing.T) {
		s := newSite(t, plainSettings, sandbox.ExamOptions{})
		s.start()
		s.holds(1, 2, 3, 4) // the caretaker
		s.until("2026-11-23 10:00:01")
		s.wantReports("1 2026-11-16 none")
		s.halt()
		s.make("area_id: 17\nclosed: true")
		s.start()
		s.until("2026-11-30 10:00:01")
		s.wantReports("1 2026-11-16 none", "2 2026-11-23 none closed")
		if strings.Contains(s.sent()[1], "Nearest") || strings.Contains(s.sent()[1], "ExamType") || strings.Contains(s.sent()[1], "requests") {
			t.Errorf("a closed site says %s", s.sent()[1]) // E4
		}
	})
}

// A site that has closed still reports the exams that it had (E14).
func TestAClosedSiteReportsItsLastExams(t *testing.T) {
	at(t, "2026-11-18 09:00:00", func(t *testing.T) {
		s := newSite(t, plainSettings+"closed: true", sandbox.ExamOptions{})
		s.roster(anna + ",2026-11-18,1,1,\n")
		s.start()
		s.shows(anna)
		s.until("2026-11-23 10:00:01")
		s.wantReports("1 2026-11-16 anna:18:1:1 closed")
	})
}

// What changes later replaces the report, under the number that the portal gave last (E10), and takes nothing else along.
func TestCorrections(t *testing.T) {
	at(t, "2026-11-18 09:00:00", func(t *testing.T) {
		s := newSite(t, plainSettings, sandbox.ExamOptions{Renumber: true})
		s.roster(anna + ",2026-11-18,1,1,\n")
		s.start()
		s.shows(anna)
		s.shows(boris)
		s.until("2026-11-24 10:00:00")
		s.wantReports("1 2026-11-16 anna:18:1:1")
		s.halt()
		s.make(strings.Replace(plainSettings, "2026-12-05", "2026-12-12", 1)) // the next exam is another one by now
		s.start()
		s.until("2026-11-25 10:00:00")
		s.wantSent(1)
		s.roster(anna + ",2026-11-18,1,2,\n" + boris + ",2026-11-18,1,1,\n")
		s.until("2026-11-25 10:10:00")
		s.wantReports("2 2026-11-16 anna:18:1:2 boris:18:1:1")
		if !strings.Contains(s.sent()[1], `"reportId":1,`) || !strings.Contains(s.sent()[1], "2026-12-05") {
			t.Errorf("correction %s", s.sent()[1])
		}
		s.order("/correct?week=2026-W47")
		s.until("2026-11-25 10:20:00")
		if !strings.Contains(s.sent()[2], `"reportId":2,`) || !strings.Contains(s.sent()[2], "2026-12-12") {
			t.Errorf("correction by hand %s", s.sent()[2])
		}
		if rec := s.wantState("2026-W47", Sent); rec.ReportID != 3 || len(rec.History) != 3 {
			t.Errorf("record %+v", rec)
		}
	})
}

func TestCorrectionsByHand(t *testing.T) {
	at(t, "2026-11-18 09:00:00", func(t *testing.T) {
		s := newSite(t, plainSettings+"send: by hand\ncorrections: by hand", sandbox.ExamOptions{})
		s.roster(anna + ",2026-11-18,1,1,\n")
		s.start()
		s.shows(anna)
		s.until("2026-11-24 10:00:00")
		s.wantSent(0)
		s.wantHealth(health.Stopped, "exam send 2026-W47")
		s.wantCode(health.WaitsForPerson)
		s.wantRefused("/correct?week=2026-W47", http.StatusConflict, "not sent yet")
		s.order("/send?week=2026-11-20")
		s.until("2026-11-24 10:01:00")
		s.wantReports("1 2026-11-16 anna:18:1:1")
		s.wantHealth(health.Up, "")
		s.roster(anna + ",2026-11-18,1,2,\n")
		s.until("2026-11-24 11:00:00")
		s.wantSent(1)
		s.wantHealth(health.Stopped, "exam correct 2026-W47")
		s.wantCode(health.WaitsForPerson)
		if !s.preview("2026-W47").Changed {
			t.Error("the preview does not say that it has changed")
		}
		s.wantRefused("/send?week=2026-W47", http.StatusConflict, "use correct")
		s.order("/correct?week=2026-W47")
		s.until("2026-11-24 11:01:00")
		s.wantReports("1 2026-11-16 anna:18:1:2")
	})
}

// People who keep one roster for each week take the old rows away: that is neither a correction nor a week without exams.
func TestTheRosterMovesOn(t *testing.T) {
	at(t, "2026-11-18 09:00:00", func(t *testing.T) {
		s := newSite(t, plainSettings, sandbox.ExamOptions{})
		s.roster(anna + ",2026-11-18,1,1,\n")
		s.start()
		s.shows(anna)
		s.until("2026-11-23 10:00:01")
		s.roster(boris + ",2026-11-25,1,1,\n")
		s.until("2026-11-25 10:00:00")
		s.shows(boris)
		s.wantSent(1)
		s.wantHealth(health.Up, "")
		s.until("2026-11-29 10:00:00")
		s.roster("") // too early: this week is not reported yet
		s.until("2026-12-01 10:00:00")
		s.wantSent(1)
		s.wantState("2026-W48", Draft)
		s.wantHealth(health.Stopped, "roster-emptied")
		s.wantCode(health.WaitsForPerson)
		s.wantRefused("/send?week=2026-W48", http.StatusConflict, "--empty")
		s.roster(boris + ",2026-11-25,1,1,\n")
		s.until("2026-12-01 10:10:00")
		s.wantReports("1 2026-11-16 anna:18:1:1", "2 2026-11-23 boris:25:1:1")
	})
}

// A lost answer leaves it to a person what happens (E9), however long that takes.
func TestALostAnswer(t *testing.T) {
	for _, c := range []struct {
		name    string
		happens mishap
	}{
		{"the request arrived", lostAnswer},
		{"the request did not arrive", lostRequest},
		{"a gateway gave up", status(504)},
		{"a page of somebody else", status(200)},
	} {
		t.Run(c.name, func(t *testing.T) {
			at(t, "2026-11-18 09:00:00", func(t *testing.T) {
				s := newSite(t, plainSettings, sandbox.ExamOptions{})
				s.roster(anna + ",2026-11-18,1,1,\n")
				s.start()
				s.shows(anna)
				s.next(c.happens)
				s.until("2026-11-29 12:00:00")
				s.wantSent(1)
				s.wantState("2026-W47", Uncertain)
				s.wantHealth(health.Stopped, "mark-sent 2026-W47 ID")
				s.wantCode(health.Uncertain)
				s.halt()
				s.make(plainSettings)
				s.start()
				s.roster(anna + ",2026-11-18,1,2,\n") // not even a change sends it again
				s.until("2026-11-29 18:00:00")
				s.wantSent(1)
				s.wantRefused("/send?week=2026-W47", http.StatusConflict, "resend or mark-sent")
				s.wantRefused("/mark-sent?week=2026-W47", http.StatusBadRequest, "number")
				if last := s.heard()[len(s.heard())-1]; last.State != Uncertain {
					t.Errorf("told %+v", s.heard())
				}
				if len(s.portal.Reports()) == 1 {
					s.order("/mark-sent?week=2026-W47&id=1")
				} else {
					s.order("/resend?week=2026-W47")
				}
				s.until("2026-11-29 18:10:00")
				s.wantState("2026-W47", Sent)
				s.wantReports("1 2026-11-16 anna:18:1:2")
				s.wantSent(2)
				s.wantRefused("/resend?week=2026-W47", http.StatusConflict, "not uncertain")
				s.wantRefused("/mark-sent?week=2026-W47&id=1", http.StatusConflict, "not uncertain")
			})
		})
	}
}

// What certainly did not arrive is tried again by itself.
func TestWhatDidNotArriveIsTriedAgain(t *testing.T) {
	at(t, "2026-11-18 09:00:00", func(t *testing.T) {
		s := newSite(t, plainSettings, sandbox.ExamOptions{})
		s.roster(anna + ",2026-11-18,1,1,\n")
		s.start()
		s.shows(anna)
		s.next(refusedConnection, status(429), status(408))
		s.next(refusedConnection)
		s.until("2026-11-23 10:00:00")
		s.wantState("2026-W47", Ready)
		s.wantHealth(health.Down, "connection refused")
		s.wantCode(health.Refused)
		s.until("2026-11-23 10:30:00")
		s.wantSent(5)
		s.wantReports("1 2026-11-16 anna:18:1:1")
		s.wantHealth(health.Up, "")
	})
}

// Whoever the portal does not know has to ask its operator; nothing is lost meanwhile (E1).
func TestThePortalWantsToKnowWhoWeAre(t *testing.T) {
	at(t, "2026-11-18 09:00:00", func(t *testing.T) {
		s := newSite(t, plainSettings, sandbox.ExamOptions{})
		s.start()
		for range 4 {
			s.next(status(401), status(403), status(404), status(302))
		}
		s.until("2026-11-23 11:00:00")
		s.wantState("2026-W47", Ready)
		s.wantHealth(health.Stopped, "the portal answered")
		if n := len(s.sent()); n > 5 {
			t.Errorf("%d requests in an hour", n)
		}
		s.until("2026-11-23 15:00:00")
		s.wantReports("1 2026-11-16 none")
	})
}

// The portal's complaint is shown to people, and what is mended goes out by itself. The conditions are not changed silently (E2).
func TestARejectedReport(t *testing.T) {
	at(t, "2026-11-18 09:00:00", func(t *testing.T) {
		text := strings.NewReplacer("patent: {nearest: 2026-12-05}", "patent: {none: true}", "{none: true}", "{nearest: 2026-12-05}").Replace(plainSettings)
		s := newSite(t, text, sandbox.ExamOptions{Literal: true})
		s.start()
		s.until("2026-11-23 12:00:00")
		s.wantSent(1)
		rec := s.wantState("2026-W47", Rejected)
		if !strings.Contains(rec.Reason, "400") || !strings.Contains(strings.ToLower(rec.Reason), "neareststartdate") {
			t.Errorf("reason %q", rec.Reason)
		}
		s.wantHealth(health.Stopped, "refused")
		s.wantCode(health.PortalRefused)
		s.until("2026-11-25 12:00:00")
		s.wantSent(1)
		s.halt()
		s.make(text + "conditions: literal")
		s.start()
		s.until("2026-11-25 12:01:00")
		s.wantReports("1 2026-11-16 none")
		s.wantState("2026-W47", Sent)
	})
}

// A tape is a Store that remembers what was on disk after each change, and which requests there had been by then.
type tape struct {
	*uplinktest.Store
	site *site
	cuts []cut
}

type cut struct {
	store  *uplinktest.Store
	bodies []string
	when   time.Time
}

func (p *tape) Apply(ctx context.Context, changes ...uplink.Change) error {
	err := p.Store.Apply(ctx, changes...)
	p.cuts = append(p.cuts, cut{p.Clone(), p.site.sent(), time.Now()})
	return err
}

// The machine can lose its power after every write. Whatever it finds then, the portal gets each version of the report once: what
// was on its way is uncertain, and everything else goes on as if nothing had happened.
func TestPowerCuts(t *testing.T) {
	const first, later = anna + ",2026-11-18,1,1,\n", anna + ",2026-11-18,1,2,\n"
	rows := func(now time.Time) string {
		if now.Before(moment(t, "2026-11-24 09:00:00")) {
			return first
		}
		return later
	}
	var cuts []cut
	at(t, "2026-11-18 09:00:00", func(t *testing.T) {
		s := newSite(t, plainSettings, sandbox.ExamOptions{})
		recorder := &tape{Store: s.store, site: s}
		s.exam.store = recorder
		s.roster(first)
		s.start()
		s.shows(anna)
		s.next(func(deliver func() *uplink.Answer) (*uplink.Answer, error) {
			a := deliver()
			// The answer is lost with the power.
			recorder.cuts = append(recorder.cuts, cut{s.store.Clone(), s.sent(), time.Now()})
			return a, nil
		})
		s.until("2026-11-24 09:00:00")
		s.roster(later)
		s.until("2026-11-24 12:00:00")
		s.wantReports("1 2026-11-16 anna:18:1:2")
		cuts = recorder.cuts
	})
	if len(cuts) < 10 {
		t.Fatalf("only %d writes", len(cuts))
	}
	uncertain := 0
	for i, c := range cuts {
		at(t, c.when.Add(time.Minute).In(almaty).Format("2006-01-02 15:04:05"), func(t *testing.T) {
			s := newSite(t, plainSettings, sandbox.ExamOptions{})
			for _, body := range c.bodies { // what the portal has by then
				s.deliver([]byte(body))
			}
			s.store = c.store
			s.make(plainSettings)
			if c.when.Before(moment(t, "2026-11-18 09:01:00")) { // the journal gives the pass again unless it was settled
				s.shownAt(anna, moment(t, "2026-11-18 09:00:00"))
			}
			s.roster(rows(time.Now().Add(-time.Minute)))
			s.start()
			s.until("2026-11-25 12:00:00")
			rec, err := s.recordOf(week(t, "2026-W47"))
			if err != nil {
				t.Fatal(err)
			}
			switch n := len(c.bodies) + len(s.sent()); {
			case rec.State == Uncertain:
				uncertain++
				if len(s.sent()) != 0 {
					t.Errorf("cut %d: an uncertain report was sent again", i)
				}
			case rec.State != Sent || n > 2 || len(s.portal.Reports()) != 1:
				t.Errorf("cut %d of %v: %s, %d requests, %d reports: %s", i, c.when.In(almaty), rec.State, n, len(s.portal.Reports()), rec.Reason)
			}
		})
	}
	if uncertain < 2 || uncertain > 4 {
		t.Errorf("%d of %d cuts leave the report uncertain", uncertain, len(cuts))
	}
}

// The disk is full at every moment in turn; what the portal has said is not forgotten, and nothing is sent that is not on disk.
func TestAFullDisk(t *testing.T) {
	at(t, "2026-11-18 09:00:00", func(t *testing.T) {
		s := newSite(t, plainSettings, sandbox.ExamOptions{})
		s.roster(anna + ",2026-11-18,1,1,\n")
		failures := 0
		s.store.Fail = func() error {
			if failures++; failures%4 == 0 || failures%7 < 3 {
				return errors.New("no space left on device")
			}
			return nil
		}
		s.next(func(deliver func() *uplink.Answer) (*uplink.Answer, error) {
			failures = 7000 // the answer meets a full disk
			return deliver(), nil
		})
		s.start()
		s.shows(anna)
		s.until("2026-11-23 12:00:00")
		s.wantSent(1)
		s.wantState("2026-W47", Sent)
		s.wantReports("1 2026-11-16 anna:18:1:1")
	})
}

// An order that is given while no agent runs is done when it runs.
func TestAnOrderWaitsForTheAgent(t *testing.T) {
	at(t, "2026-11-18 09:00:00", func(t *testing.T) {
		s := newSite(t, plainSettings+"send: by hand", sandbox.ExamOptions{})
		s.roster(anna + ",2026-11-18,1,1,\n" + boris + ",2026-11-18,1,,\n")
		s.start()
		s.shows(anna)
		s.shows(boris)
		s.wantRefused("/send?week=this", http.StatusConflict, "not over")
		s.until("2026-11-24 10:00:00")
		s.halt()
		s.order("/send?week=last")
		s.until("2026-11-24 11:00:00")
		s.wantSent(0)
		if p := s.preview("last"); p.Ordered != "send" || p.Running {
			t.Errorf("preview %+v", p.WeekStatus)
		}
		s.make(plainSettings + "send: by hand")
		s.start()
		s.until("2026-11-24 11:01:00")
		s.wantReports("1 2026-11-16 anna:18:1:1")
		s.roster(anna + ",2026-11-18,1,1,\n" + boris + ",2026-11-18,1,2,\n")
		s.until("2026-11-24 12:00:00")
		s.wantReports("1 2026-11-16 anna:18:1:1 boris:18:1:2")
	})
}

// With a clock that was never set there are no weeks; passes without a day are held.
func TestWithoutAClock(t *testing.T) {
	at(t, "2000-01-01 08:00:00", func(t *testing.T) {
		s := newSite(t, plainSettings, sandbox.ExamOptions{})
		s.source.Append(event.Pass{Reader: "hall", Credential: event.Credential{Number: []byte{1, 2, 3}, Bits: 24}, Pending: event.ClockNotSet})
		s.start()
		s.until("2000-01-01 09:00:00")
		s.wantHealth(health.Down, "clock")
		s.wantCode(health.ClockWrong)
		if a := s.source.Asides(); len(a) != 1 || a[0].State != event.Held || a[0].Pending != event.ClockNotSet {
			t.Errorf("aside %+v", a)
		}
		if err := s.store.Each("", func(key string, _ []byte) bool { t.Error(key); return true }); err != nil {
			t.Error(err)
		}
	})
}

// The first week that is reported by itself is the one in which the uplink came into being.
func TestNothingIsReportedOfTheTimeBefore(t *testing.T) {
	at(t, "2026-11-18 09:00:00", func(t *testing.T) {
		s := newSite(t, plainSettings, sandbox.ExamOptions{})
		s.roster(anna + ",2026-11-11,1,1,\n")
		s.start()
		s.until("2026-11-23 12:00:00")
		s.wantReports("1 2026-11-16 none")
		s.wantRefused("/send?week=2026-W46", http.StatusConflict, "none can be reported")
	})
}

// A new spelling of hashes needs a person who confirms it by sending (E6).
func TestTheCaseChanges(t *testing.T) {
	at(t, "2026-11-18 09:00:00", func(t *testing.T) {
		s := newSite(t, plainSettings, sandbox.ExamOptions{})
		s.roster(anna + ",2026-11-18,1,1,55007EE424\n")
		s.start()
		s.holds(0x55, 0x00, 0x7E, 0xE4, 0x24)
		s.until("2026-11-24 10:00:00")
		s.wantSent(1)
		s.halt()
		s.make(plainSettings + "document_case: lower")
		s.start()
		s.until("2026-12-01 10:00:00")
		s.wantSent(1)
		s.wantHealth(health.Stopped, "document-case-changed")
		s.wantCode(health.WaitsForPerson)
		s.order("/send?week=2026-W48")
		s.until("2026-12-01 10:01:00")
		s.wantSent(2)
		s.until("2026-12-08 10:00:00")
		s.wantSent(3)
	})
}

// Killed or stopped, the agent leaves a report that was on its way uncertain; one that had no connection yet goes back.
func TestTheAgentIsStoppedWhileItSends(t *testing.T) {
	at(t, "2026-11-18 09:00:00", func(t *testing.T) {
		s := newSite(t, plainSettings, sandbox.ExamOptions{})
		s.start()
		hang := make(chan struct{})
		s.next(func(func() *uplink.Answer) (*uplink.Answer, error) { <-hang; return nil, errors.New("canceled") })
		s.until("2026-11-23 10:00:01")
		s.wantState("2026-W47", Sending)
		s.wantRefused("/send?week=2026-W47", http.StatusConflict, "on its way")
		go func() { time.Sleep(100 * time.Millisecond); close(hang) }()
		began := time.Now()
		s.halt()
		if took := time.Since(began); took > time.Second {
			t.Errorf("it took %v to stop", took)
		}
		s.wantState("2026-W47", Uncertain)
	})
}

// Old passes, bodies and records go; what is kept stays small.
func TestWhatIsOldIsDeleted(t *testing.T) {
	at(t, "2026-11-18 09:00:00", func(t *testing.T) {
		s := newSite(t, plainSettings+"keep: 14d", sandbox.ExamOptions{})
		s.roster(anna + ",2026-11-18,1,1,\n")
		s.start()
		s.shows(anna)
		s.until("2026-11-25 09:00:00")
		s.wantSent(1)
		s.until("2026-12-20 09:00:00")
		for _, prefix := range []string{"seen/2026-11", "body/2026-W47"} {
			if err := s.store.Each(prefix, func(key string, _ []byte) bool { t.Errorf("%s is still there", key); return true }); err != nil {
				t.Error(err)
			}
		}
		s.wantState("2026-W47", Sent)
		if strings.Contains(s.say.Report().Problem, "W47") {
			t.Errorf("an old week is a problem: %s", s.say.Report().Problem)
		}
	})
}

// Neither log, nor MQTT, nor health, nor the keys of records, nor what is stored of passes, nor the file of rejected rows says a
// document's number, and the first four do not even say its hash (E18).
func TestNothingPersonalGetsOut(t *testing.T) {
	at(t, "2026-11-18 09:00:00", func(t *testing.T) {
		s := newSite(t, plainSettings, sandbox.ExamOptions{})
		s.roster(anna + ",2026-11-18,1,1,\n" + boris + ",2026-11-18,9,1,\n" + "АA1000009,2026-11-18,1,1,\n")
		s.start()
		s.shows(anna)
		s.shows(vera)
		s.shows("АA1000009") // mixed letters
		s.pass("scanner", event.Credential{Format: "line" + event.Hashed})
		s.next(func(func() *uplink.Answer) (*uplink.Answer, error) {
			return &uplink.Answer{Status: 400, MediaType: "application/json", Body: []byte(`{"error":"bad ` + hashOf(t, anna) + `"}`)}, nil
		})
		s.until("2026-11-19 10:00:00")
		if a := s.source.Asides(); len(a) != 2 || a[0].State != event.Dead || a[0].Reason != errMixedDocument.Error() || a[1].Reason != errConcealed.Error() {
			t.Errorf("aside %+v", a)
		}
		s.until("2026-11-24 10:00:00")
		s.order("/send?week=last")
		s.until("2026-11-24 11:00:00")
		s.wantState("2026-W47", Rejected)
		var public, stored strings.Builder
		public.WriteString(s.log.String() + s.say.Report().Problem)
		told, _ := json.Marshal(s.heard())
		preview, _ := json.Marshal(s.preview("last"))
		public.Write(told)
		public.Write(preview)
		_ = s.store.Each("", func(key string, value []byte) bool {
			public.WriteString(key)
			stored.Write(value)
			return true
		})
		rejected, err := os.ReadFile(filepath.Join(s.dir, "roster.rejected.csv"))
		if err != nil {
			t.Fatal(err)
		}
		public.Write(rejected)
		if strings.Count(string(rejected), "*****") != 3 || !strings.Contains(string(rejected), "2026-11-18") {
			t.Errorf("rejected rows:\n%s", rejected)
		}
		for _, number := range []string{"1000001", "1000002", "1000003", "1000009"} {
			if strings.Contains(public.String()+stored.String(), number) {
				t.Errorf("%s gets out", number)
			}
		}
		for _, document := range []string{anna, boris, vera} {
			if strings.Contains(public.String(), hashOf(t, document)) {
				t.Errorf("the hash of %s gets out", s.name(hashOf(t, document)))
			}
		}
	})
}

// A thousand people on one day, and every pass only once.
func TestALargeDay(t *testing.T) {
	at(t, "2026-11-18 09:00:00", func(t *testing.T) {
		s := newSite(t, plainSettings, sandbox.ExamOptions{})
		for range 2 {
			for n := range 1000 {
				s.holds(9, 0, byte(n>>8), byte(n))
			}
		}
		s.start()
		s.halt()
		s.make(plainSettings)
		for n := range 1100 {
			s.holds(9, 0, byte(n>>8), byte(n))
		}
		s.start()
		synctest.Wait()
		n := 0
		if err := seenOn(s.store, "2026-11-18", func(sighting) { n++ }); err != nil || n != 1100 {
			t.Errorf("%d people, %v", n, err)
		}
		if s.source.Cursor() != s.source.End() || s.source.Delivered() != 3100 {
			t.Errorf("cursor %d of %d, %d delivered", s.source.Cursor(), s.source.End(), s.source.Delivered())
		}
	})
}
