package serialport

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/acs-agent/acs-agent/agent/health"
)

// plant makes files with their contents, and symbolic links where the content begins with "-> ".
func plant(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, content := range files {
		path := filepath.Join(root, name)
		err := os.MkdirAll(filepath.Dir(path), 0o700)
		if target, link := strings.CutPrefix(content, "-> "); link {
			err = errors.Join(err, os.Symlink(strings.ReplaceAll(target, "ROOT", root), path))
		} else {
			err = errors.Join(err, os.WriteFile(path, []byte(content), 0o600))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestUSBPortsOfTheKernel(t *testing.T) {
	root := plant(t, map[string]string{
		// An adapter: device/interface/port. A scanner: device/interface. A built-in port: no USB above.
		"devices/usb1/1-1/idVendor":              "0403\n",
		"devices/usb1/1-1/idProduct":             "6001\n",
		"devices/usb1/1-1/serial":                "A50285BI\n",
		"devices/usb1/1-1/1-1:1.0/ttyUSB0/dev":   "188:0\n",
		"devices/usb1/1-2/idVendor":              "0c2e\n",
		"devices/usb1/1-2/idProduct":             "0aaf\n",
		"devices/usb1/1-2/1-2:1.0/dev":           "166:0\n",
		"devices/platform/serial8250/serial/dev": "4:64\n",
		"class/tty/ttyUSB0/device":               "-> ROOT/devices/usb1/1-1/1-1:1.0/ttyUSB0",
		"class/tty/ttyACM0/device":               "-> ROOT/devices/usb1/1-2/1-2:1.0",
		"class/tty/ttyS0/device":                 "-> ROOT/devices/platform/serial8250/serial",
		"class/tty/ttyUSB9/device":               "-> ROOT/devices/gone",
		"class/tty/console/dev":                  "5:1\n",
	})
	got, err := usbPortsBelow(root, "/dev")
	want := "[{{0C2E 0AAF } /dev/ttyACM0} {{0403 6001 A50285BI} /dev/ttyUSB0}]"
	if err != nil || fmt.Sprint(got) != want {
		t.Errorf("%v, %v; want %s", got, err, want)
	}
}

func TestHolders(t *testing.T) {
	me := strconv.Itoa(os.Getpid())
	root := plant(t, map[string]string{
		"dev/ttyUSB0":           "",
		"dev/by-id":             "-> ROOT/dev/ttyUSB0",
		"proc/12/comm":          "ModemManager\n",
		"proc/12/fd/3":          "-> ROOT/dev/ttyUSB0",
		"proc/12/fd/4":          "-> ROOT/dev/ttyUSB0",
		"proc/13/comm":          "gpsd\n",
		"proc/13/fd/3":          "-> ROOT/dev/ttyUSB1",
		"proc/" + me + "/comm":  "test\n",
		"proc/" + me + "/fd/9":  "-> ROOT/dev/ttyUSB0",
		"proc/self-is-no-pid/x": "",
	})
	proc, port := filepath.Join(root, "proc"), filepath.Join(root, "dev/by-id")
	if got := holdersBelow(proc, port, false); got != "ModemManager (pid 12)" {
		t.Errorf("held by %q", got)
	}
	if got := holdersBelow(proc, port, true); !strings.Contains(got, "another reader of this agent") {
		t.Errorf("held by %q, but by ourselves as well", got)
	}
	if got := holdersBelow(proc, filepath.Join(root, "dev/none"), true); got != "" {
		t.Errorf("a port that is not there is held by %q", got)
	}
}

func TestPortsHere(t *testing.T) {
	root := plant(t, map[string]string{"ttyUSB0": "", "ttyAMA0": "", "ttyS0": "", "tty1": ""})
	if got := list(portsHere(root)); strings.ReplaceAll(got, root+"/", "") != "ttyUSB0, ttyAMA0" {
		t.Error(got)
	}
	root = plant(t, map[string]string{"ttyUSB0": "", "serial/by-id/usb-FTDI": ""})
	if got := list(portsHere(root)); strings.ReplaceAll(got, root+"/", "") != "serial/by-id/usb-FTDI" {
		t.Error(got)
	}
	if got := portsHere(t.TempDir()); got != nil {
		t.Error(got)
	}
}

func TestExplanationsSayWhatToDo(t *testing.T) {
	file := filepath.Join(plant(t, map[string]string{"ttyUSB0": ""}), "ttyUSB0")
	for name, c := range map[string]struct {
		err  error
		want []string
		code health.Code
	}{
		"missing":     {unix.ENOENT, []string{"is not there: is the reader plugged in? Serial ports here: "}, health.Missing},
		"no hardware": {unix.EIO, []string{"is not there"}, health.Missing},
		"no right":    {unix.EACCES, []string{"no right to open", "group", "start the service again"}, health.Permission},
		"sandbox":     {unix.EPERM, []string{"DeviceAllow="}, health.Permission},
		"busy":        {unix.EBUSY, []string{"is held by another program", "ModemManager"}, health.Busy},
		"locked":      {unix.EWOULDBLOCK, []string{"is held by"}, health.Busy},
		"anything":    {unix.ENOMEM, []string{"open the port: ", unix.ENOMEM.Error()}, health.Failing},
	} {
		err := explain(file, &fs.PathError{Op: "open", Path: file, Err: c.err})
		if code := health.CodeOf(err); code != string(c.code) {
			t.Errorf("%s: code %q, want %q", name, code, c.code)
		}
		got := err.Error()
		for _, part := range c.want {
			if !strings.Contains(got, part) || !strings.Contains(got, file) {
				t.Errorf("%s: %q lacks %q", name, got, part)
			}
		}
	}
	if _, err := openPort(file, (&Settings{Baud: 9600, DataBits: 8}).mode()); err == nil {
		t.Error("an ordinary file was opened as a port")
	} else if err := explain(file, err); !strings.Contains(err.Error(), "is no serial port") || health.CodeOf(err) != string(health.PortUnfit) {
		t.Error(err)
	}
}
