package serialport

import (
	"fmt"
	"strings"

	"github.com/acs-agent/acs-agent/agent/health"
)

// usbID is what identifies a USB device: vendor and product as four upper-case hexadecimal digits each, and, if it matters, the
// serial number.
type usbID struct{ vendor, product, serial string }

func (id usbID) String() string {
	s := id.vendor + ":" + id.product
	if id.serial != "" {
		s += ":" + id.serial
	}
	return s
}

// fits says whether a device that is plugged in is one that id asks for.
func (id usbID) fits(device usbID) bool {
	return id.vendor == device.vendor && id.product == device.product &&
		(id.serial == "" || strings.EqualFold(id.serial, device.serial))
}

func parseUSB(text string) (usbID, error) {
	vendor, rest, found := strings.Cut(text, ":")
	product, serial, _ := strings.Cut(rest, ":")
	if !found || !fourHex(vendor) || !fourHex(product) {
		return usbID{}, fmt.Errorf("%q is no USB id", text)
	}
	return usbID{vendor: strings.ToUpper(vendor), product: strings.ToUpper(product), serial: serial}, nil
}

func fourHex(s string) bool {
	return len(s) == 4 && strings.Trim(s, "0123456789abcdefABCDEF") == ""
}

// usbPort is a serial port that is a USB device.
type usbPort struct {
	id   usbID
	path string
}

// find gives the path of the port that the settings mean.
func (s *Settings) find() (string, error) {
	if s.USB == "" {
		return s.Port, nil
	}
	want, err := parseUSB(s.USB)
	if err != nil {
		return "", err
	}
	ports, err := usbPorts()
	if err != nil {
		return "", fmt.Errorf("look for the USB device %s: %w", want, err)
	}
	return pick(want, ports)
}

func pick(want usbID, ports []usbPort) (string, error) {
	var fitting, all []string
	path := ""
	for _, p := range ports {
		all = append(all, p.id.String()+" at "+p.path)
		if want.fits(p.id) {
			fitting = append(fitting, p.id.String()+" at "+p.path)
			path = p.path
		}
	}
	switch len(fitting) {
	case 0:
		return "", health.Coded(health.Missing, fmt.Errorf("no serial port has the USB id %s: is the reader plugged in? USB ports here: %s", want, list(all)))
	case 1:
		return path, nil
	default:
		return "", health.Coded(health.PortAmbiguous, fmt.Errorf("several ports have the USB id %s: %s; write the serial number behind a third colon in usb:, "+
			"or use port: with a path below /dev/serial/by-path", want, list(fitting)))
	}
}

// list puts names into a sentence; a long list is cut.
func list(names []string) string {
	const most = 8
	if len(names) == 0 {
		return "none"
	}
	if len(names) > most {
		return strings.Join(names[:most], ", ") + fmt.Sprintf(" and %d more", len(names)-most)
	}
	return strings.Join(names, ", ")
}
