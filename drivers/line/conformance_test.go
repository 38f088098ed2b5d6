//go:build unix

package line

import (
	"testing"
	"time"

	"github.com/acs-agent/acs-agent/agent/event"
	"github.com/acs-agent/acs-agent/agent/health"
	"github.com/acs-agent/acs-agent/drivers/drivertest"
)

func TestConformance(t *testing.T) {
	drivertest.Run(t, drivertest.Case{
		Module:   Module,
		Settings: "number: hex",
		Frame:    []byte("7EE424\r"),
		Want:     event.Credential{Format: "line/hex", Number: []byte{0x7E, 0xE4, 0x24}, Bits: 24, Text: "7EE424"},
	})
}

func TestKeysOfAKeypadDoNotStickToTheNextCard(t *testing.T) {
	port, journal := drivertest.Serial(t), drivertest.NewJournal()
	d := made(t, "number: decimal\ngap: 50ms")
	d.options.Port = port.Path
	running := drivertest.Start(t, d, journal.Take)
	running.Await(t, "lobby", health.Up)
	port.Write([]byte("7"))
	running.AwaitOddity(t, "lobby", 1)
	port.Write([]byte("0008315940\r\n"))
	if got := journal.Next(t).Credential.Canonical(); got != "007EE424" {
		t.Errorf("read %s", got)
	}
	journal.Empty(t)
}

func TestSilenceEndsALine(t *testing.T) {
	port, journal := drivertest.Serial(t), drivertest.NewJournal()
	d := made(t, "suffix: none\ngap: 200ms")
	d.options.Port = port.Path
	running := drivertest.Start(t, d, journal.Take)
	running.Await(t, "lobby", health.Up)
	for _, code := range []string{"PASS-1", "PASS-2"} {
		port.Write([]byte(code[:3]))
		port.Write([]byte(code[3:]))
		p := journal.Next(t)
		if p.Credential.Text != code {
			t.Errorf("read %q, want %q", p.Credential.Text, code)
		}
		if ago := time.Since(p.At.Wall); ago < 200*time.Millisecond {
			t.Errorf("the time is %v ago: it is not that of the last byte, before the silence", ago)
		}
	}
}
