//go:build linux

package serialport

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/creack/pty"
)

// texts is a section of nothing but texts.
type texts map[string]string

func (s texts) Decode(any) error        { return nil }
func (s texts) Text(key string) string  { return s[key] }
func (s texts) Path(path string) string { return path }

func TestAPortThatAnotherProgramHolds(t *testing.T) {
	far, near, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer far.Close()  //nolint:errcheck // only a terminal
	defer near.Close() //nolint:errcheck // only a terminal
	other := exec.Command("sleep", "600")
	other.ExtraFiles = []*os.File{near}
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = other.Process.Kill(); _ = other.Wait() }()

	link := filepath.Join(t.TempDir(), "reader")
	if err := os.Symlink(near.Name(), link); err != nil {
		t.Fatal(err)
	}
	look, ok := LookAt(texts{"port": link})
	if !ok || look.Missing != nil || look.Path != link || look.Named != link || look.Lasting != "" {
		t.Errorf("%+v, %v", look, ok)
	}
	for _, want := range []int{other.Process.Pid, os.Getpid()} {
		if !slices.ContainsFunc(look.Holders, func(h Holder) bool { return h.PID == want }) {
			t.Errorf("process %d is not among the holders %+v", want, look.Holders)
		}
	}
}

func TestAPortThatIsNotThere(t *testing.T) {
	for _, section := range []texts{{"port": "/dev/no-such-port"}, {"usb": "FFFF:FFFF"}} {
		look, ok := LookAt(section)
		if !ok || look.Missing == nil || look.Path != "" || !strings.Contains(look.Missing.Error(), "is the reader plugged in?") {
			t.Errorf("%v: %+v, %v", section, look, ok)
		}
	}
	if look, ok := LookAt(texts{"topic": "rfid"}); ok {
		t.Errorf("a reader without a port has one: %+v", look)
	}
}

func TestLastingNames(t *testing.T) {
	root := plant(t, map[string]string{
		"ttyUSB0": "", "ttyUSB1": "", "ttyS0": "",
		"serial/by-id/usb-FTDI":   "-> ROOT/ttyUSB0",
		"serial/by-path/usb-0:1":  "-> ROOT/ttyUSB0",
		"serial/by-path/usb-0:2":  "-> ROOT/ttyUSB1",
		"serial/by-path/usb-gone": "-> ROOT/ttyUSB7",
		"my-reader":               "-> ROOT/ttyUSB0",
	})
	for port, want := range map[string]string{
		"ttyUSB0": "serial/by-id/usb-FTDI", "ttyUSB1": "serial/by-path/usb-0:2", "ttyS0": "", "my-reader": "", "serial/by-id/usb-FTDI": "", "ttyUSB7": "",
	} {
		got := lasting(filepath.Join(root, "serial"), filepath.Join(root, port))
		if strings.TrimPrefix(got, root+"/") != want {
			t.Errorf("%s: %q, want %q", port, got, want)
		}
	}
}
