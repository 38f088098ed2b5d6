//go:build unix

package ironlogic

import (
	"strings"
	"testing"

	"github.com/acs-agent/acs-agent/agent/event"
	"github.com/acs-agent/acs-agent/agent/health"
	"github.com/acs-agent/acs-agent/drivers"
	"github.com/acs-agent/acs-agent/drivers/drivertest"
)

func TestConformance(t *testing.T) {
	drivertest.Run(t, drivertest.Case{
		Module: Module,
		Frame:  []byte("Mifare[3AAC2280045646]  (0142,20) 004,22086\r\nNo card\r\n"),
		Want: event.Credential{
			Format: "ironlogic/mifare", Number: []byte{0x04, 0x56, 0x46, 0x3A, 0xAC, 0x22, 0x80}, Bits: 56,
			Short: []byte{0x04, 0x56, 0x46}, Text: "Mifare[3AAC2280045646]  (0142,20) 004,22086",
		},
	})
}

func TestTwoReadersAtOnePort(t *testing.T) {
	port, journal := drivertest.Serial(t), drivertest.NewJournal()
	driver, err := Module.New(drivertest.Env(), []drivers.Reader{
		drivertest.Reader(t, "south", "address: 03794\nport: "+port.Path),
		drivertest.Reader(t, "yard", "address: 12609\nport: "+port.Path),
	})
	if err != nil {
		t.Fatal(err)
	}
	running := drivertest.Start(t, driver, journal.Take)
	running.Await(t, "south", health.Up)
	running.Await(t, "yard", health.Up)
	port.Write([]byte(sample(t, "ironlogic-matrix3-rdall-rs485net.txt")))
	var readers []string
	for range 5 {
		readers = append(readers, journal.Next(t).Reader)
	}
	if got := strings.Join(readers, " "); got != "south south south south yard" {
		t.Errorf("the passes are of %s", got)
	}
	for _, name := range []string{"south", "yard"} {
		if have := running.AwaitOddity(t, name, 1); !strings.Contains(have.LastOddity, `address: "19997"`) {
			t.Errorf("%s: %s", name, have.LastOddity)
		}
	}
	port.Unplug()
	running.Await(t, "south", health.Down)
	if have := running.Await(t, "yard", health.Down); !strings.Contains(have.Problem, port.Path) {
		t.Errorf("the problem %q does not name the port", have.Problem)
	}
}
