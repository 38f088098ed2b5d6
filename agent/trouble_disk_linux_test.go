package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/acs-agent/acs-agent/agent/health"
	"github.com/acs-agent/acs-agent/drivers/drivertest"
)

// While the disk is full, messages stay with the broker without acknowledgement, over the death of the agent, and serial passes
// wait in memory. When there is room again everything is stored and delivered.
func TestTheDiskIsFull(t *testing.T) {
	if !mayMount() {
		runWithMounts(t)
		return
	}
	t.Parallel()
	port := drivertest.Serial(t)
	b := newTestBroker(t, freeAddress(t))
	b.start(agentPassword)
	g := newGateway(t, fmt.Sprintf(`mqtt: {broker: "mqtt://%s", username: %s, password_file: mqtt.password}
readers:
  - {name: gate-1, type: rdm6300, port: %s, organization: school}
  - {name: gate-3, type: mqtt, topic: rfid/gate-3, format: esp-rfid, organization: school}
`, b.address, agentUser, port.Path))
	g.write("mqtt.password", agentPassword)
	g.openPortal()
	disk := mountDisk(t, g.path("data"))
	g.start()
	g.works(health.Reader, "gate-1")
	g.works(health.Reader, "gate-3")
	g.show(port, 1)
	g.publish(b, 2)
	g.arrived()

	disk.fill()
	g.publish(b, 3)
	g.troubled(health.Journal, "journal", exitFailed, "the journal is full: less than 32 MiB are free on the disk of "+g.path("data"),
		"delete there what is not needed")
	g.troubled(health.Reader, "gate-3", exitFailed, "passes stay with the broker: the journal takes no more passes")
	g.warnedOnce(health.Journal, "journal")
	g.warned(health.Reader, "gate-3", 1)

	// The message was not acknowledged: the broker sends it again to the next agent, which starts on the full disk.
	g.agent.kill()
	port.Released()
	g.start()
	g.works(health.Reader, "gate-1")
	g.show(port, 4)
	g.show(port, 5)
	g.troubled(health.Reader, "gate-1", exitFailed, "passes wait in memory because the journal does not take them")
	g.troubled(health.Reader, "gate-3", exitFailed, "passes stay with the broker: the journal takes no more passes")
	if n := g.portal.Stats().Rows; n != 2 {
		t.Errorf("the portal has %d passes, and 2 were stored", n)
	}

	disk.free()
	g.arrived()
	g.fine()
}

// mayMount says whether this process has the right to mount a disk.
func mayMount() bool {
	dir, err := os.MkdirTemp("", "acs")
	if err != nil {
		return false
	}
	defer os.Remove(dir) //nolint:errcheck // empty, and only a trial
	return unix.Mount("tmpfs", dir, "tmpfs", 0, "size=1m") == nil && unix.Unmount(dir, unix.MNT_DETACH) == nil
}

// runWithMounts runs the test once more in a namespace of its own where it may mount.
func runWithMounts(t *testing.T) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if os.Getenv("ACS_AGENT_TEST_MOUNTS") == "" {
		for _, way := range [][]string{
			{"unshare", "--map-root-user", "--mount"},
			{"sudo", "-n", "--preserve-env", "unshare", "--mount"},
		} {
			if exec.Command(way[0], append(way[1:], "true")...).Run() != nil {
				continue
			}
			cmd := exec.Command(way[0], append(way[1:], self, "-test.run", "^"+t.Name()+"$", "-test.v")...)
			cmd.Env = append(os.Environ(), "ACS_AGENT_TEST_MOUNTS=1")
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%v: %v\n%s", way, err, out)
			}
			return
		}
	}
	if os.Getenv("CI") == "true" || os.Getenv("ACS_AGENT_TEST_MOUNTS") != "" {
		t.Fatal("this machine does not let the test mount a small disk")
	}
	t.Skip("this machine does not let the test mount a small disk")
}

// A smallDisk can be filled.
type smallDisk struct {
	t      *testing.T
	filler string
}

// mountDisk mounts a disk at dir.
func mountDisk(t *testing.T, dir string) *smallDisk {
	t.Helper()
	if err := os.MkdirAll(dir, 0o750); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=128m"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return &smallDisk{t, dir + "/filler"}
}

// fill leaves not a byte.
func (d *smallDisk) fill() {
	d.t.Helper()
	f, err := os.Create(d.filler)
	if err != nil {
		d.t.Fatal(err)
	}
	defer f.Close() //nolint:errcheck // its content does not matter
	block := make([]byte, 64<<10)
	for err == nil {
		_, err = f.Write(block)
	}
	if !errors.Is(err, unix.ENOSPC) {
		d.t.Fatal(err)
	}
}

func (d *smallDisk) free() {
	d.t.Helper()
	if err := os.Remove(d.filler); err != nil {
		d.t.Fatal(err)
	}
}
