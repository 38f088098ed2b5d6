package reestro

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/acs-agent/acs-agent/agent/health"
	"github.com/acs-agent/acs-agent/uplink"
)

// A Check as it is kept: who and what it was about and what it found is left at the portal.
type Check struct {
	ID string `json:"check_id"`
	// Created is the portal's text; see created.
	Created       string `json:"created"`
	Type          string `json:"type"`
	State         string `json:"state"`
	SubjectID     string `json:"subject_id,omitempty"`
	ExternalID    string `json:"external_id,omitempty"`
	CorrelationID string `json:"correlation_id,omitempty"`
	// Seen is when it was seen first, Changed when its state was seen to change.
	Seen    time.Time `json:"seen,omitzero"`
	Changed time.Time `json:"changed,omitzero"`
}

// created is when the check was made, or the zero time if the portal wrote that in another form.
func (c *Check) created() time.Time {
	t, err := time.Parse(time.RFC3339Nano, c.Created)
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}

// same says whether the portal says the same of both.
func (c *Check) same(other *Check) bool {
	return c.Created == other.Created && c.Type == other.Type && c.State == other.State && c.SubjectID == other.SubjectID &&
		c.ExternalID == other.ExternalID && c.CorrelationID == other.CorrelationID
}

// UnmarshalJSON reads the portal's form: the answer has corelationId where the parameter is correlationId, and what the check is
// about stands in a member that is named like its type.
func (c *portalCheck) UnmarshalJSON(text []byte) error {
	var said struct {
		ID            name `json:"checkId"`
		Correlation   name `json:"corelationId"`
		CorrelationID name `json:"correlationId"`
		ExternalID    name `json:"externalId"`
		Created       name `json:"creationDate"`
		Type          name `json:"checkType"`
		State         name `json:"checkState"`
	}
	if err := json.Unmarshal(text, &said); err != nil {
		return errors.New("a check of the portal cannot be read")
	}
	if said.CorrelationID == "" {
		said.CorrelationID = said.Correlation
	}
	*c = portalCheck{
		ID: identifier(string(said.ID)), Type: word(string(said.Type)), State: word(string(said.State)),
		ExternalID: identifier(string(said.ExternalID)), CorrelationID: identifier(string(said.CorrelationID)),
	}
	if len(c.ID) > maxCheckID {
		c.ID = ""
	}
	if len(said.Created) <= len("2006-01-02T15:04:05.999999999-07:00") {
		c.Created = strings.TrimFunc(string(said.Created), unicode.IsSpace)
	}
	var members map[string]json.RawMessage
	if json.Unmarshal(text, &members) == nil {
		c.SubjectID = subjectIn(members, lowerFirst(c.Type))
	}
	return nil
}

// maxCheckID is the longest id that is taken. It stands in the key of a record; a GUID has 36 characters.
const maxCheckID = 64

type portalCheck Check

// subjectIn finds the subject's id in the member of that name, or in the only member that has one.
func subjectIn(members map[string]json.RawMessage, like string) string {
	of := func(member json.RawMessage) string {
		var about struct {
			SubjectID name `json:"subjectId"`
		}
		if len(member) == 0 || member[0] != '{' || json.Unmarshal(member, &about) != nil || !guid(string(about.SubjectID)) {
			return ""
		}
		return string(about.SubjectID)
	}
	if id := of(members[like]); id != "" {
		return id
	}
	only := ""
	for _, member := range members {
		switch id := of(member); {
		case id == "" || id == only:
		case only != "":
			return ""
		default:
			only = id
		}
	}
	return only
}

func lowerFirst(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	if n == 0 {
		return ""
	}
	return string(unicode.ToLower(r)) + s[n:]
}

// A page is one answer to a search.
type page struct {
	checks []Check
	// last is where the next page begins; empty if the portal has no more.
	last string
	// strange counts the items without a usable id.
	strange int
}

const (
	// pageSize is the largest that the portal gives.
	pageSize = "30"
	// answerLimit is how much of an answer the client reads.
	answerLimit = 64 << 10
)

// search asks for one page of the checks that a query chooses.
func (r *reestro) search(ctx context.Context, query url.Values, after string) (page, verdict) {
	all := url.Values{"count": {pageSize}}
	maps.Copy(all, query)
	if after != "" {
		all.Set("afterCheckId", after)
	}
	a, v := r.ask(ctx, http.MethodGet, r.address(r.ChecksPath, all), nil)
	if a == nil {
		return page{}, v
	}
	return readPage(a)
}

// readPage gives the verdict on an answer to a search, and what it holds.
func readPage(a *uplink.Answer) (page, verdict) {
	var said struct {
		Items *[]json.RawMessage `json:"items"`
		Last  name               `json:"lastCheckId"`
	}
	if a.Status != http.StatusOK || a.MediaType != "application/json" {
		return page{}, judgeStatus(a)
	}
	var p page
	switch err := json.Unmarshal(a.Body, &said); {
	case err == nil && said.Items != nil:
		p.last = identifier(string(said.Last))
		p.read(*said.Items)
	case err != nil && len(a.Body) >= answerLimit:
		// Longer than an answer may be. What arrived whole is used, and the next page begins behind it.
		p.read(whole(a.Body))
		if len(p.checks) == 0 {
			tooLong := errors.New("the portal describes a single check with more than 64 KB")
			return p, verdict{outcome: later, problem: health.Coded(health.PortalStrange, tooLong), answered: true}
		}
		p.last = p.checks[len(p.checks)-1].ID
	default:
		return p, judgeStatus(a)
	}
	return p, verdict{}
}

func (p *page) read(items []json.RawMessage) {
	for _, item := range items {
		var c portalCheck
		if json.Unmarshal(item, &c) != nil || c.ID == "" {
			p.strange++
			continue
		}
		p.checks = append(p.checks, Check(c))
	}
}

// whole gives the complete items of an answer that breaks off.
func whole(body []byte) (items []json.RawMessage) {
	d := json.NewDecoder(bytes.NewReader(body))
	for depth := 0; ; {
		t, err := d.Token()
		if err != nil {
			return nil
		}
		switch t {
		case json.Delim('{'):
			depth++
		case "items":
			if t, err := d.Token(); err != nil || t != json.Delim('[') || depth != 1 {
				return nil
			}
			for d.More() {
				var item json.RawMessage
				if d.Decode(&item) != nil {
					break
				}
				items = append(items, item)
			}
			return items
		default:
			var other json.RawMessage
			if d.Decode(&other) != nil {
				return nil
			}
		}
	}
}

// strangeChecks says that there were items without a usable id.
func (p *page) strangeChecks() error {
	if p.strange == 0 {
		return nil
	}
	return fmt.Errorf("the portal lists %d checks without a usable checkId", p.strange)
}
