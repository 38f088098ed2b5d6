package fleet

import (
	"time"

	"github.com/acs-agent/acs-agent/uplink/heartbeat"
)

// A Class says what is most wrong with a device. The smaller it is, the earlier a person wants to hear of it.
type Class int

// The classes.
const (
	// Offline: its connection broke, and it has not come back.
	Offline Class = iota
	// NeedsPerson: something stands still until a person acts.
	NeedsPerson
	// Failing: something does not work, and is tried again without anybody's help.
	Failing
	// Silent: it should have sent heartbeats and has not.
	Silent
	// ClockNotSet: passes are held because the device does not know the time.
	ClockNotSet
	// ShortOfRoom: the disk or the journal will be full before long.
	ShortOfRoom
	// Behind: passes wait for long, or many do.
	Behind
	// Stopped: the agent was stopped in order. Somebody wanted that, so it is no alarm.
	Stopped
	// Well: all is well.
	Well
)

// String is the class in one word, for programs.
func (c Class) String() string {
	switch c {
	case Offline:
		return "offline"
	case NeedsPerson:
		return "needs-person"
	case Failing:
		return "failing"
	case Silent:
		return "silent"
	case ClockNotSet:
		return "clock-not-set"
	case ShortOfRoom:
		return "short-of-room"
	case Behind:
		return "behind"
	case Stopped:
		return "stopped"
	case Well:
	}
	return "ok"
}

// Classes are all classes in their order.
func Classes() []Class {
	return []Class{Offline, NeedsPerson, Failing, Silent, ClockNotSet, ShortOfRoom, Behind, Stopped, Well}
}

const (
	// behindAge and behindPasses are from when on an uplink is behind.
	behindAge    = time.Hour
	behindPasses = 5000
)

// A Device is what a person is shown of one.
type Device struct {
	Name  string
	Class Class
	// Problems are what is wrong, the worst first.
	Problems []Problem
	// Presence is empty if the device has said nothing about it.
	Presence heartbeat.Presence
	// Heard is when the last heartbeat came; zero if none did, or nobody knows.
	Heard time.Time
	// Interval is after how long the next heartbeat comes at the latest.
	Interval time.Duration
	// Beaten says whether there was a heartbeat; without one, what follows is unknown.
	Beaten                bool
	Waiting               uint64
	Oldest                time.Duration
	Held, Dead, Uncertain uint64
	FreeDisk              int64 // bytes; negative if unknown
	Version               string
	Session               uint64
}

// NeedsPerson says whether something stands still until a person acts, whatever else is wrong.
func (d *Device) NeedsPerson() bool {
	if d.Class == Stopped {
		return false
	}
	for _, p := range d.Problems {
		if classOf(p.Code) == NeedsPerson {
			return true
		}
	}
	return false
}

// look judges the device.
func (d *device) look(now time.Time) Device {
	v := Device{Name: d.name, Presence: d.presence, Session: d.session, Interval: usualInterval, FreeDisk: -1, Class: Well}
	v.Problems = d.problems()
	if b := d.beat; b != nil {
		v.Beaten, v.Interval, v.Version = true, b.interval, b.version
		v.Waiting, v.Oldest, v.Held, v.Dead, v.Uncertain, v.FreeDisk = b.waiting, b.oldest, b.held, b.dead, b.unclear, b.freeDisk
		if b.dated {
			v.Heard = b.heard
		}
	}
	for _, p := range v.Problems {
		v.Class = min(v.Class, classOf(p.Code))
	}
	if d.silent(now) {
		v.Class = min(v.Class, Silent)
	}
	if v.Oldest > behindAge || v.Waiting > behindPasses {
		v.Class = min(v.Class, Behind)
	}
	switch d.presence {
	case heartbeat.Lost:
		v.Class = Offline
	case heartbeat.Stopped:
		v.Class = Stopped
	case heartbeat.Online:
	}
	return v
}

// silent says whether heartbeats are missing. A device of which the broker had kept the presence alone has sent none for long; one
// that has just come gets the time for its first.
func (d *device) silent(now time.Time) bool {
	if d.beat == nil {
		return d.stored || now.Sub(d.first) > missing*usualInterval
	}
	return now.Sub(d.beat.heard) > missing*d.beat.interval
}
