package doctor

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/acs-agent/acs-agent/agent/config"
	"github.com/acs-agent/acs-agent/agent/health"
)

// told gives what a check finds: level and text of each finding.
func told(t *testing.T, do func(*Sheet)) string {
	t.Helper()
	s := &Sheet{}
	do(s)
	var lines []string
	for _, f := range s.Findings() {
		if f.Level == Wrong && f.Advice == "" {
			t.Errorf("%s: nobody is told what to do", f.Text)
		}
		lines = append(lines, string(f.Level)+" "+f.Subject+": "+f.Text)
	}
	return strings.Join(lines, "\n")
}

func expect(t *testing.T, got string, want ...string) {
	t.Helper()
	for _, w := range want {
		if !strings.Contains(got, w) {
			t.Errorf("%q is missing:\n%s", w, got)
		}
	}
}

func TestClocks(t *testing.T) {
	noon := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	earliest := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	almaty := time.FixedZone("Asia/Almaty", 5*3600)
	for name, c := range map[string]struct {
		now        time.Time
		yes, known bool
		files      []string
		want       []string
	}{
		"right":         {noon, true, true, []string{"proc/9/comm=chronyd", "sys/class/rtc/rtc0/name=x"}, []string{"ok clock: it says 2026-11-22 17:00:00 at the site (Asia/Almaty, +05:00)", "ok time synchronisation: the clock is synchronised, by chronyd", "ok clock without power"}},
		"never set":     {time.Unix(0, 0), false, true, nil, []string{"wrong clock: it was never set: it says 1970-01-01", "warning time synchronisation: nobody synchronises", "warning clock without power: this device has no clock"}},
		"not yet":       {noon, false, true, []string{"proc/9/comm=systemd-timesyn"}, []string{"warning time synchronisation: systemd-timesyncd runs, but the clock is not synchronised yet"}},
		"nobody tells":  {noon, false, false, nil, []string{"unsure time synchronisation"}},
		"only a kernel": {noon, true, true, nil, []string{"ok time synchronisation: the clock is synchronised"}},
	} {
		t.Run(name, func(t *testing.T) {
			if runtime.GOOS != "linux" {
				c.want = c.want[:1]
			}
			root := t.TempDir()
			for _, f := range c.files {
				path, content, _ := strings.Cut(f, "=")
				path = filepath.Join(root, path)
				if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o750), os.WriteFile(path, []byte(content+"\n"), 0o600)); err != nil {
					t.Fatal(err)
				}
			}
			clocks := &Clocks{
				Zone: almaty, Earliest: earliest, Root: root,
				now: func() time.Time { return c.now }, synchronised: func() (bool, bool) { return c.yes, c.known },
			}
			expect(t, told(t, func(s *Sheet) { clocks.Look(t.Context(), s) }), c.want...)
		})
	}
	unread := &Clocks{Earliest: earliest, Root: "/"} // the machine's own clock, and no configuration
	expect(t, told(t, func(s *Sheet) { unread.Look(t.Context(), s) }), "unsure time zone: that of the site is not known")
}

func TestDisks(t *testing.T) {
	slow := func(d time.Duration) func(*os.File) error {
		return func(*os.File) error { time.Sleep(d); return nil }
	}
	for want, v := range map[string]Volume{
		"ok disk of DIR: storing takes ":                                                    {sync: dataSync},
		"warning disk of DIR: storing is slow: ":                                            {sync: slow(slowSync + 10*time.Millisecond)},
		"wrong disk of DIR: storing takes 1":                                                {sync: slow(dyingSync + 10*time.Millisecond)},
		"wrong disk of DIR: a small file cannot be written and flushed: input/output error": {sync: func(*os.File) error { return errors.New("input/output error") }},
		"but the journal may take ":                                                         {MayGrow: 1 << 60, sync: func(*os.File) error { return nil }},
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			v.DataDir = t.TempDir()
			var size int64
			flush := v.sync
			v.sync = func(f *os.File) error {
				if info, err := f.Stat(); err == nil {
					size = info.Size()
				}
				return flush(f)
			}
			began := time.Now()
			got := told(t, func(s *Sheet) { v.Look(t.Context(), s) })
			expect(t, strings.ReplaceAll(got, v.DataDir, "DIR"), want)
			if took := time.Since(began); took > trialTime+dyingSync+2*time.Second {
				t.Errorf("it took %s", took)
			}
			if size == 0 || size > 1<<20 {
				t.Errorf("%d bytes were written", size)
			}
			if left, _ := os.ReadDir(v.DataDir); len(left) > 0 {
				t.Errorf("it leaves %s behind", left[0].Name())
			}
		})
	}
	v := Volume{DataDir: filepath.Join(t.TempDir(), "none")}
	expect(t, told(t, func(s *Sheet) { v.Look(t.Context(), s) }), "unsure disk of ", "does not exist yet")
}

func TestRoom(t *testing.T) {
	for want, r := range map[string]room{
		"wrong d: it is read-only":                                    {readOnly: true},
		"wrong d: only 3 MiB are free":                                {free: 3 << 20},
		"wrong d: only 7 files more can be made on it":                {free: 1 << 40, nodes: 7, allNodes: 100_000},
		"ok d: 1024.0 GiB of 2048.0 GiB are free":                     {free: 1 << 40, total: 2 << 40},
		"warning d: 100 MiB are free, but the journal may take 512 M": {free: 100 << 20},
	} {
		v := Volume{MayGrow: 512 << 20}
		expect(t, told(t, func(s *Sheet) { v.room(s, "d", r) }), want)
	}
}

func TestJournals(t *testing.T) {
	got := told(t, func(s *Sheet) {
		Held(s, &health.Status{
			Journal: health.JournalStatus{Passes: 9, Bytes: 480 << 20, Limit: 512 << 20, Holes: 2, Filling: true},
			Parts:   []health.Report{{Kind: health.Journal, State: health.Down, Problem: "the journal is full (delete something)"}},
			Uplinks: []health.Queue{
				{Name: "visits", Waiting: 5, OldestSeconds: 7300, Held: 1, Dead: 2, Uncertain: 3},
				{Name: "gone", Waiting: 4, Orphaned: true},
				{Name: "over", Orphaned: true},
				{Name: "new"},
				{Name: "busy", Waiting: 1},
			},
		})
	})
	expect(t, got,
		"wrong journal: the journal is full", "wrong journal: passes that cannot be read any more: 2", "wrong journal: passes that are not delivered take most of its room: 480 MiB of 512 MiB",
		"wrong passes for visits: passes that the portal refused: 2", "wrong passes for visits: passes of which nobody knows whether they arrived: 3",
		"warning passes for visits: passes that are held", "warning passes for visits: passes that wait: 5, the oldest for hours: 2",
		"wrong passes for gone: the uplink is not in the configuration any more, but passes wait for it: 4",
		"ok passes for over: the uplink is not", "ok passes for new: nothing waits", "ok passes for busy: passes that wait for their turn: 1")
}

func TestHosts(t *testing.T) {
	heat := 91.0
	for want, h := range map[string]health.Host{
		"unsure memory":                       {},
		"wrong memory: only 9 MiB of 512 MiB": {MemoryTotal: 512 << 20, MemoryAvailable: 9 << 20},
		"warning memory: 40 MiB of 512 MiB":   {MemoryTotal: 512 << 20, MemoryAvailable: 40 << 20},
		"ok memory: 400 MiB of 512 MiB":       {MemoryTotal: 512 << 20, MemoryAvailable: 400 << 20},
		"warning temperature: 91 °C":          {MemoryTotal: 1 << 30, MemoryAvailable: 1 << 30, Temperature: &heat},
	} {
		expect(t, told(t, func(s *Sheet) { Host(s, &h) }), want)
	}
}

func TestServices(t *testing.T) {
	runs := &health.Status{PID: 5, Version: "2"}
	unit := readUnit("LoadState=loaded\nActiveState=active\nSubState=running\nResult=success\nUnitFileState=enabled\nUser=acs-agent\nNRestarts=0\n")
	failed := readUnit("LoadState=loaded\nActiveState=failed\nResult=exit-code\nUnitFileState=disabled\nNRestarts=9\n")
	for name, c := range map[string]struct {
		r    Running
		want []string
	}{
		"runs":          {Running{Status: runs, Unit: unit, Version: "2"}, []string{"ok agent: runs as process 5", "ok service: it is active (running)"}},
		"is older":      {Running{Status: runs, Unit: unit, Version: "3"}, []string{"warning agent: the running agent is version 2, this command is 3"}},
		"is hidden":     {Running{Why: errors.New("permission denied (run this with sudo)")}, []string{"unsure agent: permission denied", "unsure service"}},
		"has failed":    {Running{Alone: true, Unit: failed}, []string{"wrong agent: it does not run", "warning service: it does not start with the machine", "wrong service: it has failed (exit-code)"}},
		"is no service": {Running{Alone: true, Unit: &Unit{}}, []string{"wrong agent: it does not run", "warning service: the agent is no service of this machine"}},
	} {
		t.Run(name, func(t *testing.T) {
			expect(t, told(t, func(s *Sheet) { c.r.Look(context.Background(), s) }), c.want...)
		})
	}
}

func TestConfigurations(t *testing.T) {
	mistake := config.Mistake{File: "c.yaml", Line: 3, Field: "readers[0].port", Problem: "is missing", Advice: "write port:"}
	for name, c := range map[string]struct {
		r    Reading
		want []string
	}{
		"right":      {Reading{File: "c.yaml", Readable: true, Readers: 2, Uplinks: 1}, []string{"ok c.yaml: no mistakes; readers: 2, uplinks: 1", "warning list of cardholders: no cardholders.file"}},
		"wrong":      {Reading{File: "c.yaml", Readable: true, Named: true, Mistakes: config.Mistakes{mistake}}, []string{"wrong c.yaml:3: readers[0].port: is missing", "unsure list of cardholders"}},
		"unreadable": {Reading{File: "c.yaml", Mistakes: config.Mistakes{{File: "c.yaml", Problem: "there is no such file"}}}, []string{"wrong c.yaml: there is no such file", "unsure the rest of the site"}},
		"no list":    {Reading{File: "c.yaml", Readable: true, Named: true, PeopleError: "there is no file (put it there)"}, []string{"wrong list of cardholders: there is no file"}},
	} {
		t.Run(name, func(t *testing.T) {
			expect(t, told(t, func(s *Sheet) { c.r.Look(t.Context(), s) }), c.want...)
		})
	}
}
