package buffer

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/acs-agent/acs-agent/agent/event"
)

// TestAClockThatJumpsDeletesNothing: what was delivered stays for as long as it should, whatever the system's clock says.
func TestAClockThatJumpsDeletesNothing(t *testing.T) {
	const century = 100 * 365 * day
	synctest.Test(t, func(t *testing.T) {
		var c rowClock
		if _, trusted := c.now(); trusted {
			t.Error("trusted without a pass")
		}
		wall := time.Now().Add(-century) // the system's clock has jumped since
		c.set(event.Instant{Wall: wall, Trusted: true})
		time.Sleep(35 * day)
		if now, trusted := c.now(); !trusted || !now.Equal(wall.Add(35*day)) {
			t.Errorf("35 days after %v it is %v (trusted: %v)", wall, now, trusted)
		}
		c.set(event.Instant{Wall: wall.Add(century)})
		if _, trusted := c.now(); trusted {
			t.Error("trusted though the newest pass is not")
		}
	})
}
