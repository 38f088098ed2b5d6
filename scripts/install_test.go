//go:build linux

// Package scripts holds the tests of the scripts that people run on their machines.
package scripts

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"
)

// shells are those that install.sh runs on: that of this machine, and busybox's where it is installed.
func shells(t *testing.T) (all [][]string) {
	t.Helper()
	all = append(all, []string{"/bin/sh"})
	if _, err := exec.LookPath("busybox"); err == nil {
		all = append(all, []string{"busybox", "sh"})
	} else if os.Getenv("CI") != "" {
		t.Error("busybox is not installed (apt-get install busybox)")
	}
	return all
}

// A machine is what install.sh sees: commands that play another processor or package manager, an empty root, a release.
type machine struct {
	t                  *testing.T
	shell              []string
	bin, root, release string
	user               string
}

func newMachine(t *testing.T, shell []string) *machine {
	t.Helper()
	m := &machine{t: t, shell: shell, bin: t.TempDir(), root: t.TempDir(), release: t.TempDir(), user: "0"}
	m.has("uname", `case $1 in -m) echo armv6l ;; *) echo Gate_1.local ;; esac`)
	for _, name := range []string{
		"acs-agent-linux-armv6", "acs-agent-linux-armv7", "acs-agent-linux-amd64", "acs-agent-linux-mipsle",
		"acs-agent_1.2.0_armhf.deb", "acs-agent-1.2.0-1.armv7hl.rpm", "acs-agent-1.2.0-armhf.apk", "acs-agent_1.2.0_mipsel_24kc.ipk",
	} {
		m.publish(name, "this is "+name+"\n")
	}
	m.sum()
	return m
}

// has gives the machine a command.
func (m *machine) has(name, script string) {
	m.t.Helper()
	if err := os.WriteFile(filepath.Join(m.bin, name), []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
		m.t.Fatal(err)
	}
}

func (m *machine) publish(name, text string) {
	m.t.Helper()
	if err := os.WriteFile(filepath.Join(m.release, name), []byte(text), 0o644); err != nil {
		m.t.Fatal(err)
	}
}

// sum writes SHA256SUMS for what is published.
func (m *machine) sum() {
	m.t.Helper()
	var b bytes.Buffer
	files, err := filepath.Glob(filepath.Join(m.release, "acs-agent*"))
	if err != nil {
		m.t.Fatal(err)
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			m.t.Fatal(err)
		}
		fmt.Fprintf(&b, "%x  %s\n", sha256.Sum256(text), filepath.Base(f))
	}
	m.publish("SHA256SUMS", b.String())
}

func (m *machine) command(args ...string) *exec.Cmd {
	m.t.Helper()
	m.has("id", "echo "+m.user)
	for _, tool := range []string{
		"sh", "busybox", "cat", "cp", "mv", "rm", "mkdir", "mktemp", "chmod", "chgrp", "dd", "dirname", "grep", "sed", "tr", "cut", "tail",
		"readlink", "sha256sum", "stty", "curl",
	} {
		if path, err := exec.LookPath(tool); err == nil {
			_ = os.Symlink(path, filepath.Join(m.bin, tool)) // it may be there already
		}
	}
	words := append([]string{}, m.shell[1:]...)
	words = append(words, "install.sh", "--root", m.root)
	words = append(words, args...)
	cmd := exec.CommandContext(m.t.Context(), m.shell[0], words...)
	cmd.Env = []string{"PATH=" + m.bin, "TMPDIR=" + m.t.TempDir(), "LANG=C.UTF-8"}
	return cmd
}

// install runs install.sh and returns what it says and its exit status.
func (m *machine) install(args ...string) (said string, status int) {
	m.t.Helper()
	text, err := m.command(args...).CombinedOutput()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return string(text), exit.ExitCode()
	}
	if err != nil {
		m.t.Fatal(err)
	}
	return string(text), 0
}

// put writes a file below the root.
func (m *machine) put(name, text string) {
	m.t.Helper()
	name = filepath.Join(m.root, name)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		m.t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o755); err != nil {
		m.t.Fatal(err)
	}
}

// file reads a file below the root; "" if it is not there.
func (m *machine) file(name string) string {
	text, err := os.ReadFile(filepath.Join(m.root, name))
	if err != nil {
		return ""
	}
	return string(text)
}

func onEachShell(t *testing.T, test func(t *testing.T, m *machine)) {
	t.Helper()
	for _, shell := range shells(t) {
		t.Run(filepath.Base(shell[0]), func(t *testing.T) { test(t, newMachine(t, shell)) })
	}
}

func TestInstallTakesWhatFitsTheMachine(t *testing.T) {
	const little, big = "\x7fELF\x01\x01", "\x7fELF\x01\x02"
	for _, c := range []struct {
		name, processor, file string            // file is the beginning of the machine's /bin/sh, or the name of an empty one
		manager               map[string]string // commands of its package manager
		want                  string            // what is installed, or said if that is not in the release
	}{
		{"ARMv6", "armv6l", "", nil, "acs-agent-linux-armv6"},
		{"ARMv7", "armv7l", "", nil, "acs-agent-linux-armv7"},
		{"32-bit programs on ARMv8", "armv8l", "", nil, "acs-agent-linux-armv7"},
		{"ARMv5", "armv5tel", "", nil, "no floating point unit"},
		{"x86", "x86_64", "", nil, "acs-agent-linux-amd64"},
		{"MIPS with the lower byte first", "mips", little, nil, "acs-agent-linux-mipsle"},
		{"MIPS with the higher byte first", "mips", big, nil, "higher byte first"},
		{"a processor that nobody knows", "vax", "", nil, "no acs-agent for this kind of machine (vax)"},
		{"a processor that the release lacks", "aarch64", "", nil, "SHA256SUMS lists nothing for this machine"},
		{"Raspbian", "armv6l", "", map[string]string{"dpkg": `[ "$1" = --print-architecture ] && echo armhf || cat "$3"`}, "acs-agent_1.2.0_armhf.deb"},
		{
			"Debian of an architecture without a package", "armv6l", "",
			map[string]string{"dpkg": `echo armel`},
			"acs-agent-linux-armv6",
		},
		{
			"OpenWrt", "mips", little,
			map[string]string{"opkg": `case $1 in print-architecture) printf 'arch all 1\narch mipsel_24kc 10\n' ;; *) cat "$4" ;; esac`},
			"acs-agent_1.2.0_mipsel_24kc.ipk",
		},
		{
			"Alpine", "armv6l", "etc/alpine-release",
			map[string]string{"apk": `case $1 in --print-arch) echo armhf ;; *) cat "$5" ;; esac`},
			"acs-agent-1.2.0-armhf.apk",
		},
		{"OpenWrt with apk", "mips", little, map[string]string{"apk": "exit 1"}, "acs-agent-linux-mipsle"},
		{
			"Fedora on ARM", "armv7l", "",
			map[string]string{"rpm": `case $1 in --eval) echo arm ;; *) cat "$5" ;; esac`},
			"acs-agent-1.2.0-1.armv7hl.rpm",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			onEachShell(t, func(t *testing.T, m *machine) {
				m.has("uname", `case $1 in -m) echo `+c.processor+` ;; *) echo gate ;; esac`)
				switch {
				case strings.HasPrefix(c.file, "\x7f"):
					m.put("bin/sh", c.file)
				case c.file != "":
					m.put(c.file, "")
				}
				for name, script := range c.manager {
					m.has(name, script)
				}
				said, status := m.install("--from", m.release, "--yes")
				if _, err := os.Stat(filepath.Join(m.release, c.want)); err != nil {
					if status == 0 || !strings.Contains(said, c.want) {
						t.Errorf("exit status %d, and it says:\n%s", status, said)
					}
					return
				}
				installed := said + m.file("usr/local/bin/acs-agent") // a package manager of ours prints the package
				if status != 0 || !strings.Contains(installed, "this is "+c.want+"\n") {
					t.Errorf("exit status %d, and it says:\n%s", status, said)
				}
			})
		})
	}
}

func TestInstallRefusesWhatItCannotTrust(t *testing.T) {
	for _, c := range []struct {
		name  string
		spoil func(m *machine)
		args  []string
		says  string
	}{
		{"a damaged file", func(m *machine) { m.publish("acs-agent-linux-armv6", "worm") }, nil, "is not what SHA256SUMS says"},
		{"a file that is not listed", func(m *machine) { m.publish("SHA256SUMS", "") }, nil, "SHA256SUMS lists nothing"},
		{
			"a sum that is cut off", func(m *machine) { m.publish("SHA256SUMS", "e3b0c44298fc  acs-agent-linux-armv6\n") }, nil,
			"SHA256SUMS lists nothing",
		},
		{
			"a name that leads elsewhere",
			func(m *machine) { m.publish("SHA256SUMS", strings.Repeat("0", 64)+"  ../acs-agent-linux-armv6\n") }, nil, "SHA256SUMS lists nothing",
		},
		{"a folder without a release", func(m *machine) { _ = os.Remove(filepath.Join(m.release, "SHA256SUMS")) }, nil, "say with --from"},
		{"plain http from elsewhere", func(*machine) {}, []string{"--from", "http://192.0.2.1/"}, "only https"},
		{"someone who is not root", func(m *machine) { m.user = "1000" }, nil, "has to run as root"},
	} {
		t.Run(c.name, func(t *testing.T) {
			onEachShell(t, func(t *testing.T, m *machine) {
				c.spoil(m)
				args := append([]string{"--yes", "--from", m.release}, c.args...)
				said, status := m.install(args...)
				if status != 1 || !strings.Contains(said, c.says) {
					t.Errorf("exit status %d, and it says:\n%s", status, said)
				}
				if left, err := os.ReadDir(m.root); err != nil || len(left) > 0 {
					t.Errorf("something was installed: %v %v", left, err)
				}
			})
		})
	}
}

func TestInstallFetches(t *testing.T) {
	onEachShell(t, func(t *testing.T, m *machine) {
		server := httptest.NewServer(http.FileServer(http.Dir(m.release)))
		defer server.Close()
		m.has("wget", `[ "$1 $2" = "-q -O" ] && exec busybox wget -q -O "$3" "$4"`) // where there is no curl
		said, status := m.install("--from", server.URL, "--yes")
		if status != 0 || m.file("usr/local/bin/acs-agent") != "this is acs-agent-linux-armv6\n" {
			t.Errorf("exit status %d, and it says:\n%s", status, said)
		}
		said, status = m.install("--from", server.URL+"/nothing", "--yes")
		if status != 1 || !strings.Contains(said, "cannot be fetched") {
			t.Errorf("exit status %d, and it says:\n%s", status, said)
		}
	})
}

func TestInstallBeginsAConfigurationAndKeepsOne(t *testing.T) {
	onEachShell(t, func(t *testing.T, m *machine) {
		if said, status := m.install("--from", m.release, "--yes"); status != 0 {
			t.Fatalf("exit status %d, and it says:\n%s", status, said)
		}
		config := m.file("etc/acs-agent/config.yaml")
		for _, want := range []string{"device: 'gate-1-local'\n", "timezone: 'Asia/Almaty'\n", "    bin: ''\n", "file: cardholders.csv", "api_key_file: acs.key"} {
			if !strings.Contains(config, want) {
				t.Errorf("the configuration lacks %q:\n%s", want, config)
			}
		}
		mine := "device: mine\n"
		m.put("etc/acs-agent/config.yaml", mine)
		if said, status := m.install("--from", m.release, "--yes"); status != 0 || m.file("etc/acs-agent/config.yaml") != mine {
			t.Errorf("an upgrade: exit status %d, and it says:\n%s", status, said)
		}
	})
}

// TestInstallAsks answers the questions as a technician would, with a slip, and looks at the terminal over their shoulder.
func TestInstallAsks(t *testing.T) {
	onEachShell(t, func(t *testing.T, m *machine) {
		cmd := m.command("--from", m.release)
		terminal, err := pty.Start(cmd)
		if err != nil {
			t.Fatal(err)
		}
		defer terminal.Close()
		if err := terminal.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		var seen bytes.Buffer
		answer := func(question, line string) {
			t.Helper()
			until(t, terminal, &seen, question)
			if _, err := io.WriteString(terminal, line+"\n"); err != nil {
				t.Fatal(err)
			}
		}
		answer("[gate-1-local]: ", "almaty-gate-1")
		answer("[Asia/Almaty]: ", "")
		answer("BIN of the institution: ", "12345")
		answer("12 digits", "010140000014")
		answer("shall see it: ", "Школа 'Достык' № 12")
		answer("not shown): ", "the-portal-key")
		until(t, terminal, &seen, "written: ")
		_, _ = io.Copy(&seen, terminal) // it ends with an error when the other side is closed
		if err := cmd.Wait(); err != nil {
			t.Fatalf("%v\n%s", err, &seen)
		}
		config := m.file("etc/acs-agent/config.yaml")
		for _, want := range []string{"device: 'almaty-gate-1'\n", "    bin: '010140000014'\n", "    name: 'Школа ''Достык'' № 12'\n"} {
			if !strings.Contains(config, want) {
				t.Errorf("the configuration lacks %q:\n%s", want, config)
			}
		}
		if key := m.file("etc/acs-agent/acs.key"); key != "the-portal-key\n" {
			t.Errorf("the key is %q", key)
		}
		if info, err := os.Stat(filepath.Join(m.root, "etc/acs-agent/acs.key")); err != nil || info.Mode().Perm()&0o007 != 0 {
			t.Errorf("the key can be read by everybody: %v %v", info, err)
		}
		if strings.Contains(seen.String(), "the-portal-key") {
			t.Error("the key was shown on the terminal")
		}
	})
}

// until reads what the terminal shows up to some words.
func until(t *testing.T, terminal io.Reader, seen *bytes.Buffer, words string) {
	t.Helper()
	begun := seen.Len()
	for one := make([]byte, 1); !strings.Contains(string(seen.Bytes()[begun:]), words); {
		if _, err := terminal.Read(one); err != nil {
			t.Fatalf("waiting for %q: %v\n%s", words, err, seen)
		}
		seen.Write(one)
	}
}
