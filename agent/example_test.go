package main

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/acs-agent/acs-agent/agent/config"
	"github.com/acs-agent/acs-agent/agent/settings"
	"github.com/acs-agent/acs-agent/drivers"
	"github.com/acs-agent/acs-agent/uplink"
	"github.com/acs-agent/acs-agent/uplink/sandbox"
)

// TestTheExampleIsUpToDate holds config.example.yaml to the modules' own examples; UPDATE=1 writes it anew.
func TestTheExampleIsUpToDate(t *testing.T) {
	file := filepath.Join("..", "config.example.yaml")
	want := exampleText(t, "ironlogic", "acs")
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(file, []byte(want), 0o644); err != nil { //nolint:gosec // for everybody to read
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Error("config.example.yaml is not what the modules' examples make: run this test with UPDATE=1")
	}
	if !strings.HasSuffix(want, "\n") || strings.Contains(want, " \n") || strings.Contains(want, "\t") {
		t.Error("the example has lines that end with spaces, tabs, or no end")
	}
}

// TestTheExampleOfEachModuleIsRight takes the comments away from one type of reader or uplink after the other, as a technician
// would.
func TestTheExampleOfEachModuleIsRight(t *testing.T) {
	for _, m := range allModules() {
		t.Run(m.Kind+" "+m.Type, func(t *testing.T) {
			cfg := load(t, exampleFor(t, m))
			if len(cfg.Warnings()) > 0 {
				t.Errorf("warnings: %v", cfg.Warnings())
			}
			if len(cfg.Readers) != 1 || len(cfg.Uplinks) != 1 {
				t.Errorf("%d readers and %d uplinks, want one of each", len(cfg.Readers), len(cfg.Uplinks))
			}
		})
	}
}

// exampleFor is the whole example with that module in use.
func exampleFor(t *testing.T, m described) string {
	t.Helper()
	reader, uplink := "ironlogic", "acs"
	if m.Kind == "reader" {
		reader = m.Type
	} else {
		uplink = m.Type
	}
	text := exampleText(t, reader, uplink)
	if reader == "mqtt" || uplink == "heartbeat" {
		text = strings.Replace(text, "# mqtt:  ", "mqtt:  ", 1)
		for _, key := range []string{"broker", "listen"} {
			text = strings.Replace(text, "#   "+key+": ", "  "+key+": ", 1)
		}
	}
	return text
}

func exampleText(t *testing.T, reader, uplink string) string {
	t.Helper()
	var b bytes.Buffer
	if err := writeExample(&b, reader, uplink); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// load reads a configuration with the files that the example names, and makes everything that it asks for.
func load(t *testing.T, text string) *config.Config {
	t.Helper()
	cfg, err := tryLoad(t, text)
	if err != nil {
		t.Fatalf("%v\n\nin:\n%s", err, text)
	}
	return cfg
}

func tryLoad(t *testing.T, text string) (*config.Config, error) {
	t.Helper()
	dir := t.TempDir()
	for name, content := range map[string]string{
		"config.yaml":       text,
		"acs.key":           "key-of-the-portal\n",
		"reestro.key":       "key-of-the-portal\n",
		"mqtt.password":     "password-of-the-broker\n",
		"callback.password": "password-of-the-platform\n",
		"portal-ca.pem":     string(sandbox.New(sandbox.Options{}).CertificatePEM()),
		"broker-ca.pem":     string(sandbox.New(sandbox.Options{}).CertificatePEM()),
		"cardholders.csv":   "card;iin;full_name\n55007EE424;900101300017;Пробный Проба Пробович\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c, cfg := check(filepath.Join(dir, "config.yaml"))
	switch {
	case len(c.Mistakes) > 0:
		return nil, c.Mistakes.Err()
	case c.CardholdersError != "":
		return nil, errors.New(c.CardholdersError)
	case c.Cardholders == nil || c.Cardholders.Refused > 0:
		return nil, fmt.Errorf("cardholders: %v", c.Cardholders)
	}
	return cfg, nil
}

// samples are the commented settings that have no default, so that what stands there is only a sample. To try one, other lines
// may have to be changed: old and new in turn.
var samples = map[string][]string{
	"ironlogic.usb":     {"  port:", "  # port:"},
	"ironlogic.address": nil,
	"line.usb":          {"  port:", "  # port:"},
	"line.pattern":      nil,
	"line.ignore":       nil,
	"line.suffix":       nil, // the default is nothing, which is understood as this
	"mqtt.match":        nil,
	"mqtt.number":       {"tasmota", "esp-rfid"},
	"mqtt.bits":         {"tasmota", "esphome"},
	"mqtt.fields":       {"tasmota", "json", "# number: hex", "number: decimal"},
	"mqtt.directions":   {"tasmota", "json", "# number: hex", "number: decimal", "# fields:", "fields:", "#   card:", "  card:", "#   direction:", "  direction:"},
	"mqtt.only":         {"tasmota", "json", "# number: hex", "number: decimal", "# fields:", "fields:", "#   card:", "  card:", "#   direction:", "  direction:"},
	"rdm6300.usb":       {"  port:", "  # port:"},
	"simulator.cards":   nil,
	"simulator.count":   nil, // the default is nothing, too: it does not go with cards
	"acs.readers":       nil,
	"acs.ca_file":       nil,
	"acs.proxy":         nil,

	"exam.document_readers": nil,
	"exam.comment":          nil,
	"exam.ca_file":          nil,
	"exam.proxy":            nil,

	"callback.ca_file": nil,
	"callback.proxy":   nil,

	"reestro.ca_file": nil,
	"reestro.proxy":   nil,
}

// TestCommentedSettingsAreTheDefaults takes the comment away from one setting of each module after the other: it has to be
// accepted, and unless it is a sample it must not change anything.
func TestCommentedSettingsAreTheDefaults(t *testing.T) {
	unused := maps.Clone(samples)
	for _, m := range allModules() {
		plain := decoded(t, m, m.Example)
		for _, c := range commentedSettings(m.Example) {
			name := m.Type + "." + c.key
			changes, isSample := samples[name]
			delete(unused, name)
			t.Run(name, func(t *testing.T) {
				got := decoded(t, m, strings.NewReplacer(append(changes, c.comment, c.setting)...).Replace(m.Example))
				switch same := reflect.DeepEqual(got, plain); {
				case !same && !isSample:
					t.Errorf("it is no default:\n%s\nwith it:    %+v\nwithout it: %+v", c.setting, got, plain)
				case same && isSample:
					t.Error("it is a default, and is listed as a sample")
				}
			})
		}
	}
	for name := range unused {
		t.Errorf("%s is listed as a sample, and is in no example", name)
	}
}

// A commentedSetting is a key in an example with all its lines, as they stand there and without their comment signs.
type commentedSetting struct{ key, comment, setting string }

var (
	commentedKey  = regexp.MustCompile(`^  # ([a-z_]+):\s`)
	commentedMore = regexp.MustCompile(`^  #   +\S`)
)

func commentedSettings(example string) (all []commentedSetting) {
	open := false
	for line := range strings.Lines(example) {
		switch key := commentedKey.FindStringSubmatch(line); {
		case key != nil:
			all = append(all, commentedSetting{key: key[1]})
		case !open || !commentedMore.MatchString(line):
			open = false
			continue
		}
		open = true
		last := &all[len(all)-1]
		last.comment += line
		last.setting += strings.Replace(line, "# ", "", 1)
	}
	return all
}

// decoded is the configuration with that entry as the modules see it: what each decoded, and what the agent itself took out.
func decoded(t *testing.T, m described, entry string) (seen []any) {
	t.Helper()
	cfg := load(t, siteWith(m.Kind, entry))
	for _, r := range cfg.Readers {
		for _, module := range driverModules() {
			if module.Type != r.Type {
				continue
			}
			heard := &listener{Section: r.Section}
			env := drivers.Env{Device: cfg.Device, Zone: cfg.Zone, Broker: brokerAddress(cfg), Log: discardLog()}
			if _, err := module.New(env, []drivers.Reader{{Name: r.Name, Settings: heard}}); err != nil {
				t.Fatal(err)
			}
			seen = append(seen, r.Name, r.Direction, r.Note, r.Repeat, heard.into)
		}
	}
	for _, u := range cfg.Uplinks {
		for _, module := range uplinkModules() {
			if module.Type != u.Type {
				continue
			}
			heard := &listener{Section: u.Section}
			env := uplink.Env{Name: u.Name, Broker: brokerAddress(cfg), Pace: uplink.NewPace(), Readers: []string{"gate-1-in", "gate-2"}, Log: discardLog()}
			if _, err := module.New(env, heard); err != nil {
				t.Fatal(err)
			}
			seen = append(seen, u.Name, heard.into)
		}
	}
	return seen
}

// listener is a section that remembers what was decoded into.
type listener struct {
	settings.Section
	into any
}

func (l *listener) Decode(into any) error {
	err := l.Section.Decode(into)
	l.into = reflect.ValueOf(into).Elem().Interface()
	return err
}

// siteWith is a small configuration with that entry among its readers or uplinks.
func siteWith(kind, entry string) string {
	head := `device: gate
timezone: Asia/Almaty
data_dir: data
organizations: [{id: school-12, bin: "010140000014", name: School}]
cardholders: {file: cardholders.csv}
mqtt: {broker: embedded}
`
	if kind == "reader" {
		return head + "readers:\n" + entry
	}
	return head + `readers:
- {name: gate-1-in, type: simulator, organization: school-12}
- {name: gate-2, type: simulator, organization: school-12}
uplinks:
` + entry
}

// TestCommentedSettingsOfTheAgentAreTheDefaults is the same for the settings that belong to no module.
func TestCommentedSettingsOfTheAgentAreTheDefaults(t *testing.T) {
	plain := load(t, exampleText(t, "simulator", "acs"))
	for commented, setting := range map[string]string{
		"# data_dir:": "data_dir:", "# listen:": "listen:", "  # max_size:": "  max_size:", "  # keep:": "  keep:",
	} {
		text := strings.Replace(exampleText(t, "simulator", "acs"), "\n"+commented, "\n"+setting, 1)
		if text == exampleText(t, "simulator", "acs") {
			t.Errorf("%q is not in the example", commented)
			continue
		}
		got := load(t, text)
		got.Buffer.KeyFile = plain.Buffer.KeyFile // beside the configuration, which is in another folder each time
		if x, y := agentSettings(got), agentSettings(plain); x != y {
			t.Errorf("%s is no default: with it %s, without it %s", setting, x, y)
		}
	}
	withKey := load(t, strings.Replace(exampleText(t, "simulator", "acs"), "  # key_file:", "  key_file:", 1))
	for _, cfg := range []*config.Config{plain, withKey} {
		if filepath.Base(cfg.Buffer.KeyFile) != "journal.key" || filepath.Dir(cfg.Buffer.KeyFile) != filepath.Dir(cfg.Cardholders.File) {
			t.Errorf("the key file is %s", cfg.Buffer.KeyFile)
		}
	}
}

func agentSettings(c *config.Config) string {
	return fmt.Sprintf("data_dir %s, lang %s, buffer %v, clock %v, listen %s", c.DataDir, c.Lang, c.Buffer, c.Clock, c.Listen)
}
