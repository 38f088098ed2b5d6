package exam

import (
	"strings"
	"testing"

	"github.com/acs-agent/acs-agent/agent/health"
	"github.com/acs-agent/acs-agent/uplink"
)

// Only 200 with JSON and a whole number is a success; all after which the portal may have the report is unknown (E9).
func TestAnswers(t *testing.T) {
	const asp = "application/json"
	for _, c := range []struct {
		name, media, body string
		status            int
		outcome           uplink.Outcome
		id                int64
		code              health.Code
	}{
		{"the documented success", asp, `{"reportId": 17}`, 200, uplink.Delivered, 17, ""},
		{"with more members", asp, `{"reportId":17,"message":"ok"}`, 200, uplink.Delivered, 17, ""},
		{"the number as a text", asp, `{"reportId":"17"}`, 200, uplink.Unknown, 0, health.PortalStrange},
		{"a broken number", asp, `{"reportId":1.5}`, 200, uplink.Unknown, 0, health.PortalStrange},
		{"no number", asp, `{}`, 200, uplink.Unknown, 0, health.PortalStrange},
		{"null", asp, `{"reportId":null}`, 200, uplink.Unknown, 0, health.PortalStrange},
		{"zero", asp, `{"reportId":0}`, 200, uplink.Unknown, 0, health.PortalStrange},
		{"empty", asp, ``, 200, uplink.Unknown, 0, health.PortalStrange},
		{"cut", asp, `{"reportId": 1`, 200, uplink.Unknown, 0, health.PortalStrange},
		{"a login page", "text/html", `<html>`, 200, uplink.Unknown, 0, health.PortalStrange},
		{"the right words as HTML", "text/html", `{"reportId": 17}`, 200, uplink.Unknown, 0, health.PortalStrange},
		{"created", asp, `{"reportId": 17}`, 201, uplink.Unknown, 0, health.PortalStrange},
		{"an incomplete model", asp, `{"errors":{"NoExamInSelectedPeriod":["Поле обязательно для заполнения"]}}`, 400, uplink.Refused, 0, health.PortalRefused},
		{"refused without words", "text/html", ``, 400, uplink.Refused, 0, health.PortalRefused},
		{"too large", "text/html", ``, 413, uplink.Refused, 0, health.PortalRefused},
		{"who are you", asp, `{}`, 401, uplink.Stop, 0, health.KeyRefused},
		{"forbidden", asp, `{}`, 403, uplink.Stop, 0, health.KeyRefused},
		{"elsewhere", "text/html", ``, 307, uplink.Stop, 0, health.WrongAddress},
		{"wrong path", "text/html", ``, 404, uplink.Stop, 0, health.WrongAddress},
		{"wrong type", "text/html", ``, 415, uplink.Stop, 0, health.WrongAddress},
		{"not read in time", "text/html", ``, 408, uplink.Retry, 0, health.PortalBusy},
		{"too many", "text/html", ``, 429, uplink.Retry, 0, health.PortalBusy},
		{"broken after storing, perhaps", "text/html", ``, 500, uplink.Unknown, 0, health.PortalBusy},
		{"a gateway gave up", "text/html", ``, 504, uplink.Unknown, 0, health.PortalBusy},
	} {
		v, id := judge(&uplink.Answer{Status: c.status, MediaType: c.media, Body: []byte(c.body)})
		if v.Outcome != c.outcome || id != c.id {
			t.Errorf("%s: outcome %d and report %d, want %d and %d", c.name, v.Outcome, id, c.outcome, c.id)
		}
		if v.Code != c.code {
			t.Errorf("%s: code %q, want %q", c.name, v.Code, c.code)
		}
		if (v.Outcome == uplink.Delivered) != (v.Reason == "") {
			t.Errorf("%s: reason %q", c.name, v.Reason)
		}
	}
}

// The errors of the portal are understood in the form of its document, which is no JSON, and in those that servers really use (E5).
func TestComplaints(t *testing.T) {
	for body, want := range map[string]string{
		"{\n\"errors\": {\n\"NoExamInSelectedPeriod\": [\n\"Поле обязательно\"\n]\n},\n}": "NoExamInSelectedPeriod: Поле обязательно",
		`{"Errors":{"a":"b","c":["d","e"]},"traceId":"00-1","status":400}`:                "a: b; c: d, e",
		`{"type":"x","title":"One or more","errors":{"A":["b"]}}`:                         "A: b; One or more",
		`{"error":"Не была передана коллекция"}`:                                          "Не была передана коллекция",
		`{"ERROR":"x"}`:                       "x",
		`{"errors":["x","y"]}`:                "x; y",
		`{"errors":7}`:                        "7",
		`{"unknown":1}`:                       `{"unknown":1}`,
		`<html>bad</html>`:                    "<html>bad</html>",
		``:                                    "",
		`{"error":"` + latinHash + ` twice"}`: "… twice",
		`{"error":"document 123456789"}`:      "document …",
	} {
		if got := complaint([]byte(body)); got != want {
			t.Errorf("%s: %q, want %q", body, got, want)
		}
	}
}

func FuzzComplaint(f *testing.F) {
	f.Add([]byte(`{"errors":{"A":["b"]},}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		if words := complaint(body); strings.ContainsAny(words, "\n\x00") || len([]rune(words)) > 250 {
			t.Fatalf("%q", words)
		}
	})
}
