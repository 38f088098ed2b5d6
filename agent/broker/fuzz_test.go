package broker

import (
	"strings"
	"testing"

	"github.com/acs-agent/acs-agent/agent/settings"
)

// FuzzAddress holds that an address that is taken has a host, a port and no secret in it, and that what is wrong with one is said
// without repeating a password that somebody wrote there.
func FuzzAddress(f *testing.F) {
	for _, seed := range []string{
		"", "mqtt://broker", "mqtts://broker.example:8883", "wss://[::1]/mqtt", "mqtt://user:geheimnis123@broker", "broker:1883", "mqtt://", "mqtt://a/b",
		"ws://a?x=geheimnis123", "mqtt://geheimnis123\x00", "tcp://a", "mqtt://a:99999", "MQTT://a", "mqtt://user:geheimnis123%zz@broker", "mqtt:///geheimnis123",
		"user:geheimnis123@broker",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		a := Address{URL: text, Username: "u", Password: settings.NewSecret("geheimnis123")}
		shown := a.String()
		u, err := a.parse()
		if err == nil {
			if u.Hostname() == "" || u.Port() == "" || u.User != nil || schemes[u.Scheme].client == "" {
				t.Fatalf("%q is taken for %q", text, u)
			}
			return
		}
		if u != nil {
			t.Fatalf("%q: %v, and yet %v", text, err, u)
		}
		if _, rest, found := strings.Cut(text, "@"); found && strings.Contains(text, "user:geheimnis123") && !strings.Contains(rest, "geheimnis123") &&
			strings.Contains(err.Error()+shown, "geheimnis123") {
			t.Fatalf("the password is told: %v, %s", err, shown)
		}
	})
}
