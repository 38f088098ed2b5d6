// Package mqtt reads card readers that publish on an MQTT broker.
//
// All MQTT readers of a device share one client with a persistent session, so that the broker keeps what comes while the
// agent is away. A message of QoS 1 is acknowledged only when every pass in it is on disk; a message that holds no card, or
// that cannot be understood, is acknowledged at once. A message that cannot be stored stays unacknowledged and is tried again
// until it can; if the agent ends before, the broker sends it again. Retained messages are the past and are ignored.
//
// # Repetitions
//
// After a lost connection the broker sends again what was not acknowledged, with the DUP flag and the same packet id. Such a
// pass is marked Redelivered, and its EventID is the packet id with a hash of topic and payload: enough to recognise a
// redelivery, and nothing more. Packet ids are used again and again, so the EventID must not be compared for a pass that is not
// marked. Where a format brings the device's own number of the event, that number alone is the EventID.
package mqtt

import (
	_ "embed"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/acs-agent/acs-agent/agent/settings"
	"github.com/acs-agent/acs-agent/drivers"
)

//go:embed example.yaml
var example string

// Module is the type "mqtt".
var Module = drivers.Module{
	Type:    "mqtt",
	Summary: "readers on an MQTT broker: esp-rfid, Tasmota, ESPHome, and any JSON by description",
	Example: example,
	Line:    func(settings.Section) string { return "broker" },
	New:     New,
}

// New checks the settings of all MQTT readers of the device. Readers whose topics overlap are refused unless a match tells
// them apart: no pass may be given to two readers.
func New(env drivers.Env, given []drivers.Reader) (drivers.Driver, error) {
	var found []error
	if env.Zone == nil {
		env.Zone = time.UTC
	}
	if env.Broker == nil {
		found = append(found, settings.Mistake{
			Problem: "the configuration names no MQTT broker", Advice: "add mqtt: {broker: mqtts://broker.example:8883}",
		})
	} else if err := env.Broker.Check(); err != nil {
		found = append(found, settings.Mistake{Problem: err.Error(), Advice: "see mqtt: broker"})
	}
	readers := make([]*reader, 0, len(given))
	for _, g := range given {
		r, err := newReader(g, env.Zone)
		if err != nil {
			found = append(found, g.Wrong(err))
			continue
		}
		readers = append(readers, r)
	}
	if err := errors.Join(append(found, tellApart(readers))...); err != nil {
		return nil, err
	}
	return &driver{env: env, readers: readers, filters: subscriptions(readers), pace: normalPace}, nil
}

// subscriptions are the topics to subscribe to. One that another one covers is left out, because some brokers send a message
// once for each subscription that fits.
func subscriptions(readers []*reader) []filter {
	var all []filter
	for _, r := range readers {
		if slices.ContainsFunc(all, func(f filter) bool { return f.covers(r.filter) }) {
			continue
		}
		all = slices.DeleteFunc(all, r.filter.covers)
		all = append(all, r.filter)
	}
	slices.SortFunc(all, func(x, y filter) int { return strings.Compare(x.String(), y.String()) })
	return all
}
