//go:build linux || darwin

package serialport

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"

	"go.bug.st/serial"
	"golang.org/x/sys/unix"

	"github.com/acs-agent/acs-agent/agent/health"
)

// explain turns the error of openPort into what a technician can do about it.
func explain(path string, err error) error {
	if library, ok := errors.AsType[*serial.PortError](err); ok {
		switch library.Code() {
		case serial.PortBusy:
			err = unix.EBUSY
		case serial.PermissionDenied:
			err = unix.EACCES
		case serial.InvalidSerialPort:
			return health.Coded(health.PortUnfit, fmt.Errorf("%s is no serial port, or does not know this speed or number of bits: %w", path, err))
		}
	}
	switch {
	case errors.Is(err, unix.EPERM):
		return fmt.Errorf("the system forbids %s to the service: add its kind of device to DeviceAllow= in the service's unit (%w)", path, err)
	case errors.Is(err, fs.ErrPermission):
		return health.Coded(health.Permission, fmt.Errorf("no right to open %s: %s, then start the service again", path, membership(path)))
	case errors.Is(err, unix.EBUSY), errors.Is(err, unix.EWOULDBLOCK):
		who := holders(path, true)
		if who == "" {
			who = "another program, perhaps ModemManager, getty, gpsd, or a second agent"
		}
		return health.Coded(health.Busy, fmt.Errorf("%s is held by %s: only one can have it", path, who))
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, unix.ENXIO), errors.Is(err, unix.ENODEV), errors.Is(err, unix.EIO):
		return health.Coded(health.Missing, fmt.Errorf("%s is not there: is the reader plugged in? Serial ports here: %s", path, list(portsHere("/dev"))))
	}
	return fmt.Errorf("open the port: %w", err)
}

// present says why there is no port at path; nil if there is one.
func present(path string) error {
	if _, err := os.Stat(path); err != nil {
		return explain(path, err)
	}
	return nil
}

// membership says how to get the right to use the device at path.
func membership(path string) string {
	group, name := "dialout", "acs-agent"
	if info, err := os.Stat(path); err == nil {
		if stat, ok := info.Sys().(*syscall.Stat_t); ok {
			group = groupName(stat.Gid)
		}
	}
	if me, err := user.Current(); err == nil {
		name = me.Username
	}
	if group == "root" || group == "wheel" {
		return fmt.Sprintf("it belongs to the group %s, so a udev rule has to give it to dialout, and the user %s has to be in that group", group, name)
	}
	return fmt.Sprintf("add the user %s to the group %s (usermod -aG %s %s)", name, group, group, name)
}

func groupName(gid uint32) string {
	id := strconv.FormatUint(uint64(gid), 10)
	if g, err := user.LookupGroupId(id); err == nil {
		return g.Name
	}
	return id
}

// portsHere lists the serial ports below dev without opening them: by their lasting names if there are any.
func portsHere(dev string) []string {
	for _, patterns := range [][]string{
		{"serial/by-id/*"},
		{"ttyUSB*", "ttyACM*", "ttyAMA*", "ttyAPP*", "ttymxc*", "ttyRS*", "cu.usb*"},
		{"ttyS[0-9]", "ttyO*"},
	} {
		var found []string
		for _, pattern := range patterns {
			names, err := filepath.Glob(filepath.Join(dev, pattern))
			if err == nil {
				found = append(found, names...)
			}
		}
		if len(found) > 0 {
			return found
		}
	}
	return nil
}
