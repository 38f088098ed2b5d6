package rdm6300

import (
	"strings"
	"testing"

	"github.com/acs-agent/acs-agent/drivers"
	"github.com/acs-agent/acs-agent/drivers/drivertest"
)

func TestSettings(t *testing.T) {
	for name, c := range map[string]struct{ settings, want string }{
		"good":            {"port: /dev/ttyUSB0", ""},
		"good by USB id":  {`usb: "1a86:7523"`, ""},
		"other mode":      {"port: /dev/ttyUSB0\nbaud: 19200\ndata_bits: 7\nparity: even\nstop_bits: 2", ""},
		"no port":         {"baud: 9600", "port: is missing"},
		"two ports":       {"port: /dev/ttyUSB0\nusb: 1a86:7523", "usb: stands beside port"},
		"no USB id":       {"usb: reader", `"reader" is no USB id`},
		"speed":           {"port: /dev/ttyUSB0\nbaud: 1", "baud: 1 is no speed"},
		"parity":          {"port: /dev/ttyUSB0\nparity: sometimes", `"sometimes" is no parity`},
		"several at once": {"data_bits: 9\nstop_bits: 3", "stop_bits: 3 does not exist"},
	} {
		_, err := Module.New(drivertest.Env(), []drivers.Reader{drivertest.Reader(t, "gate", c.settings)})
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%s: %v", name, err)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%s: error %v, want one with %q", name, err, c.want)
		}
	}
}

func TestTwoReadersCannotShareAPort(t *testing.T) {
	one, two := drivertest.Reader(t, "gate-1", "port: /dev/ttyUSB0"), drivertest.Reader(t, "gate-2", "port: /dev//ttyUSB0")
	if Module.Line(one.Settings) != Module.Line(two.Settings) {
		t.Fatal("the same port is not the same line")
	}
	_, err := Module.New(drivertest.Env(), []drivers.Reader{one, two})
	if err == nil || !strings.Contains(err.Error(), "gate-1, gate-2 have the same port") {
		t.Errorf("error %v", err)
	}
}
