package exam

import (
	"fmt"
	"slices"
	"time"
)

// A judged row is a row of the roster and what is known of the person's presence on that day.
type judged struct {
	row
	// pass is the pass that proves it; nil if there is none.
	pass *sighting
	// byCard says that the pass was one of the card, and not of the document.
	byCard bool
	// ambiguous says that a pass fits the card of this row and that of another person equally well.
	ambiguous bool
	reported  bool
}

// A draft is what the report of a week would say.
type draft struct {
	week      Week
	rows      []judged
	strangers []sighting
	matters   []Matter
	requests  []request
}

// assemble compares the roster with who was seen. Reported are those who were there on the day of their exam and have a result;
// if attendance is advisory, all who have one.
func (e *exam) assemble(w Week, list *roster, seen map[string][]sighting) *draft {
	d := &draft{week: w}
	for _, r := range list.rows {
		if w.Has(r.day) {
			d.rows = append(d.rows, judged{row: r})
		}
	}
	for _, day := range w.Days() {
		d.match(day, seen[day])
	}
	for i := range d.rows {
		r := &d.rows[i]
		if r.reported = r.result != 0 && (r.pass != nil || e.Attendance == advisory); r.reported {
			d.requests = append(d.requests, request{r.person, r.day, r.level, r.result})
		}
	}
	sortRequests(d.requests)
	d.review(e.Attendance)
	d.reviewRefused(list.refused)
	return d
}

// match finds the passes of one day that prove somebody's presence: by the hash of the document, or else by the card. Of the
// rows whose card fits, those with the most digits in common count; if they belong to several people, none does.
func (d *draft) match(day string, seen []sighting) {
	slices.SortStableFunc(seen, func(x, y sighting) int { return x.At.Compare(y.At) })
	var today []*judged
	for i := range d.rows {
		if d.rows[i].day == day {
			today = append(today, &d.rows[i])
		}
	}
	for i := range seen {
		s := &seen[i]
		var fit []*judged
		most := 0
		for _, r := range today {
			n := 0
			if s.Document != "" {
				if s.Document == r.person {
					n = 1
				}
			} else {
				n = r.card.common(s)
			}
			if n > most {
				fit, most = fit[:0], n
			}
			if n == most && n > 0 {
				fit = append(fit, r)
			}
		}
		several := slices.ContainsFunc(fit, func(r *judged) bool { return r.person != fit[0].person })
		for _, r := range fit {
			switch {
			case several:
				r.ambiguous = true
			case r.pass == nil || r.byCard && s.Document != "":
				r.pass, r.byCard = s, s.Document == ""
			}
		}
		if len(fit) == 0 {
			d.strangers = append(d.strangers, *s)
		}
	}
}

// review lists what a person should look at before the report goes out.
func (d *draft) review(how string) {
	note := func(code Code, weight Weight, r *judged, text string) {
		d.matters = append(d.matters, Matter{
			Code: code, Weight: weight, Line: r.line, Text: text,
			key: shortHash(fmt.Sprint(code, r.person, r.day, r.level, r.result)),
		})
	}
	first := make(map[string]*judged)
	for i := range d.rows {
		r := &d.rows[i]
		switch {
		case r.pass != nil && r.result == 0:
			note(NoResult, Open, r, "was there and has no result yet: write it into the roster")
		case r.pass != nil:
		case r.ambiguous:
			note(AmbiguousCard, Open, r, "a pass fits the card of this row and that of another person: write the full number of the card")
		case r.result == 0:
			note(NoPass, Noted, r, "no pass on the day and no result: taken for absent")
		case how == advisory:
			note(NoPass, Noted, r, "no pass on the day; reported nevertheless, because attendance is advisory")
		default:
			note(ResultNoPass, Open, r, "has a result and no pass on the day, and is not reported: "+
				"is the date right, was the reader working? (send by hand to leave the person out)")
		}
		if r.signs {
			note(Signs, Noted, r, "the document has signs other than letters and digits; they are hashed as they stand")
		}
		who := fmt.Sprint(r.person, r.level)
		before := first[who]
		if before == nil {
			first[who] = r
			continue
		}
		weight := Noted
		if (before.reported || before.pass != nil) && (r.reported || r.pass != nil) {
			weight = Open
		}
		note(Twice, weight, r, fmt.Sprintf("the same person and level as on line %d: both are reported if they have a pass and a result", before.line))
		if before.pass == nil {
			first[who] = r
		}
	}
	documents := 0
	for i := range d.strangers {
		s := &d.strangers[i]
		d.matters = append(d.matters, Matter{
			Code: Stranger, Weight: Noted,
			Text: fmt.Sprintf("%s passed %s at %s and is not in the roster of that day", s.shown(), s.Reader, s.At.Format("2006-01-02 15:04")),
		})
		if s.Document != "" {
			documents++
		}
	}
	switch {
	case len(d.rows) > 0 && len(d.requests) == 0:
		d.matters = append(d.matters, Matter{
			Code: Nobody, Weight: Empties,
			Text: fmt.Sprintf("the roster has %s in this week and none can be reported: the report would say that there was no exam", rows(len(d.rows))),
		})
	case len(d.rows) == 0 && documents > 0:
		d.matters = append(d.matters, Matter{
			Code: DocumentsNoRows, Weight: Empties,
			Text: fmt.Sprintf("documents were shown %d times at the exam's readers, and the roster has no row in this week: is it the right file?", documents),
		})
	}
}

// reviewRefused lists the refused rows that may belong to the week.
func (d *draft) reviewRefused(refused []refusal) {
	for _, r := range refused {
		if r.day == "" || d.week.Has(r.day) {
			d.matters = append(d.matters, Matter{
				Code: RefusedRow, Weight: Open, Line: r.line, Text: "cannot be used: " + r.reason, key: r.key,
			})
		}
	}
}

// shown names what was seen so that a person can find the pass and nobody learns a number.
func (s *sighting) shown() string {
	switch {
	case s.Document != "":
		return "a document"
	case s.Text != "":
		return "a code"
	}
	return "card ****" + s.Number[max(0, len(s.Number)-4):]
}

// by says what proves the presence.
func (r *judged) by() string {
	switch {
	case r.pass == nil:
		return ""
	case r.byCard:
		return "card"
	}
	return "document"
}

func rows(n int) string {
	if n == 1 {
		return "1 row"
	}
	return fmt.Sprintf("%d rows", n)
}

// seenIn gives who was seen in a week, by days.
func (e *exam) seenIn(w Week) (map[string][]sighting, error) {
	seen := make(map[string][]sighting)
	for _, day := range w.Days() {
		if err := seenOn(e.store, day, func(s sighting) { seen[day] = append(seen[day], s) }); err != nil {
			return nil, err
		}
	}
	return seen, nil
}

// draftOf makes the draft of a week from all that is known now, with everything that speaks against sending it.
func (e *exam) draftOf(rec *record, now time.Time) (*draft, error) {
	w := rec.Week
	list, _, err := e.roster.current()
	if err != nil {
		list = &roster{}
	}
	seen, wrong := e.seenIn(w)
	if wrong != nil {
		return nil, wrong
	}
	d := e.assemble(w, list, seen)
	bar := func(code Code, text string) {
		d.matters = append(d.matters, Matter{Code: code, Weight: Bars, Text: text})
	}
	switch {
	case err != nil:
		bar(RosterUnusable, "roster: "+err.Error())
	case len(d.rows) == 0 && rec.Rows > 0:
		d.matters = append(d.matters, Matter{
			Code: RosterEmptied, Weight: Empties,
			Text: fmt.Sprintf("the roster had %s of this week and has none now: put them back, or keep several weeks in one file", rows(rec.Rows)),
		})
	}
	if len(d.requests) > maxRequests {
		bar(TooLarge, fmt.Sprintf("%d people are more than one report can carry (%d)", len(d.requests), maxRequests))
	}
	if e.Attendance == required && e.day(now.Add(-e.Keep.Std())) > w.Start() {
		bar(PassesGone, "its passes are not kept any more (keep), so nobody's presence can be proved")
	}
	if before, err := e.caseBefore(rec); err != nil {
		return nil, err
	} else if before != e.DocumentCase {
		d.matters = append(d.matters, Matter{
			Code: CaseChanged, Weight: Open, key: "case/" + e.DocumentCase,
			Text: fmt.Sprintf("document_case is %s and was %s before, so that the same person has another hash: sending a report by hand confirms it", e.DocumentCase, before),
		})
	}
	settle(d.matters, rec.Passed)
	return d, nil
}
