package reestro

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/acs-agent/acs-agent/uplink"
	"github.com/acs-agent/acs-agent/uplink/sandbox"
	"github.com/acs-agent/acs-agent/uplink/uplinktest"
)

func TestProbeTellsKeyAndOrganization(t *testing.T) {
	portal := sandbox.New(sandbox.Options{Reestro: sandbox.ReestroOptions{Key: testKey, Org: testOrg}})
	if _, err := portal.AddCheck(sandbox.Check{SubjectID: "3f813a2f-958b-499b-90c7-a038d98955c0"}); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(portal)
	defer server.Close()
	for _, c := range []struct {
		key, org, url string
		what, words   string
	}{
		{testKey, testOrg, "/realty/assessment/v1", uplink.AboutKey, ""},
		{testOrg, testOrg, "/realty/assessment/v1", uplink.AboutKey, "the access key is wrong or blocked"},
		{testKey, testKey, "/realty/assessment/v1", uplink.AboutKey, "the key has no right to the organization"},
		{testKey, testOrg, "/realty/assessment/v9", uplink.AboutAnswer, "check url"},
	} {
		made, err := New(uplink.Env{Name: "vetting", Pace: uplink.NewPace(), Tell: func(any) {}},
			uplinktest.Section(t, "requests_per_second: 100\nurl: "+server.URL+c.url+"\napi_key: "+c.key+"\norg_id: "+c.org))
		if err != nil {
			t.Fatal(err)
		}
		findings := made.(uplink.Probing).Probe(t.Context())
		last := findings[len(findings)-1]
		if last.What != c.what || last.Unsure || (last.Err == nil) != (c.words == "") || last.Err != nil && !strings.Contains(last.Err.Error(), c.words) {
			t.Errorf("%s: %+v", c.words, last)
		}
	}
	if n := len(portal.Subjects()); n != 0 {
		t.Errorf("%d subjects were made", n)
	}
}
