package config

import (
	"strings"
	"testing"
)

func lines(s ...string) *file { return &file{lines: s, above: outline(s)} }

func TestExcerptHidesSecrets(t *testing.T) {
	for line, want := range map[string]string{
		"  password: hunter2":                        "  password: ***",
		"  password:hunter2":                         "  password:***",
		"  password hunter2":                         "  password ***",
		"  pasword: hunter2":                         "  pasword: ***",
		"  - api_key: 'hunter2'  # the key":          "  - api_key: ***",
		`  "token" : hunter2`:                        `  "token" : ***`,
		"  API_KEY: hunter2":                         "  API_KEY: ***",
		"  x: {login: a, password: hunter2, b: c}":   "  x: {login: a, password: ***",
		"  client-secret: hunter2":                   "  client-secret: ***",
		"  comm_key: hunter2":                        "  comm_key: ***",
		"  password_file: mqtt.password":             "  password_file: mqtt.password",
		"  key_file: /etc/journal.key":               "  key_file: /etc/journal.key",
		"  password:":                                "  password:",
		"  url: https://user:hunter2@portal/x":       "  url: https://***@portal/x",
		"  broker: user:hunter2@portal":              "  broker: user:***@portal",
		"  url: https://portal.example/x":            "  url: https://portal.example/x",
		"  login: integration@example":               "  login: integration@example",
		"\tnote: x":                                  "→note: x",
		"  note: key to the gate  ":                  "  note: key to the gate",
		"  {key_file: a.key, key: hunter2}":          "  {key_file: a.key, key: ***",
		"  note: " + strings.Repeat("ж", maxExcerpt): "  note: " + strings.Repeat("ж", maxExcerpt-9) + "…",
	} {
		f := lines(line)
		if got := f.excerpt(1); got != want {
			t.Errorf("%q is shown as %q, want %q", line, got, want)
		}
	}
}

func TestExcerptHidesSecretsOfSeveralLines(t *testing.T) {
	f := lines(strings.Split("mqtt:\n  password: |\n    hunter2\n\n      hunter3\n  username: gate\nuplinks:\n  - x: 1", "\n")...)
	want := []string{"mqtt:", "  password: ***", "    ***", "", "      ***", "  username: gate", "uplinks:", "  - x: 1"}
	for i := range f.lines {
		if got := f.excerpt(i + 1); got != want[i] {
			t.Errorf("line %d: %q, want %q", i+1, got, want[i])
		}
	}
	if f.excerpt(0) != "" || f.excerpt(99) != "" {
		t.Error("lines that do not exist are shown")
	}
}

func TestExcerptHidesWhatTurnedOutToBeASecret(t *testing.T) {
	f := lines("community: hunter2", "just hunter2")
	f.hide("hunter2", &node{line: 1})
	f.hide("hunter2", &node{line: 2})
	if got := f.excerpt(1) + "|" + f.excerpt(2); got != "community: ***|***" {
		t.Error(got)
	}
}
