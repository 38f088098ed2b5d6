package exam

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/acs-agent/acs-agent/uplink"
)

var _ uplink.Probing = (*exam)(nil)

// Probe sends the portal a report in which everything is missing: its document promises that such a report is refused with 400,
// and there is nothing in it that could be kept. The document has no request that only asks, and no log-in.
func (e *exam) Probe(ctx context.Context) []uplink.Finding {
	req, err := e.newRequest(ctx, []byte("{}"))
	if err != nil {
		return []uplink.Finding{{What: uplink.AboutAnswer, Err: errors.New("the request cannot be made (check url)")}}
	}
	findings, answer := e.client.Probe(ctx, req)
	if answer == nil {
		return findings
	}
	return append(findings, probed(answer)...)
}

// probed says what the answer to an empty report tells.
func probed(answer *uplink.Answer) []uplink.Finding {
	verdict, number := judge(answer)
	switch {
	case answer.Status == http.StatusBadRequest && isComplaint(answer):
		return []uplink.Finding{
			{What: uplink.AboutAnswer, Seen: "the portal answers as its document says: it refuses an empty report"},
			{What: uplink.AboutKey, Unsure: true, Err: errors.New("the portal's document knows no key and no log-in: " +
				"whether it takes reports from here, the first report tells")},
		}
	case answer.Status == http.StatusUnauthorized, answer.Status == http.StatusForbidden:
		return []uplink.Finding{{What: uplink.AboutKey, Err: fmt.Errorf("the portal answered %d: it wants to know who we are "+
			"(ask its operator, and see auth_header and client_cert)", answer.Status)}}
	case number > 0:
		return []uplink.Finding{{What: uplink.AboutAnswer, Err: fmt.Errorf("the portal took a report in which everything is missing, "+
			"and gave it the number %d (tell its operator: the document promises a refusal)", number)}}
	case verdict.Outcome == uplink.Unknown, verdict.Outcome == uplink.Refused:
		return []uplink.Finding{{What: uplink.AboutAnswer, Err: fmt.Errorf("something answered %d that is not the portal "+
			"(check url; is it a log-in page of the network, or is the portal out of order?)", answer.Status)}}
	}
	return []uplink.Finding{{What: uplink.AboutAnswer, Err: errors.New(verdict.Reason)}}
}

// isComplaint says whether an answer has the form in which the portal refuses.
func isComplaint(a *uplink.Answer) bool {
	return a.MediaType == "application/json" || a.MediaType == "application/problem+json"
}
