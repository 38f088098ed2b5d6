package exam

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/acs-agent/acs-agent/agent/health"
	"github.com/acs-agent/acs-agent/uplink"
)

// look goes over all weeks that can have something to do, oldest first.
func (r *runner) look(ctx context.Context, now time.Time) error {
	orders, err := r.orders()
	if err != nil {
		return err
	}
	all, err := r.records()
	if err != nil {
		return err
	}
	weeks := make(map[Week]bool)
	this := WeekOf(now)
	for n := range lookBack + 1 {
		if w := this.Next(-n); !w.Before(r.since) {
			weeks[w] = true
		}
	}
	for w := range orders {
		weeks[w] = true
	}
	for _, rec := range all {
		if rec.State == Uncertain || rec.State == Rejected {
			weeks[rec.Week] = true
		}
	}
	for _, w := range slices.SortedFunc(maps.Keys(weeks), func(x, y Week) int { return x.monday.Compare(y.monday) }) {
		o, ordered := orders[w]
		if err := r.tend(ctx, w, o, ordered, now); err != nil && !errors.Is(err, errOvertaken) {
			return err
		} else if err != nil {
			r.later(now) // a command was quicker: look again
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return nil
}

// tend does for one week what there is to do.
func (r *runner) tend(ctx context.Context, w Week, o order, ordered bool, now time.Time) error {
	rec, err := r.recordOf(w)
	if err != nil {
		return err
	}
	if rec.State == Uncertain && !ordered {
		r.note(health.Stopped, health.Uncertain, fmt.Sprintf("nobody knows whether the report of %s arrived (%s): ask the portal's operator, "+
			"then run `acs-agent exam mark-sent %s ID` or `acs-agent exam resend %s`", w, rec.Reason, w, w))
		return nil
	}
	d, err := r.draftOf(rec, now)
	if err != nil {
		return err
	}
	if len(d.rows) > rec.Rows {
		rec.Rows = len(d.rows)
		if err := r.update(ctx, rec); err != nil {
			return err
		}
	}
	over := w.Over(r.zone)
	switch {
	case now.Before(over):
		r.later(over)
		return nil
	case ordered:
		return r.obey(ctx, rec, d, o, now)
	case rec.State == Sent:
		return r.correct(ctx, rec, d, now)
	}
	return r.propose(ctx, rec, d, now)
}

// update writes a record that only Run changes, unless a command has changed it in the meantime.
func (r *runner) update(ctx context.Context, rec *record) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	now, err := r.recordOf(rec.Week)
	if err != nil {
		return err
	}
	if now.Body != rec.Body || now.ReportID != rec.ReportID || now.State == Sent && rec.State != Sent {
		return errOvertaken
	}
	return r.save(ctx, rec)
}

// obey does what a person has ordered.
func (r *runner) obey(ctx context.Context, rec *record, d *draft, o order, now time.Time) error {
	d.matters = append(d.matters, r.about(rec.Week, r.day(now))...)
	if refusal := refuses(o.Do, rec, d, o.Empty); refusal != "" {
		// It was possible when it was ordered; what has changed since is for the person to see.
		r.note(health.Down, health.WaitsForPerson, fmt.Sprintf("`exam %s %s` was not done: %s", o.Do, rec.Week, refusal))
		r.mu.Lock()
		defer r.mu.Unlock()
		rec.Reason = fmt.Sprintf("%s was not done: %s", o.Do, refusal)
		return r.save(ctx, rec, done(rec.Week))
	}
	body := r.frame(rec.Week)
	body.fill(d.requests)
	return r.send(ctx, rec, &body, byPerson, passed(d.matters), now)
}

// refuses says why an order cannot be followed, or "".
func refuses(do string, rec *record, d *draft, empty bool) string {
	var bars, empties string
	for i := range d.matters {
		switch m := &d.matters[i]; {
		case m.Weight == Bars && bars == "":
			bars = m.Text
		case m.Weight == Empties && empties == "":
			empties = m.Text
		}
	}
	switch {
	case rec.State == Sending:
		return "the report is on its way"
	case do == doResend && rec.State != Uncertain:
		return fmt.Sprintf("the report is %s, not uncertain", rec.State)
	case do != doResend && rec.State == Uncertain:
		return "nobody knows whether the report arrived: use resend or mark-sent"
	case do == doSend && rec.ReportID != 0:
		return fmt.Sprintf("the portal has it as report %d: use correct to replace it", rec.ReportID)
	case do == doCorrect && rec.ReportID == 0:
		return "it was not sent yet: use send"
	case bars != "":
		return bars
	case empties != "" && !empty:
		return empties + " (with --empty it is sent nevertheless)"
	}
	return ""
}

// propose looks after a report that was not sent yet, or was refused.
func (r *runner) propose(ctx context.Context, rec *record, d *draft, now time.Time) error {
	d.matters = append(d.matters, r.about(rec.Week, r.day(now))...)
	body := r.frame(rec.Week)
	body.fill(d.requests)
	body.ReportID = rec.ReportID
	if rec.State == Rejected {
		text, err := body.encode()
		if err != nil {
			return err
		}
		if hashBytes(text) == rec.Tried {
			r.note(health.Stopped, health.PortalRefused, fmt.Sprintf("the portal refused the report of %s: %s; mend the roster or the configuration, and it is sent again",
				rec.Week, rec.Reason))
			return nil
		}
	}
	open := openCount(d.matters)
	state := Ready
	if open > 0 {
		state = Draft
	}
	if rec.State != state || rec.Open != open || rec.Reported != len(d.requests) {
		fresh := rec.State != state
		rec.Open, rec.Reported = open, len(d.requests)
		if fresh {
			rec.enter(state, "")
		}
		if err := r.update(ctx, rec); err != nil {
			return err
		}
		if fresh {
			r.announce(rec)
		}
	}
	due := r.schedule.of(rec.Week, r.zone)
	switch byItself := r.schedule.automatic() && (rec.ReportID == 0 || r.Corrections == automatic); {
	case now.Before(due):
		r.later(due)
	case state == Draft:
		r.note(health.Stopped, health.WaitsForPerson, fmt.Sprintf("the report of %s waits for a person: %s; see `acs-agent exam preview %s`", rec.Week, openWords(d.matters), rec.Week))
	case !byItself:
		do := doSend
		if rec.ReportID != 0 {
			do = doCorrect
		}
		r.note(health.Stopped, health.WaitsForPerson, fmt.Sprintf("the report of %s is ready: `acs-agent exam %s %s`", rec.Week, do, rec.Week))
	case r.calm(now):
		return r.send(ctx, rec, &body, byTime, rec.Passed, now)
	}
	return nil
}

// correct sends a report again if its exams are others than those the portal has. Everything else in it stays as it was: what the
// settings say today of the next exams has nothing to do with an old week.
func (r *runner) correct(ctx context.Context, rec *record, d *draft, now time.Time) error {
	if content(d.requests) == rec.KeptContent || !d.comparable() {
		return nil
	}
	open := openCount(d.matters)
	switch {
	case open > 0:
		r.note(health.Stopped, health.WaitsForPerson, fmt.Sprintf("the report of %s has changed since it was sent, and %s; see `acs-agent exam preview %s`",
			rec.Week, openWords(d.matters), rec.Week))
	case r.Corrections != automatic:
		r.note(health.Stopped, health.WaitsForPerson, fmt.Sprintf("the report of %s has changed since it was sent: `acs-agent exam correct %s`", rec.Week, rec.Week))
	case r.calm(now):
		body, err := r.keptReport(rec)
		if err != nil {
			r.note(health.Stopped, health.WaitsForPerson, fmt.Sprintf("%v: `acs-agent exam correct %s` makes it anew", err, rec.Week))
			return nil
		}
		body.fill(d.requests)
		return r.send(ctx, rec, body, byCorrection, rec.Passed, now)
	}
	return nil
}

// comparable says whether what is known today of an old week can be held against what was reported. It cannot when the passes are
// deleted, or when the roster has moved on to other weeks, as it does where people keep one file for each week.
func (d *draft) comparable() bool {
	return !slices.ContainsFunc(d.matters, func(m Matter) bool {
		return m.Code == PassesGone || m.Code == RosterEmptied || m.Code == RosterUnusable
	})
}

// calm says whether nobody is at work on the roster any more; if somebody is, the weeks are looked at again later.
func (r *runner) calm(now time.Time) bool {
	if ready := r.changed.Add(quiet); now.Before(ready) && !r.changed.After(now) {
		r.later(ready)
		return false
	}
	return true
}

// send sends a report, unless the portal has to be left alone for a while.
func (r *runner) send(ctx context.Context, rec *record, body *report, by string, letPass []string, now time.Time) error {
	if now.Before(r.notBefore) {
		r.later(r.notBefore)
		r.notices = append(r.notices, r.obstacle)
		return nil
	}
	v, err := r.transmit(ctx, rec, body, by, letPass)
	if err != nil {
		return err
	}
	again := func(state health.State, wait time.Duration) {
		r.obstacle = notice{state, v.Code, fmt.Sprintf("the report of %s: %s", rec.Week, v.Reason)}
		r.notices = append(r.notices, r.obstacle)
		r.notBefore = time.Now().Round(0).Add(wait)
		r.later(r.notBefore)
	}
	switch v.Outcome {
	case uplink.Delivered:
		r.failures = 0
		r.say.Add(len(body.Requests))
	case uplink.Retry:
		again(health.Down, max(v.After, uplink.Backoff(r.failures, r.RetryMax.Std())))
		r.failures++
	case uplink.Stop:
		again(health.Stopped, max(v.After, r.config.Probe.Std()))
	default: // uncertain or refused: said at the next look
		r.later(now)
	}
	return nil
}

// openWords counts the open matters for people.
func openWords(all []Matter) string {
	counts := make(map[Code]int)
	for i := range all {
		if all[i].open() {
			counts[all[i].Code]++
		}
	}
	words := ""
	for _, code := range slices.Sorted(maps.Keys(counts)) {
		if words != "" {
			words += ", "
		}
		words += fmt.Sprintf("%s %d", code, counts[code])
	}
	return words
}
