package serialport

import (
	"slices"
	"strings"
	"testing"

	"github.com/acs-agent/acs-agent/agent/health"
)

func TestUSB(t *testing.T) {
	one := usbPort{usbID{"0403", "6001", "A50285BI"}, "/dev/ttyUSB0"}
	two := usbPort{usbID{"0403", "6001", "A50285BX"}, "/dev/ttyUSB1"}
	three := usbPort{usbID{"1A86", "7523", ""}, "/dev/ttyUSB2"}
	all := []usbPort{one, two, three}
	for name, c := range map[string]struct {
		usb   string
		ports []usbPort
		want  string
		err   string
	}{
		"by kind":             {"1a86:7523", all, "/dev/ttyUSB2", ""},
		"by serial number":    {"0403:6001:A50285BX", all, "/dev/ttyUSB1", ""},
		"letters of any case": {"0403:6001:a50285bi", all, "/dev/ttyUSB0", ""},
		"several":             {"0403:6001", all, "", "several ports have the USB id 0403:6001: 0403:6001:A50285BI at /dev/ttyUSB0, 0403:6001:A50285BX"},
		"not there":           {"10c4:ea60", []usbPort{three}, "", "no serial port has the USB id 10C4:EA60: is the reader plugged in? USB ports here: 1A86:7523 at /dev/ttyUSB2"},
		"nothing there":       {"10c4:ea60", nil, "", "USB ports here: none"},
	} {
		want, err := parseUSB(c.usb)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		got, err := pick(want, c.ports)
		if code := health.CodeOf(err); c.err != "" && code != string(health.Missing) && (code != string(health.PortAmbiguous) || name != "several") {
			t.Errorf("%s: code %q", name, code)
		}
		if got != c.want || (err != nil) != (c.err != "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%s: %q, %v; want %q, %q", name, got, err, c.want, c.err)
		}
	}
	for _, text := range []string{"", "0403", "0403:", "0403-6001", "0x0403:6001", "040g:6001", "/dev/ttyUSB0"} {
		if _, err := parseUSB(text); err == nil {
			t.Errorf("%q is a USB id", text)
		}
	}
}

func TestParity(t *testing.T) {
	for _, text := range []string{"none", "odd", "even"} {
		var p Parity
		if err := p.UnmarshalText([]byte(text)); err != nil || p.String() != text {
			t.Errorf("%q reads as %v, %v", text, p, err)
		}
	}
}

func TestList(t *testing.T) {
	names := strings.Split("a b c d e f g h i j", " ")
	if got := list(names); got != "a, b, c, d, e, f, g, h and 2 more" {
		t.Error(got)
	}
	if got := list(slices.Clone(names[:2])); got != "a, b" {
		t.Error(got)
	}
}
