package exam

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"text/tabwriter"
	"time"
)

// Preview is what the report of a week would say now, and what a person should look at first.
type Preview struct {
	WeekStatus
	AreaID int64 `json:"area_id"`
	NoExam bool  `json:"no_exam"`
	Closed bool  `json:"closed"`
	// Changed says that a report that was sent would be another one now.
	Changed bool     `json:"changed"`
	Rows    []Row    `json:"rows"`
	Matters []Matter `json:"matters"`
	// Body is the request as it would be sent; unless it is revealed, all but the last four digits of the hashes are covered.
	Body json.RawMessage `json:"body"`
}

// A Row is one row of the roster in the week.
type Row struct {
	Line int `json:"line"`
	// Document are the last four digits of the hash, or all of it.
	Document string `json:"document"`
	Date     string `json:"date"`
	Level    int    `json:"level"`
	// Result is 1 passed, 2 failed, 0 not known yet.
	Result int `json:"result"`
	// Pass is when the person was seen first on the day, By what that is known from: document or card.
	Pass     time.Time `json:"pass,omitzero"`
	By       string    `json:"by,omitempty"`
	Reported bool      `json:"reported"`
}

func (e *exam) servePreview(w http.ResponseWriter, r *http.Request, of Week) {
	p, err := e.preview(of, time.Now().In(e.zone), r.URL.Query().Has("reveal"))
	if err != nil {
		fail(w, http.StatusInternalServerError, err)
		return
	}
	answer(w, http.StatusOK, p)
}

func (e *exam) preview(of Week, now time.Time, reveal bool) (*Preview, error) {
	rec, err := e.recordOf(of)
	var o order
	_, err2 := get(e.store, orderPrefix+of.String(), &o)
	if err = errors.Join(err, err2); err != nil {
		return nil, err
	}
	d, err := e.draftOf(rec, now)
	if err != nil {
		return nil, err
	}
	d.matters = append(d.matters, e.about(of, e.day(now))...)
	if now.Before(of.Over(e.zone)) {
		d.matters = append(d.matters, Matter{Code: StillRunning, Weight: Bars, Text: "the week is not over"})
	}
	sortMatters(d.matters)
	cover := func(hash string) string {
		if reveal {
			return hash
		}
		return "****" + hash[len(hash)-4:]
	}
	p := &Preview{
		WeekStatus: e.statusOf(rec, o.Do), AreaID: e.AreaID, NoExam: len(d.requests) == 0, Closed: e.Closed,
		Rows: []Row{}, Matters: append([]Matter{}, d.matters...),
		Changed: rec.State == Sent && content(d.requests) != rec.KeptContent && d.comparable(),
	}
	p.Reported, p.Open = len(d.requests), openCount(d.matters)
	for i := range d.rows {
		j := &d.rows[i]
		row := Row{Line: j.line, Document: cover(j.person), Date: j.day, Level: j.level, Result: j.result, By: j.by(), Reported: j.reported}
		if j.pass != nil {
			row.Pass = j.pass.At
		}
		p.Rows = append(p.Rows, row)
	}
	body := e.frame(of)
	body.ReportID = rec.ReportID
	for _, one := range d.requests {
		one.Document = cover(one.Document)
		body.Requests = append(body.Requests, one)
	}
	body.NoExam = len(body.Requests) == 0
	p.Body, err = body.encode()
	return p, err
}

// Print writes the preview as tables for people.
func (p *Preview) Print(w io.Writer) error {
	_, _ = fmt.Fprintf(w, "Report of %s, %s to %s, exam site %d: %s", p.Week, p.Start, p.End, p.AreaID, p.State)
	if p.ReportID != 0 {
		_, _ = fmt.Fprintf(w, ", report %d", p.ReportID)
	}
	_, _ = fmt.Fprintln(w)
	if p.Reason != "" {
		_, _ = fmt.Fprintln(w, p.Reason)
	}
	if p.Changed {
		_, _ = fmt.Fprintln(w, "The exams have changed since it was sent.")
	}
	if p.Closed {
		_, _ = fmt.Fprintln(w, "It says that the site does not work.")
	}
	if p.NoExam {
		_, _ = fmt.Fprintln(w, "It says that there was no exam in the week.")
	} else {
		_, _ = fmt.Fprintf(w, "It reports %d of %s in the roster.\n", p.Reported, rows(len(p.Rows)))
	}
	if err := p.printRows(w); err != nil {
		return err
	}
	return p.printMatters(w)
}

func (p *Preview) printRows(w io.Writer) error {
	if len(p.Rows) == 0 {
		return nil
	}
	_, _ = fmt.Fprintln(w)
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "LINE\tDATE\tDOCUMENT\tLEVEL\tRESULT\tPASS\tREPORTED")
	for _, r := range p.Rows {
		pass, level := "none", ""
		if !r.Pass.IsZero() {
			pass = r.Pass.Format("15:04") + " by " + r.By
		}
		if 0 < r.Level && r.Level < len(levelNames) {
			level = levelNames[r.Level]
		}
		_, _ = fmt.Fprintf(table, "%d\t%s\t%s\t%d %s\t%s\t%s\t%s\n", r.Line, r.Date, r.Document, r.Level, level,
			[...]string{"not yet", "passed", "failed"}[max(0, min(r.Result, 2))], pass, map[bool]string{true: "yes", false: "no"}[r.Reported])
	}
	return table.Flush()
}

func (p *Preview) printMatters(w io.Writer) error {
	for _, part := range []struct {
		title string
		open  bool
	}{{"To be settled before it goes out by itself:", true}, {"To be looked at:", false}} {
		first := true
		for i := range p.Matters {
			m := &p.Matters[i]
			if m.open() != part.open {
				continue
			}
			if first {
				_, _ = fmt.Fprintf(w, "\n%s\n", part.title)
				first = false
			}
			line := ""
			if m.Line > 0 {
				line = fmt.Sprintf("line %d: ", m.Line)
			}
			if _, err := fmt.Fprintf(w, "  %s%s\n", line, m.Text); err != nil {
				return err
			}
		}
	}
	switch {
	case p.Ordered != "" && !p.Running:
		_, _ = fmt.Fprintf(w, "\n%s is ordered, and is done when the agent runs.\n", p.Ordered)
	case p.Open == 0 && (p.State == Draft || p.State == Ready || p.State == Running):
		_, _ = fmt.Fprintf(w, "\nNothing is open.\n")
	}
	return nil
}
