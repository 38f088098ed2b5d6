package serialport

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// FuzzUSBDevice holds that a device that is plugged in can call itself what it likes: what is shown of it is short and does nothing to a
// terminal, and only a whole id is one that a reader can be found by.
func FuzzUSBDevice(f *testing.F) {
	f.Add("0403\n", "6001\n", "A50285BI\n")
	f.Add("0403", "6001", "\x1b[2J\x1b]0;title\x07")
	f.Add("zzzz", "", "\xff\xfe"+strings.Repeat("я", 200))
	f.Add("", "6001", "x")
	f.Add("0403\nlevel=ERROR", "6001", "a:b\r\n")
	f.Fuzz(func(t *testing.T, vendor, product, serial string) {
		root := t.TempDir()
		device := filepath.Join(root, "devices", "1-1")
		port := filepath.Join(device, "1-1:1.0", "ttyUSB0")
		tty := filepath.Join(root, "class", "tty", "ttyUSB0")
		for _, dir := range []string{port, tty} {
			if err := os.MkdirAll(dir, 0o700); err != nil {
				t.Fatal(err)
			}
		}
		for name, text := range map[string]string{"idVendor": vendor, "idProduct": product, "serial": serial} {
			if err := os.WriteFile(filepath.Join(device, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Symlink(port, filepath.Join(tty, "device")); err != nil {
			t.Fatal(err)
		}
		ports, err := usbPortsBelow(root, "/dev")
		if err != nil || len(ports) > 1 {
			t.Fatalf("%v, %v", ports, err)
		}
		for _, p := range ports {
			shown := p.id.String()
			if !utf8.ValidString(shown) || utf8.RuneCountInString(shown) > 3*mostShown+2 ||
				strings.ContainsFunc(shown, func(r rune) bool { return !unicode.IsPrint(r) }) {
				t.Fatalf("%q is shown", shown)
			}
			id, err := parseUSB(shown)
			if whole := fourHex(p.id.vendor) && fourHex(p.id.product); whole != (err == nil) || whole && !id.fits(p.id) {
				t.Fatalf("%q: %+v, %v, does not find %+v", shown, id, err, p.id)
			}
			if _, err := pick(usbID{vendor: "FFFF", product: "FFFF"}, ports); err != nil && len(err.Error()) > 1000 {
				t.Fatalf("%q is shown", err)
			}
		}
	})
}

// FuzzProgram holds the same of the name that a program gives itself: anybody who may log in can choose one.
func FuzzProgram(f *testing.F) {
	f.Add("ModemManager\n")
	f.Add("\x1b[2J\n level=E")
	f.Add("\xff\xfe")
	f.Add("")
	f.Fuzz(func(t *testing.T, comm string) {
		root := t.TempDir()
		fds := filepath.Join(root, "proc", "4711", "fd")
		device := filepath.Join(root, "ttyUSB0")
		if err := os.MkdirAll(fds, 0o700); err != nil {
			t.Fatal(err)
		}
		for path, text := range map[string]string{device: "", filepath.Join(root, "proc", "4711", "comm"): comm} {
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Symlink(device, filepath.Join(fds, "3")); err != nil {
			t.Fatal(err)
		}
		got := holdersBelow(filepath.Join(root, "proc"), device, true)
		if !strings.HasSuffix(got, " (pid 4711)") || !utf8.ValidString(got) || utf8.RuneCountInString(got) > 100 ||
			strings.ContainsFunc(got, func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Fatalf("%q is shown", got)
		}
	})
}
