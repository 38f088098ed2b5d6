package metrics

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/acs-agent/acs-agent/agent/health"
)

// golden compares got with a file of testdata; UPDATE=1 writes the file anew.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(file, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is not what is printed:\n%s", file, got)
	}
}

// troubled is a site on which a little of everything goes wrong.
func troubled() *health.Status {
	now := time.Date(2026, time.November, 23, 9, 0, 0, 0, time.UTC)
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	temperature, load := 61.5, 0.42
	return &health.Status{
		Device: "almaty-gate-1", Version: "1.4.0", Boot: "3f0c", Running: true, PID: 812, StartedAt: ago(26 * time.Hour), Now: now,
		ClockTrusted: true, ClockSource: "synchronized",
		Journal: health.JournalStatus{Passes: 120034, Bytes: 41 << 20, Limit: 512 << 20, FreeDisk: 3 << 30, Holes: 2},
		Parts: []health.Report{
			{Kind: health.Journal, Name: "journal", State: health.Up, Since: ago(26 * time.Hour)},
			{Kind: health.Config, Name: "config", State: health.Down, Code: "config-refused", Problem: "line 7", Since: ago(time.Hour)},
			{Kind: health.Cardholders, Name: "cardholders.csv", State: health.Up, Since: ago(time.Hour)},
			{Kind: health.Reader, Name: "gate-1-in", Type: "ironlogic", State: health.Up, Count: 812, LastAt: ago(3 * time.Second), Oddities: 4},
			{Kind: health.Reader, Name: "gate-2", Type: "mqtt", State: health.Down, Code: "unplugged", Problem: "the port is gone"},
			{Kind: health.Reader, Name: "gate-3", Type: "line", State: health.Starting},
			{Kind: health.Broker, Name: "broker", State: health.Down, Problem: "a failure without a code"},
			{Kind: health.Uplink, Name: "exam", Type: "exam", State: health.Stopped, Code: "key-refused", Problem: "403"},
			{Kind: health.Uplink, Name: "visits", Type: "acs", State: health.Up, Count: 780, LastAt: ago(12500 * time.Millisecond)},
		},
		Uplinks: []health.Queue{
			{Name: "exam"},
			{Name: "old", Waiting: 3, OldestSeconds: 864000, Orphaned: true},
			{Name: "visits", Waiting: 32, Held: 5, Dead: 1, Uncertain: 2, OldestSeconds: 41},
		},
		Host: health.Host{
			MemoryTotal: 512 << 20, MemoryAvailable: 300 << 20, Resident: 31 << 20, Temperature: &temperature, Load: &load, Uptime: 93600,
		},
	}
}

func working() Process {
	return Process{
		CPU: 1234567 * time.Microsecond, OpenFiles: 31, MaxFiles: 1024, Goroutines: 48, Heap: 9 << 20, Mapped: 27 << 20, Collections: 512,
		Paused: 41 * time.Millisecond,
	}
}

func TestPageOfATroubledSite(t *testing.T) {
	page := Page(troubled(), working())
	golden(t, "troubled.txt", page)
	families, _, err := parsePage(string(page))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range Families() {
		if families[f.Name] != f.Type {
			t.Errorf("%s is not on the page as a %s", f.Name, f.Type)
		}
	}
}

func TestPageOfAnEmptySite(t *testing.T) {
	families, samples, err := parsePage(string(Page(&health.Status{Device: "x"}, Process{})))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range samples {
		if strings.Contains(s.name, "timestamp") || strings.Contains(s.name, "start_time") {
			t.Errorf("%s has the value %v, but it never was", s.name, s.value)
		}
	}
	if families["acs_agent_reader_state"] != "" || families["acs_agent_host_load1"] != "" {
		t.Error("families without samples have a head")
	}
}

func TestNamesFollowTheRulesOfPrometheus(t *testing.T) {
	form := regexp.MustCompile(`^(acs_agent|process|go)(_[a-z0-9]+)+$`)
	seen := make(map[string]bool)
	for _, f := range Families() {
		switch {
		case !form.MatchString(f.Name) || seen[f.Name]:
			t.Errorf("%s is no name, or not the only one", f.Name)
		case (f.Type == Counter) != strings.HasSuffix(f.Name, "_total"):
			t.Errorf("%s: a counter ends with _total, and nothing else does", f.Name)
		case !strings.HasSuffix(f.Help, ".") || strings.Contains(f.Help, "\n"):
			t.Errorf("%s: its help is no sentence", f.Name)
		}
		for _, unit := range []string{"_ms", "_kb", "_mb", "_minutes", "_hours", "_milliseconds", "_percent"} {
			if strings.HasSuffix(f.Name, unit) {
				t.Errorf("%s is measured in %s", f.Name, unit)
			}
		}
		seen[f.Name] = true
	}
}

func TestLabelsAreEscaped(t *testing.T) {
	for given, want := range map[string]string{
		`plain`:                        `plain`,
		"Корпус 1":                     "Корпус 1",
		`a"b`:                          `a"b`,
		`a\b`:                          `a\b`,
		"a\nb":                         "a\nb",
		`\n`:                           `\n`,
		`",device="other`:              `",device="other`,
		"x\"} 1\nacs_agent_info 7\n#{": "x\"} 1\nacs_agent_info 7\n#{",
		"broken\xff":                   "broken\uFFFD",
		"":                             "",
	} {
		s := &health.Status{Device: "gate", Version: given, Parts: []health.Report{{Kind: health.Reader, Name: given, State: health.Up}}}
		_, samples, err := parsePage(string(Page(s, Process{})))
		if err != nil {
			t.Errorf("%q: %v", given, err)
			continue
		}
		if got := samples[0].labels["version"]; got != want || samples[0].name != "acs_agent_info" {
			t.Errorf("%q became %q", given, got)
		}
	}
}

// FuzzPage holds that whatever parts are called, the page stays one and says what was said.
func FuzzPage(f *testing.F) {
	f.Add("gate-1", "busy", 1.5, uint64(7))
	f.Add("\"}\n\\", "\xff", math.Inf(-1), uint64(math.MaxUint64))
	f.Fuzz(func(t *testing.T, name, code string, load float64, count uint64) {
		s := &health.Status{Device: name, Host: health.Host{Load: &load}, Parts: []health.Report{
			{Kind: health.Uplink, Name: name, Code: code, State: health.Stopped, Count: count},
		}}
		_, samples, err := parsePage(string(Page(s, Process{})))
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range samples {
			switch {
			case p.name == "acs_agent_host_load1" && p.value != load && !math.IsNaN(load):
				t.Errorf("a load of %v became %v", load, p.value)
			case p.name == "acs_agent_uplink_delivered_total" && p.value != float64(count):
				t.Errorf("%d became %v", count, p.value)
			case p.name == "acs_agent_info" && p.labels["device"] != strings.ToValidUTF8(name, "\uFFFD"):
				t.Errorf("%q became %q", name, p.labels["device"])
			}
		}
	})
}

func TestTimesFollowAClockThatIsSetLate(t *testing.T) {
	now := time.Date(2026, time.November, 23, 9, 0, 0, 0, time.UTC)
	const ago = 90 * time.Minute
	right := now.Add(-ago)
	for what, test := range map[string]struct {
		noted time.Time
		want  time.Time
	}{
		"the clock was right":  {right, right},
		"it was trimmed since": {right.Add(1500 * time.Millisecond), right.Add(1500 * time.Millisecond)},
		"it was years behind":  {right.AddDate(-8, 0, 0), right},
		"it was a day ahead":   {right.AddDate(0, 0, 1), right},
	} {
		if got, want := seconds(test.noted, now, ago), float64(test.want.UnixMilli())/1000; got != want {
			t.Errorf("%s: %v, want %v", what, got, want)
		}
	}
}

func TestTheHandlerSaysWhatItIs(t *testing.T) {
	asked := 0
	server := httptest.NewServer(Handler(func() health.Status { asked++; return *troubled() }))
	defer server.Close()
	answer, err := http.Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK || answer.Header.Get("Content-Type") != ContentType {
		t.Fatalf("%d %s %v", answer.StatusCode, answer.Header.Get("Content-Type"), err)
	}
	_, samples, err := parsePage(string(body))
	if err != nil {
		t.Fatal(err)
	}
	if asked != 1 {
		t.Errorf("the agent was asked %d times for one page, whose numbers then need not fit together", asked)
	}
	for _, name := range []string{"go_goroutines", "go_memstats_heap_alloc_bytes", "go_memstats_sys_bytes"} {
		if !slices.ContainsFunc(samples, func(s sample) bool { return s.name == name && s.value > 0 }) {
			t.Errorf("this process has no %s", name)
		}
	}
}

// TestTheBoardsOwnWordsArePrinted goes the way from a part that fails to the series that an alert looks at.
func TestTheBoardsOwnWordsArePrinted(t *testing.T) {
	board := health.NewBoard(slog.New(slog.DiscardHandler))
	board.Part(health.Uplink, "visits").Down(health.Coded(health.PortalBusy, errors.New("503")))
	s := health.Status{Parts: board.Snapshot()}
	page := string(Page(&s, Process{}))
	for _, line := range []string{
		`acs_agent_uplink_state{uplink="visits",state="failing"} 1`, `acs_agent_uplink_state{uplink="visits",state="ok"} 0`,
		`acs_agent_uplink_problem{uplink="visits",code="portal-busy"} 1`, `acs_agent_config_refused 0`,
	} {
		if !strings.Contains(page, line+"\n") {
			t.Errorf("missing: %s", line)
		}
	}
	board.Part(health.Uplink, "visits").Up()
	s.Parts = board.Snapshot()
	if page := string(Page(&s, Process{})); strings.Contains(page, "problem") {
		t.Error("the problem is still there after the recovery")
	}
}
