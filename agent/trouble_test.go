//go:build unix

package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
	"golang.org/x/text/encoding/charmap"

	"github.com/acs-agent/acs-agent/agent/health"
	"github.com/acs-agent/acs-agent/drivers/drivertest"
)

// The tests of this file are the troubles of the field. Of each the status says in one line what is wrong and what to do, the
// log warns once, and when it is over every pass is at the portal.

// serialReader is a reader on the port.
func serialReader(port string) string {
	return fmt.Sprintf("readers: [{name: gate-1, type: rdm6300, port: %s, organization: school}]\n", port)
}

func TestTheSerialPortIsNotThere(t *testing.T) {
	t.Parallel()
	port := drivertest.Serial(t)
	g := newGateway(t, serialReader(port.Path))
	g.openPortal()
	port.Unplug()
	g.start()
	g.troubled(health.Reader, "gate-1", exitFailed, port.Path+" is not there: is the reader plugged in?")
	g.warnedOnce(health.Reader, "gate-1")

	port.Replug()
	g.works(health.Reader, "gate-1")
	g.show(port, 1)
	g.arrived()
	g.fine()
}

func TestTheSerialPortIsPulledOut(t *testing.T) {
	t.Parallel()
	port := drivertest.Serial(t)
	g := newGateway(t, serialReader(port.Path))
	g.openPortal()
	g.start()
	g.works(health.Reader, "gate-1")
	g.show(port, 1)
	g.arrived()
	port.Unplug()
	g.troubled(health.Reader, "gate-1", exitFailed, port.Path)

	port.Replug()
	g.works(health.Reader, "gate-1")
	g.show(port, 2)
	g.arrived()
	g.fine()
}

func TestTheSerialPortIsHeldByAnotherProgram(t *testing.T) {
	t.Parallel()
	port := drivertest.Serial(t)
	other, err := os.OpenFile(port.Path, os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close() //nolint:errcheck // closed below
	descriptor := int(other.Fd())
	if err := unix.Flock(descriptor, unix.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetInt(descriptor, unix.TIOCEXCL, 0); err != nil {
		t.Fatal(err)
	}
	g := newGateway(t, serialReader(port.Path))
	g.openPortal()
	g.start()
	g.troubled(health.Reader, "gate-1", exitFailed, "is held by", fmt.Sprintf("(pid %d)", os.Getpid()), "only one can have it")
	g.warnedOnce(health.Reader, "gate-1")

	if err := unix.IoctlSetInt(descriptor, unix.TIOCNXCL, 0); err != nil {
		t.Fatal(err)
	}
	if err := other.Close(); err != nil {
		t.Fatal(err)
	}
	g.works(health.Reader, "gate-1")
	g.show(port, 1)
	g.arrived()
	g.fine()
}

func TestTheSerialPortIsForbidden(t *testing.T) {
	t.Parallel()
	port := drivertest.Serial(t)
	g := newGateway(t, serialReader(port.Path))
	g.openPortal()
	g.asNobody(filepath.Dir(port.Path))
	device, err := filepath.EvalSymlinks(port.Path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(device, 0); err != nil {
		t.Fatal(err)
	}
	g.start()
	g.troubled(health.Reader, "gate-1", exitFailed, "no right to open "+port.Path, "group", "then start the service again")
	g.warnedOnce(health.Reader, "gate-1")

	if err := os.Chmod(device, 0o666); err != nil { //nolint:gosec // so that nobody has the right
		t.Fatal(err)
	}
	g.works(health.Reader, "gate-1")
	g.show(port, 1)
	g.arrived()
	g.fine()
}

// asNobody makes the agent a process without rights, if the test has any. The folders are opened to it.
func (g *gateway) asNobody(folders ...string) {
	g.t.Helper()
	if os.Geteuid() != 0 {
		return
	}
	const nobody = 65534
	self, err := os.Executable()
	if err != nil {
		g.t.Fatal(err)
	}
	program := g.path("agent")
	if err := copyFile(program, self); err != nil {
		g.t.Fatal(err)
	}
	for _, dir := range folders {
		for ; dir != os.TempDir() && dir != "/"; dir = filepath.Dir(dir) {
			if err := os.Chmod(dir, 0o755); err != nil { //nolint:gosec // made by the test
				g.t.Fatal(err)
			}
		}
	}
	for _, name := range []string{"", "agent", "config.yaml", "acs.key", "cardholders.csv"} {
		if err := os.Chown(g.path(name), nobody, nobody); err != nil {
			g.t.Fatal(err)
		}
	}
	g.change = func(cmd *exec.Cmd) {
		cmd.Path = program
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	}
}

func copyFile(to, from string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()                                                      //nolint:errcheck // only read
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o755) //nolint:gosec // a program
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, in); err != nil {
		_ = out.Close()
		return err
	}
	return out.Close()
}

func TestThePortalIsAway(t *testing.T) {
	t.Parallel()
	port := drivertest.Serial(t)
	g := newGateway(t, serialReader(port.Path))
	g.start()
	g.works(health.Reader, "gate-1")
	g.show(port, 1)
	g.troubled(health.Uplink, "visits", exitFailed, g.address, "nothing answers there: the portal is away, or url is wrong")
	g.show(port, 2)
	g.warnedOnce(health.Uplink, "visits")

	closePortal := g.openPortal()
	g.show(port, 3)
	g.arrived()
	g.fine()

	closePortal() // once more, now that it has worked
	g.show(port, 4)
	g.troubled(health.Uplink, "visits", exitFailed, g.address)
	g.openPortal()
	g.arrived()
	g.fine()
}

func TestThePortalRefusesTheKey(t *testing.T) {
	t.Parallel()
	port := drivertest.Serial(t)
	g := newGateway(t, serialReader(port.Path))
	g.openPortal()
	g.write("acs.key", "key-of-last-year")
	g.start()
	g.works(health.Reader, "gate-1")
	g.show(port, 1)
	g.troubled(health.Uplink, "visits", exitNeedsPerson, "401", "the access key is wrong or blocked", "put the new key into api_key_file")
	g.show(port, 2)
	g.warnedOnce(health.Uplink, "visits")
	if strings.Contains(g.log(), "key-of-last-year") {
		t.Error("the key is in the log")
	}

	g.write("acs.key", gatewayKey)
	g.stop()
	g.start()
	g.arrived()
	g.fine()
}

func TestTheListOfCardholdersIsSpoilt(t *testing.T) {
	t.Parallel()
	port := drivertest.Serial(t)
	g := newGateway(t, serialReader(port.Path))
	g.openPortal()
	g.start()
	g.works(health.Reader, "gate-1")
	list := listOf(known)
	dos, err := charmap.CodePage866.NewEncoder().String(list)
	if err != nil {
		t.Fatal(err)
	}
	warnings := 0
	// trouble spoils the list; the people who stood in it are known all the same.
	trouble := func(spoil func(), words ...string) {
		t.Helper()
		spoil()
		g.troubled(health.Cardholders, "cardholders.csv", exitFailed, append(words, "the list that was read before stays in use")...)
		g.show(port, len(g.shown))
		g.arrived()
		warnings++
		g.warned(health.Cardholders, "cardholders.csv", warnings)
	}
	trouble(func() { g.write("cardholders.csv", dos) }, "CP866", "save the table as “CSV UTF-8”")
	trouble(func() {
		if err := os.Remove(g.path("cardholders.csv")); err != nil {
			t.Fatal(err)
		}
	}, "there is no file", "put the list there")
	trouble(func() { g.write("cardholders.csv", list[:len(list)/3]) }, "more than half of the rows are gone", "it is used if it stays as it is for 1m0s")
	trouble(func() { g.write("cardholders.csv", "") }, "the file is empty")
	trouble(func() { g.write("cardholders.csv", "card;iin;full_name\n") }, "no usable row")

	g.write("cardholders.csv", listOf(known+1))
	g.works(health.Cardholders, "cardholders.csv")
	g.show(port, known) // who is new
	g.arrived()
	g.fine()
}

func TestTheListOfCardholdersIsSpoiltFromTheStart(t *testing.T) {
	t.Parallel()
	port := drivertest.Serial(t)
	g := newGateway(t, serialReader(port.Path))
	g.openPortal()
	if err := os.Rename(g.path("cardholders.csv"), g.path("away.csv")); err != nil {
		t.Fatal(err)
	}
	g.start()
	g.works(health.Reader, "gate-1")
	g.show(port, 1)
	g.troubled(health.Cardholders, "cardholders.csv", exitFailed, "there is no file", "until it can be read nobody is known, and passes are held")
	g.await("the pass is held", func() bool {
		s, err := statusOf(g.path("data"))
		return err == nil && len(s.Uplinks) == 1 && s.Uplinks[0].Held == 1
	})
	g.warned(health.Cardholders, "cardholders.csv", 1)

	if err := os.Rename(g.path("away.csv"), g.path("cardholders.csv")); err != nil {
		t.Fatal(err)
	}
	g.arrived()
	g.fine()
}
