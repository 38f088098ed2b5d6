package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/acs-agent/acs-agent/agent/settings"
)

const fingerprinted = `device: gate
timezone: Asia/Almaty
data_dir: data
organizations:
  - {id: school, bin: "010140000014", name: School}
readers:
  - name: gate-1
    type: line
    organization: school
    note: the gate
    pattern: "{card}"
    speeds: [9600, 19200]
uplinks:
  - name: visits
    type: acs
    key_file: key
mqtt:
  broker: mqtt://broker
  username: gate
  password_file: password
`

// read takes the file with its changes, and gives the fingerprints of the reader, of the uplink, and the foundation.
func fingerprints(t *testing.T, secret, password string, changes ...string) [3]string {
	t.Helper()
	dir := t.TempDir()
	text := strings.NewReplacer(changes...).Replace(fingerprinted)
	for name, content := range map[string]string{"config.yaml": text, "key": secret, "password": password} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	// Absolute, so that the folder, which is another one each time, does not count.
	if err := os.WriteFile(filepath.Join(dir, "config.yaml"), []byte(strings.Replace(text, "data_dir: data", "data_dir: /data", 1)+
		"buffer: {key_file: /key}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := Load(filepath.Join(dir, "config.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var module struct {
		Key settings.Secret `yaml:"key"`
	}
	if err := c.Uplinks[0].Section.Decode(&module); err != nil {
		t.Fatal(err)
	}
	return [3]string{c.Readers[0].Section.Fingerprint(), c.Uplinks[0].Section.Fingerprint(), c.Foundation()}
}

func TestAFingerprintChangesWithWhatItStandsForAlone(t *testing.T) {
	before := fingerprints(t, "secret", "hush")
	for name, c := range map[string]struct {
		secret, password string
		changes          []string
		reader, uplink   bool
		foundation       bool
	}{
		"nothing":                {},
		"a comment":              {changes: []string{"type: line", "type: line # of text"}},
		"the order of keys":      {changes: []string{"    type: acs\n    key_file: key\n", "    key_file: key\n    type: acs\n"}},
		"the note":               {changes: []string{"the gate", "another gate"}},
		"the pattern":            {changes: []string{"{card}", "card {card}"}, reader: true},
		"the order of a list":    {changes: []string{"9600, 19200", "19200, 9600"}, reader: true},
		"the name of the reader": {changes: []string{"gate-1", "gate-2"}, reader: true},
		"a secret in its file":   {secret: "other", uplink: true},
		"the type of the uplink": {changes: []string{"acs", "exam"}, uplink: true},
		"the broker's password":  {password: "other", foundation: true},
		"the broker":             {changes: []string{"//broker", "//other"}, foundation: true},
		"the device":             {changes: []string{"device: gate", "device: gate-9"}, foundation: true},
		"the time zone":          {changes: []string{"Asia/Almaty", "Europe/Moscow"}, foundation: true},
	} {
		secret, password := "secret", "hush"
		if c.secret != "" {
			secret = c.secret
		}
		if c.password != "" {
			password = c.password
		}
		after := fingerprints(t, secret, password, c.changes...)
		for i, part := range []struct {
			what string
			want bool
		}{{"reader", c.reader}, {"uplink", c.uplink}, {"foundation", c.foundation}} {
			if changed := before[i] != after[i]; changed != part.want {
				t.Errorf("%s changes the fingerprint of the %s: %v, want %v", name, part.what, changed, part.want)
			}
		}
	}
}
