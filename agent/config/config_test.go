package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/acs-agent/acs-agent/agent/event"
)

// load writes a configuration into a folder of its own and loads it; what it lacks to be valid is added.
func load(t *testing.T, text string) *Config {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(path, []byte("device: test\ntimezone: UTC\n"+text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// atHome copies a configuration from testdata into a folder, with the password of its broker, as it is on a device.
func atHome(t *testing.T, name string) (path, dir string) {
	t.Helper()
	dir = t.TempDir()
	text, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(dir, "config.yaml")
	for file, text := range map[string][]byte{path: text, filepath.Join(dir, "mqtt.password"): []byte("correct-horse\r\n")} {
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return path, dir
}

func TestWholeConfiguration(t *testing.T) {
	t.Setenv(credentialsDirectory, "")
	path, dir := atHome(t, "design.yaml")
	c, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Warnings()) != 0 {
		t.Errorf("warnings: %v", c.Warnings())
	}
	school := event.Organization{BIN: "010140000014", Name: "Школа № 12"}
	if o, found := c.Organization("school-12"); !found || o != school {
		t.Errorf("organization %+v, %t", o, found)
	}
	if _, found := c.Organization("school-13"); found {
		t.Error("an organization that is not there is found")
	}
	if len(c.Readers) != 2 || len(c.Uplinks) != 5 {
		t.Fatalf("%d readers, %d uplinks", len(c.Readers), len(c.Uplinks))
	}
	in, second := c.Readers[0], c.Readers[1]
	for what, got := range map[string][2]any{
		"device":                {c.Device, "almaty-gate-1"},
		"zone":                  {c.Zone.String(), "Asia/Almaty"},
		"language":              {c.Lang, "ru"},
		"listen":                {c.Listen, "127.0.0.1:8380"},
		"cardholders":           {c.Cardholders.File, filepath.Join(dir, "cardholders.csv")},
		"broker":                {c.MQTT.Broker, "mqtts://broker.example:8883"},
		"user name":             {c.MQTT.Username, "almaty-gate-1"},
		"password":              {c.MQTT.Password.Reveal(), "correct-horse"},
		"size":                  {c.Buffer.MaxSize.String(), "512MiB"},
		"keep":                  {c.Buffer.Keep, 35 * 24 * time.Hour},
		"hold":                  {c.Clock.Hold, 24 * time.Hour},
		"first reader":          {in.Name + " " + in.Type + " " + in.Organization, "gate-1-in ironlogic school-12"},
		"its direction":         {in.Direction, event.In},
		"its note":              {in.Note, "Корпус 1, турникет 1, вход"},
		"its repeat":            {in.Repeat, 3 * time.Second},
		"its line":              {in.Section.Text("port"), "/dev/serial/by-id/usb-FTDI_FT232R_USB_UART_A50285BI-if00-port0"},
		"second direction":      {second.Direction, event.Unknown},
		"second note":           {second.Note, "Корпус 2"},
		"uplink":                {c.Uplinks[4].Name + " " + c.Uplinks[4].Type, "heartbeat heartbeat"},
		"text of a section":     {c.Uplinks[1].Section.Text("patent"), ""},
		"text of an absent key": {c.Uplinks[1].Section.Text("colour"), ""},
	} {
		if got[0] != got[1] {
			t.Errorf("%s: %v, want %v", what, got[0], got[1])
		}
	}
	if runtime.GOOS != "windows" && (c.DataDir != "/var/lib/acs-agent" || c.Buffer.KeyFile != "/etc/acs-agent/journal.key") {
		t.Errorf("folders: %s, %s", c.DataDir, c.Buffer.KeyFile)
	}
}

func TestDefaults(t *testing.T) {
	t.Setenv(credentialsDirectory, "")
	path, dir := atHome(t, "smallest.yaml")
	c, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	want := Config{
		Path: path, Device: "almaty-gate-1", Zone: c.Zone, DataDir: systemData(), Lang: "en", Listen: "127.0.0.1:8380",
		Buffer: Buffer{MaxSize: 512 << 20, Keep: 35 * 24 * time.Hour, KeyFile: filepath.Join(dir, "journal.key")},
		Clock:  Clock{Trust: "auto", Hold: 24 * time.Hour, AfterHold: KeepHeld},
	}
	got := *c
	got.file = nil
	if fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	c = load(t, "readers:\n  - {name: gate, type: line}\nmqtt: {broker: embedded}\norganizations:\ncardholders:\nuplinks:\nbuffer:\n")
	if r := c.Readers[0]; r.Note != "gate" || r.Repeat != 3*time.Second || r.Direction != event.Unknown {
		t.Errorf("reader %+v", r)
	}
	if c = load(t, "listen: off\nmqtt: {broker: embedded}\n"); c.Listen != "" {
		t.Errorf("switched off, the agent listens at %s", c.Listen)
	}
	if c.MQTT.Listen != "127.0.0.1:1883" || !c.MQTT.Password.IsZero() {
		t.Errorf("broker %+v", c.MQTT)
	}
}

func TestPathsCountFromTheFolderOfTheFile(t *testing.T) {
	path, dir := atHome(t, "smallest.yaml")
	t.Chdir(filepath.Dir(dir))
	c, err := Load(filepath.Join(filepath.Base(dir), "config.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if want := filepath.Join(filepath.Dir(path), "journal.key"); !sameFolder(t, c.Buffer.KeyFile, want) {
		t.Errorf("key file %s, want %s", c.Buffer.KeyFile, want)
	}
	s := Section{file: c.file}
	for _, p := range []string{"", filepath.Join(dir, "..", "x")} {
		if got, want := s.Path(p), filepath.Clean(p); got != want && p != "" || p == "" && got != "" {
			t.Errorf("Path(%q) = %q", p, got)
		}
	}
}

// sameFolder compares the folders of two paths, since the temporary folder can be reached by a link.
func sameFolder(t *testing.T, a, b string) bool {
	t.Helper()
	x, errX := os.Stat(filepath.Dir(a))
	y, errY := os.Stat(filepath.Dir(b))
	return errX == nil && errY == nil && os.SameFile(x, y) && filepath.Base(a) == filepath.Base(b)
}

func TestNotepad(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config.yaml")
	text := byteOrderMark + "device: almaty-gate-1\r\ntimezone: Asia/Almaty\r\norganizations:\r\n  - id: школа-12\r\n    bin: 010140000014\r\n    name: Школа № 12\r\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	if o, found := c.Organization("школа-12"); !found || o.BIN != "010140000014" || o.Name != "Школа № 12" {
		t.Errorf("%+v, %t", o, found)
	}
}

func TestSecretsNeverPrint(t *testing.T) {
	t.Setenv("SANDBOX_KEY", "battery-staple")
	c := load(t, "mqtt: {broker: embedded, username: u, password: correct-horse}\n"+
		"uplinks:\n  - {name: visits, type: portal, url: x, api_key: '${SANDBOX_KEY}'}\n")
	var s portalSettings
	if err := c.Uplinks[0].Section.Decode(&s); err != nil || s.Key.Reveal() != "battery-staple" {
		t.Fatalf("%v, key %q", err, s.Key.Reveal())
	}
	marshalled, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	for _, out := range []string{
		string(marshalled), fmt.Sprint(c.Warnings()),
		fmt.Sprintf("%v %+v %#v", c, c, c), fmt.Sprintf("%v %+v %#v", *c, *c.MQTT, c.Uplinks),
		fmt.Sprintf("%v %+v %#v", c.MQTT.Section, c.MQTT.Section, c.MQTT.Section), fmt.Sprintf("%+v %#v", s, s),
	} {
		if strings.Contains(out, "correct-horse") || strings.Contains(out, "battery-staple") {
			t.Errorf("a secret is printed: %s", out)
		}
	}
}

func TestFilesThatCannotBeRead(t *testing.T) {
	dir := t.TempDir()
	large := filepath.Join(dir, "large.yaml")
	if err := os.WriteFile(large, make([]byte, maxFile+1), 0o600); err != nil {
		t.Fatal(err)
	}
	closed := filepath.Join(dir, "closed.yaml")
	if err := os.WriteFile(closed, []byte("device: x\n"), 0o000); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		path, want string
		cause      error
	}{
		{filepath.Join(dir, "none.yaml"), "there is no such file", fs.ErrNotExist},
		{dir, "is a folder", nil},
		{large, "is larger than 1 MB", nil},
		{closed, "may not be read by this user", fs.ErrPermission},
	} {
		if f, err := os.Open(c.path); c.path == closed && err == nil { // root may read everything, and Windows knows no such rights
			_ = f.Close()
			continue
		} else if err == nil {
			_ = f.Close()
		}
		_, err := Load(c.path)
		var wrong *Mistakes
		if !errors.As(err, &wrong) || !strings.Contains(err.Error(), c.path+": "+c.want) {
			t.Errorf("%s: %v; want %q", c.path, err, c.want)
		}
		if c.cause != nil && !errors.Is(err, c.cause) {
			t.Errorf("%v: want it to be %v", err, c.cause)
		}
	}
}

func TestFind(t *testing.T) {
	t.Setenv(Environment, "")
	if got := Find(""); got != systemConfig() || !filepath.IsAbs(got) {
		t.Errorf("nothing said: %s", got)
	}
	t.Setenv(Environment, "from-environment.yaml")
	if got := Find(""); got != "from-environment.yaml" {
		t.Errorf("environment: %s", got)
	}
	if got := Find("from-flag.yaml"); got != "from-flag.yaml" {
		t.Errorf("flag: %s", got)
	}
}

func FuzzLoad(f *testing.F) {
	files, err := filepath.Glob("testdata/mistakes/*.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range append(files, "testdata/design.yaml", "testdata/smallest.yaml") {
		text, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := parse("fuzz.yaml", text)
		if err == nil && (c == nil || c.Zone == nil || !deviceForm.MatchString(c.Device)) {
			t.Errorf("no mistake and no configuration: %+v", c)
		}
		if c != nil {
			_ = makeModules(c).Error()
		}
	})
}
