package exam

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// Weight says what a matter keeps from happening.
type Weight string

// The weights.
const (
	// Noted: a person may want to look at it; nothing waits for that.
	Noted Weight = "noted"
	// Open: the report does not go out by itself before it is settled; a person can send it nevertheless.
	Open Weight = "open"
	// Empties: as Open, and because of it the report would say that there was no exam; a person has to ask for that in so many
	// words.
	Empties Weight = "empties"
	// Bars: the report cannot be sent at all.
	Bars Weight = "bars"
)

// Code says what a matter is about.
type Code string

// The codes.
const (
	NoResult        Code = "no-result"
	NoPass          Code = "no-pass"
	ResultNoPass    Code = "result-without-pass"
	Stranger        Code = "not-in-roster"
	Twice           Code = "twice-on-one-level"
	AmbiguousCard   Code = "ambiguous-card"
	Signs           Code = "signs-in-document"
	RefusedRow      Code = "refused-row"
	Nobody          Code = "nobody-to-report"
	RosterEmptied   Code = "roster-emptied"
	DocumentsNoRows Code = "documents-without-roster"
	RosterUnusable  Code = "roster-unusable"
	PassesGone      Code = "passes-deleted"
	NearestPast     Code = "nearest-date-past"
	NearestTooEarly Code = "nearest-date-before-week"
	TooLarge        Code = "too-large"
	CaseChanged     Code = "document-case-changed"
	StillRunning    Code = "week-not-over"
)

// A Matter is something about a week that a person should look at. It names rows by their lines in the roster, never people.
type Matter struct {
	Code   Code   `json:"code"`
	Weight Weight `json:"weight"`
	// Line is the row's line in the roster; 0 if it is not about one row.
	Line int `json:"line,omitempty"`
	// Text says it in words, with what to do about it.
	Text string `json:"text"`
	// key tells it from other matters, so that what a person has let pass once does not come up again.
	key string
}

// open says whether a report must not go out by itself because of the matter.
func (m *Matter) open() bool { return m.Weight != Noted }

// sortMatters puts them into the order in which people look at them: what is open first, and then by lines.
func sortMatters(all []Matter) {
	noted := func(m *Matter) int {
		if m.open() {
			return 0
		}
		return 1
	}
	slices.SortStableFunc(all, func(x, y Matter) int {
		return cmp.Or(cmp.Compare(noted(&x), noted(&y)), cmp.Compare(x.Line, y.Line), cmp.Compare(x.Code, y.Code))
	})
}

// openCount counts the matters that are open.
func openCount(all []Matter) (n int) {
	for i := range all {
		if all[i].open() {
			n++
		}
	}
	return n
}

// maxPassed is how many matters that a person has let pass are remembered for a week.
const maxPassed = 400

// passed are the keys of the matters that a person lets pass by sending the report nevertheless.
func passed(all []Matter) (keys []string) {
	for i := range all {
		if all[i].Weight == Open && len(keys) < maxPassed {
			keys = append(keys, all[i].key)
		}
	}
	return keys
}

// settle turns the open matters that a person has let pass before into noted ones.
func settle(all []Matter, keys []string) {
	for i := range all {
		if all[i].Weight == Open && slices.Contains(keys, all[i].key) {
			all[i].Weight = Noted
			all[i].Text += " (let pass when the report was sent)"
		}
	}
}

// levelNames are the levels for people, by number.
var levelNames = [...]string{1: "patent", 2: "temporary residence", 3: "residence permit"}

// about are the matters of the settings: the nearest dates, as they stand to the week and to today.
func (c *config) about(w Week, today string) (matters []Matter) {
	if c.Closed {
		return nil
	}
	for _, l := range []struct {
		field string
		of    *level
	}{{"patent", &c.Patent}, {"temporary_residence", &c.TemporaryResidence}, {"residence_permit", &c.ResidencePermit}} {
		if l.of.Nearest == "" || c.hidesDate(l.of) {
			continue
		}
		switch {
		case l.of.Nearest < w.Start():
			matters = append(matters, Matter{
				Code: NearestTooEarly, Weight: Bars,
				Text: fmt.Sprintf("%s: the nearest date %s lies before the week: write the next one into the configuration", l.field, l.of.Nearest),
			})
		case l.of.Nearest < today:
			matters = append(matters, Matter{
				Code: NearestPast, Weight: Noted,
				Text: fmt.Sprintf("%s: the nearest date %s has passed: is it still the next one?", l.field, l.of.Nearest),
			})
		}
	}
	return matters
}

// day gives the date by the clock of the site.
func (e *exam) day(t time.Time) string { return t.In(e.zone).Format(time.DateOnly) }
