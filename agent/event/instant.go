package event

import "time"

// An Instant is a moment as a device without a battery-backed clock can know it: what the wall clock said, and where in the
// life of this boot it was. The second corrects the first when the clock is set later.
type Instant struct {
	// Wall is the time of the wall clock, with the offset of the site's zone; precision one millisecond.
	Wall time.Time
	// Boot is the kernel's id of this boot; empty where the system has none.
	Boot string
	// SinceBoot is the time that had passed since the boot, sleep included; 0 where Boot is empty.
	SinceBoot time.Duration
	// Trusted says that the wall clock was believed to be right.
	Trusted bool
}
