//go:build unix

package drivertest

import (
	"testing"

	"go.yaml.in/yaml/v4"

	"github.com/acs-agent/acs-agent/drivers"
)

// common are the keys of a reader that the agent reads itself.
var common = []string{"name", "type", "organization", "direction", "note", "repeat"}

// exampleReader makes a reader of the module's example, which is one entry of a list.
func exampleReader(t testing.TB, m drivers.Module) drivers.Reader {
	t.Helper()
	var entries []map[string]any
	if err := yaml.Load([]byte(m.Example), &entries, yaml.WithKnownFields()); err != nil || len(entries) != 1 {
		t.Fatalf("the example has to be a list with one entry: %d, %v", len(entries), err)
	}
	if entries[0]["type"] != m.Type || entries[0]["name"] == nil {
		t.Errorf("the example has to have a name and the type %s: %v", m.Type, entries[0])
	}
	for _, key := range common {
		delete(entries[0], key)
	}
	text, err := yaml.Dump(entries[0])
	if err != nil {
		t.Fatalf("write the example again: %v", err)
	}
	return Reader(t, "example", string(text))
}
