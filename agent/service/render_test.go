package service_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/acs-agent/acs-agent/agent/service"
)

func usual() service.Unit {
	return service.Unit{
		Binary: "/usr/bin/acs-agent", Config: "/etc/acs-agent/config.yaml", DataDir: "/var/lib/acs-agent", User: service.User,
	}
}

// awkward has everything in its paths that some file gives a meaning to.
func awkward() service.Unit {
	return service.Unit{
		Binary: "/opt/the agent/100% $HOME/acs-agent", Config: "/srv/it's 50%/$conf \"a\" b\\c.yaml", DataDir: "/srv/the data/50%",
		User: "gate_1",
	}
}

func TestTheFilesAreAsTheyShouldBe(t *testing.T) {
	for name, unit := range map[string]service.Unit{"usual": usual(), "awkward": awkward()} {
		for _, manager := range service.Inits() {
			t.Run(name+"/"+string(manager), func(t *testing.T) {
				got, err := service.Render(manager, unit)
				if err != nil {
					t.Fatal(err)
				}
				golden := filepath.Join("testdata", name+"."+string(manager))
				if os.Getenv("UPDATE") == "1" {
					if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
						t.Fatal(err)
					}
				}
				want, err := os.ReadFile(golden)
				if err != nil {
					t.Fatal(err)
				}
				if got != string(bytes.ReplaceAll(want, []byte("\r\n"), []byte("\n"))) {
					t.Errorf("the file is not that of %s (UPDATE=1 writes it anew):\n%s", golden, got)
				}
			})
		}
	}
}

func TestWhatCannotBeWrittenIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*service.Unit)
		want   string
	}{
		"a path from here":        {func(u *service.Unit) { u.Binary = "acs-agent" }, "no absolute path"},
		"no path":                 {func(u *service.Unit) { u.DataDir = "" }, "no absolute path"},
		"a new line":              {func(u *service.Unit) { u.Config = "/etc/a\nExecStartPre=/bin/evil" }, "control characters"},
		"a program in quotes":     {func(u *service.Unit) { u.Binary = "/opt/it's/acs-agent" }, "quotes or backslashes"},
		"no user":                 {func(u *service.Unit) { u.User = "" }, "no name of a user"},
		"a user with a space":     {func(u *service.Unit) { u.User = "a b" }, "no name of a user"},
		"a user like an option":   {func(u *service.Unit) { u.User = "-h" }, "no name of a user"},
		"a number":                {func(u *service.Unit) { u.User = "0" }, "no name of a user"},
		"a user that is too long": {func(u *service.Unit) { u.User = strings.Repeat("a", 32) }, "no name of a user"},
	} {
		t.Run(name, func(t *testing.T) {
			u := usual()
			c.change(&u)
			for _, manager := range service.Inits() {
				if text, err := service.Render(manager, u); err == nil || text != "" || !strings.Contains(err.Error(), c.want) {
					t.Errorf("%s: %v and %q, want an error with %q", manager, err, text, c.want)
				}
			}
		})
	}
}

func TestAServiceManagerThatIsNotKnownIsRefused(t *testing.T) {
	if _, err := service.ParseInit("upstart"); err == nil || !strings.Contains(err.Error(), "systemd, openrc, procd, sysv") {
		t.Errorf("error %v", err)
	}
	if _, err := service.Render("upstart", usual()); err == nil {
		t.Error("a file for a manager that is not known")
	}
	for _, i := range service.Inits() {
		if got, err := service.ParseInit(string(i)); got != i || err != nil {
			t.Errorf("%s: %s, %v", i, got, err)
		}
	}
}

// tool finds a program that looks at the files; with CI=true it has to be there.
func tool(t *testing.T, name string) (path string, ok bool) {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil && os.Getenv("CI") != "" {
		t.Fatalf("%s is not installed, and CI has to have it", name)
	}
	if err != nil {
		t.Logf("%s is not installed: the files were not shown to it", name)
	}
	return path, err == nil
}

func TestSystemdUnderstandsTheUnit(t *testing.T) {
	analyze, ok := tool(t, "systemd-analyze")
	if !ok {
		return
	}
	for name, unit := range map[string]service.Unit{"usual": usual(), "awkward": awkward()} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			unit.Binary = filepath.Join(dir, filepath.Base(filepath.Dir(unit.Binary)), "acs-agent")
			if err := os.MkdirAll(filepath.Dir(unit.Binary), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(unit.Binary, []byte("#!/bin/sh\n"), 0o755); err != nil {
				t.Fatal(err)
			}
			text, err := service.Render(service.Systemd, unit)
			if err != nil {
				t.Fatal(err)
			}
			file := filepath.Join(dir, "acs-agent.service")
			if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
			// It also complains of units of the machine that ours has to do with.
			out, err := exec.Command(analyze, "verify", "--man=no", file).CombinedOutput()
			if err != nil || strings.Contains(string(out), file) || strings.Contains(string(out), "acs-agent.service") {
				t.Errorf("%v: %s\n%s", err, out, text)
			}
		})
	}
}

func TestShellsUnderstandTheScripts(t *testing.T) {
	sh, err := exec.LookPath("sh")
	if err != nil {
		return // Windows
	}
	shellcheck, checks := tool(t, "shellcheck")
	for name, unit := range map[string]service.Unit{"usual": usual(), "awkward": awkward()} {
		for _, manager := range []service.Init{service.OpenRC, service.Procd, service.SysV} {
			t.Run(name+"/"+string(manager), func(t *testing.T) {
				text, err := service.Render(manager, unit)
				if err != nil {
					t.Fatal(err)
				}
				for _, command := range [][]string{{sh, "-n"}, {shellcheck, "--shell=sh", "--severity=warning", "-"}} {
					if command[0] == "" || !checks && command[0] == shellcheck {
						continue
					}
					cmd := exec.Command(command[0], command[1:]...)
					cmd.Stdin = strings.NewReader(text)
					if out, err := cmd.CombinedOutput(); err != nil {
						t.Errorf("%s: %v: %s", command, err, out)
					}
				}
			})
		}
	}
}

// TestAShellGetsTheWordsThatWereMeant lets a shell take the scripts apart in the way in which their managers do.
func TestAShellGetsTheWordsThatWereMeant(t *testing.T) {
	sh, err := exec.LookPath("sh")
	if err != nil {
		return // Windows
	}
	for name, unit := range map[string]service.Unit{"usual": usual(), "awkward": awkward()} {
		want := strings.Join([]string{unit.Binary, "run", "--service", "--config", unit.Config}, "\n") + "\n"
		for manager, after := range map[service.Init]string{
			// OpenRC expands its variable once more, behind `sh`: the agent is what comes behind -c, the script and the pipe.
			service.OpenRC: `eval "set -- $command_args"; shift 3; printf '%s\n' "$@"`,
			service.Procd: `procd_open_instance() { :; }; procd_close_instance() { :; }
				procd_set_param() { [ "$1" != command ] || { shift; printf '%s\n' "$@"; }; }
				DATA_DIR=/; start_service`,
			service.SysV: `printf '%s\n' "$BINARY" run --service --config "$CONFIG"`,
		} {
			t.Run(name+"/"+string(manager), func(t *testing.T) {
				text, err := service.Render(manager, unit)
				if err != nil {
					t.Fatal(err)
				}
				text, _, _ = strings.Cut(text, "\ncase \"$1\" in") // of SysV: what is done with the arguments
				out, err := exec.Command(sh, "-c", text+"\n"+after).CombinedOutput()
				if err != nil || string(out) != want {
					t.Errorf("%v:\n%swant:\n%s", err, out, want)
				}
			})
		}
	}
}
