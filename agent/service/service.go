// Package service makes the agent a service of the operating system: it writes the files by which systemd, OpenRC, procd, SysV
// and Windows know how to start the agent, as whom, and what it may do, and says how the service is doing.
//
// What it promises: a file is rendered and checked before anything on the machine is touched; installing again is an upgrade
// that keeps data, configuration and enablement; removing leaves the data, the key and the configuration alone.
package service

import (
	"errors"
	"fmt"
	"path"
	"strings"
)

const (
	// Name is what the service, its unit and its folders are called.
	Name = "acs-agent"
	// User is the user and the group that the service runs as, unless another is asked for.
	User = "acs-agent"
)

// Init is a kind of service manager.
type Init string

// The service managers of Linux.
const (
	Systemd Init = "systemd"
	OpenRC  Init = "openrc"
	Procd   Init = "procd"
	SysV    Init = "sysv"
)

// Inits are the service managers for which there is a file.
func Inits() []Init { return []Init{Systemd, OpenRC, Procd, SysV} }

// ParseInit reads the name of a service manager.
func ParseInit(text string) (Init, error) {
	for _, i := range Inits() {
		if string(i) == text {
			return i, nil
		}
	}
	return "", fmt.Errorf("%q is no service manager that is known: write one of systemd, openrc, procd, sysv", text)
}

// A Unit says how the agent is started. All paths are absolute.
type Unit struct {
	// Binary is the program, Config its configuration, DataDir the folder of the journal.
	Binary, Config, DataDir string
	// KeyDir is the folder of the journal's key; empty: that of Config.
	KeyDir string
	// User is the name of the user and of the group that the agent runs as.
	User string
}

// check refuses what cannot be written into all of the files.
func (u *Unit) check() error {
	var wrong []error
	for _, p := range []struct{ what, path string }{
		{"program", u.Binary}, {"configuration", u.Config}, {"data_dir", u.DataDir}, {"folder of the key", u.keyDir()},
	} {
		switch {
		case !path.IsAbs(p.path):
			wrong = append(wrong, fmt.Errorf("%s: %q is no absolute path", p.what, p.path))
		case strings.ContainsFunc(p.path, func(r rune) bool { return r < ' ' || r == 0x7f }):
			wrong = append(wrong, fmt.Errorf("%s: %q has control characters in it", p.what, p.path))
		}
	}
	if strings.ContainsAny(u.Binary, `"'\`) { // systemd starts no such program
		wrong = append(wrong, fmt.Errorf("program: %q has quotes or backslashes in it (move it to /usr/local/bin)", u.Binary))
	}
	if !plainName(u.User) {
		wrong = append(wrong, fmt.Errorf("%q is no name of a user: write small letters, digits, - and _", u.User))
	}
	return errors.Join(wrong...)
}

// keyDir is where the key of the journal is made at the first start.
func (u *Unit) keyDir() string {
	if u.KeyDir != "" {
		return u.KeyDir
	}
	return path.Dir(u.Config)
}

// plainName says whether every system takes s for the name of a user.
func plainName(s string) bool {
	const most = 31
	for i, c := range []byte(s) {
		letter := c >= 'a' && c <= 'z' || c == '_'
		if !letter && (i == 0 || c != '-' && (c < '0' || c > '9')) {
			return false
		}
	}
	return s != "" && len(s) <= most
}
