package exam

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/acs-agent/acs-agent/uplink"
)

// judge turns the portal's answer into a verdict and, if it took the report, its number there. Delivered, Retry and Stop mean what
// they say; Refused is a definite refusal of this report; Unknown is everything after which the portal may have it.
func judge(a *uplink.Answer) (verdict uplink.Verdict, reportID int64) {
	v := uplink.Verdict{After: a.RetryAfter, Reason: fmt.Sprintf("the portal answered %d", a.Status), Code: uplink.CodeOf(a.Status)}
	if words := complaint(a.Body); words != "" && a.Status != http.StatusOK {
		v.Reason += ": " + words
	}
	switch {
	case a.Status == http.StatusOK:
		var said struct {
			ReportID *int64 `json:"reportId"`
		}
		isJSON := a.MediaType == "application/json" && json.Unmarshal(a.Body, &said) == nil
		if isJSON && said.ReportID != nil && *said.ReportID > 0 {
			return uplink.Verdict{Outcome: uplink.Delivered}, *said.ReportID
		}
		v.Outcome = uplink.Unknown
		v.Reason = fmt.Sprintf("the portal answered 200 without the number of a report (%q, %d bytes)", uplink.Quote(a.MediaType), len(a.Body))
	case a.Status == http.StatusBadRequest, a.Status == http.StatusUnprocessableEntity, a.Status == http.StatusRequestEntityTooLarge:
		v.Outcome = uplink.Refused
	case a.Status == http.StatusUnauthorized, a.Status == http.StatusForbidden:
		v.Outcome = uplink.Stop
		v.Reason += "; the portal wants to know who we are: ask its operator, and see auth_header and client_cert"
	case a.Status/100 == 3:
		v.Outcome = uplink.Stop
		v.Reason += ", which sends us elsewhere; a report is not sent to an address that is not in the configuration: check url"
	case a.Status == http.StatusRequestTimeout, a.Status == http.StatusTooManyRequests:
		v.Outcome = uplink.Retry // both say that the request was not looked at
	case a.Status/100 == 4:
		v.Outcome = uplink.Stop
		v.Reason += "; check url: the address or its path is not the portal's"
	default:
		v.Outcome = uplink.Unknown // a server may fail after it has stored, and 201 is no answer that the document knows
	}
	return v, 0
}

var (
	hanging = regexp.MustCompile(`,(\s*[}\]])`)
	// longHex is what hashes and numbers of documents look like; error messages like to repeat them.
	longHex = regexp.MustCompile(`[0-9A-Fa-f]{9,}`)
)

// complaint says in one line what the portal does not like. Its document prints the errors as an object that is not valid JSON; a
// server may send them in other shapes, or send something else altogether.
func complaint(body []byte) string {
	var said map[string]json.RawMessage
	if json.Unmarshal(body, &said) != nil && json.Unmarshal(hanging.ReplaceAll(body, []byte("$1")), &said) != nil {
		return quote(string(body))
	}
	var all []string
	for _, key := range slices.Sorted(maps.Keys(said)) {
		switch strings.ToLower(key) {
		case "errors":
			all = append(all, fieldErrors(said[key])...)
		case "error", "title", "detail", "message":
			all = append(all, texts(said[key])...)
		}
	}
	if len(all) == 0 {
		return quote(string(body))
	}
	return quote(strings.Join(all, "; "))
}

// fieldErrors reads {"Field": ["text", …]} or {"Field": "text"}; a bare list or text is taken as well.
func fieldErrors(raw json.RawMessage) (all []string) {
	var fields map[string]json.RawMessage
	if json.Unmarshal(raw, &fields) != nil {
		return texts(raw)
	}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		all = append(all, name+": "+strings.Join(texts(fields[name]), ", "))
	}
	return all
}

// texts reads a text or a list of texts; anything else is shown as it stands.
func texts(raw json.RawMessage) []string {
	var one string
	var list []string
	switch {
	case json.Unmarshal(raw, &one) == nil:
		return []string{one}
	case json.Unmarshal(raw, &list) == nil:
		return list
	}
	return []string{string(raw)}
}

// quote prepares the portal's words for people, logs and status.
func quote(words string) string { return uplink.Quote(longHex.ReplaceAllString(words, "…")) }
