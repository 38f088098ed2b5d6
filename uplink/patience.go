package uplink

import "time"

// A Patient uplink says for how long it may have passes to carry, say nothing on its part and leave its cursor where it is,
// though all is well with it: waits, slow lines and refused batches counted. Who is silent for longer is taken to hang, and the
// agent is started again.
type Patient interface {
	LongestSilence() time.Duration
}

// halvings is how often a batch can be refused and halved, in silence, until a single pass is left of a million.
const halvings = 20

// LongestSilence is how long Run can be silent with these settings, and no network, however bad, makes it longer.
func (c *Courier) LongestSilence() time.Duration {
	// A whole batch, after one of another uplink to the same host.
	send := 2 * (2*headerTimeout + time.Duration(c.MaxSize/slowestLine)*time.Second)
	// Each half is sent in half the time, but is answered no sooner.
	halves := send + halvings*2*headerTimeout
	return c.MaxDelay + max(c.Patience, c.Probe, maxRetryAfter) + send + halves
}
