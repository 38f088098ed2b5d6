package serialport

import (
	"os"
	"path/filepath"
	"strings"
	"unicode"
	"unicode/utf8"
)

// usbPorts reads the kernel's list. The serial library's own enumerator opens every /dev/ttyS* and sets its mode, which disturbs
// readers that are at work there.
func usbPorts() ([]usbPort, error) { return usbPortsBelow("/sys", "/dev") }

func usbPortsBelow(sys, dev string) ([]usbPort, error) {
	devices, err := filepath.Glob(filepath.Join(sys, "class/tty/*/device"))
	if err != nil {
		return nil, err
	}
	var ports []usbPort
	for _, link := range devices {
		// A device that is pulled out at this moment is simply not there.
		folder, err := filepath.EvalSymlinks(link)
		if err != nil {
			continue
		}
		if id, found := usbAbove(folder); found {
			ports = append(ports, usbPort{id: id, path: filepath.Join(dev, filepath.Base(filepath.Dir(link)))})
		}
	}
	return ports, nil
}

// usbAbove looks for the USB device to which the port in folder belongs: the port is an interface, or a part of one, and the
// device is up to three folders above.
func usbAbove(folder string) (usbID, bool) {
	for range 4 {
		if vendor := attribute(folder, "idVendor"); vendor != "" {
			return usbID{
				vendor:  strings.ToUpper(vendor),
				product: strings.ToUpper(attribute(folder, "idProduct")),
				serial:  attribute(folder, "serial"),
			}, true
		}
		folder = filepath.Dir(folder)
	}
	return usbID{}, false
}

// attribute is empty if the device does not have it.
func attribute(folder, name string) string {
	text, err := os.ReadFile(filepath.Join(folder, name))
	if err != nil {
		return ""
	}
	return printable(string(text))
}

// mostShown is how many characters are kept of what a device or a program calls itself.
const mostShown = 64

// printable makes a text fit to be shown to people and written to logs: devices and programs give themselves what names they like.
func printable(text string) string {
	var out strings.Builder
	left := mostShown
	for _, r := range strings.TrimSpace(text) {
		if left--; left < 0 {
			break
		}
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			r = '.'
		}
		out.WriteRune(r)
	}
	return strings.TrimSpace(out.String())
}
