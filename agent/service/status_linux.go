package service

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Status implements Manager.
func (m *machine) Status(ctx context.Context) (Status, error) {
	s := Status{Manager: string(m.init), State: NotInstalled, Log: m.logs()}
	var err error
	switch {
	case !m.installed():
	case m.init == Systemd:
		err = m.askSystemd(ctx, &s)
	case m.init == Procd:
		err = m.askProcd(ctx, &s)
	default:
		err = m.askScript(ctx, &s)
	}
	return s, err
}

// logs is what shows the log of the agent.
func (m *machine) logs() string {
	switch m.init {
	case Systemd:
		return "journalctl -u acs-agent -n 50"
	case Procd:
		return "logread -e acs-agent"
	case OpenRC, SysV:
	}
	for _, f := range []string{"/var/log/syslog", "/var/log/daemon.log"} {
		if m.exists(f) {
			return "grep acs-agent " + f
		}
	}
	return "grep acs-agent /var/log/messages"
}

// askSystemd asks for properties, because the words of `systemctl status` are for people and change.
func (m *machine) askSystemd(ctx context.Context, s *Status) error {
	out, err := m.run(ctx, "systemctl", "show", Name+".service", "--property",
		"LoadState,ActiveState,SubState,Result,MainPID,NRestarts,ExecMainStatus,StateChangeTimestampMonotonic,UnitFileState,StatusText")
	if err != nil {
		return err
	}
	var uptime time.Duration
	if text, err := os.ReadFile(m.path("/proc/uptime")); err == nil {
		seconds, _, _ := strings.Cut(string(text), " ")
		if n, err := strconv.ParseFloat(seconds, 64); err == nil {
			uptime = time.Duration(n * float64(time.Second))
		}
	}
	readSystemd(s, out, uptime, time.Now())
	return nil
}

// readSystemd makes sense of the properties, uptime after the machine has started.
func readSystemd(s *Status, properties string, uptime time.Duration, now time.Time) {
	p := make(map[string]string)
	for line := range strings.Lines(properties) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		p[key] = value
	}
	number := func(key string) int {
		n, _ := strconv.Atoi(p[key]) // an older systemd may not know it
		return n
	}
	switch p["ActiveState"] {
	case "active", "reloading":
		s.State = Running
	case "activating":
		s.State = Starting
		if p["SubState"] == "auto-restart" { // it has failed and is about to be tried again
			s.State = Failed
		}
	case "deactivating":
		s.State = Stopping
	case "failed":
		s.State = Failed
	default:
		s.State = Stopped
	}
	if p["LoadState"] != "loaded" {
		s.State = NotInstalled
		return
	}
	if changed := time.Duration(number("StateChangeTimestampMonotonic")) * time.Microsecond; changed > 0 && uptime >= changed {
		s.Since = now.Add(changed - uptime).Round(time.Second)
	}
	s.PID, s.Restarts, s.ExitStatus, s.Says = number("MainPID"), number("NRestarts"), number("ExecMainStatus"), p["StatusText"]
	if p["Result"] != "success" {
		s.Result = p["Result"]
	}
	enabled := strings.HasPrefix(p["UnitFileState"], "enabled")
	s.Enabled = &enabled
}

// askProcd asks procd's bus.
func (m *machine) askProcd(ctx context.Context, s *Status) error {
	out, err := m.run(ctx, "ubus", "call", "service", "list", `{"name":"`+Name+`"}`)
	if err != nil {
		return err
	}
	_, err = m.run(ctx, m.file(), "enabled")
	enabled := err == nil
	s.Enabled = &enabled
	return readProcd(s, out)
}

func readProcd(s *Status, answer string) error {
	var services map[string]struct {
		Instances map[string]struct {
			Running  bool `json:"running"`
			PID      int  `json:"pid"`
			ExitCode int  `json:"exit_code"`
		} `json:"instances"`
	}
	if err := json.Unmarshal([]byte(answer), &services); err != nil {
		return fmt.Errorf("the answer of procd: %w", err)
	}
	s.State = Stopped
	for _, i := range services[Name].Instances {
		s.State, s.PID, s.ExitStatus = Running, i.PID, i.ExitCode
		if !i.Running { // procd waits before it starts it again
			s.State = Failed
		}
	}
	return nil
}

// askScript asks the script of the service. The statuses are those of the LSB, and 8, 16 and 32 of OpenRC.
func (m *machine) askScript(ctx context.Context, s *Status) error {
	_, err := m.run(ctx, m.file(), "status")
	code := 0
	if exited, ok := errors.AsType[*exec.ExitError](err); ok {
		code = exited.ExitCode()
	} else if err != nil {
		return err
	}
	switch code {
	case 0:
		s.State = Running
	case 4:
		s.State = Stopping
	case 8:
		s.State = Starting
	case 1, 2, 32, 64: // the agent is gone, and what should watch over it may be, too
		s.State = Failed
	default:
		s.State = Stopped
	}
	links, _ := filepath.Glob(m.path("/etc/rc[2-5].d/S*" + Name)) // the pattern is right
	enabled := len(links) > 0 || m.exists(runlevelLink)
	s.Enabled = &enabled
	for _, f := range []string{"/run/acs-agent/agent.pid", "/run/acs-agent.pid"} {
		if text, err := os.ReadFile(m.path(f)); err == nil && s.State == Running {
			s.PID, _ = strconv.Atoi(strings.TrimSpace(string(text)))
			break
		}
	}
	return nil
}
