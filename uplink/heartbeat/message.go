package heartbeat

import (
	"strings"
	"time"
)

// Version is the version of all messages below. A later one may add fields; it grows only when a field changes its meaning.
const Version = 1

// Root is the first level of every topic.
const Root = "acs"

// The kinds of messages, as they stand behind the name of the device in a topic.
const (
	KindState     = "state"
	KindHeartbeat = "heartbeat"
	KindAlert     = "alert"
	KindEvent     = "event"
)

// StateTopic is where a device says whether it is there; see State.
func StateTopic(device string) string { return topic(device, KindState) }

// Topic is where a device says how it is; see Heartbeat.
func Topic(device string) string { return topic(device, KindHeartbeat) }

// AlertTopic is where a device says that something is wrong; see Alert.
func AlertTopic(device, code string) string { return topic(device, KindAlert, code) }

// EventTopic is where an uplink of a device tells what happened.
func EventTopic(device, uplink string) string { return topic(device, KindEvent, uplink) }

// Filter subscribes to everything that a device says; "+" stands for all devices.
func Filter(device string) string { return topic(device, "#") }

func topic(levels ...string) string { return Root + "/" + strings.Join(levels, "/") }

// ParseTopic takes a topic apart: the device, the kind, and what stands behind it, which is the code of an alert, the uplink of
// an event, and nothing otherwise. ok is false for topics of anybody else.
func ParseTopic(topic string) (device, kind, rest string, ok bool) {
	levels := strings.SplitN(topic, "/", 4)
	if len(levels) < 3 || levels[0] != Root || levels[1] == "" {
		return "", "", "", false
	}
	device, kind = levels[1], levels[2]
	if len(levels) == 4 {
		rest = levels[3]
	}
	switch kind {
	case KindState, KindHeartbeat:
		ok = len(levels) == 3
	case KindAlert, KindEvent:
		ok = rest != "" && !strings.Contains(rest, "/")
	}
	if !ok {
		return "", "", "", false
	}
	return device, kind, rest, true
}

// Presence says whether a device is there.
type Presence string

// The presences.
const (
	// Online: the device has connected.
	Online Presence = "online"
	// Stopped: the agent was stopped in order, and does not work until somebody starts it.
	Stopped Presence = "stopped"
	// Lost: the connection broke. The broker says it in the name of the device: it is the last will.
	Lost Presence = "lost"
)

// State is whether a device is there; retained.
type State struct {
	Version int      `json:"v"`
	Device  string   `json:"device"`
	State   Presence `json:"state"`
	// Session grows by one with every connection, also over restarts. What belongs to a smaller one than was seen already is
	// old: the will of a connection that broke can arrive after the device has come back.
	Session uint64 `json:"session"`
}

// Heartbeat is how a device is doing; retained. It comes every interval, and at once when something changes.
type Heartbeat struct {
	Version int    `json:"v"`
	Device  string `json:"device"`
	// Session is that of State.
	Session uint64 `json:"session"`
	// Boot is an id of the time since the device was switched on; empty where the system has none.
	Boot string `json:"boot,omitempty"`
	// Seq counts the heartbeats of the session from 1.
	Seq uint64 `json:"seq"`
	// Interval is after how many seconds the next one comes at the latest; when three are missing, the device is off line.
	Interval int `json:"interval_s"`
	// At is the time of the device, which may be wrong: see Clock.
	At time.Time `json:"at"`
	// Uptime is how long the agent has been running, in seconds.
	Uptime int64 `json:"uptime_s"`
	// Agent is the version of the program.
	Agent   string   `json:"version"`
	Clock   Clock    `json:"clock"`
	Config  Part     `json:"config"`
	Readers []Reader `json:"readers"`
	Uplinks []Uplink `json:"uplinks"`
	Journal Journal  `json:"journal"`
	Host    Host     `json:"host"`
	// Alerts are the codes of all alerts that stand.
	Alerts []string `json:"alerts"`
}

// Clock is what the device thinks of its clock.
type Clock struct {
	// Trusted is false while passes are held because the clock is not set.
	Trusted bool `json:"trusted"`
	// Source is who vouches for it: `synchronized`, `portal`, `battery`, `built-in` or `setting`; empty if nobody does.
	Source string `json:"source,omitempty"`
	// Doubt is why it is not trusted, in one word; empty if it is.
	Doubt string `json:"doubt,omitempty"`
}

// Part is how one part is doing.
type Part struct {
	// State is `starting`, `ok`, `failing` (tried again without anybody's help) or `stopped` (a person has to act).
	State string `json:"state"`
	// Error is what is wrong as one word of small letters, digits and hyphens; empty if nothing is. The whole sentence stays on
	// the device.
	Error string `json:"error,omitempty"`
}

// Reader is how one reader is doing.
type Reader struct {
	Name string `json:"name"`
	Type string `json:"type,omitempty"`
	Part
	// LastReadAt is when the last pass was read since the agent started; zero if none was.
	LastReadAt time.Time `json:"last_read_at,omitzero"`
	// Reads counts the passes that were read, Errors what could not be understood, both since the agent started.
	Reads  uint64 `json:"reads"`
	Errors uint64 `json:"errors"`
}

// Uplink is how one uplink is doing.
type Uplink struct {
	Name string `json:"name"`
	Type string `json:"type,omitempty"`
	Part
	// Waiting counts the passes to be delivered; Oldest is the age of the oldest of them in seconds, 0 if none waits.
	Waiting uint64 `json:"waiting"`
	Oldest  int64  `json:"oldest_s"`
	// Held counts passes that are not ready (unknown card, clock), Dead those that the portal refused, Uncertain those of which
	// a person has to say whether they were delivered.
	Held      int `json:"held"`
	Dead      int `json:"dead"`
	Uncertain int `json:"uncertain"`
	// LastOKAt is when the portal took something last since the agent started; zero if it did not.
	LastOKAt time.Time `json:"last_ok_at,omitzero"`
	// Orphaned: passes wait for an uplink that the configuration does not name any more.
	Orphaned bool `json:"orphaned,omitempty"`
}

// Journal is where passes are kept.
type Journal struct {
	Part
	// Bytes is what it occupies on the disk, Limit what it may, FreeDisk what the disk has left.
	Bytes    int64 `json:"bytes"`
	Limit    int64 `json:"limit"`
	FreeDisk int64 `json:"free_disk"`
	// Holes counts passes that were stored and cannot be read any more.
	Holes uint64 `json:"holes"`
}

// Host is the computer. What it does not tell is left out.
type Host struct {
	// MemoryTotal and MemoryFree are bytes of main memory, the latter as far as programs could have it; Resident is what the
	// agent has.
	MemoryTotal int64 `json:"mem_total,omitempty"`
	MemoryFree  int64 `json:"mem_available,omitempty"`
	Resident    int64 `json:"mem_agent,omitempty"`
	// Temperature is that of the hottest sensor in degrees Celsius.
	Temperature *float64 `json:"temp,omitempty"`
	// Load is how many processes ran or waited for a processor, on average over the last minute.
	Load *float64 `json:"load,omitempty"`
	// Uptime is how long the computer has been running, in seconds.
	Uptime int64 `json:"uptime_s,omitempty"`
}

// Alert is one thing that is wrong, retained while it stands. An empty message on its topic says that it is over.
type Alert struct {
	Version int    `json:"v"`
	Device  string `json:"device"`
	// Code is the last level of the topic, too.
	Code string `json:"code"`
	// Since is when it began, as far as the agent knows.
	Since time.Time `json:"since"`
	// Readers and Uplinks are the names of those concerned.
	Readers []string `json:"readers,omitempty"`
	Uplinks []string `json:"uplinks,omitempty"`
	// Count is how many: readers, uplinks or passes, by the code.
	Count uint64 `json:"count"`
}
