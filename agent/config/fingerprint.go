package config

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
)

// Fingerprint is the same for two sections that ask for the same module to do the same: the order of keys, comments, the place
// in the file and the keys of a reader that are not the module's (direction, note and so on) do not count. Secrets count with
// their values, so that a password that was changed in its own file shows; therefore it is complete only after Decode.
func (s *Section) Fingerprint() string {
	var b []byte
	for _, key := range []string{"name", "type"} {
		b = fmt.Appendf(b, "%q", s.Text(key))
	}
	b = s.node.appendTo(b, s.common)
	slices.Sort(s.secrets)
	for _, secret := range s.secrets {
		b = fmt.Appendf(b, "%q", secret)
	}
	return sum(b)
}

// Foundation is the same for two configurations that differ only in what a running agent can take over piece by piece: readers,
// uplinks, organizations, the list of cardholders and the language. Anything else is the ground on which all of them stand.
func (c *Config) Foundation() string {
	b := fmt.Appendf(nil, "%q%q%q%+v%+v%q", c.Device, c.Zone, c.DataDir, c.Buffer, c.Clock, c.Listen)
	if c.MQTT != nil {
		b = fmt.Appendf(b, "%q%q%q", c.MQTT.Listen, c.MQTT.CAFile, c.MQTT.Password.Reveal())
		b = c.MQTT.Section.node.appendTo(b, nil)
	}
	return sum(b)
}

func sum(b []byte) string {
	hash := sha256.Sum256(b)
	return hex.EncodeToString(hash[:])
}

// appendTo puts the values of a section behind b, the same whatever their order, without the keys that are left out.
func (n *node) appendTo(b []byte, without []string) []byte {
	switch n.kind {
	case scalar:
		return fmt.Appendf(b, "%q", n.text)
	case list:
		b = fmt.Appendf(b, "[%d", len(n.items))
		for _, item := range n.items {
			b = item.appendTo(b, nil)
		}
		return b
	case mapping:
		keys := make([]string, 0, len(n.entries))
		for _, e := range n.entries {
			if !slices.Contains(without, e.key) {
				keys = append(keys, e.key)
			}
		}
		slices.Sort(keys)
		b = fmt.Appendf(b, "{%d", len(keys))
		for _, key := range keys {
			b = n.get(key).appendTo(fmt.Appendf(b, "%q", key), nil)
		}
		return b
	case null:
	}
	return append(b, '-')
}
