// Package fleet knows how all devices are doing from what they tell a broker: it reads what uplink/heartbeat writes, and judges
// each device in the order in which a person wants to hear of it.
//
// Whoever may publish to the broker may say anything, so nothing is believed: messages are bounded in size and the fleet in
// number, and no text reaches a terminal that could do more than be read there. What a device says of the time counts only where
// nothing better is known, because the clocks of devices are wrong now and then: otherwise it is the time of receipt that counts.
package fleet

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/acs-agent/acs-agent/agent/broker"
	"github.com/acs-agent/acs-agent/uplink/heartbeat"
)

// MaxDevices bounds a fleet. A device takes a few KiB at most.
const MaxDevices = 10_000

// maxMessage is the longest message in bytes that is looked at; the connection cuts longer ones.
const maxMessage = broker.MaxMessage

// deviceForm is that of the names that configurations take.
var deviceForm = regexp.MustCompile(`^[a-z0-9-]{1,64}$`)

// A Message is what the broker sent.
type Message struct {
	Topic   string
	Payload []byte
	// Retained: the broker has kept it, nobody knows for how long.
	Retained bool
	// At is the time of receipt.
	At time.Time
}

// A Fleet is all devices that were heard of. Its methods may be called by several goroutines.
type Fleet struct {
	wanted  func(device string) bool
	mu      sync.Mutex
	devices map[string]*device
	left    Left
}

// Left counts messages that were left out.
type Left struct {
	// Strange are those that are none of ours, too long, or of a later version of the agent.
	Strange uint64 `json:"strange"`
	// Beyond are those of devices beyond MaxDevices.
	Beyond uint64 `json:"beyond"`
}

// New makes an empty fleet of the devices that are wanted.
func New(wanted func(device string) bool) *Fleet {
	return &Fleet{wanted: wanted, devices: make(map[string]*device)}
}

// Take notes what a device has said. The payload is not kept.
func (f *Fleet) Take(m Message) {
	name, kind, rest, ok := heartbeat.ParseTopic(m.Topic)
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case !ok || !deviceForm.MatchString(name) || len(m.Payload) > maxMessage:
		f.left.Strange++
		return
	case kind == heartbeat.KindEvent || !f.wanted(name):
		return
	}
	d, known := f.devices[name]
	switch {
	case known:
	case len(m.Payload) == 0:
		return // the end of something that was never heard of
	case len(f.devices) >= MaxDevices:
		f.left.Beyond++
		return
	default:
		d = &device{name: name, first: m.At}
	}
	if !d.take(kind, rest, &m) {
		f.left.Strange++
		return
	}
	if d.forgotten() {
		delete(f.devices, name)
	} else {
		f.devices[name] = d
	}
}

// take gives a message to what it is about, and says whether it was understood. An empty message takes back what was said.
func (d *device) take(kind, rest string, m *Message) bool {
	empty := len(m.Payload) == 0
	switch kind {
	case heartbeat.KindState:
		var s heartbeat.State
		switch {
		case empty:
			d.presence, d.session, d.rival = "", 0, rival{}
		case !d.read(m.Payload, &s, &s.Version, &s.Device) || !slices.Contains(presences(), s.State):
			return false
		default:
			d.state(&s, m)
		}
	case heartbeat.KindHeartbeat:
		var h heartbeat.Heartbeat
		switch {
		case empty:
			d.beat = nil
		case !d.read(m.Payload, &h, &h.Version, &h.Device):
			return false
		default:
			d.heartbeat(&h, m)
		}
	case heartbeat.KindAlert:
		var a heartbeat.Alert
		switch {
		case empty:
			delete(d.alerts, rest)
		case !d.read(m.Payload, &a, &a.Version, &a.Device) || !codeForm.MatchString(rest) || a.Code != rest:
			return false
		default:
			return d.alert(&a)
		}
	}
	return true
}

// read decodes a message of the version that is known, if it is from this device.
func (d *device) read(payload []byte, into any, version *int, device *string) bool {
	return json.Unmarshal(payload, into) == nil && *version == heartbeat.Version && *device == d.name
}

func presences() []heartbeat.Presence {
	return []heartbeat.Presence{heartbeat.Online, heartbeat.Stopped, heartbeat.Lost}
}

// Look judges all devices: those first that a person should look at first, and by name where that is the same.
func (f *Fleet) Look(now time.Time) ([]Device, Left) {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := make([]Device, 0, len(f.devices))
	for _, d := range f.devices {
		all = append(all, d.look(now))
	}
	slices.SortFunc(all, func(x, y Device) int {
		if x.Class != y.Class {
			return int(x.Class) - int(y.Class)
		}
		return strings.Compare(x.Name, y.Name)
	})
	return all, f.left
}
