package acs

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/acs-agent/acs-agent/uplink"
)

var _ uplink.Probing = (*acs)(nil)

// Probe sends the portal a list of no institutions, so that there is nothing it could keep, and looks at how it is refused. The
// document has no other request than the one that brings passes.
func (a *acs) Probe(ctx context.Context) []uplink.Finding {
	const nothing = opening + closing
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, a.client.URL.String(), strings.NewReader(nothing))
	if err != nil {
		return []uplink.Finding{{What: uplink.AboutAnswer, Err: errors.New("the request cannot be made (check url)")}}
	}
	a.introduce(req)
	findings, answer := a.client.Probe(ctx, req)
	if answer == nil {
		return findings
	}
	return append(findings, probed(answer))
}

// probed says what the answer to a request without passes tells of the key.
func probed(answer *uplink.Answer) uplink.Finding {
	switch v := judge(answer); {
	case v.Outcome == uplink.Delivered:
		return uplink.Finding{What: uplink.AboutKey, Seen: "key accepted"}
	case answer.Status == http.StatusUnauthorized:
		return uplink.Finding{What: uplink.AboutKey, Err: errors.New("the portal answered 401: the access key is wrong or blocked " +
			"(ask the portal's operator for the key and put it into api_key_file)")}
	case v.Outcome == uplink.Refused:
		return uplink.Finding{What: uplink.AboutKey, Unsure: true, Err: errors.New("the portal did not refuse the key, but did not accept it " +
			"either: it refuses a request without passes, and its document does not say whether it looks at the key before " +
			"(the first pass tells)")}
	default:
		return uplink.Finding{What: uplink.AboutAnswer, Err: errors.New(v.Reason)}
	}
}
