//go:build linux || darwin

package serialport

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"go.bug.st/serial"
	"golang.org/x/sys/unix"
)

// unixPort reads through the runtime's poller. The serial library sets the mode of the line; it does not read, because its
// Read keeps a thread, ends in a panic where the process has more than 1024 files open, and cannot be interrupted when another
// program takes the bytes away.
type unixPort struct {
	file *os.File
	once sync.Once
}

// openPort opens and sets up the port at path, for this process alone.
func openPort(path string, mode *serial.Mode) (port, error) {
	file, err := os.OpenFile(path, os.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	p := &unixPort{file: file}
	if err := p.setUp(path, mode); err != nil {
		p.close()
		return nil, err
	}
	return p, nil
}

func (p *unixPort) setUp(path string, mode *serial.Mode) error {
	// The lock is for programs that run as root: for them the terminal's own exclusiveness does not count.
	err := p.control(func(fd int) error { return unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB) })
	if err != nil && !errors.Is(err, unix.ENOTSUP) {
		return err
	}
	// The mode belongs to the port and stays as long as anybody has it open, which we have.
	set, err := serial.Open(path, mode)
	if err != nil {
		return err
	}
	if err := set.Close(); err != nil {
		return fmt.Errorf("set the mode of the line: %w", err)
	}
	return p.control(func(fd int) error { return unix.IoctlSetInt(fd, unix.TIOCEXCL, 0) })
}

func (p *unixPort) control(do func(fd int) error) error {
	conn, err := p.file.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	err = conn.Control(func(fd uintptr) { failed = do(int(fd)) })
	return errors.Join(err, failed)
}

func (p *unixPort) read(b []byte, wait time.Duration) (int, error) {
	var deadline time.Time
	if wait > 0 {
		deadline = time.Now().Add(wait)
	}
	n, err := p.readUntil(b, deadline)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		// The deadline may have passed because the machine was busy, with bytes waiting: look once more.
		n, err = p.readUntil(b, time.Now().Add(time.Millisecond))
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return 0, nil
	}
	return n, err
}

func (p *unixPort) readUntil(b []byte, deadline time.Time) (int, error) {
	if err := p.file.SetReadDeadline(deadline); err != nil {
		return 0, err
	}
	return p.file.Read(b)
}

func (p *unixPort) close() {
	p.once.Do(func() {
		// Another program may have the port open as well and keep the exclusiveness alive after us. On a port that is
		// gone both fail, and nothing is left to do.
		_ = p.control(func(fd int) error { return unix.IoctlSetInt(fd, unix.TIOCNXCL, 0) })
		_ = p.file.Close()
	})
}
