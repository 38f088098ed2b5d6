package service

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestTheStateThatSystemdTells(t *testing.T) {
	now := time.Date(2026, time.November, 22, 12, 0, 0, 0, time.UTC)
	const uptime = 1000 * time.Second
	yes, no := true, false
	for name, c := range map[string]struct {
		properties string
		want       Status
	}{
		"running": {
			"MainPID=812\nNRestarts=2\nResult=success\nExecMainStatus=0\nLoadState=loaded\nActiveState=active\nSubState=running\n" +
				"UnitFileState=enabled\nStateChangeTimestampMonotonic=400000000\nStatusText=1 of 1 reader work\n",
			Status{State: Running, PID: 812, Restarts: 2, Since: now.Add(-600 * time.Second), Enabled: &yes, Says: "1 of 1 reader work"},
		},
		"takes over its configuration": {"LoadState=loaded\nActiveState=reloading\nResult=success\nUnitFileState=enabled\n", Status{State: Running, Enabled: &yes}},
		"opens its journal":            {"LoadState=loaded\nActiveState=activating\nSubState=start\nResult=success\nUnitFileState=disabled\n", Status{State: Starting, Enabled: &no}},
		"is about to be tried again": {
			"LoadState=loaded\nActiveState=activating\nSubState=auto-restart\nResult=exit-code\nExecMainStatus=3\nUnitFileState=enabled\n",
			Status{State: Failed, ExitStatus: 3, Result: "exit-code", Enabled: &yes},
		},
		"stops":              {"LoadState=loaded\nActiveState=deactivating\nResult=success\nUnitFileState=enabled\n", Status{State: Stopping, Enabled: &yes}},
		"stopped":            {"LoadState=loaded\nActiveState=inactive\nResult=success\nUnitFileState=enabled\n", Status{State: Stopped, Enabled: &yes}},
		"hung":               {"LoadState=loaded\nActiveState=failed\nResult=watchdog\nUnitFileState=enabled-runtime\n", Status{State: Failed, Result: "watchdog", Enabled: &yes}},
		"not there":          {"LoadState=not-found\nActiveState=inactive\nResult=success\n", Status{State: NotInstalled}},
		"an unreadable unit": {"LoadState=bad-setting\nActiveState=inactive\n", Status{State: NotInstalled}},
		"nothing":            {"", Status{State: NotInstalled}},
	} {
		t.Run(name, func(t *testing.T) {
			var got Status
			readSystemd(&got, c.properties, uptime, now)
			if (got.Enabled == nil) != (c.want.Enabled == nil) || got.Enabled != nil && *got.Enabled != *c.want.Enabled {
				t.Errorf("enabled: %v", got.Enabled)
			}
			got.Enabled, c.want.Enabled = nil, nil
			if got != c.want {
				t.Errorf("%+v\nwant %+v", got, c.want)
			}
		})
	}
}

func TestTheStateThatProcdTells(t *testing.T) {
	for name, c := range map[string]struct {
		answer string
		want   Status
		fails  bool
	}{
		"running": {`{"acs-agent":{"instances":{"instance1":{"running":true,"pid":1234,"command":["/usr/bin/acs-agent","run"]}}}}`, Status{State: Running, PID: 1234}, false},
		"ended":   {`{"acs-agent":{"instances":{"instance1":{"running":false,"exit_code":3}}}}`, Status{State: Failed, ExitStatus: 3}, false},
		"stopped": {`{"acs-agent":{}}`, Status{State: Stopped}, false},
		"unknown": {`{}`, Status{State: Stopped}, false},
		"no JSON": {`Command failed: Not found`, Status{}, true},
	} {
		t.Run(name, func(t *testing.T) {
			var got Status
			if err := readProcd(&got, c.answer); (err != nil) != c.fails || got != c.want {
				t.Errorf("%+v, %v; want %+v", got, err, c.want)
			}
		})
	}
}

func TestTheStateThatAScriptTells(t *testing.T) {
	for code, want := range map[string]State{"0": Running, "1": Failed, "3": Stopped, "4": Stopping, "8": Starting, "16": Stopped, "32": Failed} {
		m := &machine{init: OpenRC, root: t.TempDir(), has: hasCommand}
		script := filepath.Join(m.root, m.file())
		if err := os.MkdirAll(filepath.Dir(script), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(script, []byte("exit "+code+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
		m.run = func(_ context.Context, _ string, args ...string) (string, error) {
			return runCommand(t.Context(), "sh", append([]string{script}, args...)...)
		}
		if got, err := m.Status(t.Context()); err != nil || got.State != want || got.Manager != "openrc" {
			t.Errorf("%s: %+v, %v; want %s", code, got, err, want)
		}
	}
}
