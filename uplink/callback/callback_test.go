package callback

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/acs-agent/acs-agent/uplink"
	"github.com/acs-agent/acs-agent/uplink/uplinktest"
)

// configured makes an uplink of the settings, which lack nothing but what they replace.
func configured(t *testing.T, replace map[string]string) error {
	t.Helper()
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte(password), 0o600); err != nil {
		t.Fatal(err)
	}
	keys := []string{"url", "login", "password_file", "paths"}
	all := map[string]string{
		"url": "https://platform.example", "login": login, "password_file": file,
		"paths": `{login: /api/, list: "/api//?limit={limit}", commit: "/api/v1/commit/{code}/", status: /api/}`,
	}
	for key, value := range replace {
		if _, known := all[key]; !known {
			keys = append(keys, key)
		}
		all[key] = value
	}
	text := ""
	for _, key := range keys {
		if all[key] != "" {
			text += key + ": " + all[key] + "\n"
		}
	}
	_, err := New(uplink.Env{Name: "reception", Pace: uplink.NewPace(), Log: slog.New(slog.DiscardHandler)}, uplinktest.Section(t, text))
	return err
}

func TestSettings(t *testing.T) {
	if err := configured(t, nil); err != nil {
		t.Fatal(err)
	}
	for _, good := range []map[string]string{
		{"poll": "1s", "url": "http://127.0.0.1:8390"},
		{"poll": "1s", "url": "http://localhost:8390"},
		{"poll": "10m", "limit": "100", "keep": "1d"},
		{"commit_body": "true"},
		{"url": "https://platform.example/base"},
	} {
		if err := configured(t, good); err != nil {
			t.Errorf("%v: %v", good, err)
		}
	}
	const rest = `list: "/l{limit}", commit: "/c{code}", status: /s`
	for _, c := range []struct{ key, value, words string }{
		{"url", "", "url: is missing"},
		{"url", "http://platform.example", "in the open"},
		{"url", "https://platform.example/", "ends with a slash"},
		{"url", "https://platform.example/?a=b", "something behind the path"},
		{"login", "", "login: the technical user's name is missing"},
		{"password_file", "", "password_file: the technical user's password is missing"},
		{"paths", "", "paths.login: is missing"},
		{"paths", "{" + rest + "}", "paths.login: is missing"},
		{"paths", `{login: /a, commit: "/c{code}", status: /s}`, "paths.list: is missing"},
		{"paths", `{login: /a, list: "/l{limit}", status: /s}`, "paths.commit: is missing"},
		{"paths", `{login: /a, list: "/l{limit}", commit: "/c{code}"}`, "paths.status: is missing"},
		{"paths", "{login: api, " + rest + "}", "does not begin with a slash"},
		{"paths", `{login: "/a#b", ` + rest + "}", "cannot be sent as it stands"},
		{"paths", `{login: "/a b", ` + rest + "}", "cannot be sent as it stands"},
		{"paths", `{login: "/путь", ` + rest + "}", "cannot be sent as it stands"},
		{"paths", `{login: "/a{code}", ` + rest + "}", "braces that mean nothing"},
		{"paths", `{login: /a, list: "/l", commit: "/c{code}", status: /s}`, `paths.list: "/l" has no {limit}`},
		{"paths", `{login: /a, list: "/l{limit}", commit: "/c", status: /s}`, `paths.commit: "/c" has no {code}`},
		{"limit", "0", "limit: 0 is out of range"},
		{"limit", "101", "limit: 101 is out of range"},
		{"poll", "59s", "poll: 59s is out of range"},
		{"poll", "25h", "poll: 25h0m0s is out of range"},
		{"keep", "23h", "keep: 23h0m0s is out of range"},
		{"retry_max", "0s", "retry_max: 0s is out of range"},
		{"probe", "25h", "probe: 25h0m0s is out of range"},
	} {
		err := configured(t, map[string]string{c.key: c.value})
		if err == nil || !strings.Contains(err.Error(), c.words) {
			t.Errorf("%s: %s: %v\nwant %s", c.key, c.value, err, c.words)
		}
		if err != nil && strings.Contains(err.Error(), password) {
			t.Errorf("%s: the password stands in the error", c.key)
		}
	}
}

// The example is a working configuration, and the defaults that it shows are those of the code.
func TestExampleIsTrue(t *testing.T) {
	lines := strings.Split(Module.Example, "\n")
	var text strings.Builder
	for _, line := range lines {
		line = strings.TrimPrefix(strings.TrimPrefix(line, "- "), "  ")
		switch {
		case strings.HasPrefix(line, "name:"), strings.HasPrefix(line, "type:"), strings.HasPrefix(line, "# ca_file"), strings.HasPrefix(line, "# proxy"):
			continue
		case strings.HasPrefix(line, "password_file:"):
			line = "password: secret"
		case strings.HasPrefix(line, "# ") && strings.Contains(strings.SplitN(line, "#", 3)[1], ": ") && !strings.Contains(line, "Call-back") && !strings.HasPrefix(line, "# The"):
			line = strings.TrimPrefix(line, "# ")
		}
		text.WriteString(line + "\n")
	}
	made := func(text string) string {
		u, err := New(uplink.Env{Pace: uplink.NewPace()}, uplinktest.Section(t, text))
		if err != nil {
			t.Fatalf("%v in\n%s", err, text)
		}
		return fmt.Sprintf("%+v", *u.(*callback).config)
	}
	shown := made(text.String())
	plain := made("url: https://platform.example\nlogin: integration@example\npassword: secret\n" +
		`paths: {login: /api/, list: "/api//?limit={limit}", commit: "/api/v1/commit/{code}/", status: /api/}`)
	if shown != plain {
		t.Errorf("shown %s\n are %s", shown, plain)
	}
	if strings.Contains(shown, "secret") {
		t.Error("the password can be printed")
	}
}
