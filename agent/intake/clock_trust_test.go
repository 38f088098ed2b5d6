package intake

import (
	"testing"
	"time"
)

func TestWhatItTakesToTrustAClock(t *testing.T) {
	now := time.Date(2027, time.March, 1, 8, 0, 0, 0, time.UTC)
	began := now.Add(-time.Hour)
	good := Signs{HasBattery: true}
	none := Signs{}
	for what, c := range map[string]struct {
		e    evidence
		want Verdict
	}{
		"a time server is followed":                        {evidence{Signs: Signs{Kernel: Yes}}, vouched(Synchronized)},
		"without one, the battery":                         {evidence{Signs: Signs{Kernel: No, HasBattery: true, Ahead: time.Minute}}, vouched(Battery)},
		"the kernel may not be asked":                      {evidence{Signs: good}, vouched(Battery)},
		"a battery that was empty":                         {evidence{Signs: Signs{HasBattery: true, BatteryLost: true}}, doubt(BatteryDiffers)},
		"a time that was saved on disk, an empty battery":  {evidence{Signs: Signs{HasBattery: true, Ahead: 50 * 365 * 24 * time.Hour}}, doubt(BatteryDiffers)},
		"a time that was saved on disk, and no battery":    {evidence{Signs: none}, doubt(NoWitness)},
		"a PC, or a virtual machine":                       {evidence{Signs: Signs{BuiltIn: true}}, vouched(BuiltIn)},
		"an unset clock that says it is synchronised":      {evidence{wall: time.Unix(12, 0), Signs: Signs{Kernel: Yes}}, doubt(NotSet)},
		"an unset clock, and nobody asks":                  {evidence{wall: time.Unix(12, 0), trust: TrustAlways}, doubt(NotSet)},
		"nobody asks":                                      {evidence{trust: TrustAlways, newest: now.AddDate(1, 0, 0)}, vouched(Setting)},
		"a battery is not enough":                          {evidence{trust: TrustSynchronized, Signs: good}, doubt(Unsynchronized)},
		"a portal is enough":                               {evidence{trust: TrustSynchronized, portal: began}, vouched(Portal)},
		"behind the newest pass":                           {evidence{Signs: good, newest: now.Add(jump + time.Second)}, doubt(Behind)},
		"hardly behind it":                                 {evidence{Signs: good, newest: now.Add(jump)}, vouched(Battery)},
		"the newest pass was of a wrong clock":             {evidence{Signs: Signs{Kernel: Yes}, newest: now.AddDate(1, 0, 0)}, vouched(Synchronized)},
		"the same, by a portal":                            {evidence{portal: began.Add(jump), newest: now.AddDate(1, 0, 0)}, vouched(Portal)},
		"a portal whose clock is a bit off proves nothing": {evidence{Signs: good, portal: began.Add(5 * time.Minute)}, vouched(Battery)},
		"nor for a clock that nothing speaks for":          {evidence{portal: began.Add(5 * time.Minute)}, doubt(NoWitness)},
		"a portal against the battery":                     {evidence{Signs: good, portal: began.AddDate(0, 0, 7)}, doubt(PortalDiffers)},
		"a portal against a time server":                   {evidence{Signs: Signs{Kernel: Yes}, portal: began.AddDate(0, 0, 7)}, vouched(Synchronized)},
		"the time server went away":                        {evidence{Signs: Signs{Kernel: No}, bearing: began.Add(time.Second), source: Synchronized}, vouched(Synchronized)},
		"the agent has started again since":                {evidence{trust: TrustSynchronized, bearing: began, source: Portal}, vouched(Portal)},
		"set by hand after the time server went away":      {evidence{Signs: good, bearing: began.Add(-time.Hour), source: Synchronized}, doubt(Moved)},
		"set by hand on a PC":                              {evidence{Signs: Signs{BuiltIn: true}, bearing: began.Add(time.Hour), source: BuiltIn}, doubt(Moved)},
		"set by hand, its battery too":                     {evidence{Signs: good, bearing: began.Add(-time.Hour), source: Battery}, vouched(Battery)},
		"set by hand, but not its battery":                 {evidence{Signs: Signs{HasBattery: true, Ahead: time.Hour}, bearing: began.Add(-time.Hour), source: Battery}, doubt(BatteryDiffers)},
		"set by a time server":                             {evidence{Signs: Signs{Kernel: Yes}, bearing: began.Add(-time.Hour), source: Portal}, vouched(Synchronized)},
		"a system without boots":                           {evidence{Signs: Signs{BuiltIn: true}, began: time.Unix(1, 0), portal: time.Unix(1, 0)}, vouched(BuiltIn)},
	} {
		e := c.e
		e.earliest = time.Date(2026, time.November, 1, 0, 0, 0, 0, time.UTC)
		if e.wall.IsZero() {
			e.wall = now
		}
		switch {
		case e.began.IsZero():
			e.began = began
		case e.began.Unix() == 1:
			e.began, e.portal = time.Time{}, began.AddDate(0, 0, 7)
		}
		if e.trust == "" {
			e.trust = TrustAuto
		}
		if got := judge(&e); got != c.want {
			t.Errorf("%s: %+v, want %+v", what, got, c.want)
		}
	}
}
