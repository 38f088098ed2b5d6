package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/acs-agent/acs-agent/agent/event"
	"github.com/acs-agent/acs-agent/agent/settings"
)

// section gives the section of a reader with these keys, each line indented by four spaces.
func section(t *testing.T, lines ...string) *Section {
	t.Helper()
	return load(t, "readers:\n  - name: gate\n    type: line\n    "+strings.Join(lines, "\n    ")+"\n").Readers[0].Section
}

func TestDecodeFillsWhatTheFileSays(t *testing.T) {
	t.Setenv("PORT_OF_TEST", "0042")
	retries := 3
	for name, c := range map[string]struct {
		lines []string
		want  func(*lineSettings)
	}{
		"nothing: defaults stay": {nil, func(*lineSettings) {}},
		"a number":               {[]string{"baud: 19200"}, func(s *lineSettings) { s.Baud = 19200 }},
		"no octal":               {[]string{"baud: 0600"}, func(s *lineSettings) { s.Baud = 600 }},
		"hexadecimal":            {[]string{"baud: 0x10", "small: '255'"}, func(s *lineSettings) { s.Baud, s.Small = 16, 255 }},
		"zeros stay":             {[]string{"topic: 00123"}, func(s *lineSettings) { s.Topic = "00123" }},
		"a BIN is a text":        {[]string{"topic: 010140000014"}, func(s *lineSettings) { s.Topic = "010140000014" }},
		"an octal BIN too":       {[]string{"topic: 0o17"}, func(s *lineSettings) { s.Topic = "0o17" }},
		"so is a fraction":       {[]string{"topic: 1.10"}, func(s *lineSettings) { s.Topic = "1.10" }},
		"and 1e5":                {[]string{"topic: 1e5"}, func(s *lineSettings) { s.Topic = "1e5" }},
		"and a date":             {[]string{"topic: 2026-12-05"}, func(s *lineSettings) { s.Topic = "2026-12-05" }},
		"and yes":                {[]string{"topic: yes"}, func(s *lineSettings) { s.Topic = "yes" }},
		"and a time":             {[]string{"topic: 10:00"}, func(s *lineSettings) { s.Topic = "10:00" }},
		"and 1_000":              {[]string{"topic: 1_000"}, func(s *lineSettings) { s.Topic = "1_000" }},
		"empty text":             {[]string{`topic: ""`}, func(s *lineSettings) { s.Topic = "" }},
		"in a list":              {[]string{"sites: [0012, '007', 1.0]"}, func(s *lineSettings) { s.Sites = []string{"0012", "007", "1.0"} }},
		"empty list":             {[]string{"sites: []"}, func(s *lineSettings) { s.Sites = []string{} }},
		"commented-out list":     {[]string{"sites:", "#  - 0012"}, func(*lineSettings) {}},
		"a map is added to": {[]string{"fields: {user: 0815}"}, func(s *lineSettings) {
			s.Fields = map[string]string{"card": "uid", "user": "0815"}
		}},
		"truth": {[]string{"invert: On"}, func(s *lineSettings) { s.Invert = true }},
		"text unmarshaler": {[]string{"way: out", "nested:", "  timeout: 5s"}, func(s *lineSettings) {
			s.Way, s.Nested.Timeout = event.Out, settings.Duration(5*time.Second)
		}},
		"pointer":        {[]string{"nested: {retries: 3}"}, func(s *lineSettings) { s.Nested.Retries = &retries }},
		"fraction":       {[]string{"factor: 1.6"}, func(s *lineSettings) { s.Factor = 1.6 }},
		"environment":    {[]string{"baud: ${PORT_OF_TEST}", "topic: tele/${PORT_OF_TEST}/x"}, func(s *lineSettings) { s.Baud, s.Topic = 42, "tele/0042/x" }},
		"escaped":        {[]string{"topic: $${PORT_OF_TEST}"}, func(s *lineSettings) { s.Topic = "${PORT_OF_TEST}" }},
		"dollar signs":   {[]string{"topic: pa$$word$"}, func(s *lineSettings) { s.Topic = "pa$$word$" }},
		"several lines":  {[]string{"topic: |", "  a", "  b"}, func(s *lineSettings) { s.Topic = "a\nb\n" }},
		"quoted escapes": {[]string{`topic: "\x02A\r\n"`}, func(s *lineSettings) { s.Topic = "\x02A\r\n" }},
		"Windows path":   {[]string{`topic: 'C:\new\Program'`}, func(s *lineSettings) { s.Topic = `C:\new\Program` }},
	} {
		t.Run(name, func(t *testing.T) {
			preset := func() lineSettings {
				return lineSettings{Baud: 9600, Topic: "tele", Fields: map[string]string{"card": "uid"}, Sites: []string{"x"}}
			}
			got, want := preset(), preset()
			c.want(&want)
			if err := section(t, c.lines...).Decode(&got); err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("\n got %+v\nwant %+v", got, want)
			}
		})
	}
}

func TestDecodeKeepsSharedDefaults(t *testing.T) {
	shared := map[string]string{"card": "uid"}
	s := lineSettings{Fields: shared}
	if err := section(t, "fields: {card: id}").Decode(&s); err != nil || s.Fields["card"] != "id" || shared["card"] != "uid" {
		t.Errorf("%v: %v, shared %v", err, s.Fields, shared)
	}
}

func TestDecodeInline(t *testing.T) {
	type deepest struct {
		URL string `yaml:"url"`
	}
	type deep struct {
		*deepest `yaml:"-"`
		Inner    *deepest `yaml:",inline"`
		Poll     string   `yaml:"poll"`
	}
	var s struct {
		Deep  deep   `yaml:",inline"`
		Poll  string `yaml:"poll"`
		Plain time.Duration
	}
	if err := section(t, "url: x", "poll: 5m", "plain: 2d").Decode(&s); err != nil {
		t.Fatal(err)
	}
	if s.Deep.Inner == nil || s.Deep.Inner.URL != "x" || s.Poll != "5m" || s.Deep.Poll != "" || s.Plain != 48*time.Hour {
		t.Errorf("%+v", s)
	}
}

func TestDecodeRefusesWhatCannotBeFilled(t *testing.T) {
	s := section(t, "baud: 9600")
	var number int
	var c struct{ Baud chan int }
	var m struct{ Baud map[int]string }
	for _, into := range []any{nil, number, &number, lineSettings{}, (*lineSettings)(nil), &c, &m} {
		err := s.Decode(into)
		var wrong *Mistakes
		if err == nil || errors.As(err, &wrong) {
			t.Errorf("%T: %v; want an error that blames the program", into, err)
		}
	}
}

func TestWhereSecretsComeFrom(t *testing.T) {
	credentials := t.TempDir()
	write := func(path, text string, mode os.FileMode) string {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	write(filepath.Join(credentials, "visits.api_key"), "of-the-section\n", 0o600)
	write(filepath.Join(credentials, "api_key"), "of-all\n", 0o600)
	private := write(filepath.Join(t.TempDir(), "private"), byteOrderMark+" in the file \r\n", 0o600)
	public := write(filepath.Join(t.TempDir(), "public"), "seen by all", 0o644)
	t.Setenv("SANDBOX_KEY", "from-environment")
	for name, c := range map[string]struct {
		uplink, credentials, line string
		want, warning             string
	}{
		"credential of the section":   {"visits", credentials, "api_key_file: none", "of-the-section", ""},
		"credential of all":           {"other", credentials, "api_key: plain", "of-all", ""},
		"credential and nothing":      {"other", credentials, "readers: []", "of-all", ""},
		"file":                        {"visits", "", "api_key_file: '" + private + "'", " in the file ", ""},
		"file, not in that folder":    {"visits", t.TempDir(), "api_key_file: '" + private + "'", " in the file ", ""},
		"file that others can read":   {"visits", "", "api_key_file: '" + public + "'", "seen by all", "other users of this computer"},
		"configuration itself":        {"visits", "", "api_key: 00123456", "00123456", "stands in the configuration itself"},
		"environment":                 {"visits", "", "api_key: ${SANDBOX_KEY}", "from-environment", ""},
		"none":                        {"visits", "", "readers: []", "", ""},
		"none, and no keys at all":    {"visits", "", "", "", ""},
		"folder for credentials gone": {"visits", filepath.Join(credentials, "gone"), "readers: []", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv(credentialsDirectory, c.credentials)
			config := load(t, fmt.Sprintf("uplinks:\n  - name: %s\n    type: portal\n    %s\n", c.uplink, c.line))
			for range 2 { // a section can be decoded again, and warns once
				var s portalSettings
				if err := config.Uplinks[0].Section.Decode(&s); err != nil {
					t.Fatal(err)
				}
				if got := s.Key.Reveal(); got != c.want {
					t.Errorf("secret %q, want %q", got, c.want)
				}
			}
			warnings := config.Warnings()
			switch {
			case c.warning == "" || runtime.GOOS == "windows" && strings.HasPrefix(c.warning, "other users"):
				if len(warnings) != 0 {
					t.Errorf("warnings: %v", warnings)
				}
			case len(warnings) != 1 || !strings.Contains(warnings[0].Problem, c.warning) || warnings[0].Line != 6 || warnings[0].Advice == "":
				t.Errorf("warnings %v, want one with %q on line 6", warnings, c.warning)
			}
		})
	}
}

func TestDamagedCredentialIsAMistake(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "visits.api_key"), []byte("\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "large.api_key"), make([]byte, maxSecret+1), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv(credentialsDirectory, dir)
	c := load(t, "uplinks:\n  - {name: visits, type: portal}\n  - {name: large, type: portal}\n")
	for i, want := range []string{"visits.api_key in $CREDENTIALS_DIRECTORY is empty", "larger than 64 KiB"} {
		var s portalSettings
		if err := c.Uplinks[i].Section.Decode(&s); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v; want %q", err, want)
		}
	}
}

func TestLocate(t *testing.T) {
	s := section(t, "baud: 9601", "fields: {card: uid}", "sites: [a, b]")
	plain := errors.New("the line is taken")
	located := s.Decode(&struct{}{})
	for name, c := range map[string]struct {
		err  error
		want []string // line:field of each
	}{
		"nothing":              {nil, nil},
		"plain":                {plain, []string{"4:readers[0]"}},
		"wrapped plain":        {fmt.Errorf("line: %w", plain), []string{"4:readers[0]"}},
		"at a key":             {settings.Mistake{Field: "baud", Problem: "odd"}, []string{"6:readers[0].baud"}},
		"by pointer":           {&settings.Mistake{Field: "baud", Problem: "odd"}, []string{"6:readers[0].baud"}},
		"below a key":          {settings.Mistake{Field: "fields.card", Problem: "odd"}, []string{"7:readers[0].fields.card"}},
		"in a list":            {settings.Mistake{Field: "sites[1]", Problem: "odd"}, []string{"8:readers[0].sites[1]"}},
		"behind a list":        {settings.Mistake{Field: "sites[7]", Problem: "odd"}, []string{"8:readers[0].sites[7]"}},
		"no index":             {settings.Mistake{Field: "sites[x", Problem: "odd"}, []string{"8:readers[0].sites[x"}},
		"at an absent key":     {settings.Mistake{Field: "port", Problem: "missing"}, []string{"4:readers[0].port"}},
		"at the section":       {settings.Mistake{Problem: "odd"}, []string{"4:readers[0]"}},
		"of Decode":            {fmt.Errorf("line: %w", located), []string{"6:readers[0].baud", "7:readers[0].fields", "8:readers[0].sites"}},
		"joined":               {errors.Join(plain, settings.Mistake{Field: "baud", Problem: "odd"}), []string{"4:readers[0]", "6:readers[0].baud"}},
		"joined plain":         {errors.Join(plain, errors.New("and more")), []string{"4:readers[0]", "4:readers[0]"}},
		"joined, then wrapped": {fmt.Errorf("line: %w", errors.Join(&settings.Mistake{Field: "baud", Problem: "odd"}, located)), []string{"6:readers[0].baud", "6:readers[0].baud", "7:readers[0].fields", "8:readers[0].sites"}},
		"twice the same":       {errors.Join(settings.Mistake{Field: "baud", Problem: "odd"}, settings.Mistake{Field: "baud", Problem: "odd"}), []string{"6:readers[0].baud"}},
	} {
		var got []string
		for _, m := range s.Locate(c.err) {
			got = append(got, fmt.Sprintf("%d:%s", m.Line, m.Field))
			if m.Excerpt == "" || m.Problem == "" {
				t.Errorf("%s: %+v", name, m)
			}
		}
		if !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestSecretInTheErrorOfAModuleIsHidden(t *testing.T) {
	t.Setenv("HOST_OF_TEST", "hidden.example")
	c := load(t, "uplinks:\n  - name: visits\n    type: portal\n    api_key: correct-horse\n    url: https://u:p4ss@${HOST_OF_TEST}/x\n")
	var s portalSettings
	if err := c.Uplinks[0].Section.Decode(&s); err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{
		fmt.Errorf("login with %s failed", s.Key.Reveal()),
		settings.Mistake{Field: "url", Problem: fmt.Sprintf("parse %q: odd", s.Client.URL), Advice: "try " + s.Client.URL},
	} {
		for _, m := range c.Uplinks[0].Section.Locate(err) {
			for _, secret := range []string{"correct-horse", "p4ss", "hidden.example"} {
				if strings.Contains(m.String(), secret) {
					t.Errorf("%s is told:\n%s", secret, m)
				}
			}
		}
	}
}

func TestWrongOfTheAgent(t *testing.T) {
	c := load(t, "buffer:\n  keep: 35d\nlisten: 127.0.0.1:8380\n")
	for field, line := range map[string]int{"listen": 5, "buffer.keep": 4, "buffer.max_size": 3, "lang": 1, "": 1} {
		if m := c.Wrong(field, "odd", ""); m.Line != line || m.Field != field {
			t.Errorf("%s: %+v, want line %d", field, m, line)
		}
	}
}

func TestSectionsAreDecodedAtTheSameTime(t *testing.T) {
	t.Setenv(credentialsDirectory, "")
	c := load(t, "uplinks:\n  - {name: a, type: portal, api_key: one-secret}\n  - {name: b, type: portal, api_key: two-secret}\n")
	var all sync.WaitGroup
	for range 4 {
		for _, u := range c.Uplinks {
			all.Go(func() { _ = u.Section.Locate(newPortal(u.Section)) })
		}
	}
	all.Wait()
	if n := len(c.Warnings()); n != 2 {
		t.Errorf("%d warnings, want 2", n)
	}
}
