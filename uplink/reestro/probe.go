package reestro

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/acs-agent/acs-agent/uplink"
)

var _ uplink.Probing = (*reestro)(nil)

// nobody is an external id that no subject has: ours are 32 hexadecimal digits.
const nobody = "acs_agent_doctor"

// Probe asks for the checks of a subject that does not exist: the portal has to look at key and organization, nothing is changed,
// and no check comes back.
func (r *reestro) Probe(ctx context.Context) []uplink.Finding {
	req, err := r.newRequest(ctx, http.MethodGet, r.address(r.ChecksPath, url.Values{"externalId": {nobody}}), nil)
	if err != nil {
		return []uplink.Finding{{What: uplink.AboutAnswer, Err: fmt.Errorf("%w (see acs-agent drivers reestro)", err)}}
	}
	findings, answer := r.client.Probe(ctx, req)
	if answer == nil {
		return findings
	}
	return append(findings, probed(answer))
}

// probed says what the answer to a search tells of key and organization.
func probed(answer *uplink.Answer) uplink.Finding {
	switch answer.Status {
	case http.StatusUnauthorized:
		return uplink.Finding{What: uplink.AboutKey, Err: errors.New("the portal answered 401: the access key is wrong or blocked " +
			"(ask the portal's operator for the key and put it into api_key_file)")}
	case http.StatusForbidden:
		return uplink.Finding{What: uplink.AboutKey, Err: errors.New("the portal answered 403: the key has no right to the organization " +
			"(check org_id with the portal's operator)")}
	}
	if _, v := readPage(answer); v.outcome != done {
		return uplink.Finding{What: uplink.AboutAnswer, Err: v.problem}
	}
	return uplink.Finding{What: uplink.AboutKey, Seen: "key accepted, also for the organization"}
}
