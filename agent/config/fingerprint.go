package config

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"slices"
)

// Fingerprint is the same for two sections that ask for the same module to do the same: the order of keys, comments, the place
// in the file and the keys of a reader that are not the module's (direction, note and so on) do not count. Secrets count with
// their values, so that a password that was changed in its own file shows; therefore it is complete only after Decode.
func (s *Section) Fingerprint() string {
	h := sha256.New()
	for _, key := range []string{"name", "type"} {
		fmt.Fprintf(h, "%q", s.Text(key))
	}
	s.node.print(h, s.common)
	slices.Sort(s.secrets)
	for _, secret := range s.secrets {
		fmt.Fprintf(h, "%q", secret)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// Foundation is the same for two configurations that differ only in what a running agent can take over piece by piece: readers,
// uplinks, organizations, the list of cardholders and the language. Anything else is the ground on which all of them stand.
func (c *Config) Foundation() string {
	h := sha256.New()
	fmt.Fprintf(h, "%q%q%q%+v%+v%q", c.Device, c.Zone, c.DataDir, c.Buffer, c.Clock, c.Listen)
	if c.MQTT != nil {
		fmt.Fprintf(h, "%q%q%q", c.MQTT.Listen, c.MQTT.CAFile, c.MQTT.Password.Reveal())
		c.MQTT.Section.node.print(h, nil)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// print writes what the values of a section are, whatever their order, without the keys left out.
func (n *node) print(h hash.Hash, without []string) {
	switch n.kind {
	case scalar:
		fmt.Fprintf(h, "%q", n.text)
	case list:
		fmt.Fprintf(h, "[%d", len(n.items))
		for _, item := range n.items {
			item.print(h, nil)
		}
	case mapping:
		keys := make([]string, 0, len(n.entries))
		for _, e := range n.entries {
			if !slices.Contains(without, e.key) {
				keys = append(keys, e.key)
			}
		}
		slices.Sort(keys)
		fmt.Fprintf(h, "{%d", len(keys))
		for _, key := range keys {
			fmt.Fprintf(h, "%q", key)
			n.get(key).print(h, nil)
		}
	case null:
		fmt.Fprint(h, "-")
	}
}
