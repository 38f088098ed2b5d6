package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
)

// demoView shows the demo: as a table that is drawn again and again on a terminal, as plain lines elsewhere.
type demoView struct {
	w        io.Writer
	stage    *stage
	live     bool
	interval time.Duration
	start    time.Time
	drawn    int // lines of the table on the screen
}

func newDemoView(w io.Writer, s *stage) *demoView {
	v := &demoView{w: w, stage: s, live: isTerminal(w), interval: 2 * time.Second, start: time.Now()}
	if v.live {
		v.interval = 300 * time.Millisecond
	}
	return v
}

// say prints a line that stays.
func (v *demoView) say(text string) {
	v.wipe()
	_, _ = fmt.Fprintf(v.w, "%5.1fs  %s\n", time.Since(v.start).Seconds(), text)
	if v.live {
		v.show()
	}
}

// wipe takes the table off the screen.
func (v *demoView) wipe() {
	if v.drawn > 0 {
		_, _ = fmt.Fprintf(v.w, "\x1b[%dA\x1b[J", v.drawn)
		v.drawn = 0
	}
}

func (v *demoView) show() {
	a := v.stage.summary()
	if !v.live {
		_, _ = fmt.Fprintf(v.w, "%5.1fs  read %d, stored %d, waiting %d, held %d, delivered %d\n",
			time.Since(v.start).Seconds(), a.read, a.stored, a.waiting, a.held, a.delivered)
		return
	}
	v.wipe()
	table := v.table(a)
	_, _ = io.WriteString(v.w, table)
	v.drawn = strings.Count(table, "\n")
}

func (v *demoView) table(a sum) string {
	var b strings.Builder
	t := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(t, "\n  READER\tTYPE\tSTATE\tSHOWN\tLAST\t")
	for _, r := range v.stage.readers {
		report := find(v.stage.status.Parts, "reader", r.name)
		count, last := r.seen()
		_, _ = fmt.Fprintf(t, "  %s\t%s\t%s\t%d\t%s\t\n", r.name, r.kind, report.State, count, last)
	}
	_ = t.Flush()
	uplink := find(v.stage.status.Parts, "uplink", demoUplink)
	requests := v.stage.portal.Stats()
	_, _ = fmt.Fprintf(&b, "\n  journal: %d stored, %d waiting, %d held\n", a.stored, a.waiting, a.held)
	_, _ = fmt.Fprintf(&b, "  portal:  %d delivered in %d requests; uplink: %s %s\n", a.delivered, requests.Requests, uplink.State, cut(uplink.Problem, 60))
	o := v.stage.offices
	_, _ = fmt.Fprintf(&b, "  others:  exam report %d of %d, subjects %d of %d, checks ended %d of %d, call-back statuses %d of %d\n",
		o.reports, wholeOffice.reports, o.subjects, wholeOffice.subjects, o.checks, wholeOffice.checks, o.statuses, wholeOffice.statuses)
	return b.String()
}

// cut shortens a text to n characters.
func cut(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n]) + "…"
	}
	return s
}

// end prints the account.
func (v *demoView) end(a sum) {
	v.wipe()
	t := tabwriter.NewWriter(v.w, 0, 0, 2, ' ', tabwriter.AlignRight)
	_, _ = fmt.Fprintln(t)
	for _, row := range []struct {
		what  string
		count int
		note  string
	}{
		{"read", a.read, "cards shown to the readers"},
		{"stored", a.stored, "passes in the journal"},
		{"delivered", a.delivered, "rows at the portal"},
		{"held", a.held, "waiting for somebody to say whose card it is"},
		{"lost", a.lost + a.waiting, ""},
	} {
		_, _ = fmt.Fprintf(t, "%s\t%d\t  %s\n", row.what, row.count, row.note)
	}
	_ = t.Flush()
	o := v.stage.offices
	_, _ = fmt.Fprintf(v.w, "\nand to the other portals: %d exam report, %d subjects (and %d check followed to its end), %d statuses of call-back requests\n",
		o.reports, o.subjects, o.checks, o.statuses)
}
