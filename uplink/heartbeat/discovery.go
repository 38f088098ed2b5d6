package heartbeat

import (
	"regexp"
	"strings"

	"github.com/acs-agent/acs-agent/agent/settings"
)

// A discovery is the first level of the topics on which Home Assistant looks for devices; empty if this device is not shown to it.
// The form is that of device discovery, which Home Assistant has had since 2024.11.
type discovery string

// usualPrefix is where Home Assistant looks unless it was told otherwise.
const usualPrefix discovery = "homeassistant"

var prefixForm = regexp.MustCompile(`^[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*$`)

// UnmarshalText reads true, false or a prefix.
func (d *discovery) UnmarshalText(text []byte) error {
	switch s := string(text); strings.ToLower(s) {
	case "true", "yes", "on":
		*d = usualPrefix
	case "false", "no", "off":
		*d = ""
	default:
		if len(s) > 64 || !prefixForm.MatchString(s) || strings.HasPrefix(s+"/", Root+"/") {
			return settings.Mistake{
				Field: "home_assistant", Problem: "is no place where Home Assistant looks for devices",
				Advice: "write true, false, or the discovery prefix that is set there",
			}
		}
		*d = discovery(s)
	}
	return nil
}

// topics are those on which the device is made known: one or none.
func (d discovery) topics(device string) []string {
	if d == "" {
		return nil
	}
	return []string{string(d) + "/device/acs-agent-" + device + "/config"}
}

// An entry tells Home Assistant of a device and what can be seen of it.
type entry struct {
	Device     entryDevice          `json:"device"`
	Origin     entryOrigin          `json:"origin"`
	Components map[string]component `json:"components"`
	QoS        int                  `json:"qos"`
}

type entryDevice struct {
	Identifiers []string `json:"identifiers"`
	Name        string   `json:"name"`
	Model       string   `json:"model"`
	Version     string   `json:"sw_version"`
}

type entryOrigin struct {
	Name    string `json:"name"`
	Version string `json:"sw_version"`
}

type component struct {
	Platform      string `json:"platform"`
	ID            string `json:"unique_id"`
	Name          string `json:"name"`
	Class         string `json:"device_class,omitempty"`
	Category      string `json:"entity_category,omitempty"`
	Unit          string `json:"unit_of_measurement,omitempty"`
	Measurement   string `json:"state_class,omitempty"`
	Icon          string `json:"icon,omitempty"`
	Topic         string `json:"state_topic"`
	Template      string `json:"value_template"`
	Available     string `json:"availability_topic,omitempty"`
	AvailableWhen string `json:"availability_template,omitempty"`
}

// entry is what is said of the device.
func (d discovery) entry(device, version string) entry {
	name := "acs-agent-" + device
	_, number, _ := strings.Cut(version, "/")
	e := entry{
		Device:     entryDevice{Identifiers: []string{name}, Name: device, Model: "acs-agent", Version: number},
		Origin:     entryOrigin{Name: "acs-agent", Version: number},
		Components: make(map[string]component),
		QoS:        1,
	}
	e.Components["online"] = component{
		Platform: "binary_sensor", Name: "Online", Class: "connectivity", Category: "diagnostic",
		Topic: StateTopic(device), Template: "{{ 'ON' if value_json.state == 'online' else 'OFF' }}",
	}
	for id, c := range map[string]component{
		"problem": {
			Platform: "binary_sensor", Name: "Problem", Class: "problem", Template: "{{ 'ON' if value_json.alerts else 'OFF' }}",
		},
		"waiting": {
			Platform: "sensor", Name: "Waiting passes", Unit: "passes", Measurement: "measurement", Icon: "mdi:tray-full",
			Template: "{{ value_json.uplinks | sum(attribute='waiting') }}",
		},
		"oldest": {
			Platform: "sensor", Name: "Oldest waiting pass", Class: "duration", Unit: "s", Measurement: "measurement",
			Template: "{{ ([0] + value_json.uplinks | map(attribute='oldest_s') | list) | max }}",
		},
		"last_read": {
			Platform: "sensor", Name: "Last read", Class: "timestamp",
			Template: "{% set all = value_json.readers | selectattr('last_read_at', 'defined') | map(attribute='last_read_at') | list %}" +
				"{{ all | max if all else 'None' }}",
		},
	} {
		c.Topic, c.Available = Topic(device), StateTopic(device)
		c.AvailableWhen = "{{ 'online' if value_json.state == 'online' else 'offline' }}"
		e.Components[id] = c
	}
	for id, c := range e.Components {
		c.ID = name + "-" + id
		e.Components[id] = c
	}
	return e
}
