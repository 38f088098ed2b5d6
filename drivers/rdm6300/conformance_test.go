//go:build unix

package rdm6300

import (
	"testing"

	"github.com/acs-agent/acs-agent/agent/event"
	"github.com/acs-agent/acs-agent/drivers/drivertest"
)

func TestConformance(t *testing.T) {
	drivertest.Run(t, drivertest.Case{
		Module: Module,
		Frame:  []byte(card),
		Want: event.Credential{
			Format: "rdm6300", Number: []byte{0x14, 0x00, 0x8E, 0xC7, 0x93}, Bits: 40, Text: "14008EC793",
		},
	})
}
