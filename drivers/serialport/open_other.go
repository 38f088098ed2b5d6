//go:build !linux && !darwin

package serialport

import (
	"sync"
	"time"

	"go.bug.st/serial"
)

type libraryPort struct {
	port serial.Port
	wait time.Duration
	once sync.Once
}

// openPort opens and sets up the port at path; these systems give a port to one program only.
func openPort(path string, mode *serial.Mode) (port, error) {
	p, err := serial.Open(path, mode)
	if err != nil {
		return nil, err
	}
	return &libraryPort{port: p}, nil
}

func (p *libraryPort) read(b []byte, wait time.Duration) (int, error) {
	if wait != p.wait {
		timeout := wait
		if wait == 0 {
			timeout = serial.NoTimeout
		}
		if err := p.port.SetReadTimeout(timeout); err != nil {
			return 0, err
		}
		p.wait = wait
	}
	return p.port.Read(b)
}

func (p *libraryPort) close() {
	p.once.Do(func() {
		// A port that is gone cannot be closed either, and nothing is left to do.
		_ = p.port.Close()
	})
}
