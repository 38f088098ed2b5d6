package exam

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/acs-agent/acs-agent/uplink"
	"github.com/acs-agent/acs-agent/uplink/sandbox"
	"github.com/acs-agent/acs-agent/uplink/uplinktest"
)

func TestProbeLeavesNoReport(t *testing.T) {
	portal := sandbox.New(sandbox.Options{})
	server := httptest.NewServer(portal)
	defer server.Close()
	made, err := New(uplink.Env{Name: "exam", Pace: uplink.NewPace(), Readers: []string{"hall", "scanner"}, Tell: func(any) {}},
		uplinktest.Section(t, plainSettings+"requests_per_second: 100\nurl: "+server.URL+sandbox.ExamPath))
	if err != nil {
		t.Fatal(err)
	}
	findings := made.(uplink.Probing).Probe(t.Context())
	n := len(findings)
	if n < 2 || findings[n-2].What != uplink.AboutAnswer || findings[n-2].Err != nil || findings[n-1].What != uplink.AboutKey || !findings[n-1].Unsure {
		t.Errorf("%+v", findings)
	}
	if got := portal.Reports(); len(got) != 0 {
		t.Errorf("the portal keeps %+v", got)
	}
	requests := portal.Requests()
	if len(requests) != 1 || requests[0].Status != 400 {
		t.Errorf("%+v", requests)
	}
}

func TestWhatAnAnswerToAnEmptyReportTells(t *testing.T) {
	for _, c := range []struct {
		status      int
		media, body string
		what, words string
	}{
		{401, "", "", uplink.AboutKey, "it wants to know who we are"},
		{403, "text/html", "<html>", uplink.AboutKey, "it wants to know who we are"},
		{200, "application/json", `{"reportId":7}`, uplink.AboutAnswer, "gave it the number 7"},
		{200, "text/html", "<html>", uplink.AboutAnswer, "that is not the portal"},
		{400, "text/html", "<html>", uplink.AboutAnswer, "that is not the portal"},
		{404, "text/html", "<html>", uplink.AboutAnswer, "check url"},
		{500, "", "", uplink.AboutAnswer, "500"},
		{503, "", "", uplink.AboutAnswer, "503"},
	} {
		found := probed(&uplink.Answer{Status: c.status, MediaType: c.media, Body: []byte(c.body)})
		if len(found) != 1 || found[0].What != c.what || found[0].Unsure || found[0].Err == nil || !strings.Contains(found[0].Err.Error(), c.words) {
			t.Errorf("%d %s: %+v", c.status, c.media, found)
		}
	}
}
