package service

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"syscall"
)

// Install implements Manager.
func (m *machine) Install(ctx context.Context, o Options) error {
	if m.packaged() {
		return ErrPackaged
	}
	text, err := Render(m.init, o.Unit)
	if err != nil {
		return err
	}
	if err := m.hidden(&o); err != nil {
		return err
	}
	before, err := os.ReadFile(m.path(m.file()))
	fresh := errors.Is(err, fs.ErrNotExist)
	if err != nil && !fresh {
		return fmt.Errorf("the service that is there: %w", err)
	}
	if err := m.makeUser(ctx, &o.Unit); err != nil {
		return fmt.Errorf("make the user %s: %w", o.User, err)
	}
	if err := m.makeFolders(ctx, &o.Unit); err != nil {
		return err
	}
	if err := m.copyProgram(&o); err != nil {
		return fmt.Errorf("copy the program: %w", err)
	}
	if err := m.put(ctx, text, fresh); err != nil {
		return errors.Join(fmt.Errorf("put the service in place: %w", err), m.putBack(ctx, before, fresh))
	}
	switch {
	case !o.Start:
		return nil
	case fresh:
		return m.Start(ctx)
	}
	return m.Restart(ctx)
}

// hidden refuses what the unit for systemd hides from the agent, or what is lost when the power goes.
func (m *machine) hidden(o *Options) error {
	type place struct{ what, path, advice string }
	places := []place{
		{"the program", o.Binary, "move it to /usr/local/bin"},
		{"the configuration", o.Config, "move it to /etc/acs-agent"},
		{"data_dir", o.DataDir, "leave data_dir out, for /var/lib/acs-agent"},
	}
	for _, list := range o.Lists {
		places = append(places, place{"a list", list, "move it to /etc/acs-agent"})
	}
	var errs []error
	for _, p := range places {
		for _, dir := range []string{"/home", "/root", "/run/user", "/tmp", "/var/tmp"} {
			if m.init == Systemd && within(p.path, dir) {
				errs = append(errs, fmt.Errorf("%s is %s, and a service does not get to see %s (%s)", p.what, p.path, dir, p.advice))
			}
		}
	}
	if m.inMemory(m.path(o.DataDir)) {
		errs = append(errs, fmt.Errorf("data_dir: %s is in main memory here, and what has not been delivered would be lost with the "+
			"power (choose a folder on flash or disk: data_dir: /srv/acs-agent)", o.DataDir))
	}
	return errors.Join(errs...)
}

// within says whether name lies in dir or below.
func within(name, dir string) bool {
	rel, err := filepath.Rel(dir, name)
	return err == nil && filepath.IsLocal(rel)
}

// makeFolders lets the agent make its key beside the configuration and change nothing else there, read the configuration, and
// have the folder of the journal. Only the usual folders change hands: a mistaken data_dir: /etc must not give /etc away, and an
// agent that cannot write somewhere says so.
func (m *machine) makeFolders(ctx context.Context, u *Unit) error {
	own := func(options, owner, name string) error {
		_, err := m.run(ctx, "chown", options, owner, m.path(name))
		return err
	}
	if dir := "/etc/" + Name; path.Dir(u.Config) == dir {
		if err := os.MkdirAll(m.path(dir), 0o750); err != nil {
			return err
		}
		err := own("-h", "root:"+u.User, dir)
		if err == nil {
			_, err = m.run(ctx, "chmod", "1770", m.path(dir))
		}
		if err == nil && m.exists(u.Config) {
			if err = own("-h", "root:"+u.User, u.Config); err == nil {
				err = os.Chmod(m.path(u.Config), 0o640) //nolint:gosec // the agent is in this group
			}
		}
		// Of an agent that was tried out by root.
		if key := dir + "/journal.key"; err == nil && m.exists(key) {
			err = own("-h", u.User+":"+u.User, key)
		}
		if err != nil {
			return err
		}
	}
	if m.exists(u.DataDir) {
		if u.DataDir == "/var/lib/"+Name && m.ownedByRoot(u.DataDir) {
			return own("-hR", u.User+":"+u.User, u.DataDir)
		}
		return nil
	}
	if err := os.MkdirAll(m.path(u.DataDir), 0o750); err != nil {
		return err
	}
	return own("-h", u.User+":"+u.User, u.DataDir)
}

func (m *machine) ownedByRoot(name string) bool {
	info, err := os.Lstat(m.path(name))
	if err != nil {
		return false
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && stat.Uid == 0
}

// copyProgram puts the program where the service expects it, also over one that runs.
func (m *machine) copyProgram(o *Options) error {
	if o.Source == "" || o.Source == m.path(o.Binary) {
		return nil
	}
	program, err := os.ReadFile(o.Source)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(m.path(path.Dir(o.Binary)), 0o755); err != nil { //nolint:gosec // a folder of programs
		return err
	}
	return m.write(o.Binary, program, 0o755)
}

// put writes the file of the service and makes the manager read it. On an upgrade the service stays enabled or disabled.
func (m *machine) put(ctx context.Context, text string, fresh bool) error {
	mode := fs.FileMode(0o755)
	if m.init == Systemd {
		mode = 0o644
	}
	if err := m.write(m.file(), []byte(text), mode); err != nil {
		return err
	}
	c := m.commands()
	if c.reload != "" {
		if err := m.all(ctx, c.reload); err != nil {
			return err
		}
	}
	if !fresh {
		return nil
	}
	return m.all(ctx, c.enable)
}

// putBack restores what was there before an installation that failed.
func (m *machine) putBack(ctx context.Context, before []byte, fresh bool) error {
	if !fresh {
		return m.put(ctx, string(before), false)
	}
	err := os.Remove(m.path(m.file()))
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	if c := m.commands(); c.reload != "" {
		err = errors.Join(err, m.all(ctx, c.reload))
	}
	return err
}

// Uninstall implements Manager.
func (m *machine) Uninstall(ctx context.Context) error {
	switch {
	case m.packaged():
		return ErrPackaged
	case !m.installed():
		return ErrNotInstalled
	}
	c := m.commands()
	// An agent that runs on would keep journal and ports.
	if err := m.all(ctx, c.stop); err != nil {
		return fmt.Errorf("stop the agent first: %w", err)
	}
	// OpenRC takes it for a failure if there is nothing to disable.
	if m.init != OpenRC || m.exists(runlevelLink) {
		if err := m.all(ctx, c.disable); err != nil {
			return err
		}
	}
	if err := os.Remove(m.path(m.file())); err != nil {
		return err
	}
	if m.init == SysV { // a link that points nowhere is left by the first
		_, _ = m.run(ctx, "update-rc.d", Name, "remove")
	}
	if c.reload != "" {
		return m.all(ctx, c.reload)
	}
	return nil
}
