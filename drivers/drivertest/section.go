package drivertest

import (
	"path/filepath"
	"testing"

	"go.yaml.in/yaml/v4"

	"github.com/acs-agent/acs-agent/agent/settings"
	"github.com/acs-agent/acs-agent/drivers"
)

type section struct {
	node   yaml.Node
	folder string
}

// Section is a settings.Section that is made of a piece of YAML: a mapping. Relative paths are those of an empty folder.
func Section(t testing.TB, text string) settings.Section {
	t.Helper()
	s := &section{folder: t.TempDir()}
	if text == "" {
		text = "{}"
	}
	if err := yaml.Load([]byte(text), &s.node); err != nil {
		t.Fatalf("settings of the test: %v", err)
	}
	return s
}

// Reader is one entry of `readers:` with that name and those settings.
func Reader(t testing.TB, name, text string) drivers.Reader {
	t.Helper()
	return drivers.Reader{Name: name, Settings: Section(t, text)}
}

func (s *section) Decode(into any) error { return s.node.Load(into, yaml.WithKnownFields()) }

func (s *section) Text(key string) string {
	node := &s.node
	if node.Kind == yaml.DocumentNode && len(node.Content) > 0 {
		node = node.Content[0]
	}
	for i := 0; i+1 < len(node.Content); i += 2 {
		if node.Content[i].Value == key && node.Content[i+1].Kind == yaml.ScalarNode {
			return node.Content[i+1].Value
		}
	}
	return ""
}

func (s *section) Path(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(s.folder, path)
}
