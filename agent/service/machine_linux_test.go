package service

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A stage is a machine below a folder, on which commands are only noted down.
type stage struct {
	machine
	t     *testing.T
	ran   []string
	fails string // the command that begins so fails
	says  map[string]string
}

// newStage makes a machine with that service manager and these programs.
func newStage(t *testing.T, manager Init, programs ...string) *stage {
	t.Helper()
	s := &stage{t: t}
	s.machine = machine{
		root:     t.TempDir(),
		inMemory: func(dir string) bool { return strings.HasSuffix(dir, "/var/volatile") },
		has:      func(name string) bool { return slices.Contains(programs, name) },
		run: func(_ context.Context, name string, args ...string) (string, error) {
			command := strings.ReplaceAll(strings.Join(append([]string{name}, args...), " "), s.root, "")
			s.ran = append(s.ran, command)
			if s.fails != "" && strings.HasPrefix(command, s.fails) {
				return "", fmt.Errorf("%s does not work", command)
			}
			return s.says[command], nil
		},
	}
	mark := map[Init]string{Systemd: "/run/systemd/system/x", OpenRC: "/run/openrc/x", Procd: "/sbin/procd", SysV: "/etc/init.d/x"}[manager]
	for _, f := range []string{mark, "/etc/systemd/system/x", "/etc/init.d/x"} {
		s.put(f, "")
	}
	s.put("/etc/passwd", "root:x:0:0:root:/root:/bin/sh\n")
	s.put("/etc/group", "root:x:0:\ndialout:x:20:\nuucp:x:10:\n")
	s.put("/home/tech/acs-agent", "the program")
	s.put("/etc/acs-agent/config.yaml", "device: x")
	s.init = s.detect()
	if s.init != manager {
		t.Fatalf("found %q, want %q", s.init, manager)
	}
	return s
}

func (s *stage) put(name, text string) {
	s.t.Helper()
	if err := os.MkdirAll(filepath.Dir(s.path(name)), 0o755); err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(s.path(name), []byte(text), 0o644); err != nil {
		s.t.Fatal(err)
	}
}

func (s *stage) options() Options {
	return Options{
		Unit:   Unit{Binary: "/usr/local/bin/acs-agent", Config: "/etc/acs-agent/config.yaml", DataDir: "/var/lib/acs-agent", User: User},
		Source: s.path("/home/tech/acs-agent"), Start: true,
	}
}

// want compares what was run since the last time.
func (s *stage) want(commands ...string) {
	s.t.Helper()
	if !slices.Equal(s.ran, commands) {
		s.t.Errorf("ran\n  %s\nwant\n  %s", strings.Join(s.ran, "\n  "), strings.Join(commands, "\n  "))
	}
	s.ran = nil
}

func (s *stage) install() {
	s.t.Helper()
	if err := s.Install(s.t.Context(), s.options()); err != nil {
		s.t.Fatal(err)
	}
}

// clean checks that nothing but whole files was left in the folder of services.
func (s *stage) clean(want ...string) {
	s.t.Helper()
	entries, err := os.ReadDir(filepath.Dir(s.path(s.file())))
	if err != nil {
		s.t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if want = append(want, "x"); !slices.Equal(names, want) {
		s.t.Errorf("left behind: %q, want %q", names, want)
	}
}

func TestInstallOnEachServiceManager(t *testing.T) {
	shadow := []string{
		"groupadd --system acs-agent",
		"useradd --system --gid acs-agent --home-dir /var/lib/acs-agent --no-create-home --shell /usr/sbin/nologin acs-agent",
		"usermod -a -G dialout acs-agent",
	}
	busybox := []string{
		"addgroup -S acs-agent",
		"adduser -S -D -H -h /var/lib/acs-agent -s /sbin/nologin -G acs-agent acs-agent",
		"addgroup acs-agent dialout",
	}
	folders := []string{
		"chown -h root:acs-agent /etc/acs-agent", "chmod 1770 /etc/acs-agent", "chown -h root:acs-agent /etc/acs-agent/config.yaml",
		"chown -h acs-agent:acs-agent /var/lib/acs-agent",
	}
	openwrt := []string{
		`sh -c . /lib/functions.sh && id=$(group_add_next "$0") && user_add "$0" "$id" "$id" "$0" "$1" /bin/false acs-agent /var/lib/acs-agent`,
		`sh -c . /lib/functions.sh && group_add_user "$1" "$0" acs-agent dialout`,
	}
	for name, c := range map[string]struct {
		manager  Init
		programs []string
		user     []string
		start    []string
		again    []string
		mode     fs.FileMode
	}{
		"systemd": {
			Systemd,
			[]string{"useradd", "usermod"},
			shadow,
			[]string{"systemctl daemon-reload", "systemctl enable acs-agent.service", "systemctl start acs-agent.service"},
			[]string{"systemctl daemon-reload", "systemctl restart acs-agent.service"},
			0o644,
		},
		"openrc": {
			OpenRC,
			[]string{"adduser", "addgroup"},
			busybox,
			[]string{"rc-update add acs-agent default", "rc-service acs-agent start"},
			[]string{"rc-service acs-agent restart"},
			0o755,
		},
		"procd": {
			Procd, nil, openwrt,
			[]string{"/etc/init.d/acs-agent enable", "/etc/init.d/acs-agent start"},
			[]string{"/etc/init.d/acs-agent restart"},
			0o755,
		},
		"sysv of Debian": {
			SysV,
			[]string{"useradd", "usermod", "update-rc.d", "start-stop-daemon"},
			shadow,
			[]string{"update-rc.d acs-agent defaults", "/etc/init.d/acs-agent start"},
			[]string{"/etc/init.d/acs-agent restart"},
			0o755,
		},
		"sysv elsewhere": {
			SysV,
			[]string{"useradd", "usermod", "chkconfig", "start-stop-daemon"},
			shadow,
			[]string{"chkconfig --add acs-agent", "/etc/init.d/acs-agent start"},
			[]string{"/etc/init.d/acs-agent restart"},
			0o755,
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t, c.manager, c.programs...)
			s.install()
			s.want(slices.Concat(c.user, folders, c.start)...)
			text, err := os.ReadFile(s.path(s.file()))
			want, _ := Render(c.manager, s.options().Unit)
			if err != nil || string(text) != want {
				t.Errorf("%v, the file is\n%s", err, text)
			}
			if info, err := os.Stat(s.path(s.file())); err != nil || info.Mode().Perm() != c.mode {
				t.Errorf("%v, rights %v, want %v", err, info.Mode(), c.mode)
			}
			if program, err := os.ReadFile(s.path("/usr/local/bin/acs-agent")); err != nil || string(program) != "the program" {
				t.Errorf("%v, program %q", err, program)
			}

			// Again, with the user that is there now: an upgrade. Whoever has disabled the service had a reason.
			s.put("/etc/passwd", "root:x:0:0:root:/root:/bin/sh\nacs-agent:x:999:995::/var/lib/acs-agent:/usr/sbin/nologin\n")
			s.put("/etc/group", "acs-agent:x:995:\ndialout:x:20:someone,acs-agent\n")
			s.put("/home/tech/acs-agent", "a newer program")
			s.install()
			s.want(slices.Concat(folders[:3], s.others(folders[3]), c.again)...)
			if program, _ := os.ReadFile(s.path("/usr/local/bin/acs-agent")); string(program) != "a newer program" {
				t.Errorf("after the upgrade there is %q", program)
			}
		})
	}
}

// others is what an upgrade does with the folder of the journal: nothing, but for the owner where that is root, as here in tests that
// root runs.
func (*stage) others(string) []string {
	if os.Geteuid() != 0 {
		return nil
	}
	return []string{"chown -hR acs-agent:acs-agent /var/lib/acs-agent"}
}

func TestAnInstallationThatFailsLeavesNoHalf(t *testing.T) {
	for _, c := range []struct {
		fails string
		want  []string // what is in the folder of services
	}{
		{"groupadd", nil},
		{"chown", nil},
		{"systemctl enable", nil},
		{"systemctl start", []string{"acs-agent.service"}}, // it is installed, and its log says why it does not start
	} {
		t.Run(c.fails, func(t *testing.T) {
			s := newStage(t, Systemd, "useradd", "usermod")
			s.fails = c.fails
			if err := s.Install(t.Context(), s.options()); err == nil || !strings.Contains(err.Error(), c.fails) {
				t.Errorf("error %v", err)
			}
			s.clean(c.want...)
		})
	}
}

func TestAnUpgradeThatFailsPutsTheOldServiceBack(t *testing.T) {
	s := newStage(t, Systemd, "useradd", "usermod")
	s.put(s.file(), "the old unit")
	s.fails = "systemctl daemon-reload"
	if err := s.Install(t.Context(), s.options()); err == nil {
		t.Error("no error")
	}
	if text, err := os.ReadFile(s.path(s.file())); err != nil || string(text) != "the old unit" {
		t.Errorf("%v, the unit is %q", err, text)
	}
	s.clean("acs-agent.service")
}

func TestInstallRefusesBeforeAnythingIsChanged(t *testing.T) {
	for name, c := range map[string]struct {
		prepare func(*stage, *Options)
		want    string
	}{
		"a program at home":           {func(_ *stage, o *Options) { o.Binary = "/home/tech/acs-agent" }, "move it to /usr/local/bin"},
		"a configuration at home":     {func(_ *stage, o *Options) { o.Config = "/root/config.yaml" }, "move it to /etc/acs-agent"},
		"data that goes with a start": {func(_ *stage, o *Options) { o.DataDir = "/tmp/data" }, "leave data_dir out"},
		"data in main memory":         {func(_ *stage, o *Options) { o.DataDir = "/var/volatile" }, "would be lost"},
		"a list at home":              {func(_ *stage, o *Options) { o.Lists = []string{"/home/tech/people.csv"} }, "move it to /etc/acs-agent"},
		"a wrong path":                {func(_ *stage, o *Options) { o.DataDir = "data" }, "no absolute path"},
		"a package": {
			func(s *stage, _ *Options) { s.put("/usr/lib/systemd/system/acs-agent.service", "") }, "came with a package",
		},
		"a package of Alpine": {func(s *stage, _ *Options) { s.put("/lib/apk/db/installed", "C:x\nP:acs-agent\nV:1\n") }, "came with a package"},
		"a package of OpenWrt": {
			func(s *stage, _ *Options) { s.put("/usr/lib/opkg/info/acs-agent.list", "") }, "came with a package",
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t, Systemd, "useradd", "usermod")
			o := s.options()
			c.prepare(s, &o)
			if err := s.Install(t.Context(), o); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
			s.want()
			s.clean()
		})
	}
}

func TestAFolderOfSomebodyElseIsNotGivenAway(t *testing.T) {
	s := newStage(t, OpenRC, "useradd", "usermod")
	o := s.options()
	o.DataDir, o.Config = "/etc", "/srv/config.yaml"
	if err := s.Install(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	for _, command := range s.ran {
		if strings.HasPrefix(command, "chown") || strings.HasPrefix(command, "chmod") {
			t.Errorf("ran %s", command)
		}
	}
}

func TestUninstallStopsFirstAndTouchesNoData(t *testing.T) {
	for manager, want := range map[Init][]string{
		Systemd: {"systemctl stop acs-agent.service", "systemctl disable acs-agent.service", "systemctl daemon-reload"},
		OpenRC:  {"rc-service acs-agent stop", "rc-update del acs-agent default"},
		Procd:   {"/etc/init.d/acs-agent stop", "/etc/init.d/acs-agent disable"},
		SysV:    {"/etc/init.d/acs-agent stop", "update-rc.d -f acs-agent remove", "update-rc.d acs-agent remove"},
	} {
		t.Run(string(manager), func(t *testing.T) {
			s := newStage(t, manager, "useradd", "usermod", "update-rc.d", "start-stop-daemon")
			s.install()
			s.put("/var/lib/acs-agent/journal/MANIFEST", "passes")
			s.put(runlevelLink, "")
			s.ran = nil
			if err := s.Uninstall(t.Context()); err != nil {
				t.Fatal(err)
			}
			s.want(want...)
			s.clean()
			for _, f := range []string{"/var/lib/acs-agent/journal/MANIFEST", "/etc/acs-agent/config.yaml"} {
				if !s.exists(f) {
					t.Errorf("%s is gone", f)
				}
			}
			if err := s.Uninstall(t.Context()); !errors.Is(err, ErrNotInstalled) {
				t.Errorf("again: %v", err)
			}
		})
	}
}

func TestADisabledServiceIsUninstalled(t *testing.T) {
	s := newStage(t, OpenRC, "useradd", "usermod")
	s.install()
	s.fails = "rc-update del" // as it does where there is nothing to delete
	if err := s.Uninstall(t.Context()); err != nil {
		t.Error(err)
	}
	s.clean()
}

func TestAnAgentThatDoesNotStopIsNotUninstalled(t *testing.T) {
	s := newStage(t, Systemd, "useradd", "usermod")
	s.install()
	s.fails = "systemctl stop"
	if err := s.Uninstall(t.Context()); err == nil || !strings.Contains(err.Error(), "stop the agent first") {
		t.Errorf("error %v", err)
	}
	s.clean("acs-agent.service")
}

func TestOrdersToAServiceThatIsNotThere(t *testing.T) {
	s := newStage(t, Systemd)
	for name, order := range map[string]func(context.Context) error{"start": s.Start, "stop": s.Stop, "restart": s.Restart} {
		if err := order(t.Context()); !errors.Is(err, ErrNotInstalled) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got, err := s.Status(t.Context()); err != nil || got.State != NotInstalled {
		t.Errorf("status: %+v, %v", got, err)
	}
	s.want()
}

func TestMemoryIsNoDisk(t *testing.T) {
	for kind, want := range map[int64]bool{0x01021994: true, 0x858458f6: true, -0x7a7ba70a: true, 0xef53: false, 0x794c7630: false} {
		if got := memoryDisk(kind); got != want {
			t.Errorf("%#x: %t", kind, got)
		}
	}
	if onMemoryDisk("/proc/none") {
		t.Error("/proc is taken for a disk in memory")
	}
}
