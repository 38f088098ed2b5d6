//go:build unix

package doctor

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/acs-agent/acs-agent/agent/health"
)

func TestPorts(t *testing.T) {
	dir := t.TempDir()
	plant(t, dir, map[string]os.FileMode{"ttyUSB0": 0o660})
	path := dir + "/ttyUSB0"
	for want, p := range map[string]Port{
		"wrong port of gate-1: /dev/ttyUSB7 is not there → is the reader plugged in? Serial ports here: none": {
			Missing: errors.New("/dev/ttyUSB7 is not there: is the reader plugged in? Serial ports here: none"),
		},
		"warning port of gate-1: ttyUSB0 is another port when plugs are moved or the device starts anew → write port: /dev/serial/by-id/usb-FTDI\n" +
			"ok port of gate-1: ttyUSB0 is there, and nobody holds it": {Path: path, Lasting: "/dev/serial/by-id/usb-FTDI", Account: me(t)},
		"wrong port of gate-1: ttyUSB0 is held by gpsd (pid 7) → stop that program; only one can have the port": {
			Path: path, Agent: 8, Holders: []Holder{{7, "gpsd"}, {8, "acs-agent"}},
		},
		"wrong port of gate-1: ttyUSB0 is held by ModemManager (pid 7) → systemctl disable --now ModemManager: it takes readers for modems": {
			Path: path, Holders: []Holder{{7, "ModemManager"}},
		},
		"ok port of gate-1: ttyUSB0 is held by our running agent": {Path: path, Agent: 8, Holders: []Holder{{8, "acs-agent"}}},
		"unsure port of gate-1: ttyUSB0 is there; who holds it only root can see → run this with sudo": {
			Path: path, Hidden: true, Account: me(t),
		},
	} {
		p.Reader = "gate-1"
		if got := look(t, dir, Check{Look: p.Look}); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
	p := Port{Reader: "gate-1", Path: path, Account: other()}
	if got := look(t, dir, Check{Look: p.Look}); !strings.HasPrefix(got, "wrong port of gate-1: the user acs-agent, who runs the agent, has no right to ttyUSB0: it is not in the group ") ||
		!strings.Contains(got, "→ usermod -aG ") {
		t.Error(got)
	}
}

func TestReadersOfTheRunningAgent(t *testing.T) {
	s := &Sheet{}
	for _, r := range []health.Report{
		{Name: "a", State: health.Up, Count: 3},
		{Name: "b", State: health.Starting},
		{Name: "c", State: health.Down, Problem: "the plug is out (put it in)"},
		{Name: "d", State: health.Stopped, Problem: "no", LastOddity: "14 bytes of noise", Oddities: 2},
	} {
		Reader(s, r)
	}
	var got []string
	for _, f := range s.Findings() {
		got = append(got, f.Subject+" "+string(f.Level)+": "+f.Text)
	}
	want := "reader a ok: works; passes since the agent started: 3|reader b unsure: the agent has only just begun with it|" +
		"reader c wrong: the plug is out|reader d wrong: no|reader d warning: what it sends is not always understood (times: 2), at last: 14 bytes of noise"
	if strings.Join(got, "|") != want {
		t.Errorf("%s", strings.Join(got, "\n"))
	}
}
