package doctor

import (
	"context"
	"time"
)

// Clocks is what is asked about the time.
type Clocks struct {
	// Zone is that of the site; nil if it is not known.
	Zone *time.Location
	// Earliest is past for certain.
	Earliest time.Time
	// Root is where /proc, /run and /sys are: "/".
	Root string

	// now and synchronised replace the machine's in tests.
	now          func() time.Time
	synchronised func() (yes, known bool)
}

// Look takes down whether the clock of the device can be right and whether somebody keeps it right.
func (c *Clocks) Look(_ context.Context, s *Sheet) {
	now, synchronised := time.Now, kernelSynchronised
	if c.now != nil {
		now, synchronised = c.now, c.synchronised
	}
	c.time(s, now())
	c.synchronisation(s, synchronised)
	c.battery(s)
}

func (c *Clocks) time(s *Sheet, now time.Time) {
	const subject = "clock"
	if now.Before(c.Earliest) {
		s.Wrong(subject, "set the clock, and set up time synchronisation: chrony or systemd-timesyncd",
			"it was never set: it says %s; passes are held until it is", now.Format(time.DateTime))
		return
	}
	if c.Zone == nil {
		s.Unseen("time zone", "mend the configuration first", "that of the site is not known; the clock says %s in UTC", now.UTC().Format(time.DateTime))
		return
	}
	here, system := now.In(c.Zone), now.Local()
	s.Good(subject, "it says %s at the site (%s, %s)", here.Format(time.DateTime), c.Zone, here.Format("-07:00"))
	_, site := here.Zone()
	if _, own := system.Zone(); own != site {
		s.Good("time zone", "the system has another one (%s); that does no harm, but its own logs show other times", system.Format("-07:00"))
	}
}

func (c *Clocks) synchronisation(s *Sheet, synchronised func() (yes, known bool)) {
	const subject = "time synchronisation"
	helper := timeHelper(c.Root)
	switch yes, known := synchronised(); {
	case !known:
		s.Unseen(subject, "", "this system does not tell whether its clock is synchronised")
	case yes && helper != "":
		s.Good(subject, "the clock is synchronised, by %s", helper)
	case yes:
		s.Good(subject, "the clock is synchronised")
	case helper != "":
		s.Doubt(subject, "check whether this device reaches a time server (UDP port 123), and which one is set",
			"%s runs, but the clock is not synchronised yet", helper)
	default:
		s.Doubt(subject, "install chrony, or switch on systemd-timesyncd: timedatectl set-ntp true", "nobody synchronises the clock of this device")
	}
}
