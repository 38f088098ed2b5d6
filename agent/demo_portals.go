package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/acs-agent/acs-agent/agent/localapi"
	"github.com/acs-agent/acs-agent/uplink/sandbox"
)

// The demo's logins to the sandbox. They are of a rehearsal, and of nobody.
const (
	demoReestroKey = "5a0dbc00-0000-4000-8000-000000000001"
	demoReestroOrg = "5a0dbc00-0000-4000-8000-000000000002"
	demoLogin      = "demo@example"
	demoPassword   = "demo"
)

// demoOptions are the portals of the demo.
func demoOptions() sandbox.Options {
	return sandbox.Options{
		Key:      demoKey,
		Reestro:  sandbox.ReestroOptions{Key: demoReestroKey, Org: demoReestroOrg},
		Callback: sandbox.CallbackOptions{Login: demoLogin, Password: demoPassword},
	}
}

// demoUplinks are the uplinks besides the visits: the week's exams, subjects and checks, call-back requests.
func demoUplinks(portal string) string {
	paths := sandbox.DefaultCallbackPaths()
	next := time.Now().AddDate(0, 0, 14).Format(time.DateOnly)
	return fmt.Sprintf(`  - {name: exam, type: exam, url: "https://%[1]s%[2]s", ca_file: portal-ca.pem, area_id: 17, readers: [gate-4], roster: roster.csv,
     attendance: advisory, send: by hand, retry_max: 2s, patent: {nearest: %[3]s}, temporary_residence: {none: true}, residence_permit: {none: true}}
  - {name: vetting, type: reestro, url: "https://%[1]s/realty/assessment/v1", ca_file: portal-ca.pem, api_key_file: reestro.key, org_id: "%[4]s",
     inbox: inbox, inbox_wait: 1s, poll: 10s, retry_max: 2s}
  - {name: reception, type: callback, url: "https://%[1]s", ca_file: portal-ca.pem, login: "%[5]s", password_file: callback.password, poll: 2s, retry_max: 2s,
     paths: {login: "%[6]s", list: "%[7]s", commit: "%[8]s", status: "%[9]s"}}
`, portal, sandbox.ExamPath, next, demoReestroOrg, demoLogin, paths.Login, paths.List, paths.Commit, paths.Status)
}

// demoRoster is who took an exam last week; the day is its Tuesday.
func demoRoster() string {
	now := time.Now()
	day := now.AddDate(0, 0, -7-(int(now.Weekday())+6)%7+1).Format(time.DateOnly)
	return fmt.Sprintf("document;exam_date;level;result\nAA1234501;%[1]s;1;1\nAA1234502;%[1]s;1;2\nAA1234503;%[1]s;3;1\n", day)
}

// demoSubjects is the table that somebody puts into the inbox: two people and an organization that do not exist.
const demoSubjects = "surname;name;patronymic;birth_date;inn;snils;ogrn;consent\n" +
	"Пробная;Проба;Пробовна;1990-01-02;;;;да\n" +
	"Пробный;Проба;;1985-05-06;;;;да\n" +
	";;;;;;1000000000032;\n"

// command asks an uplink of the running agent for something.
func (s *stage) command(ctx context.Context, uplink, method, path string, body, into any) error {
	client, err := localapi.Dial(ctx, filepath.Join(s.dir, "data"))
	if err != nil {
		return err
	}
	return client.Command(ctx, uplink, method, path, nil, body, into)
}

// dropSubjects puts the table into the inbox, and lets a check appear at the portal.
func (s *stage) dropSubjects() error {
	if err := os.WriteFile(filepath.Join(s.dir, "inbox", "subjects.csv"), []byte(demoSubjects), 0o600); err != nil {
		return err
	}
	_, err := s.portal.AddCheck(sandbox.Check{ExternalID: "demo", Type: "Fssp"})
	return err
}

// askForCalls lets two people ask to be called back.
func (s *stage) askForCalls() error {
	for _, form := range []string{"person", "entrepreneur"} {
		if _, err := s.portal.AddApplication(sandbox.DemoApplication(form)); err != nil {
			return err
		}
	}
	return nil
}

// called notes that the first of them was called.
func (s *stage) called(ctx context.Context) error {
	return s.command(ctx, "reception", http.MethodPost, "requests/1/status", map[string]string{"status": "rendered"}, nil)
}

// sendReport sends the report of last week, and lets the check end.
func (s *stage) sendReport(ctx context.Context) error {
	for _, c := range s.portal.Checks() {
		if err := s.portal.SetCheckState(c.ID, "Processed"); err != nil {
			return err
		}
	}
	return s.command(ctx, "exam", http.MethodPost, "send", nil, nil)
}

// office is what the other portals have got, and how much of it there should be in the end.
type office struct {
	reports, subjects, checks, statuses int
}

var wholeOffice = office{reports: 1, subjects: 3, checks: 1, statuses: 3}

// office counts what has arrived.
func (s *stage) office(ctx context.Context) (o office) {
	o.reports, o.subjects = len(s.portal.Reports()), len(s.portal.Subjects())
	for _, a := range s.portal.Applications() {
		o.statuses += len(a.Statuses)
	}
	var checks []struct {
		State string `json:"state"`
	}
	if err := s.command(ctx, "vetting", http.MethodGet, "checks", nil, &checks); err != nil {
		return o // the agent is busy or gone: the next look tells
	}
	for _, c := range checks {
		if c.State == "Processed" {
			o.checks++
		}
	}
	return o
}
