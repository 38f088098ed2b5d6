package uplinktest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/acs-agent/acs-agent/agent/config"
	"github.com/acs-agent/acs-agent/agent/settings"
)

// Section is a module's section with these settings, read by the agent's own configuration from a real file.
func Section(t testing.TB, text string) settings.Section {
	t.Helper()
	file := filepath.Join(t.TempDir(), "config.yaml")
	text = "device: test\ntimezone: Asia/Almaty\nuplinks:\n  - name: test\n    type: test\n    " +
		strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n    ") + "\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := config.Load(file)
	if err != nil {
		t.Fatalf("settings of the test: %v", err)
	}
	return c.Uplinks[0].Section
}
