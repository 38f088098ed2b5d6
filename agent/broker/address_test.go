package broker

import (
	"strings"
	"testing"

	"github.com/acs-agent/acs-agent/agent/settings"
)

func TestOptionsNameTheServer(t *testing.T) {
	for given, want := range map[string]string{
		"mqtt://broker.example":              "tcp://broker.example:1883",
		"mqtt://broker.example/":             "tcp://broker.example:1883/",
		"mqtt://192.0.2.7:1884":              "tcp://192.0.2.7:1884",
		"mqtts://broker.example":             "ssl://broker.example:8883",
		"mqtts://[2001:db8::1]":              "ssl://[2001:db8::1]:8883",
		"ws://broker.example":                "ws://broker.example:80/mqtt",
		"wss://broker.example:8084/messages": "wss://broker.example:8084/messages",
	} {
		a := Address{URL: given, Username: "gate", Password: settings.NewSecret("hush")}
		o, err := a.Options("gate-1")
		if err != nil {
			t.Errorf("%s: %v", given, err)
			continue
		}
		if got := o.Servers[0].String(); got != want {
			t.Errorf("%s: server %s, want %s", given, got, want)
		}
		if o.ClientID != "gate-1" || o.Username != "gate" || o.Password != "hush" || o.ProtocolVersion != 4 {
			t.Errorf("%s: client %q, user %q, version %d", given, o.ClientID, o.Username, o.ProtocolVersion)
		}
	}
}

func TestAddressesThatAreRefused(t *testing.T) {
	for given, want := range map[string]string{
		"":                             "no broker address",
		"broker.example:1883":          "does not begin with mqtt://",
		"tcp://broker.example":         "begins with tcp://",
		"mqtt://":                      "names no host",
		"mqtt://:1883":                 "names no host",
		"mqtt://broker.example/telema": "only ws:// and wss://",
		"mqtt://me:hush@broker":        "user name",
		"mqtt://me:hush@broker:x":      "no URL",
		"mqtt://broker?x=hush":         "behind ? or #",
	} {
		a := Address{URL: given}
		_, err := a.Options("gate-1")
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %q in it", given, err, want)
			continue
		}
		if strings.Contains(err.Error()+a.String(), "me:hush") {
			t.Errorf("%q: the password is in %q or %q", given, err, a.String())
		}
	}
	a := Address{URL: "mqtt://broker", Password: settings.NewSecret("hush")}
	if _, err := a.Options("gate-1"); err == nil || !strings.Contains(err.Error(), "no username") {
		t.Errorf("a password alone: %v", err)
	}
	a = Address{URL: "mqtt://broker"}
	if _, err := a.Options(""); err == nil {
		t.Error("a client without a name is let through")
	}
}
