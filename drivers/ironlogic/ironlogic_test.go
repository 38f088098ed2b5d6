package ironlogic

import (
	"strings"
	"testing"

	"github.com/acs-agent/acs-agent/drivers"
	"github.com/acs-agent/acs-agent/drivers/drivertest"
)

func TestSettings(t *testing.T) {
	for name, c := range map[string]struct {
		readers []string
		want    []string // parts of the error; none if the settings are good
	}{
		"one":                {[]string{"port: /dev/ttyUSB0"}, nil},
		"one with address":   {[]string{"port: /dev/ttyUSB0\naddress: 03794"}, nil},
		"two with addresses": {[]string{"port: /dev/ttyS1\naddress: \"03794\"", "port: /dev/ttyS1\naddress: 19997"}, nil},
		"one without":        {[]string{"port: /dev/ttyS1\naddress: 03794", "port: /dev/ttyS1"}, []string{"gate-2 has none"}},
		"both without":       {[]string{"port: /dev/ttyS1", "port: /dev/ttyS1"}, []string{"gate-1 has none", "gate-2 has none"}},
		"the same twice": {
			[]string{"port: /dev/ttyS1\naddress: 03794", "port: /dev/ttyS1\naddress: 03794"},
			[]string{"gate-1 and gate-2 have the same one"},
		},
		"no address": {[]string{"port: /dev/ttyS1\naddress: 3794"}, []string{`"3794" of gate-1 is no address`, "five digits"}},
		"two speeds": {
			[]string{"port: /dev/ttyS1\naddress: 03794", "port: /dev/ttyS1\naddress: 19997\nbaud: 19200"},
			[]string{"gate-2 has another mode of the line than gate-1"},
		},
		"unknown key": {[]string{"port: /dev/ttyS1\nadress: 03794"}, []string{"adress"}},
		"no port":     {[]string{"address: 1"}, []string{"port: is missing", "is no address"}},
	} {
		var readers []drivers.Reader
		for i, text := range c.readers {
			readers = append(readers, drivertest.Reader(t, []string{"gate-1", "gate-2"}[i], text))
		}
		_, err := Module.New(drivertest.Env(), readers)
		if (err != nil) != (len(c.want) > 0) {
			t.Errorf("%s: error %v", name, err)
		}
		for _, part := range c.want {
			if err == nil || !strings.Contains(err.Error(), part) {
				t.Errorf("%s: error %v, want one with %q", name, err, part)
			}
		}
	}
}
