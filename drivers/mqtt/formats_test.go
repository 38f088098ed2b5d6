package mqtt

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/acs-agent/acs-agent/agent/event"
	"github.com/acs-agent/acs-agent/drivers/drivertest"
)

// almaty is the zone of the site in the tests.
var almaty = time.FixedZone("", 5*3600)

// configured makes a reader of its settings in YAML.
func configured(t testing.TB, name, yaml string) *reader {
	t.Helper()
	r, err := newReader(drivertest.Reader(t, name, yaml), almaty)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// told writes what a reader makes of a message on one line: format, number and bits of each pass, then what else is known of
// it; "odd" for what was not understood; "nothing" for what is no card event.
func told(r *reader, topic, payload string) string {
	passes, err := r.read(newMessage(topic, []byte(payload)))
	var words []string
	for _, p := range passes {
		words = append(words, fmt.Sprintf("%s %s/%d", p.Credential.Format, p.Credential.Canonical(), p.Credential.Bits))
		if p.Outcome != event.Read {
			words = append(words, p.Outcome.String())
		}
		if p.Direction != event.Unknown {
			words = append(words, p.Direction.String())
		}
		if !p.DeviceTime.IsZero() {
			words = append(words, "at "+p.DeviceTime.Format(time.RFC3339))
		}
		if p.KnownAs != "" {
			words = append(words, "known as "+p.KnownAs)
		}
		if p.EventID != "" {
			words = append(words, "event "+p.EventID)
		}
	}
	if err != nil {
		words = append(words, "odd")
	}
	if len(words) == 0 {
		return "nothing"
	}
	return strings.Join(words, ", ")
}

// samples reads a file of the test data: one payload, or lines with topic and payload.
func samples(t *testing.T, file string) (messages [][2]string) {
	t.Helper()
	content, err := os.ReadFile("testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}
	if strings.HasSuffix(file, ".json") {
		return [][2]string{{"gate/1", string(content)}}
	}
	for line := range bytes.Lines(content) {
		var m struct {
			Topic   string          `json:"topic"`
			Payload json.RawMessage `json:"payload"`
			Raw     string          `json:"payload_raw"`
		}
		if err := json.Unmarshal(line, &m); err != nil {
			t.Fatal(err)
		}
		if m.Payload != nil {
			m.Raw = string(m.Payload)
		}
		messages = append(messages, [2]string{m.Topic, strings.ReplaceAll(m.Raw, "token UID", "A1B2C3D4")})
	}
	return messages
}

func TestSamplesOfTheField(t *testing.T) {
	for _, c := range []struct {
		file, settings string
		want           []string
	}{
		{"esprfid-v1-access.json", "format: esp-rfid", []string{
			"esp-rfid A1B2C3D4/32, at 2020-11-22T01:42:55+05:00, known as username",
		}},
		{"esprfid-v2.jsonl", "format: esp-rfid", []string{
			"nothing",
			"nothing",
			"esp-rfid A1B2C3D4/32, at 2020-11-22T01:42:55+05:00, known as username",
			"esp-rfid A1B2C3D4/32, not-passed, at 2020-11-22T01:42:55+05:00, known as Unknown",
			"nothing",
			"esp-rfid A1B2C3D4/32, at 2020-11-22T01:42:55+05:00, known as username",
			"nothing",
			"nothing",
			"esp-rfid A1B2C3D4/32, at 2020-11-22T01:42:55+05:00, known as username",
		}},
		{"tasmota.jsonl", "format: tasmota", []string{
			"tasmota/wiegand 763AE8/24, at 2021-01-21T16:04:12+05:00",
			"tasmota/wiegand 0076A068/32, at 2021-01-21T15:48:49+05:00",
			"tasmota/pn532 E9F35959/32, at 2020-09-28T17:02:10+05:00",
			"tasmota/rdm6300 008EC793/32, at 2021-01-21T15:48:49+05:00",
		}},
		{"esphome-rdm6300.jsonl", "format: esphome", []string{"esphome 007EE424/32"}},
		{"homeassistant-tag.jsonl", "format: json\nnumber: hex\nfields: {card: PN532.UID, time: Time}", []string{
			"nothing",
			"json E9F35959/32, at 2020-09-28T17:02:10+05:00",
		}},
		{"uhppoted-event.json", `
format: json
number: decimal
bits: 24
fields:
  card: message.event.card-number
  time: message.event.timestamp
  event: message.event.event-id
  direction: message.event.direction
  granted: message.event.access-granted
directions: {"1": in, "2": out}
`, []string{"json 7C98A2/24, in, event 50"}}, // its clock stands before 2020, which is no time
	} {
		t.Run(c.file, func(t *testing.T) {
			r := configured(t, "gate", "topic: '#'\n"+c.settings)
			var got []string
			for _, m := range samples(t, c.file) {
				got = append(got, told(r, m[0], m[1]))
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(c.want, "\n"))
			}
		})
	}
}

func TestFormats(t *testing.T) {
	const (
		rfid  = "format: esp-rfid"
		tas   = "format: tasmota"
		home  = "format: esphome"
		words = "format: json\nnumber: text\nfields: {card: code}"
	)
	for _, c := range []struct{ name, settings, topic, payload, want string }{
		{"lost zero", rfid, "rfid", `{"type":"access","access":"Always","uid":"a1bc3d4"}`, "esp-rfid/unpadded 0A1BC3D4/32"},
		{"lost zeros", rfid, "rfid", `{"type":"access","access":"Always","uid":"abcd"}`, "esp-rfid/unpadded 0000ABCD/32"},
		{"long UID", rfid, "rfid", `{"type":"access","access":"Always","uid":"04563aac228056"}`, "esp-rfid 04563AAC228056/56"},
		{"long UID, lost zero", rfid, "rfid", `{"type":"access","access":"Always","uid":"4563aac228056"}`, "esp-rfid/unpadded 04563AAC228056/56"},
		{"long UID, lost zeros", rfid, "rfid", `{"type":"access","access":"Always","uid":"4563ac228056"}`, "esp-rfid/unpadded 004563AC228056/56"},
		{"Wiegand 26", rfid, "rfid", `{"type":"access","access":"Always","uid":"7ee424"}`, "esp-rfid 7EE424/24"},
		{"bits say more than digits", rfid + "\nbits: 24", "rfid", `{"type":"access","access":"Always","uid":"ee424"}`, "esp-rfid/unpadded 0EE424/24"},
		{"decimal", rfid + "\nnumber: decimal", "rfid", `{"type":"access","access":"Always","uid":"8315940"}`, "esp-rfid 007EE424/32"},
		{"button", rfid, "rfid", `{"type":"access","isKnown":"true","access":"Always","username":"MQTT","uid":" "}`, "nothing"},
		{"warning beside it", rfid, "rfid", `{"type":"WARN","src":"rfid","desc":"Unknown rfid tag is scanned","data":"a1b2c3d4","cmd":"event"}`, "nothing"},
		{"boot", rfid, "rfid", `{"type":"boot","time":1,"Wifi SSID":"x","Local IP":"y"}`, "nothing"},
		{"a command", rfid, "rfid/cmd", `{"cmd":"adduser","user":"x","uid":"a1b2c3d4","access":1}`, "nothing"},
		{"a lock", rfid, "rfid/io/lock1", `ON`, "nothing"},
		{"availability", rfid, "rfid/avty", `online`, "nothing"},
		{"a clock that was never set", rfid, "rfid", `{"type":"access","access":"Always","uid":"a1b2c3d4","time":1200}`, "esp-rfid A1B2C3D4/32"},
		{"expired", rfid, "rfid", `{"type":"access","access":"Expired","uid":"a1b2c3d4"}`, "esp-rfid A1B2C3D4/32, not-passed"},
		{"disabled", rfid, "rfid", `{"type":"access","access":"Disabled","uid":"a1b2c3d4"}`, "esp-rfid A1B2C3D4/32, not-passed"},
		{"wrong PIN", rfid, "rfid", `{"type":"access","access":"Wrong pin code","uid":"a1b2c3d4"}`, "esp-rfid A1B2C3D4/32, not-passed"},
		{"one door of two", rfid, "rfid", `{"type":"access","access":["Denied","Always"],"uid":"a1b2c3d4"}`, "esp-rfid A1B2C3D4/32"},
		{"no door of two", rfid, "rfid", `{"type":"access","access":["Denied","Expired"],"uid":"a1b2c3d4"}`, "esp-rfid A1B2C3D4/32, not-passed"},
		{"denied, skipped", rfid + "\ndenied: skip", "rfid", `{"type":"access","access":"Denied","uid":"a1b2c3d4"}`, "nothing"},
		{"no number", rfid, "rfid", `{"type":"access","access":"Always","uid":"token UID"}`, "odd"},
		{"no UID", rfid, "rfid", `{"type":"access","access":"Always"}`, "odd"},
		{"zero", rfid, "rfid", `{"type":"access","access":"Always","uid":"00000000"}`, "odd"},
		{"too long", rfid, "rfid", `{"type":"access","access":"Always","uid":"0102030405060708090a0b"}`, "odd"},
		{"no JSON", rfid, "rfid", `access`, "odd"},

		{"hexadecimal form", tas, "stat/x/SENSOR", `{"Wiegand":{"UID":"763AE8h","Size":26}}`, "tasmota/wiegand 763AE8/24"},
		{"hexadecimal form, short", tas, "stat/x/SENSOR", `{"Wiegand":{"UID":"E8h","Size":34}}`, "tasmota/wiegand 000000E8/32"},
		{"37 bits", tas, "tele/x/SENSOR", `{"Wiegand":{"UID":34359738367,"Size":37}}`, "tasmota/wiegand 07FFFFFFFF/35"},
		{"24 bits", tas, "tele/x/SENSOR", `{"Wiegand":{"UID":4194303,"Size":24}}`, "tasmota/wiegand 3FFFFF/22"},
		{"parity error", tas, "tele/x/SENSOR", `{"Wiegand":{"UID":0,"Size":26}}`, "odd"},
		{"too large for its size", tas, "tele/x/SENSOR", `{"Wiegand":{"UID":16777216,"Size":26}}`, "odd"},
		{"key", tas, "tele/x/SENSOR", `{"Wiegand":{"UID":7,"Size":4}}`, "nothing"},
		{"key with check", tas, "tele/x/SENSOR", `{"Wiegand":{"UID":7,"Size":8}}`, "nothing"},
		{"no size", tas, "tele/x/SENSOR", `{"Wiegand":{"UID":7}}`, "odd"},
		{"other sensors", tas, "tele/x/SENSOR", `{"Time":"2021-01-21T16:04:12","DS18B20":{"Id":"0316","Temperature":21.4},"TempUnit":"C"}`, "nothing"},
		{"two readers", tas, "tele/x/SENSOR", `{"RDM6300":{"UID":"007EE424"},"Wiegand":{"UID":7748328,"Size":26}}`, "tasmota/wiegand 763AE8/24, tasmota/rdm6300 007EE424/32"},
		{"one good, one bad", tas, "tele/x/SENSOR", `{"RDM6300":{"UID":"7EE424"},"PN532":{"UID":"04563AAC228056","DATA":""}}`, "tasmota/pn532 04563AAC228056/56, odd"},
		{"RC522", tas, "tele/x/SENSOR", `{"RC522":{"UID":"BA839D07","Data":"","Type":"MIFARE 1KB"}}`, "tasmota/rc522 BA839D07/32"},
		{"last will", tas, "tele/x/LWT", `Online`, "odd"},

		{"UID", home, "x", `74-10-37-94`, "esphome 74103794/32"},
		{"long UID, JSON", home, "x", `"04-56-3A-AC-22-80-56"`, "esphome 04563AAC228056/56"},
		{"JSON text", home, "x", `"8315940"`, "esphome 007EE424/32"},
		{"end of line", home, "x", "8315940\r\n", "esphome 007EE424/32"},
		{"decimal with zeros", home, "x", `0008315940`, "esphome 007EE424/32"},
		{"more than 32 bits", home, "x", `365081060388`, "odd"},
		{"more than 32 bits, said so", home + "\nbits: 40", "x", `365081060388`, "esphome 550086E424/40"},
		{"hexadecimal by mistake", home, "x", `7EE424`, "odd"},
		{"hexadecimal", home + "\nnumber: hex", "x", `7EE424`, "esphome 7EE424/24"},
		{"set back", home, "x", `0`, "nothing"},
		{"empty", home, "x", ``, "nothing"},
		{"cut UID", home, "x", `74-10-3-94`, "odd"},

		{"text", words, "x", `{"code":"PASS-17"}`, "json PASS-17/0"},
		{"number as text", words, "x", `{"code":17}`, "json 17/0"},
		{"no code", words, "x", `{"other":1}`, "nothing"},
		{"empty code", words, "x", `{"code":" "}`, "nothing"},
		{"a list for a code", words, "x", `{"code":[1]}`, "odd"},
		{"a truth for a code", words, "x", `{"code":true}`, "odd"},
		{"control characters", words, "x", `{"code":"a\u0007b"}`, "odd"},
		{"GS1", words, "x", `{"code":"0112\u001d21"}`, "json 0112\x1d21/0"},
		{"no JSON", words, "x", `{"code":`, "odd"},
		{"two JSON", words, "x", `{"code":"a"}{"code":"b"}`, "odd"},
		{"whole payload", "format: json\nnumber: decimal\nbits: 24\nfields: {card: .}", "x", `8315940`, "json 7EE424/24"},
		{"in a list", "format: json\nnumber: hex\nfields: {card: 'cards[1].uid'}", "x", `{"cards":[{"uid":"aa"},{"uid":"bb01"}]}`, "json BB01/16"},
		{"let through", "format: json\nnumber: hex\nfields: {card: uid}\nonly: {type: [access, entry]}", "x", `{"type":"entry","uid":"bb01"}`, "json BB01/16"},
		{"not let through", "format: json\nnumber: hex\nfields: {card: uid}\nonly: {type: [access, entry]}", "x", `{"type":"ping","uid":"bb01"}`, "nothing"},
		{"the usual words", "format: json\nnumber: hex\nfields: {card: uid, direction: way, granted: ok}", "x", `{"uid":"bb01","way":"OUT","ok":false}`, "json BB01/16, not-passed, out"},
		{"an unknown word", "format: json\nnumber: hex\nfields: {card: uid, direction: way}", "x", `{"uid":"bb01","way":"up"}`, "json BB01/16"},
		{"event without number", "format: json\nnumber: hex\nfields: {card: uid, event: n}", "x", `{"uid":"bb01"}`, "odd"},
		{"zero", "format: json\nnumber: hex\nfields: {card: uid}", "x", `{"uid":"0000"}`, "odd"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := told(configured(t, "gate", "topic: '#'\n"+c.settings), c.topic, c.payload); got != c.want {
				t.Errorf("%s\n got %q\nwant %q", c.payload, got, c.want)
			}
		})
	}
}

func TestWhatIsKeptOfAPass(t *testing.T) {
	payload := `{"Wiegand":{"UID":7748328,"Size":26},"Name":"` + strings.Repeat("x", 2000) + `"}`
	passes, err := configured(t, "gate", "topic: x\nformat: tasmota").read(newMessage("x", []byte(payload)))
	if err != nil || len(passes) != 1 {
		t.Fatal(passes, err)
	}
	c := passes[0].Credential
	if c.Text != "7748328" || string(c.Raw) != payload[:event.MaxRaw] || passes[0].Reader != "gate" {
		t.Errorf("text %q, %d bytes raw, reader %q", c.Text, len(c.Raw), passes[0].Reader)
	}
}

func TestErrorsNameNoCard(t *testing.T) {
	for format, payload := range map[string]string{
		"format: esp-rfid": `{"type":"access","access":"Always","uid":"5500ZZ01"}`,
		"format: tasmota":  `{"RDM6300":{"UID":"5500ZZ01"}}`,
		"format: esphome":  `5500ZZ01`,
		"format: json\nnumber: hex\nfields: {card: card}": `{"card":"5500ZZ01"}`,
	} {
		_, err := configured(t, "gate", "topic: x\n"+format).read(newMessage("x", []byte(payload)))
		if err == nil || strings.Contains(err.Error(), "5500") || strings.Contains(err.Error(), "ZZ") {
			t.Errorf("%s: %v", format, err)
		}
	}
}

func TestDeviceTime(t *testing.T) {
	for payload, want := range map[string]string{
		`1605991375`:                "2020-11-22T01:42:55+05:00",
		`1605991375000`:             "2020-11-22T01:42:55+05:00",
		`"1605991375"`:              "2020-11-22T01:42:55+05:00",
		`1605991375.5`:              "2020-11-22T01:42:55+05:00",
		`"2026-03-01T10:00:00Z"`:    "2026-03-01T15:00:00+05:00",
		`"2026-03-01T10:00:00"`:     "2026-03-01T10:00:00+05:00",
		`"2026-03-01 10:00:00"`:     "2026-03-01T10:00:00+05:00",
		`"2026-03-01 10:00:00 PDT"`: "2026-03-01T10:00:00+05:00",
		`"2019-08-09 16:18:55 PDT"`: "",
		`"1970-01-01T00:01:12"`:     "",
		`0`:                         "",
		`-5`:                        "",
		`1e300`:                     "",
		`"yesterday"`:               "",
		`""`:                        "",
		`null`:                      "",
		`[1]`:                       "",
	} {
		value, _ := parseJSON([]byte(payload))
		got := ""
		if at := deviceTime(value, almaty); !at.IsZero() {
			got = at.Format(time.RFC3339)
		}
		if got != want {
			t.Errorf("%s: %q, want %q", payload, got, want)
		}
	}
}

// FuzzFormats feeds every format with everything and checks that what comes out can be stored.
func FuzzFormats(f *testing.F) {
	for _, payload := range []string{
		`{"type":"access","time":1605991375,"access":["Denied"],"username":"u","uid":"a1b2c3"}`,
		`{"Time":"2021-01-21T15:48:49","Wiegand":{"UID":"4302741608h","Size":34},"RDM6300":{"UID":"008EC793"}}`,
		`74-10-37-94`, `"8315940"`, `{"a":{"b":[{"uid":"55007EE424"}]}}`, `[[[[1]]]]`, ``,
	} {
		f.Add("rfid/io/door", payload)
	}
	var readers []*reader
	for _, settings := range []string{
		"format: esp-rfid", "format: esp-rfid\nnumber: decimal", "format: tasmota", "format: esphome", "format: esphome\nnumber: text",
		"format: json\nnumber: hex\nfields: {card: 'a.b[0].uid', time: t, event: e}", "format: json\nnumber: text\nfields: {card: .}",
	} {
		readers = append(readers, configured(f, "gate", "topic: '#'\n"+settings))
	}
	f.Fuzz(func(t *testing.T, topic, payload string) {
		for _, r := range readers {
			passes, _ := r.read(newMessage(topic, []byte(payload)))
			for i := range passes {
				c := &passes[i].Credential
				if len(c.Number) != (c.Bits+7)/8 || c.Bits > maxBits || len(c.Raw) > event.MaxRaw || c.Canonical() == "" || len(c.Text) > maxText {
					t.Fatalf("%s: %+v", payload, c)
				}
				var back event.Pass
				if err := event.Decode(event.AppendEncoded(nil, &passes[i]), &back); err != nil {
					t.Fatalf("%s: %v", payload, err)
				}
			}
		}
	})
}
