// The FUSE library does not build for 32 bits.

//go:build amd64 || arm64

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/acs-agent/acs-agent/agent/health"
	"github.com/acs-agent/acs-agent/buffer/powercut"
	"github.com/acs-agent/acs-agent/drivers/drivertest"
)

// A faultGate is a gateway with a reader that cannot be refused, one that can, and a disk of its own below data.
type faultGate struct {
	*gateway
	port   *drivertest.Port
	broker *testBroker
}

func newFaultGate(t *testing.T) *faultGate {
	t.Helper()
	g := &faultGate{port: drivertest.Serial(t), broker: newTestBroker(t, freeAddress(t))}
	g.broker.start(agentPassword)
	g.gateway = newGateway(t, fmt.Sprintf(`mqtt: {broker: "mqtt://%s", username: %s, password_file: mqtt.password}
readers:
  - {name: gate-1, type: rdm6300, port: %s, organization: school}
  - {name: gate-3, type: mqtt, topic: rfid/gate-3, format: esp-rfid, organization: school}
`, g.broker.address, agentUser, g.port.Path))
	g.write("mqtt.password", agentPassword)
	g.openPortal()
	return g
}

// sound starts the agent and has a pass of each reader delivered.
func (g *faultGate) sound() {
	g.t.Helper()
	g.start()
	g.works(health.Reader, "gate-1")
	g.works(health.Reader, "gate-3")
	g.show(g.port, 1)
	g.publish(g.broker, 2)
	g.arrived()
}

// suffers has passes come while the disk refuses them: nothing is delivered, everybody is told, and the agent stays.
func (g *faultGate) suffers(code health.Code, words string) {
	g.t.Helper()
	g.publish(g.broker, 3)
	g.show(g.port, 4)
	g.show(g.port, 5)
	g.troubled(health.Journal, "journal", exitFailed, words)
	g.troubled(health.Reader, "gate-3", exitFailed, "with the broker")
	g.troubled(health.Reader, "gate-1", exitFailed, "passes wait in memory because the journal does not take them")
	if p := g.part(health.Journal, "journal"); p.Code != string(code) {
		g.t.Errorf("the code is %q, want %q: %s", p.Code, code, p.Problem)
	}
	if n := g.portal.Stats().Rows; n != 2 {
		g.t.Errorf("the portal has %d passes, and 2 were stored", n)
	}
}

// recovers waits until everything that was read is delivered once, by the process that was there all the time, and is still known
// when that is killed.
func (g *faultGate) recovers() {
	g.t.Helper()
	g.arrived()
	g.works(health.Journal, "journal")
	select {
	case <-g.agent.ended:
		g.t.Fatalf("the agent has ended: %v", g.agent.err)
	default:
	}
	g.agent.kill()
	g.port.Released()
	g.start()
	g.works(health.Reader, "gate-1")
	g.works(health.Reader, "gate-3")
	g.show(g.port, 6)
	g.publish(g.broker, 7)
	g.arrived()
}

// A disk that takes no writes, or fails to write or to sync while the agent works, and is well again later.
func TestTheDiskFails(t *testing.T) {
	if !mayMount() {
		runWithMounts(t)
		return
	}
	all := []powercut.Kind{powercut.Write, powercut.Sync, powercut.Make, powercut.Remove, powercut.Rename, powercut.Resize}
	for name, c := range map[string]struct {
		errno syscall.Errno
		kinds []powercut.Kind
		code  health.Code
		words string
	}{
		"it takes no writes":     {unix.EROFS, all, health.ReadOnly, "it takes no writes at"},
		"it fails to write":      {unix.EIO, all, health.JournalFailing, "input/output error"},
		"it fails to sync":       {unix.EIO, []powercut.Kind{powercut.Sync}, health.JournalFailing, "input/output error"},
		"it does not even read":  {unix.EIO, append(slices.Clone(all), powercut.Read), health.JournalFailing, "input/output error"},
		"it wants to be cleaned": {unix.EUCLEAN, all, health.JournalFailing, "structure needs cleaning"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newFaultGate(t)
			disk := mountFaulty(t, g.path("data"))
			g.sound()
			disk.Fail(func(op powercut.Op) syscall.Errno {
				if slices.Contains(c.kinds, op.Kind) {
					return c.errno
				}
				return 0
			})
			g.suffers(c.code, c.words)
			disk.Fail(nil)
			g.recovers()
		})
	}
}

func mountFaulty(t *testing.T, dir string) *powercut.Disk {
	t.Helper()
	if err := os.MkdirAll(dir, 0o750); err != nil {
		t.Fatal(err)
	}
	disk := powercut.NewDisk(powercut.Faults{})
	m, err := disk.Mount(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		// Its memory map is let go a moment after the agent has ended.
		var err error
		for range 100 {
			if err = m.Unmount(); err == nil {
				return
			}
			pause(context.Background(), 200*time.Millisecond)
		}
		t.Error(err)
	})
	return disk
}

// The agent starts on a disk that was made read-only, as the system does after an error: nothing ends and nothing is lost.
func TestTheDiskIsReadOnly(t *testing.T) {
	if !mayMount() {
		runWithMounts(t)
		return
	}
	t.Parallel()
	g := newFaultGate(t)
	mountDisk(t, g.path("data"))
	g.sound()
	g.agent.kill()
	g.port.Released()
	remount := func(flags uintptr) {
		t.Helper()
		if err := unix.Mount("tmpfs", g.path("data"), "tmpfs", unix.MS_REMOUNT|flags, "size=128m"); err != nil {
			t.Fatal(err)
		}
	}
	remount(unix.MS_RDONLY)
	g.launch()
	g.await("the log says it", func() bool { return countLines(g.log(), "the journal cannot be opened", "it takes no writes") == 1 })
	g.publish(g.broker, 3)
	g.show(g.port, 4)
	g.show(g.port, 5)
	g.await("serial passes wait in memory", func() bool {
		return countLines(g.log(), "reader=gate-1 ", "passes wait in memory because the journal does not take them") > 0
	})
	g.await("messages stay with the broker", func() bool { return countLines(g.log(), "reader=gate-3 ", "stay with the broker") > 0 })
	if n := g.portal.Stats().Rows; n != 2 {
		t.Errorf("the portal has %d passes, and 2 were stored", n)
	}
	remount(0)
	g.recovers()
}

// No file more can be made, though there is room: the store would need one when its log is full.
func TestNoFileCanBeMade(t *testing.T) {
	if !mayMount() {
		runWithMounts(t)
		return
	}
	t.Parallel()
	g := newFaultGate(t)
	data := g.path("data")
	mountDisk(t, data)
	if err := unix.Mount("tmpfs", data, "tmpfs", unix.MS_REMOUNT, "size=128m,nr_inodes=200"); err != nil {
		t.Fatal(err)
	}
	g.sound()
	if err := os.Mkdir(filepath.Join(data, "crowd"), 0o700); err != nil {
		t.Fatal(err)
	}
	for n := 0; ; n++ {
		err := os.WriteFile(filepath.Join(data, "crowd", fmt.Sprint(n)), nil, 0o600)
		if errors.Is(err, unix.ENOSPC) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	g.suffers(health.JournalFull, "fewer than 32 files more can be made on the disk of")
	if err := os.RemoveAll(filepath.Join(data, "crowd")); err != nil {
		t.Fatal(err)
	}
	g.recovers()
}
