package intake

import "time"

// Trust is what it takes to believe the clock of the device.
type Trust string

// The settings of clock.trust.
const (
	// TrustAuto: some evidence is needed that the clock is right, and any will do that was never seen to be wrong.
	TrustAuto Trust = "auto"
	// TrustSynchronized: somebody has to vouch for the time who knows it: a time server, or a portal over TLS.
	TrustSynchronized Trust = "synchronized"
	// TrustAlways: any time is believed that is not past for certain.
	TrustAlways Trust = "always"
)

// Source says who vouches for a clock that is trusted.
type Source string

// The sources, in one word for machines.
const (
	// Synchronized: the kernel was told by a program that follows a time server.
	Synchronized Source = "synchronized"
	// Portal: a portal has told the same time over a connection that was verified.
	Portal Source = "portal"
	// Battery: a clock that goes on without power says the same.
	Battery Source = "battery"
	// BuiltIn: machines of this kind set their clock from a built-in one when they start, though it cannot be seen.
	BuiltIn Source = "built-in"
	// Setting: clock.trust says so.
	Setting Source = "setting"
)

// strong says that the source knows what time it is, and did not only keep it.
func (s Source) strong() bool { return s == Synchronized || s == Portal }

// Doubt says why a clock is not trusted, in one word for machines.
type Doubt string

// The doubts.
const (
	// NotSet: it says a time that is past for certain.
	NotSet Doubt = "not-set"
	// Behind: it says a time that was before already.
	Behind Doubt = "behind"
	// Moved: it was set to another time than the one that was trusted, and nobody vouches for the new one.
	Moved Doubt = "moved"
	// PortalDiffers: a portal says another time.
	PortalDiffers Doubt = "portal-differs"
	// BatteryDiffers: the clock that goes on without power says another time.
	BatteryDiffers Doubt = "battery-differs"
	// Unsynchronized: the setting asks for more than there is.
	Unsynchronized Doubt = "not-synchronized"
	// NoWitness: nothing speaks for it.
	NoWitness Doubt = "no-witness"
	// Unjudged: nobody has looked yet.
	Unjudged Doubt = "not-judged"
)

// Sentence says it for a person.
func (d Doubt) Sentence() string {
	switch d {
	case NotSet:
		return "it was never set"
	case Behind:
		return "it is behind the time of passes that were read before"
	case Moved:
		return "it was set to another time, and nobody confirms the new one"
	case PortalDiffers:
		return "the portal says another time"
	case BatteryDiffers:
		return "the clock with the battery says another time"
	case Unsynchronized:
		return "it is not synchronised, which clock.trust asks for"
	case NoWitness:
		return "it is not synchronised, and there is no clock with a battery"
	case Unjudged:
	}
	return "it was not looked at yet"
}

// Answer is what the kernel says.
type Answer int

// The answers.
const (
	Unknown Answer = iota
	No
	Yes
)

// Signs are what speaks for the clock at one moment, or against it.
type Signs struct {
	// Kernel: whether somebody keeps the clock right, as he has told the kernel.
	Kernel Answer
	// HasBattery: there is a clock that goes on without power. Ahead is by how much the wall clock is ahead of it; if BatteryLost
	// is set, it says nothing that could be compared.
	HasBattery, BatteryLost bool
	Ahead                   time.Duration
	// BuiltIn: without HasBattery, machines of this kind have one all the same that only the kernel sees.
	BuiltIn bool
}

// wrong is a difference to a portal's clock that speaks against that of the device. What is more than a jump and less than this says
// nothing: portals are no time servers.
const wrong = 10 * time.Minute

// A Verdict says whether the clock is trusted and by whom, or why not.
type Verdict struct {
	Trusted bool
	Source  Source
	Doubt   Doubt
}

func doubt(d Doubt) Verdict    { return Verdict{Doubt: d} }
func vouched(s Source) Verdict { return Verdict{Trusted: true, Source: s} }

// evidence is all that a verdict is made of.
type evidence struct {
	Signs
	trust          Trust
	wall, earliest time.Time
	// newest was right, and is past.
	newest time.Time
	// began is when this boot was by the wall clock; zero where boots cannot be told.
	began time.Time
	// bearing is when it was by the clock when it was trusted last, by the word of source; zero before that.
	bearing time.Time
	source  Source
	// portal is when it was by a portal's clock; zero if none was heard.
	portal time.Time
}

// judge is the rule. Who knows the time comes first, then who has seen that it is wrong, then who has only kept it.
func judge(e *evidence) Verdict {
	heard := !e.portal.IsZero() && !e.began.IsZero()
	off := e.began.Sub(e.portal).Abs()
	followed := !e.bearing.IsZero() && !e.began.IsZero()
	moved := followed && !alike(e.began, e.bearing)
	switch {
	case e.wall.Before(e.earliest):
		return doubt(NotSet)
	case e.trust == "" || e.trust == TrustAlways:
		return vouched(Setting)
	case e.Kernel == Yes:
		return vouched(Synchronized)
	case heard && off <= jump:
		return vouched(Portal)
	case followed && !moved && e.source.strong():
		return vouched(e.source)
	case heard && off > wrong:
		return doubt(PortalDiffers)
	case moved && (e.source.strong() || e.source == BuiltIn):
		return doubt(Moved)
	case e.trust == TrustSynchronized:
		return doubt(Unsynchronized)
	case e.wall.Before(e.newest.Add(-jump)):
		return doubt(Behind)
	case e.HasBattery && (e.BatteryLost || e.Ahead.Abs() > jump):
		return doubt(BatteryDiffers)
	case e.HasBattery:
		return vouched(Battery)
	case e.BuiltIn:
		return vouched(BuiltIn)
	}
	return doubt(NoWitness)
}
