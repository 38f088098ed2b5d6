package acs

import (
	"net/http"
	"strings"
	"testing"

	"github.com/acs-agent/acs-agent/agent/settings"
	"github.com/acs-agent/acs-agent/uplink"
	"github.com/acs-agent/acs-agent/uplink/sandbox"
)

func TestProbeLeavesNothingAndTellsAWrongKey(t *testing.T) {
	for _, c := range []struct {
		name, key string
		fault     *sandbox.Fault
		what      string
		wrong     bool
		unsure    bool
		words     string
	}{
		{"right key", "", nil, uplink.AboutKey, false, true, "its document does not say whether it looks at the key before"},
		{"wrong key", "key-of-last-year", nil, uplink.AboutKey, true, false, "the access key is wrong or blocked"},
		{"portal out of order", "", &sandbox.Fault{Kind: sandbox.Status, Status: http.StatusInternalServerError}, uplink.AboutAnswer, true, false, "500"},
		{"somebody else's page", "", &sandbox.Fault{Kind: sandbox.Captive}, uplink.AboutAnswer, true, false, "that is not the portal"},
		{"a redirect", "", &sandbox.Fault{Kind: sandbox.Status, Status: http.StatusFound}, uplink.AboutAnswer, true, false, "sends us elsewhere"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSite(t, true, "")
			if c.key != "" {
				s.APIKey = settings.NewSecret(c.key)
			}
			if c.fault != nil {
				if err := s.portal.SetFaults(sandbox.Faults{*c.fault}); err != nil {
					t.Fatal(err)
				}
			}
			findings := s.Probe(t.Context())
			last := findings[len(findings)-1]
			if last.What != c.what || (last.Err != nil) != (c.wrong || c.unsure) || last.Unsure != c.unsure || last.Err != nil && !strings.Contains(last.Err.Error(), c.words) {
				t.Errorf("%+v", last)
			}
			if n := s.portal.Stats(); n.Rows != 0 || n.Requests != 1 {
				t.Errorf("the portal has %d rows after %d requests", n.Rows, n.Requests)
			}
			for _, f := range findings {
				if f.Err != nil && strings.Contains(f.Err.Error(), "key-of-") || strings.Contains(f.Seen, "key-of-") {
					t.Errorf("the key is told: %+v", f)
				}
			}
		})
	}
}

func TestAPortalThatTakesAnEmptyListAcceptsTheKey(t *testing.T) {
	f := probed(&uplink.Answer{Status: 200, MediaType: "application/json", Body: []byte(`{"message":"OK"}`)})
	if f.Err != nil || f.Seen != "key accepted" {
		t.Errorf("%+v", f)
	}
}
