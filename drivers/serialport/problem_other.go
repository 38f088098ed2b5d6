//go:build !linux && !darwin

package serialport

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.bug.st/serial"

	"github.com/acs-agent/acs-agent/agent/health"
)

// present says why there is no port at path; nil if there is one, or if the system does not tell.
func present(path string) error {
	names, err := serial.GetPortsList()
	if err != nil || slices.ContainsFunc(names, func(name string) bool { return strings.EqualFold(name, path) }) {
		return nil //nolint:nilerr // opening it will tell
	}
	return fmt.Errorf("%s is not there: is the reader plugged in? Serial ports here: %s", path, list(names))
}

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
		return health.Coded(health.Missing, fmt.Errorf("%s is not there: is the reader plugged in? Serial ports here: %s", path, list(names)))
	case serial.PortBusy, serial.PermissionDenied:
		return health.Coded(health.Busy, fmt.Errorf("%s is held by another program, or this user may not use it: close that program", path))
	}
	return health.Fallback(health.PortUnfit, fmt.Errorf("open %s: %w", path, err))
}
