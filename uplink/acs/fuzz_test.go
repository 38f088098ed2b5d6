package acs

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/acs-agent/acs-agent/agent/event"
	"github.com/acs-agent/acs-agent/uplink"
)

// FuzzJudge holds that nothing but the confirmation of the document settles passes, that a single answer can bury passes only by the
// statuses by which the portal refuses rows, and that every other answer has a reason that can be shown.
func FuzzJudge(f *testing.F) {
	f.Add(200, "application/json", []byte(`{"message":"OK"}`))
	f.Add(200, "application/json", []byte(`{"message":"ok","status":"OK"} `))
	f.Add(200, "text/html", []byte(`{"message":"OK"}`))
	f.Add(201, "application/json", []byte(`{"message":"OK"}`))
	f.Add(200, "application/json", []byte(`{"message":"OK"}{"message":"error"}`))
	f.Add(200, "application/json", []byte(`[{"message":"OK"}]`))
	f.Add(400, "application/json", []byte(`{"message":"IIN 900101300017 \u001b[2J"}`))
	f.Add(413, "", []byte(nil))
	f.Add(302, "", []byte("elsewhere"))
	f.Add(0, "", []byte(nil))
	f.Add(200, "x/"+strings.Repeat("900101300017", 900), []byte("x"))
	f.Fuzz(func(t *testing.T, status int, media string, body []byte) {
		v := judge(&uplink.Answer{Status: status, MediaType: media, Body: body, RetryAfter: time.Second})
		var said map[string]any
		isJSON := media == "application/json" && json.Unmarshal(body, &said) == nil
		switch v.Outcome {
		case uplink.Delivered:
			if status != 200 || !isJSON || !bytes.Contains(bytes.ToLower(body), []byte("message")) {
				t.Fatalf("%d %s %q is taken for a confirmation", status, media, body)
			}
			return
		case uplink.Refused:
			if status != 400 && status != 422 || !isJSON && !json.Valid(body) {
				t.Fatalf("%d %s %q is taken for a refusal", status, media, body)
			}
		case uplink.TooLarge:
			if status != 413 {
				t.Fatalf("%d: too large", status)
			}
		case uplink.Retry, uplink.Stop:
		case uplink.Unknown:
			t.Fatal("this portal recognises what it has got already")
		}
		if v.Reason == "" || !utf8.ValidString(v.Reason) || utf8.RuneCountInString(v.Reason) > 600 ||
			strings.ContainsFunc(v.Reason, func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Fatalf("%q is shown", v.Reason)
		}
		if v.Code == "" || v.After != time.Second {
			t.Fatalf("code %q, after %v", v.Code, v.After)
		}
	})
}

// FuzzRow holds that whatever a reader or a list has given, a row is one object with six texts, and that the same pass gives the same
// bytes: by them the portal recognises a repetition.
func FuzzRow(f *testing.F) {
	f.Add("900101300017", "Пробный Проба Пробович", "note", int64(1_795_341_600_000), int16(300))
	f.Add("", "\x00\xff\u2028</script>", "\"\\", int64(-1<<60), int16(-719))
	f.Fuzz(func(t *testing.T, iin, name, note string, at int64, offset int16) {
		p := &event.Pass{Note: note, Holder: event.Holder{IIN: iin, Name: name}, At: event.Instant{
			Wall: time.UnixMilli(at).In(time.FixedZone("", 60*int(offset%720))),
		}}
		row := appendRow(nil, p)
		if again := appendRow([]byte("x"), p); !bytes.Equal(again[1:], row) {
			t.Fatalf("%q, then %q", row, again[1:])
		}
		var fields map[string]string
		if err := json.Unmarshal(row, &fields); err != nil {
			t.Fatalf("%q: %v", row, err)
		}
		for key, value := range fields {
			if !utf8.ValidString(value) {
				t.Errorf("%s: %q", key, value)
			}
		}
	})
}
