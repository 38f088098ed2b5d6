package heartbeat

import (
	"strings"
	"testing"
)

func TestTopics(t *testing.T) {
	for topic, want := range map[string][3]string{
		StateTopic("gate-1"):                   {"gate-1", KindState, ""},
		Topic("gate-1"):                        {"gate-1", KindHeartbeat, ""},
		AlertTopic("gate-1", ReaderFailing):    {"gate-1", KindAlert, "reader-failing"},
		EventTopic("gate-1", "приём.заявок_1"): {"gate-1", KindEvent, "приём.заявок_1"},
	} {
		device, kind, rest, ok := ParseTopic(topic)
		if got := [3]string{device, kind, rest}; !ok || got != want {
			t.Errorf("%s: %v %v, want %v", topic, got, ok, want)
		}
	}
	if got := Filter("+"); got != "acs/+/#" {
		t.Errorf("filter %s", got)
	}
	for _, topic := range []string{
		"", "acs", "acs/gate-1", "acs//state", "acs/gate-1/", "acs/gate-1/state/", "acs/gate-1/heartbeat/x", "acs/gate-1/alert",
		"acs/gate-1/alert/", "acs/gate-1/event/", "acs/gate-1/event/a/b", "acs/gate-1/command/x", "tele/gate-1/state", "/acs/gate-1/state", "ACS/gate-1/state",
	} {
		if device, kind, rest, ok := ParseTopic(topic); ok || device+kind+rest != "" {
			t.Errorf("%q is taken for one of ours: %q %q %q", topic, device, kind, rest)
		}
	}
}

func FuzzParseTopic(f *testing.F) {
	for _, seed := range []string{"acs/gate-1/state", "acs/gate-1/alert/reader-failing", "acs/gate-1/event/a/b", "acs/", "//", "acs//state"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, topic string) {
		device, kind, rest, ok := ParseTopic(topic)
		if !ok {
			if device+kind+rest != "" {
				t.Error("it is not ours, and yet gives something")
			}
			return
		}
		if whole := strings.TrimSuffix(Root+"/"+device+"/"+kind+"/"+rest, "/"); topic != whole || device == "" {
			t.Errorf("%q became %q", topic, whole)
		}
	})
}
