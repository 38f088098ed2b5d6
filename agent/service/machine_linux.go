package service

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// A machine is a computer with Linux whose service manager is known. Everything that it does it does through files below root
// and through commands, so that a test can look on.
type machine struct {
	init Init
	root string // before each path; empty on a real machine
	// run runs a command and returns what it prints; has says whether there is one of that name.
	run func(ctx context.Context, name string, args ...string) (string, error)
	has func(name string) bool
	// inMemory says whether a folder, or the one in which it will be made, is on a disk that is none.
	inMemory func(dir string) bool
}

// Open finds the service manager of this machine, or returns ErrNoManager.
func Open() (Manager, error) {
	m := &machine{run: runCommand, has: hasCommand, inMemory: onMemoryDisk}
	if m.init = m.detect(); m.init == "" {
		return nil, ErrNoManager
	}
	return m, nil
}

// Found is the service manager of this machine; ok is false if there is none that is known.
func Found() (init Init, ok bool) {
	m := &machine{run: runCommand, has: hasCommand}
	init = m.detect()
	return init, init != ""
}

// detect looks for the manager that runs, not for one that is only there.
func (m *machine) detect() Init {
	switch {
	case m.exists("/run/systemd/system"):
		return Systemd
	case m.exists("/run/openrc"):
		return OpenRC
	case m.exists("/sbin/procd"):
		return Procd
	case m.exists("/etc/init.d") && m.has("start-stop-daemon") && (m.has("update-rc.d") || m.has("chkconfig")):
		return SysV
	}
	return ""
}

// hasCommand looks in the folders of administrators, too, which sudo may leave out.
func hasCommand(name string) bool {
	_, err := find(name)
	return err == nil
}

func find(name string) (string, error) {
	path, err := exec.LookPath(name)
	if err == nil {
		return path, nil
	}
	for _, dir := range []string{"/usr/sbin", "/sbin"} {
		if path, sbinErr := exec.LookPath(filepath.Join(dir, name)); sbinErr == nil {
			return path, nil
		}
	}
	return "", err
}

// A commandError is a command that failed, with what it said.
type commandError struct {
	command, output string
	err             error
}

func (c *commandError) Error() string {
	said := strings.TrimSpace(c.output)
	if said == "" {
		return fmt.Sprintf("%s: %v", c.command, c.err)
	}
	return fmt.Sprintf("%s: %v: %s", c.command, c.err, said)
}

func (c *commandError) Unwrap() error { return c.err }

func runCommand(ctx context.Context, name string, args ...string) (string, error) {
	path, err := find(name)
	if err != nil {
		return "", err
	}
	out, err := exec.CommandContext(ctx, path, args...).CombinedOutput() //nolint:gosec // the commands are listed in this package
	if err != nil {
		return string(out), &commandError{strings.Join(append([]string{name}, args...), " "), string(out), err}
	}
	return string(out), nil
}

// all runs one command after the other, as words in one text each, until one fails.
func (m *machine) all(ctx context.Context, commands ...string) error {
	for _, c := range commands {
		words := strings.Fields(c)
		if _, err := m.run(ctx, words[0], words[1:]...); err != nil {
			return err
		}
	}
	return nil
}

func (m *machine) path(name string) string { return m.root + name }

func (m *machine) exists(name string) bool {
	_, err := os.Stat(m.path(name))
	return err == nil
}

// file is where the manager looks for the service.
func (m *machine) file() string {
	if m.init == Systemd {
		return "/etc/systemd/system/" + Name + ".service"
	}
	return "/etc/init.d/" + Name
}

// packaged says whether a package brings the service.
func (m *machine) packaged() bool {
	if slices.ContainsFunc([]string{
		"/usr/lib/systemd/system/acs-agent.service", "/lib/systemd/system/acs-agent.service", "/usr/share/acs-agent/init",
		"/usr/lib/opkg/info/acs-agent.list",
	}, m.exists) {
		return true
	}
	alpine, err := os.ReadFile(m.path("/lib/apk/db/installed"))
	return err == nil && strings.Contains(string(alpine), "\nP:"+Name+"\n")
}

// installed says whether the service is there.
func (m *machine) installed() bool { return m.exists(m.file()) || m.packaged() }

// write replaces a file in one step, so that neither a half nor an empty one is ever found.
func (m *machine) write(name string, content []byte, mode fs.FileMode) (err error) {
	path := m.path(name)
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name())
		}
	}()
	_, err = f.Write(content)
	if err = errors.Join(err, f.Chmod(mode), f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// runlevelLink is there where OpenRC starts the service with the machine.
const runlevelLink = "/etc/runlevels/default/" + Name

// commands are the words by which the manager is told what to do.
type commands struct{ reload, enable, disable, start, stop, restart string }

func (m *machine) commands() commands {
	switch m.init {
	case Systemd:
		unit := Name + ".service"
		return commands{
			"systemctl daemon-reload", "systemctl enable " + unit, "systemctl disable " + unit,
			"systemctl start " + unit, "systemctl stop " + unit, "systemctl restart " + unit,
		}
	case OpenRC:
		return commands{
			"", "rc-update add " + Name + " default", "rc-update del " + Name + " default",
			"rc-service " + Name + " start", "rc-service " + Name + " stop", "rc-service " + Name + " restart",
		}
	case Procd, SysV:
	}
	script := m.file()
	c := commands{"", script + " enable", script + " disable", script + " start", script + " stop", script + " restart"}
	if m.init == SysV {
		c.enable, c.disable = "update-rc.d "+Name+" defaults", "update-rc.d -f "+Name+" remove"
		if !m.has("update-rc.d") {
			c.enable, c.disable = "chkconfig --add "+Name, "chkconfig --del "+Name
		}
	}
	return c
}

// Start implements Manager.
func (m *machine) Start(ctx context.Context) error { return m.order(ctx, m.commands().start) }

// Stop implements Manager.
func (m *machine) Stop(ctx context.Context) error { return m.order(ctx, m.commands().stop) }

// Restart implements Manager.
func (m *machine) Restart(ctx context.Context) error { return m.order(ctx, m.commands().restart) }

func (m *machine) order(ctx context.Context, command string) error {
	if !m.installed() {
		return ErrNotInstalled
	}
	return m.all(ctx, command)
}
