package reestro

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/acs-agent/acs-agent/agent/health"
	"github.com/acs-agent/acs-agent/uplink"
)

// The codes of the portal's errors. All but the first are about the data: who gets them can be sure that nothing was stored.
const (
	codeDuplicate    = "DuplicatedExternalId"
	codeAbsence      = "AbsenceOfRequiredField"
	codeWrongValue   = "WrongFieldValue"
	codeWrongSnils   = "WrongSnils"
	codeWrongInn     = "WrongInn"
	codeDissolved    = "DissolvedOrganization"
	codeWrongCompany = "WrongOrganization"
)

// aboutData says whether a code complains of what stands in the subject.
func aboutData(code string) bool {
	for _, c := range []string{codeAbsence, codeWrongValue, codeWrongSnils, codeWrongInn, codeDissolved, codeWrongCompany} {
		if strings.EqualFold(c, code) {
			return true
		}
	}
	return false
}

// An outcome is what a request has led to.
type outcome int

const (
	// done: the portal has answered as documented, and what it said is used.
	done outcome = iota
	// duplicate: the external id was used before.
	duplicate
	// declined: the portal does not want the request as it is, and says why.
	declined
	// later: nobody knows what became of it, or it is not the request's fault; it is sent again.
	later
	// halt: nothing will work until a person acts.
	halt
)

// A verdict is an outcome and what is known about it.
type verdict struct {
	outcome outcome
	// problem is for logs and the status: our own words, no personal data.
	problem error
	// codes and message are the portal's, for the record of the subject. The message may hold personal data.
	codes   []string
	message string
	// after is how long the portal asked to be left alone.
	after time.Duration
	// answered: it was the portal, or something that speaks HTTP in its place, that did not want the request.
	answered bool
	// unsent: the portal has not seen the request.
	unsent bool
}

// newRequest makes a request with what all of them have in common.
func (r *reestro) newRequest(ctx context.Context, method, target string, body []byte) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, method, target, http.NoBody)
	if err == nil && body != nil {
		req, err = http.NewRequestWithContext(ctx, method, target, bytes.NewReader(body))
	}
	if err != nil {
		// The settings were checked; the error would repeat the address with all that stands in its query.
		return nil, health.Coded(health.WrongAddress, errors.New("the address of the request cannot be made: check url and the paths"))
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("Authorization", "ReestroAuth apiKey="+r.APIKey.Reveal()+"&portal.orgid="+r.OrgID)
	return req, nil
}

// ask sends a request and gives the answer, or the verdict if there was none.
func (r *reestro) ask(ctx context.Context, method, target string, body []byte) (*uplink.Answer, verdict) {
	req, err := r.newRequest(ctx, method, target, body)
	if err != nil {
		return nil, verdict{outcome: halt, problem: err, unsent: true}
	}
	answer, err := r.client.Do(ctx, req)
	if err != nil {
		v := verdict{outcome: later, problem: err}
		if failure, ok := errors.AsType[*uplink.Failure](err); ok {
			v.unsent = failure.Unsent
		}
		return nil, v
	}
	return answer, verdict{}
}

// address puts a path of the settings behind the base, and a query behind both.
func (r *reestro) address(path string, query url.Values) string {
	target := strings.TrimRight(r.client.URL.String(), "/") + path
	switch {
	case len(query) == 0:
		return target
	case strings.Contains(path, "?"):
		return target + "&" + query.Encode()
	}
	return target + "?" + query.Encode()
}

// judgeStatus gives the verdict on every answer that is not the documented success.
func judgeStatus(a *uplink.Answer) verdict {
	v := verdict{
		outcome: later, after: a.RetryAfter, answered: true,
		problem: health.Coded(uplink.CodeOf(a.Status), fmt.Errorf("the portal answered %d", a.Status)),
	}
	explain := func(outcome outcome, words string) verdict {
		v.outcome, v.problem = outcome, fmt.Errorf("%w%s", v.problem, words)
		return v
	}
	strange := func(words string) verdict {
		v.problem = health.Coded(health.PortalStrange, fmt.Errorf("%w with something that is not the portal's (%s)", v.problem, words))
		return v
	}
	switch {
	case a.Status == http.StatusUnauthorized:
		return explain(halt, "; the access key is wrong or blocked: ask the portal's operator and put the new key into api_key_file")
	case a.Status == http.StatusForbidden:
		return explain(halt, "; the key has no right to the organization: check org_id with the portal's operator")
	case a.Status == http.StatusRequestTimeout, a.Status == http.StatusTooManyRequests, a.Status >= 500:
		return v
	case a.Status/100 == 3:
		return explain(halt, ", which sends us elsewhere; nothing is sent to an address that is not in the configuration: check url")
	case a.Status == http.StatusUnsupportedMediaType:
		return explain(halt, "; it does not take application/json: the portal has changed, or url or subjects_path is not the portal's")
	case a.Status/100 == 2:
		return strange(fmt.Sprintf("%.40q; a login page of the network?", a.MediaType))
	case a.Status == http.StatusBadRequest, a.Status == http.StatusConflict, a.Status == http.StatusUnprocessableEntity:
		said, ok := readFault(a)
		if !ok {
			return strange("a page of the network?")
		}
		v.outcome, v.codes, v.message = declined, said.codes, said.message
		for _, c := range v.codes {
			if strings.EqualFold(c, codeDuplicate) {
				v.outcome = duplicate
			}
		}
		return explain(v.outcome, codesIn(v.codes))
	case a.Status/100 == 4:
		return explain(halt, "; check url and the paths: the address is not the portal's")
	}
	return v
}

func codesIn(codes []string) string {
	if len(codes) == 0 {
		return ""
	}
	return " (" + strings.Join(codes, ", ") + ")"
}

// A fault is the portal's own description of an error.
type fault struct {
	codes   []string
	message string
}

const (
	maxFaults     = 20
	maxFaultDepth = 4
)

// readFault reads {code, message, target, errors: [{code, message, target}]}, also when it is nested deeper. The codes are those of
// the innermost errors. ok is false if it is not an error of the portal at all.
func readFault(a *uplink.Answer) (f fault, ok bool) {
	if a.MediaType != "application/json" {
		return f, false
	}
	ok = f.add(a.Body, 0)
	return f, ok
}

func (f *fault) add(text []byte, depth int) bool {
	var said struct {
		Code    name            `json:"code"`
		Message name            `json:"message"`
		Errors  json.RawMessage `json:"errors"`
	}
	if json.Unmarshal(text, &said) != nil || said.Code == "" && said.Message == "" && len(said.Errors) == 0 {
		return false
	}
	var inner []json.RawMessage
	_ = json.Unmarshal(said.Errors, &inner) // what is no list has nothing to say
	found := false
	for _, e := range inner {
		if depth < maxFaultDepth && len(f.codes) < maxFaults {
			found = f.add(e, depth+1) || found
		}
	}
	if !found {
		if c := word(string(said.Code)); c != "" {
			f.codes = append(f.codes, c)
		}
		if said.Message != "" {
			f.message = strings.TrimPrefix(f.message+"; "+string(said.Message), "; ")
		}
	}
	return true
}

// A name is a text of the portal that may be missing, null or, by mistake, a number.
type name string

// UnmarshalJSON never fails: of what is neither text nor number nothing is taken.
func (n *name) UnmarshalJSON(text []byte) error {
	var s string
	if json.Unmarshal(text, &s) == nil {
		*n = name(s)
		return nil
	}
	var number json.Number
	if json.Unmarshal(text, &number) == nil {
		*n = name(number)
	}
	return nil
}

// word gives s if it can be a code, a type or a state: a short identifier, which is safe to show anywhere. Otherwise it is empty.
func word(s string) string {
	for i, r := range s {
		switch {
		case 'a' <= r|0x20 && r|0x20 <= 'z', i > 0 && ('0' <= r && r <= '9' || r == '_'):
		default:
			return ""
		}
	}
	if len(s) > 64 {
		return ""
	}
	return s
}

// identifier gives s if it can be one of the portal's ids, which are GUIDs, or one of ours. Otherwise it is empty.
func identifier(s string) string {
	for _, r := range s {
		switch {
		case 'a' <= r|0x20 && r|0x20 <= 'z', '0' <= r && r <= '9', r == '-', r == '_':
		default:
			return ""
		}
	}
	if len(s) > 256 {
		return ""
	}
	return s
}

// guid says whether s has the form 8-4-4-4-12 of hexadecimal digits.
func guid(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := range len(s) {
		switch c := s[i]; {
		case i == 8 || i == 13 || i == 18 || i == 23:
			if c != '-' {
				return false
			}
		case ('0' > c || c > '9') && ('a' > c|0x20 || c|0x20 > 'f'):
			return false
		}
	}
	return true
}
