//go:build unix

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/acs-agent/acs-agent/agent/config"
	"github.com/acs-agent/acs-agent/agent/doctor"
	"github.com/acs-agent/acs-agent/agent/health"
	"github.com/acs-agent/acs-agent/agent/lang"
	"github.com/acs-agent/acs-agent/uplink/exam"
)

// russianGolden compares what was said with a file of testdata/russian. UPDATE=1 writes it anew.
func russianGolden(t *testing.T, name, got string) {
	t.Helper()
	golden := filepath.Join("testdata", "russian", name)
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(golden, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s is not what is said now; run with UPDATE=1 and read what has changed:\n%s", golden, got)
	}
}

// TestMistakesInRussian says in Russian what is wrong with each of the files that agent/config keeps for that.
func TestMistakesInRussian(t *testing.T) {
	t.Setenv("SANDBOX_KEY", "correct-horse")
	t.Setenv("CREDENTIALS_DIRECTORY", "")
	folder := filepath.Join("config", "testdata", "mistakes")
	files, err := filepath.Glob(filepath.Join(folder, "*.yaml"))
	if err != nil || len(files) < 30 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	t.Chdir(folder)
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	p := lang.New(lang.Russian)
	var said bytes.Buffer
	for _, path := range files {
		c, cfg := check(filepath.Base(path))
		c.Warnings = config.Mistakes{} // they depend on the rights with which the files were checked out
		c.print(&said, p, cfg)
		said.WriteString("\n")
	}
	t.Chdir(filepath.Join("..", "..", ".."))
	russianGolden(t, "mistakes.txt", strings.ReplaceAll(said.String(), here+"/", ""))
}

// TestStatusInRussian prints the states that a site can be in.
func TestStatusInRussian(t *testing.T) {
	now := time.Date(2026, time.November, 22, 14, 30, 0, 0, time.UTC)
	journal := health.JournalStatus{Passes: 1021, Bytes: 73 << 20, Limit: 512 << 20, FreeDisk: 5 << 30}
	var said bytes.Buffer
	for _, s := range []health.Status{
		{
			Device: "almaty-gate-1", Version: "1.0", Running: true, Now: now, StartedAt: now.Add(-75 * time.Hour), ClockTrusted: true, Journal: journal,
			Parts: []health.Report{
				{Kind: health.Reader, Name: "gate-1-in", Type: "ironlogic", State: health.Up, Count: 1000, LastAt: now.Add(-12 * time.Second)},
				{Kind: health.Reader, Name: "gate-1-out", Type: "rdm6300", State: health.Starting},
				{Kind: health.Uplink, Name: "visits", Type: "acs", State: health.Up, Count: 980, LastAt: now.Add(-time.Minute)},
			},
			Uplinks: []health.Queue{{Name: "visits", Waiting: 20, OldestSeconds: 200}},
		},
		{
			Device: "almaty-gate-1", Version: "1.0", Running: true, Now: now, StartedAt: now.Add(-3*time.Hour - 5*time.Minute), ClockProblem: "it was never set",
			Journal: health.JournalStatus{Passes: 21, Bytes: 3 << 10, Limit: 64 << 20, FreeDisk: 900, Holes: 2},
			Parts: []health.Report{
				{
					Kind: health.Cardholders, Name: "cardholders.csv", State: health.Down,
					Problem: "3 rows are used, 2 cannot be; `acs-agent check` lists them",
				},
				{
					Kind: health.Reader, Name: "gate-1-in", Type: "rdm6300", State: health.Down, Oddities: 4,
					Problem:    "/dev/ttyUSB0 is not there: is the reader plugged in? Serial ports here: /dev/ttyS0",
					LastOddity: "a frame with a wrong checksum: noise on the line, or two readers on it",
				},
				{
					Kind: health.Uplink, Name: "visits", Type: "acs", State: health.Down,
					Problem: "the portal answered 401; the access key is wrong or blocked: ask the portal's operator and put the new key into api_key_file",
				},
			},
			Uplinks: []health.Queue{
				{Name: "old", Orphaned: true, Waiting: 3, OldestSeconds: 3 * 86400},
				{Name: "visits", Waiting: 20, OldestSeconds: 4000, Held: 1, Dead: 5, Uncertain: 1},
			},
		},
		{Device: "almaty-gate-1", Now: now, ClockTrusted: true, Journal: journal, Uplinks: []health.Queue{{Name: "visits", Waiting: 1}}},
	} {
		if err := printStatus(&said, lang.New(lang.Russian), &s); err != nil {
			t.Fatal(err)
		}
		said.WriteString("\n\n")
	}
	russianGolden(t, "status.txt", said.String())
}

// TestDoctorInRussian prints findings of all kinds: what an error says, what is put together from several texts, a single word.
func TestDoctorInRussian(t *testing.T) {
	d := diagnosis{Findings: []doctor.Finding{
		{Group: doctor.Configuration, Subject: "config.yaml", Level: doctor.OK, Text: "no mistakes; readers: 2, uplinks: 1"},
		{
			Group: doctor.Configuration, Subject: "list of cardholders", Level: doctor.Warning, Text: "rows in use: 17; rows that cannot be used: 1",
			Advice: "acs-agent check lists them",
		},
		{
			Group: doctor.Readers, Subject: "port of gate-1", Level: doctor.Wrong, Person: true, Text: "/dev/ttyUSB0 is not there",
			Advice: "is the reader plugged in? Serial ports here: /dev/ttyS0",
		},
		{
			Group: doctor.Readers, Subject: "port of gate-2", Level: doctor.Wrong, Person: true,
			Text:   "the user acs-agent, who runs the agent, has no right to /dev/ttyS0: it is not in the group dialout",
			Advice: "usermod -aG dialout acs-agent, then start the service again",
		},
		{
			Group: doctor.Portals, Subject: "portal visits", Level: doctor.Wrong, Text: "portal.example: lookup portal.example on 10.0.0.1:53: no such host",
			Advice: "the name is not found: check the network cable, the DNS server and the spelling of url",
		},
		{Group: doctor.Time, Subject: "clock", Level: doctor.OK, Text: "it says 2026-11-22 14:59:53 at the site (Asia/Almaty, +05:00)"},
		{
			Group: doctor.Disk, Subject: "disk of /var/lib/acs-agent", Level: doctor.Wrong, Person: true, Text: "it is read-only, and no pass can be stored",
			Advice: "a disk becomes read-only when it fails: look at dmesg, and replace the card",
		},
		{Group: doctor.Journal, Subject: "passes for visits", Level: doctor.OK, Text: "nothing waits"},
		{Group: doctor.Service, Subject: "service", Level: doctor.Unsure, Text: "there is no service manager here that could be asked"},
	}}
	var said bytes.Buffer
	if err := d.print(&said, &options{lang: lang.New(lang.Russian)}); err != nil {
		t.Fatal(err)
	}
	russianGolden(t, "doctor.txt", said.String())
}

// TestExamsInRussian prints a preview, whose table is aligned anew, and the list of weeks.
func TestExamsInRussian(t *testing.T) {
	seen := time.Date(2026, time.November, 18, 9, 12, 0, 0, time.UTC)
	week := exam.WeekStatus{
		Week: exam.WeekOf(seen), Start: "2026-11-16", End: "2026-11-22", State: exam.Draft, Reported: 1, Open: 2, Running: true,
		Due: time.Date(2026, time.November, 23, 10, 0, 0, 0, time.UTC),
	}
	sent := week
	sent.State, sent.ReportID, sent.Ordered, sent.Open = exam.Uncertain, 17, "resend", 0
	sent.Reason = "the agent was stopped while the report was on its way"
	var said bytes.Buffer
	o := &options{lang: lang.New(lang.Russian)}
	if err := o.printPreview(&said, &exam.Preview{
		WeekStatus: week, AreaID: 7, Changed: true,
		Rows: []exam.Row{
			{Line: 2, Document: "****1a2b", Date: "2026-11-18", Level: 2, Result: 1, Pass: seen, By: "document", Reported: true},
			{Line: 3, Document: "****3c4d", Date: "2026-11-18", Level: 1, Result: 0, Pass: seen, By: "card"},
			{Line: 4, Document: "****5e6f", Date: "2026-11-19", Level: 3, Result: 2},
		},
		Matters: []exam.Matter{
			{Weight: exam.Open, Line: 3, Text: "was there and has no result yet: write it into the roster"},
			{Weight: exam.Open, Text: "card ****0001 passed exam-hall at 2026-11-18 09:30 and is not in the roster of that day"},
			{Weight: exam.Noted, Line: 4, Text: "no pass on the day and no result: taken for absent"},
		},
	}); err != nil {
		t.Fatal(err)
	}
	said.WriteString("\n")
	if err := printExamStatus(&said, o.lang, &exam.Status{
		Running: true, Roster: "roster.csv", Rows: 21, Refused: 1, Rejected: "roster.csv.rejected.csv", Send: "by hand",
		Weeks: []exam.WeekStatus{week, sent},
	}); err != nil {
		t.Fatal(err)
	}
	russianGolden(t, "exams.txt", said.String())
}

// TestLanguageOf wants the nearest say: the flag, the program's variable, the configuration, the system.
func TestLanguageOf(t *testing.T) {
	file := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(file, []byte("device: \"not closed\nlang: ru\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv(config.Environment, filepath.Join(t.TempDir(), "none.yaml"))
	for _, c := range []struct {
		args, env []string
		want      string
	}{
		{nil, nil, lang.English},
		{nil, []string{"LANG=ru_RU.UTF-8"}, lang.Russian},
		{nil, []string{"LANG=ru_RU.UTF-8", "ACS_AGENT_LANG=en"}, lang.English},
		{nil, []string{"LANG=ru_RU.UTF-8", "ACS_AGENT_LANG=kk"}, lang.Russian},
		{[]string{"check", "--config", file}, nil, lang.Russian},
		{[]string{"check", "--config=" + file}, nil, lang.Russian},
		{[]string{"check", "-c", file}, nil, lang.Russian},
		{[]string{"check", "-c" + file}, nil, lang.Russian},
		{[]string{"check", "--", "-c", file}, nil, lang.English},
		{[]string{"check", "-c"}, nil, lang.English},
		{[]string{"check", "-c", file}, []string{"LANG=en_US.UTF-8"}, lang.Russian},
		{[]string{"check", "-c", file}, []string{"ACS_AGENT_LANG=en"}, lang.English},
		{[]string{"check", "-c", file, "--lang", "en"}, []string{"ACS_AGENT_LANG=ru"}, lang.English},
		{[]string{"--lang=ru", "check"}, []string{"ACS_AGENT_LANG=en"}, lang.Russian},
		{[]string{"--lang", "de", "check"}, []string{"LANG=ru"}, lang.Russian},
	} {
		got := languageOf(c.args, func(name string) string {
			for _, one := range c.env {
				if value, found := strings.CutPrefix(one, name+"="); found {
					return value
				}
			}
			return ""
		})
		if got != c.want {
			t.Errorf("%q with %q is %s, want %s", c.args, c.env, got, c.want)
		}
	}
}
