package heartbeat

import (
	_ "embed"
	"encoding/json"
	"regexp"
	"strings"

	"github.com/acs-agent/acs-agent/agent/settings"
)

// A discovery is the first level of the topics on which Home Assistant looks for devices; empty if this device is not shown to it.
// The form is that of device discovery, which Home Assistant has had since 2024.11.
type discovery string

// discoveryEntry is the entry of a device, with $device and $version in the places of its name and the version of the program:
// two words without anything that JSON would have to escape.
//
//go:embed discovery.json
var discoveryEntry string

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

// entry is what Home Assistant is told of the device and of what can be seen of it.
func (d discovery) entry(device, program string) json.RawMessage {
	_, version, _ := strings.Cut(program, "/")
	return json.RawMessage(strings.NewReplacer("$device", device, "$version", version).Replace(discoveryEntry))
}
