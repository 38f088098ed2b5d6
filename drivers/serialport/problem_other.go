//go:build !linux && !darwin

package serialport

import (
	"errors"
	"fmt"

	"go.bug.st/serial"
)

// explain turns the error of openPort into what a technician can do about it.
func explain(path string, err error) error {
	var library *serial.PortError
	if !errors.As(err, &library) {
		return fmt.Errorf("open %s: %w", path, err)
	}
	switch library.Code() {
	case serial.PortNotFound:
		// Without the list the question still stands.
		names, _ := serial.GetPortsList()
		return fmt.Errorf("%s is not there: is the reader plugged in? Serial ports here: %s", path, list(names))
	case serial.PortBusy, serial.PermissionDenied:
		return fmt.Errorf("%s is held by another program, or this user may not use it: close that program", path)
	}
	return fmt.Errorf("open %s: %w", path, err)
}
