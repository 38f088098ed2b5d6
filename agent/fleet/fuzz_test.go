package fleet

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/acs-agent/acs-agent/uplink/heartbeat"
)

// FuzzTake holds that whatever comes, nothing that is shown can do anything to a terminal, all of it is bounded, and there is a
// verdict.
func FuzzTake(f *testing.F) {
	for _, seed := range []any{
		state("gate", heartbeat.Online, 7), beatOf("gate", 7, 1, noon), deadLetters("gate"),
		beatOf("gate", 7, 2, noon, func(b *heartbeat.Heartbeat) {
			b.Readers[0] = heartbeat.Reader{Name: "\x1b[2J", Part: heartbeat.Part{State: "failing", Error: "\x07"}}
			b.Uplinks[0].Waiting, b.Uplinks[0].State, b.Agent, b.Alerts = 1<<63, "stopped", "1.4\u202e", []string{"disk-low", "A\nB"}
		}),
	} {
		payload, err := json.Marshal(seed)
		if err != nil {
			f.Fatal(err)
		}
		f.Add("acs/gate/state", payload, true)
		f.Add("acs/gate/heartbeat", payload, false)
		f.Add("acs/gate/alert/dead-letters", payload, true)
	}
	f.Fuzz(func(t *testing.T, topic string, payload []byte, retained bool) {
		h := hear(t)
		h.online("gate")
		h.Take(Message{Topic: topic, Payload: payload, Retained: retained, At: noon})
		devices, left := h.Look(noon.Add(time.Minute))
		if len(devices) > 2 || left.Strange > 1 {
			t.Fatalf("one message made %d devices and was strange %d times", len(devices), left.Strange)
		}
		shown := func(text string, most int) {
			if strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) || !utf8.ValidString(text) ||
				utf8.RuneCountInString(text) > most {
				t.Errorf("%q is shown", text)
			}
		}
		for _, d := range devices {
			if d.Class < Offline || d.Class > Well || d.Interval <= 0 || d.Interval > mostInterval || d.Oldest < 0 || len(d.Problems) > 2*maxAlerts {
				t.Errorf("a device without sense: %+v", d)
			}
			shown(d.Name, maxName)
			shown(d.Version, maxName)
			for _, p := range d.Problems {
				shown(p.Code, 40)
				if len(p.Names) > maxNames {
					t.Errorf("%d names are kept", len(p.Names))
				}
				for _, n := range p.Names {
					shown(n, maxName+len(" ()")+40)
				}
			}
		}
	})
}
