package reestro

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A filter chooses checks. An empty field chooses all.
type filter struct {
	types  []string
	states []string
	// from is the first moment and to the one behind the last.
	from, to      time.Time
	subject       string
	externalID    string
	correlationID string
	// limit is the most that is wanted; 0 is no limit.
	limit int
}

// parseFilter reads the query of a command.
func parseFilter(q url.Values, zone *time.Location) (f filter, err error) {
	f = filter{types: q["type"], states: q["state"], subject: q.Get("subject"), externalID: q.Get("external-id"), correlationID: q.Get("correlation-id")}
	for _, s := range slices.Concat(f.types, f.states) {
		if s == "" || word(s) != s {
			return f, fmt.Errorf("%.64q is no type or state of a check", s)
		}
	}
	if f.subject != "" && !guid(f.subject) {
		return f, errors.New("subject: want the portal's id of a subject, of the form 3f813a2f-958b-499b-90c7-a038d98955c0")
	}
	for _, s := range []string{f.externalID, f.correlationID} {
		if identifier(s) != s {
			return f, errors.New("an id has letters, digits, hyphens and underscores only")
		}
	}
	if f.from, _, err = parseMoment(q.Get("from"), zone); err != nil {
		return f, fmt.Errorf("from: %w", err)
	}
	var day bool
	if f.to, day, err = parseMoment(q.Get("to"), zone); err != nil {
		return f, fmt.Errorf("to: %w", err)
	}
	if day {
		f.to = f.to.AddDate(0, 0, 1)
	}
	f.limit, err = parseLimit(q)
	return f, err
}

func parseLimit(q url.Values) (int, error) {
	if !q.Has("limit") {
		return 100, nil
	}
	n, err := strconv.Atoi(q.Get("limit"))
	if err != nil || n < 0 {
		return 0, errors.New("limit: want a number; 0 is no limit")
	}
	return n, nil
}

// parseMoment reads a day of the site or a moment.
func parseMoment(text string, zone *time.Location) (at time.Time, day bool, err error) {
	if text == "" {
		return time.Time{}, false, nil
	}
	if at, err = time.ParseInLocation(time.DateOnly, text, zone); err == nil {
		return at, true, nil
	}
	if at, err = time.Parse(time.RFC3339, text); err == nil {
		return at, false, nil
	}
	return at, false, errors.New("want a day as 2026-11-22 or a moment as 2026-11-22T08:00:00+05:00")
}

// query gives the portal's parameters. Whether several types are repeated or joined the document does not say, so several are
// chosen here; and from is exclusive there.
func (f *filter) query() url.Values {
	q := url.Values{}
	set := func(key, value string) {
		if value != "" {
			q.Set(key, value)
		}
	}
	if len(f.types) == 1 {
		set("type", f.types[0])
	}
	if len(f.states) == 1 {
		set("state", f.states[0])
	}
	if !f.from.IsZero() {
		set("from", moment(f.from.Truncate(time.Second).Add(-time.Second)))
	}
	if !f.to.IsZero() {
		set("to", moment(f.to.Truncate(time.Second).Add(time.Second)))
	}
	set("subjectId", f.subject)
	set("externalId", f.externalID)
	set("correlationId", f.correlationID)
	return q
}

// chooses says whether the filter lets a check through.
func (f *filter) chooses(c *Check) bool {
	one := func(of []string, s string) bool {
		return len(of) == 0 || slices.ContainsFunc(of, func(o string) bool { return strings.EqualFold(o, s) })
	}
	at := c.created()
	return one(f.types, c.Type) && one(f.states, c.State) &&
		(f.from.IsZero() || !at.Before(f.from)) && (f.to.IsZero() || at.Before(f.to)) &&
		(f.subject == "" || strings.EqualFold(f.subject, c.SubjectID)) &&
		(f.externalID == "" || f.externalID == c.ExternalID) &&
		(f.correlationID == "" || f.correlationID == c.CorrelationID)
}
