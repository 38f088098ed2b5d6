// Package heartbeat tells a centre over MQTT how this device is doing: whether it is there, how its readers, uplinks, journal
// and host are, and what needs a person. docs/mqtt.md describes the messages; this package holds their types, for both ends.
//
// All is retained: who comes later sees the same as who was there. A broker that is away costs one attempt to connect every 0.7 s
// and no memory, because nothing is queued: what counts is how the device is now, and that is told when the broker is back.
//
// No message holds anything that was read from a card or that belongs to a person, and no sentence that was written for people.
package heartbeat

import (
	_ "embed"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/acs-agent/acs-agent/agent/broker"
	"github.com/acs-agent/acs-agent/agent/settings"
	"github.com/acs-agent/acs-agent/uplink"
)

//go:embed example.yaml
var example string

// Module tells how the device is doing.
var Module = uplink.Module{
	Type:          "heartbeat",
	Summary:       "how this device is doing, over MQTT: for a centre, and for Home Assistant",
	Example:       example,
	WithoutPasses: true,
	New:           New,
}

const (
	leastInterval = 5 * time.Second
	mostInterval  = time.Hour
)

type config struct {
	// Interval is the longest time between two heartbeats.
	Interval settings.Duration `yaml:"interval"`
	// HomeAssistant makes the device known to Home Assistant; see discovery.
	HomeAssistant discovery `yaml:"home_assistant"`
}

type heartbeat struct {
	device    string
	interval  time.Duration
	discovery discovery
	broker    *broker.Address
	agent     uplink.Agent
	ledger    ledger
	pace      pace
	program   string // its name and version
	log       *slog.Logger

	// What follows belongs to Run.

	// spare is the number of a session that did not come about, because the broker refused it; 0 if there is none.
	spare uint64
	// began says since when the alerts stand that have no time of their own; nil before the first session.
	began map[string]time.Time
	// stood are the codes of all alerts that the broker may have.
	stood []string
}

// New checks the section and makes the uplink.
func New(env uplink.Env, section settings.Section) (uplink.Uplink, error) {
	c := config{Interval: settings.Duration(time.Minute)}
	if err := section.Decode(&c); err != nil {
		return nil, err
	}
	var mistakes []error
	if d := c.Interval.Std(); d < leastInterval || d > mostInterval {
		mistakes = append(mistakes, settings.Mistake{
			Field: "interval", Problem: fmt.Sprintf("%s is out of range", c.Interval), Advice: "write 5s to 1h",
		})
	}
	if env.Broker == nil {
		mistakes = append(mistakes, settings.Mistake{
			Problem: "the heartbeat goes to an MQTT broker, and the configuration names none",
			Advice:  "write where it is at the top of the file, for example mqtt: {broker: mqtts://broker.example:8883}",
		})
	}
	if err := errors.Join(mistakes...); err != nil {
		return nil, err
	}
	return &heartbeat{
		device: env.Device, interval: c.Interval.Std(), discovery: c.HomeAssistant,
		broker: env.Broker, agent: env.Agent, ledger: ledger{store: env.Store}, pace: normalPace, program: env.UserAgent, log: env.Log,
	}, nil
}
