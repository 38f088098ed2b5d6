package exam

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/acs-agent/acs-agent/uplink"
)

// FuzzJudge holds that a report counts as kept only by the portal's own number of it, that one is never thought to be unsent that may have
// been stored, and that every other answer has a reason that can be shown.
func FuzzJudge(f *testing.F) {
	for _, seed := range []struct {
		status      int
		media, body string
	}{
		{200, "application/json", `{"reportId":17}`},
		{200, "application/json", `{"reportId":0}`},
		{200, "application/json", `{"reportId":-1}`},
		{200, "application/json", `{"reportId":1e3}`},
		{200, "text/html", `{"reportId":17}`},
		{201, "application/json", `{"reportId":17}`},
		{400, "application/json", `{"errors":{"A":["900101300017"]},}`},
		{302, "", ""},
		{500, "", "<html>"},
		{200, strings.Repeat("900101300017/", 900), "x"},
	} {
		f.Add(seed.status, seed.media, []byte(seed.body))
	}
	f.Fuzz(func(t *testing.T, status int, media string, body []byte) {
		v, id := judge(&uplink.Answer{Status: status, MediaType: media, Body: body})
		if (v.Outcome == uplink.Delivered) != (id > 0) || id < 0 {
			t.Fatalf("outcome %d with the number %d", v.Outcome, id)
		}
		if v.Outcome == uplink.Delivered {
			if status != 200 || media != "application/json" || !json.Valid(body) {
				t.Fatalf("%d %s %q is taken for a confirmation", status, media, body)
			}
			return
		}
		if v.Outcome != uplink.Unknown && (status/100 == 2 || status/100 == 5) {
			t.Fatalf("%d: the portal may have kept it, but the outcome is %d", status, v.Outcome)
		}
		if v.Reason == "" || !utf8.ValidString(v.Reason) || utf8.RuneCountInString(v.Reason) > 600 ||
			strings.ContainsFunc(v.Reason, func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Fatalf("%q is shown", v.Reason)
		}
	})
}
