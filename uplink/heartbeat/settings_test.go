package heartbeat

import (
	"strings"
	"testing"
	"time"

	"github.com/acs-agent/acs-agent/agent/broker"
	"github.com/acs-agent/acs-agent/uplink"
	"github.com/acs-agent/acs-agent/uplink/uplinktest"
)

func TestSettings(t *testing.T) {
	for yaml, want := range map[string]struct {
		interval  time.Duration
		discovery discovery
	}{
		"{}":                        {time.Minute, ""},
		"interval: 5s":              {5 * time.Second, ""},
		"interval: 1h":              {time.Hour, ""},
		"home_assistant: true":      {time.Minute, "homeassistant"},
		"home_assistant: no":        {time.Minute, ""},
		"home_assistant: ha/site-1": {time.Minute, "ha/site-1"},
	} {
		h := newAgent().heartbeat(t, &broker.Address{URL: "mqtt://broker.invalid"}, &uplinktest.Store{}, strings.Trim(yaml, "{}"))
		if h.interval != want.interval || h.discovery != want.discovery {
			t.Errorf("%s: every %v, discovery %q", yaml, h.interval, h.discovery)
		}
	}
}

func TestMistakesInSettings(t *testing.T) {
	somewhere := &broker.Address{URL: "mqtt://broker.invalid"}
	for _, c := range []struct {
		yaml   string
		broker *broker.Address
		want   string
	}{
		{"interval: 4s", somewhere, "interval: 4s is out of range (write 5s to 1h)"},
		{"interval: 2h", somewhere, "interval: 2h0m0s is out of range (write 5s to 1h)"},
		{"interval: often", somewhere, `"often" is no duration`},
		{"every: 1m", somewhere, "every"},
		{"home_assistant: homeassistant/#", somewhere, "home_assistant: is no place where Home Assistant looks for devices"},
		{"home_assistant: acs/x", somewhere, "is no place"},
		{"", nil, "the heartbeat goes to an MQTT broker, and the configuration names none (write where it is"},
	} {
		_, err := New(uplink.Env{Name: "heartbeat", Device: "gate-1", Broker: c.broker}, uplinktest.Section(t, c.yaml))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v; want %q in it", c.yaml, err, c.want)
		}
	}
}
