package service

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// FuzzSystemd holds that whatever a service manager answers, the state is one that people can be told.
func FuzzSystemd(f *testing.F) {
	f.Add("LoadState=loaded\nActiveState=active\nSubState=running\nResult=success\nMainPID=7\nStateChangeTimestampMonotonic=5000000\nUnitFileState=enabled\n", int64(9e9))
	f.Add("ActiveState=\x00\n=\n\n", int64(-1))
	f.Add("LoadState=loaded\nStateChangeTimestampMonotonic=9223372036854775807\nMainPID=99999999999999999999", int64(1<<62))
	f.Fuzz(func(t *testing.T, text string, uptime int64) {
		now := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
		var s Status
		readSystemd(&s, text, time.Duration(uptime), now)
		switch s.State {
		case NotInstalled, Running, Starting, Stopping, Stopped, Failed:
		default:
			t.Fatalf("state %q", s.State)
		}
		if s.Since.After(now.Add(time.Second)) {
			t.Fatalf("since %v", s.Since)
		}
	})
}

// FuzzProcd is the same for procd.
func FuzzProcd(f *testing.F) {
	f.Add(`{"acs-agent":{"instances":{"instance1":{"running":true,"pid":7}}}}`)
	f.Add(`{"acs-agent":null}`)
	f.Add(`[`)
	f.Fuzz(func(t *testing.T, text string) {
		var s Status
		if readProcd(&s, text) == nil && s.State != Stopped && s.State != Running && s.State != Failed {
			t.Fatalf("state %q", s.State)
		}
	})
}

// FuzzTable holds that a table of users or groups that is not as expected names nobody who does not stand in it.
func FuzzTable(f *testing.F) {
	f.Add("root:x:0:0:root:/root:/bin/sh\nacs:x:7:7\n")
	f.Add("\n:\nx")
	f.Add(strings.Repeat("a", 1<<17))
	f.Fuzz(func(t *testing.T, text string) {
		root := t.TempDir()
		if err := os.Mkdir(filepath.Join(root, "etc"), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(root, "etc", "group"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		m := &machine{root: root}
		entries, err := m.table("/etc/group")
		if err != nil {
			return
		}
		for name, fields := range entries {
			if len(fields) == 0 || fields[0] != name || !strings.Contains(text, name) {
				t.Fatalf("%q: %q", name, fields)
			}
		}
		m.serialGroups(entries)
	})
}
