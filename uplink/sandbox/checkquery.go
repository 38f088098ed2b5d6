package sandbox

import (
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// maxCheckPage is the document's greatest and default count.
const maxCheckPage = 30

var (
	wordForm = regexp.MustCompile(`^[A-Za-z]{1,64}$`)
	// prefixForm is the document's ^\w{1,256}, which has no end: other characters may follow.
	prefixForm = regexp.MustCompile(`^\w{1,256}`)
)

// A checkQuery is what a client wants to see; empty fields do not matter.
type checkQuery struct {
	correlation, external, subject, cadastral string
	types                                     []string
	state                                     string
	from, to                                  time.Time // both exclusive
	after                                     string
	count                                     int
}

// readCheckQuery checks the query against the document.
func readCheckQuery(raw string) (q checkQuery, found *findings) {
	found = &findings{}
	q.count = maxCheckPage
	values, err := url.ParseQuery(raw)
	if err != nil {
		found.add(finding{flaw: unfit, what: "the query cannot be read", told: "query should be url-encoded"})
		return q, found
	}
	must := func(name string, right bool, what string) {
		if !right {
			found.add(finding{flaw: unfit, where: name, what: "should be " + what, told: name + " should be " + what})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		all := values[name]
		value := all[0]
		must(shownName(name), len(all) == 1 || name == "type", "given once")
		switch name {
		case "correlationId":
			q.correlation = value
			must(name, prefixForm.MatchString(value), `^\w{1,256}`)
		case "externalId":
			q.external = value
			must(name, prefixForm.MatchString(value), `^\w{1,256}`)
		case "subjectId":
			q.subject = value
			must(name, guidForm.MatchString(value), "guid")
		case "cadastralNumber":
			q.cadastral = value
			must(name, guidForm.MatchString(value), "guid")
		case "afterCheckId":
			q.after = value
			must(name, guidForm.MatchString(value), "guid")
		case "type":
			q.types = all
			must(name, !slices.ContainsFunc(all, func(s string) bool { return !wordForm.MatchString(s) }), "CheckType")
		case "state":
			q.state = value
			must(name, wordForm.MatchString(value), "CheckState")
		case "from":
			q.from, err = time.Parse(time.RFC3339, value)
			must(name, err == nil, "date-time")
		case "to":
			q.to, err = time.Parse(time.RFC3339, value)
			must(name, err == nil, "date-time")
		case "count":
			q.count, err = strconv.Atoi(value)
			must(name, err == nil && q.count >= 1 && q.count <= maxCheckPage, "a number from 1 to 30")
		default:
			must(shownName(name), false, "a parameter of the document")
		}
	}
	return q, found
}

// fits says whether a check is one of those that the client wants to see.
func (q checkQuery) fits(c Check) bool {
	return (q.correlation == "" || q.correlation == c.CorrelationID) &&
		(q.external == "" || q.external == c.ExternalID) &&
		(q.subject == "" || strings.EqualFold(q.subject, c.SubjectID)) &&
		(q.cadastral == "" || strings.EqualFold(q.cadastral, c.CadastralNumber)) &&
		(len(q.types) == 0 || slices.Contains(q.types, c.Type)) &&
		(q.state == "" || q.state == c.State) &&
		(q.from.IsZero() || c.Created.After(q.from)) &&
		(q.to.IsZero() || c.Created.Before(q.to))
}
