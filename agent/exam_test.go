//go:build unix

package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/acs-agent/acs-agent/uplink/exam"
	"github.com/acs-agent/acs-agent/uplink/sandbox"
)

// An examSite is an agent with the exam uplink alone, and the portal of the sandbox.
type examSite struct {
	t      *testing.T
	config string
	roster string
	portal *sandbox.Portal
}

func newExamSite(t *testing.T) *examSite {
	t.Helper()
	dir := shortFolder(t) // the path of a socket is short
	s := &examSite{t: t, config: filepath.Join(dir, "config.yaml"), roster: filepath.Join(dir, "roster.csv"), portal: sandbox.New(sandbox.Options{})}
	server := httptest.NewServer(s.portal)
	t.Cleanup(server.Close)
	s.write(s.config, fmt.Sprintf(`device: exam-1
timezone: Asia/Almaty
data_dir: data
listen: off
organizations: [{id: school, bin: "010140000014", name: School}]
readers:
  - {name: hall, type: simulator, every: 24h, organization: school}
uplinks:
  - name: exam
    type: exam
    url: %s%s
    area_id: 17
    readers: [hall]
    roster: roster.csv
    attendance: advisory
    send: by hand
    corrections: by hand
    requests_per_second: 50
    patent: {nearest: 2096-12-05}
    temporary_residence: {none: true}
    residence_permit: {none: true}
`, server.URL, sandbox.ExamPath))
	return s
}

func (s *examSite) write(file, text string) {
	s.t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

// run runs the agent until the function that it returns is called.
func (s *examSite) run() (stop func()) {
	s.t.Helper()
	ctx, cancel := context.WithCancel(s.t.Context())
	ended := make(chan int, 1)
	var log bytes.Buffer
	go func() { ended <- execute(ctx, []string{"run", "--config", s.config}, &log, &log) }()
	for {
		if status, _ := s.try("exam", "status"); status == exitDone {
			return func() {
				cancel()
				if status := <-ended; status != exitDone {
					s.t.Errorf("run ends with %d: %s", status, &log)
				}
			}
		}
		select {
		case status := <-ended:
			s.t.Fatalf("run has ended with %d: %s", status, &log)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func (s *examSite) try(args ...string) (status int, output string) {
	var out bytes.Buffer
	status = execute(s.t.Context(), append(args, "--config", s.config), &out, &out)
	return status, out.String()
}

// want runs a command and checks its end and a piece of what it prints.
func (s *examSite) want(status int, words string, args ...string) {
	s.t.Helper()
	if got, out := s.try(args...); got != status || !strings.Contains(out, words) {
		s.t.Errorf("%s: exit status %d, want %d, and %q in\n%s", strings.Join(args, " "), got, status, words, out)
	}
}

// What a person does about the report of a week, with and without a running agent.
func TestExamCommands(t *testing.T) {
	s := newExamSite(t)
	almaty := time.FixedZone("", 5*3600)
	last := exam.WeekOf(time.Now().In(almaty)).Next(-1)
	const head = "document;exam_date;level;result\n"
	s.write(s.roster, fmt.Sprintf("%sAA 1000001;%s;1;1\n", head, last.Days()[2]))
	s.want(exitFailed, "has not run before", "exam", "status")
	stop := s.run()
	s.want(exitDone, "roster.csv: 1 row\nsent: by hand", "exam", "status")
	s.want(exitDone, "It reports 1 of 1 row in the roster.", "exam", "preview")
	s.want(exitDone, `"examDate": "`+last.Days()[2]+`"`, "exam", "preview", last.String(), "--json")
	s.want(exitDone, `"identityDocumentNumber": "****`, "exam", "preview", last.Start(), "--json")
	s.want(exitFailed, "use send", "exam", "correct", "last")
	s.want(exitFailed, "is not over", "exam", "send", "this")
	s.want(exitUsage, "is no week", "exam", "send", "soon")
	s.want(exitUsage, "accepts 1 arg", "exam", "send")
	s.want(exitUsage, "is no number of a report", "exam", "mark-sent", "last", "x")
	s.want(exitDone, last.String()+": the portal has it as report 1, with 1 exam\n", "exam", "send", "last")
	s.want(exitFailed, "use correct", "exam", "send", "last")
	s.want(exitFailed, "not uncertain", "exam", "resend", "last")
	s.want(exitFailed, "not uncertain", "exam", "mark-sent", "last", "5")

	s.write(s.roster, fmt.Sprintf("%sAA 1000001;%s;1;2\n", head, last.Days()[2]))
	s.want(exitDone, "The exams have changed since it was sent.", "exam", "preview", "last")
	if err := s.portal.SetFaults(sandbox.Faults{{Kind: sandbox.CutAnswer, Next: 1}}); err != nil {
		t.Fatal(err)
	}
	s.want(exitNeedsPerson, "is uncertain: no answer", "exam", "correct", "last")
	s.want(exitNeedsPerson, "uncertain", "exam", "status")
	s.want(exitUsage, "unknown flag", "exam", "status", "--unknown")
	s.want(exitDone, `"report_id":1`, "exam", "mark-sent", "last", "1", "--json")
	stop()

	s.want(exitDone, "the agent does not run, and does it when it is started", "exam", "correct", "last")
	s.want(exitDone, "(correct ordered)", "exam", "status")
	stop = s.run()
	for deadline := time.Now().Add(10 * time.Second); len(s.portal.Reports()[0].Versions) < 3 && time.Now().Before(deadline); {
		time.Sleep(20 * time.Millisecond)
	}
	if versions := len(s.portal.Reports()[0].Versions); versions != 3 || len(s.portal.Reports()) != 1 {
		t.Errorf("%d versions of %d reports", versions, len(s.portal.Reports()))
	}
	stop()
}
