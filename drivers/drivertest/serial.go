//go:build unix

package drivertest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/creack/pty"
	"go.bug.st/serial"
	"golang.org/x/sys/unix"
)

// A Port is a serial port without hardware: a pseudo-terminal pair of which the driver opens one end at Path and the test holds
// the other. It is used by one goroutine.
type Port struct {
	// Path is a symbolic link, like those below /dev/serial/by-id. It is gone while the port is unplugged.
	Path string

	t      testing.TB
	far    *os.File // the reader's end
	near   *os.File // keeps the driver's end alive while the driver has it closed
	number int
}

// Serial plugs in a new port, which is unplugged when the test ends.
func Serial(t testing.TB) *Port {
	t.Helper()
	p := &Port{Path: filepath.Join(t.TempDir(), "reader"), t: t}
	p.Replug()
	t.Cleanup(p.Unplug)
	return p
}

// Write sends bytes to the driver, as the reader would.
func (p *Port) Write(b []byte) {
	p.t.Helper()
	if _, err := p.far.Write(b); err != nil {
		p.t.Fatalf("write to the driver: %v", err)
	}
}

// Read receives what the driver sends to the reader.
func (p *Port) Read(b []byte) (int, error) { return p.far.Read(b) }

// Released does what the system does to a real port when the last program that had it open is gone: a claim to have it alone
// ends. Here the test has the port open, too, so that a process which was killed leaves its claim behind.
func (p *Port) Released() {
	p.t.Helper()
	conn, err := p.near.SyscallConn()
	if err != nil {
		p.t.Fatalf("release the port: %v", err)
	}
	var failed error
	err = conn.Control(func(fd uintptr) { failed = unix.IoctlSetInt(int(fd), unix.TIOCNXCL, 0) }) //nolint:gosec // a descriptor is small
	if err = errors.Join(err, failed); err != nil {
		p.t.Errorf("release the port: %v", err)
	}
}

// Unplug takes the port away, as if the plug were pulled: reads of the driver fail, and the path is gone.
func (p *Port) Unplug() {
	p.t.Helper()
	if p.far == nil {
		return
	}
	for _, err := range []error{os.Remove(p.Path), p.far.Close(), p.near.Close()} {
		if err != nil {
			p.t.Errorf("unplug: %v", err)
		}
	}
	p.far, p.near = nil, nil
}

// Replug puts a port back at the same path.
func (p *Port) Replug() {
	p.t.Helper()
	if p.far != nil {
		return
	}
	far, near, err := pty.Open()
	if err != nil {
		p.t.Fatalf("open a pseudo-terminal: %v", err)
	}
	p.far, p.near = far, near
	// Bytes that arrive before the driver has opened the port shall not be changed by the terminal's line editing.
	raw, err := serial.Open(near.Name(), &serial.Mode{BaudRate: 9600})
	if err != nil {
		p.t.Fatalf("set the pseudo-terminal to raw mode: %v", err)
	}
	if err := raw.Close(); err != nil {
		p.t.Fatalf("close the pseudo-terminal: %v", err)
	}
	// The link appears in one step, complete.
	p.number++
	fresh := fmt.Sprintf("%s.%d", p.Path, p.number)
	if err := os.Symlink(near.Name(), fresh); err != nil {
		p.t.Fatalf("plug in: %v", err)
	}
	if err := os.Rename(fresh, p.Path); err != nil {
		p.t.Fatalf("plug in: %v", err)
	}
}
