//go:build unix

package main

import (
	"testing"

	"github.com/acs-agent/acs-agent/agent/health"
	"github.com/acs-agent/acs-agent/drivers/drivertest"
	"github.com/acs-agent/acs-agent/uplink/sandbox"
)

// What a device in 1970 sees of a portal is a certificate that is not valid yet, and what one of the future sees one that is not valid any
// more.
func TestTheClockIsWrongForThePortalsCertificate(t *testing.T) {
	t.Parallel()
	for _, fault := range []sandbox.Kind{sandbox.TLSNotYetValid, sandbox.TLSExpired} {
		t.Run(string(fault), func(t *testing.T) {
			t.Parallel()
			port := drivertest.Serial(t)
			d := &device{gateway: newGateway(t, serialReader(port.Path)+"clock: {trust: always}\n"), hands: &hands{}}
			d.overTLS()
			if err := d.portal.SetFaults(sandbox.Faults{{Kind: fault}}); err != nil {
				t.Fatal(err)
			}
			d.start()
			d.works(health.Reader, "gate-1")
			d.show(port, 1)
			d.troubled(health.Uplink, "visits", exitFailed, "is the clock of this device right? it says 20")
			if code := d.part(health.Uplink, "visits").Code; code != string(health.ClockWrong) {
				t.Errorf("the code is %q", code)
			}
			d.warnedOnce(health.Uplink, "visits")
			if err := d.portal.SetFaults(nil); err != nil {
				t.Fatal(err)
			}
			d.arrived()
			d.fine()
		})
	}
}
