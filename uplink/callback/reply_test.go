package callback

import (
	"testing"

	"github.com/acs-agent/acs-agent/agent/health"
	"github.com/acs-agent/acs-agent/uplink"
)

// The effective code is found wherever the platform puts it, and broken bodies do not hide it.
func TestEffectiveCode(t *testing.T) {
	const media = "application/json"
	for _, c := range []struct {
		name            string
		status          int
		media, body     string
		code            int
		kind            string
		done, isRefused bool
	}{
		{"success", 200, media, `{"statusCode":200}`, 200, "", true, false},
		{"success whose code is a text", 200, media, `{"statusCode":"200"}`, 200, "", true, false},
		{"success that does not say so", 200, media, `{}`, 200, "", false, false},
		{"success as a page", 200, "text/html", `{"statusCode":200}`, 200, "", false, false},
		{"captive portal", 200, "text/html", `<html>`, 200, "", false, false},
		{"success without a body", 200, media, ``, 200, "", false, false},
		{"200 that is no success", 200, media, `{"statusCode":500}`, 500, "", false, false},
		{"200 that is a refusal", 200, media, `{"statusCode":400,"data":{"type":"Application not found"}}`, 400, notFound, false, true},
		{"200 that is a 401", 200, media, `{"statusCode":401}`, 401, "", false, false},
		{"200 that is a 401 by its type", 200, media, `{"statusCode":400,"data":{"type":" Not authorized\u00A0"}}`, 401, notAuthorized, false, false},
		{"401 with a comma too many, as of login", 401, media, "{\n \"statusCode\": 401,\n \"data\": {\n \"type\": \"Not authorized\",\n }\n}", 401, notAuthorized, false, false},
		{"401 that says 400, as of status", 401, media, `{"statusCode":400,"data":{"type":"Not authorized"}}`, 401, notAuthorized, false, false},
		{"401 without a body", 401, "", ``, 401, "", false, false},
		{"401 as a page", 401, "text/html", `<html>`, 401, "", false, false},
		{"401 of damaged JSON", 401, media, `{"statusCode":`, 401, "", false, false},
		{"400 that says 401", 400, media, `{"statusCode":401}`, 401, "", false, false},
		{"400 that is a 401 by its type, with a comma too many", 400, media, `{"statusCode":400,"data":{"type":"NOT AUTHORIZED",},}`, 401, notAuthorized, false, false},
		{"application not found", 400, media, `{"statusCode":400,"data":{"type":"Application not found"}}`, 400, notFound, false, true},
		{"application not found as 404", 404, media, `{"statusCode":404,"data":{"type":"application not found"}}`, 404, notFound, false, true},
		{"control error with its space", 400, media, `{"statusCode":400,"data":{"type":"Format-logical control error ","text":"x"}}`, 400, formatError, false, true},
		{"control error with an explanation", 400, media, `{"data":{"type":"Format-logical control error: comment"}}`, 400, formatError + ": comment", false, true},
		{"unknown refusal", 400, media, `{"statusCode":400,"data":{"type":"Other"}}`, 400, "other", false, true},
		{"refusal whose data is a text", 400, media, `{"statusCode":400,"data":"no"}`, 400, "", false, true},
		{"400 of a proxy", 400, "text/html", `<html>`, 400, "", false, false},
		{"422", 422, media, `{}`, 422, "", false, true},
		{"500 that says 200", 500, media, `{"statusCode":200}`, 500, "", false, false},
		{"500 with a type", 500, media, `{"data":{"type":"Application not found"}}`, 500, notFound, false, false},
		{"created", 201, media, `{"statusCode":200}`, 201, "", false, false},
	} {
		r := read(&uplink.Answer{Status: c.status, MediaType: c.media, Body: []byte(c.body)})
		if r.code != c.code || r.kind != c.kind || r.done() != c.done || r.refused() != c.isRefused {
			t.Errorf("%s: code %d, kind %q, done %v, refused %v", c.name, r.code, r.kind, r.done(), r.refused())
		}
	}
}

// What is neither success nor refusal is tried again, or stops with the setting to look at.
func TestUnexpectedAnswers(t *testing.T) {
	for _, c := range []struct {
		status     int
		media      string
		stop, wide bool
		code       health.Code
	}{
		{200, "text/html", false, true, health.PortalStrange},
		{200, "application/json", false, false, health.PortalStrange},
		{202, "application/json", false, false, health.PortalStrange},
		{301, "text/html", true, false, health.WrongAddress},
		{307, "text/html", true, false, health.WrongAddress},
		{400, "text/html", false, false, health.PortalStrange},
		{403, "text/html", false, true, health.PortalStrange},
		{403, "application/json", true, false, health.KeyRefused},
		{404, "text/html", true, false, health.WrongAddress},
		{404, "application/json", true, false, health.WrongAddress},
		{405, "text/html", true, false, health.WrongAddress},
		{408, "text/html", false, true, health.PortalBusy},
		{413, "text/html", true, false, health.PortalRefused},
		{415, "application/json", true, false, health.WrongAddress},
		{429, "text/html", false, true, health.PortalBusy},
		{500, "application/json", false, false, health.PortalBusy},
		{503, "text/html", false, false, health.PortalBusy},
	} {
		r := read(&uplink.Answer{Status: c.status, MediaType: c.media, Body: []byte(`{}`)})
		if got := r.unexpected("paths.x"); got.stop != c.stop || got.wide != c.wide || got.code != c.code || health.CodeOf(got.err()) != string(c.code) || got.reason == "" {
			t.Errorf("%d %s: %+v", c.status, c.media, got)
		}
	}
}

func TestCommasBeforeBracketsAreForgiven(t *testing.T) {
	for in, want := range map[string]string{
		`{"a":1,}`: `{"a":1}`, `[1, ]`: `[1 ]`, "{\"a\":[1,\n\t],\n}": "{\"a\":[1\n\t]\n}", `{"a":",}","b":"\",]"}`: `{"a":",}","b":"\",]"}`,
		`{"a":1}`: `{"a":1}`, ``: ``, `,`: `,`,
	} {
		if got := string(dropCommas([]byte(in))); got != want {
			t.Errorf("%s becomes %s", in, got)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add(200, []byte(`{"statusCode":200,"data":{"type":"x",},}`))
	f.Add(401, []byte(`{"statusCode":`))
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		r := read(&uplink.Answer{Status: status, MediaType: "application/json", Body: body})
		if status == 401 && r.code != 401 || r.done() && status != 200 || r.done() && r.refused() {
			t.Fatalf("%d %q: %+v", status, body, r)
		}
		_ = r.String()
	})
}
