package exam

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/acs-agent/acs-agent/agent/health"
	"github.com/acs-agent/acs-agent/uplink"
)

const (
	// glance is how often the clock and the roster are looked at.
	glance = time.Minute
	// coalesce is how long passes gather before they are taken, so that a busy hour does not write a record for each.
	coalesce = time.Second
	// lookBack is how many weeks back reports are made and corrected without being asked for.
	lookBack = 8
	// firstYear is past for certain: a clock that says less was never set.
	firstYear = 2026
	// keepRecords is how long the history of a week is kept, in weeks.
	keepRecords = 104
)

// A runner is one run of the uplink.
type runner struct {
	*exam
	from  uplink.Source
	say   *health.Part
	diary *diary

	// begun says that the first look after the start is over; since is the first week that is reported without being asked for.
	begun bool
	since Week
	// dirty says that something has changed since the weeks were looked at, due when they have to be looked at in any case.
	dirty bool
	due   time.Time
	// list and trouble are the roster and what is wrong with it, as they were then; changed is when it was noticed.
	list        *roster
	trouble     string
	troubleCode health.Code
	changed     time.Time
	purged      string
	notices     []notice
	failures    int
	// notBefore is when the portal can be tried again, obstacle why not earlier.
	notBefore time.Time
	obstacle  notice
}

// A notice is something that is wrong, for the health of the uplink.
type notice struct {
	state health.State
	code  health.Code // empty if nothing is known beyond the text
	text  string
}

// Run takes attendance and reports until ctx ends.
func (e *exam) Run(ctx context.Context, from uplink.Source, say *health.Part) error {
	e.running.Store(true)
	defer e.running.Store(false)
	r := &runner{exam: e, from: from, say: say, diary: newDiary(e.store), dirty: true}
	for attempt := 0; ctx.Err() == nil; {
		changed := from.Changed()
		var wait time.Duration
		if err := r.step(ctx); err != nil && ctx.Err() == nil {
			say.Down(health.Fallback(health.JournalFailing, err)) // what else can go wrong is in the notices
			r.dirty, wait = true, uplink.Backoff(attempt, glance)
			attempt++
		} else {
			wait, attempt = max(0, min(glance, time.Until(r.due))), 0
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-timer.C:
		case <-e.wake:
			r.dirty = true
		case <-changed:
			_ = uplink.Sleep(ctx, coalesce)
		}
		timer.Stop()
	}
	return nil
}

// step does everything that can be done now.
func (r *runner) step(ctx context.Context) error {
	fresh, err := r.absorb(ctx, r.from, r.diary)
	r.dirty = r.dirty || fresh
	if err != nil {
		return err
	}
	now := time.Now().Round(0).In(r.zone) // by the wall clock, which can be set
	if now.Year() < firstYear {
		return health.Coded(health.ClockWrong,
			fmt.Errorf("the clock of this device is not set (it says %s): no week can be told from another", now.Format(time.DateOnly)))
	}
	if err := r.begin(ctx, now); err != nil {
		return err
	}
	list, changed, err := r.roster.current()
	trouble, code := "", health.Code("")
	if err != nil {
		trouble, code = err.Error(), health.Code(health.CodeOf(health.Fallback(health.ListUnusable, err)))
	}
	if !r.dirty && list == r.list && trouble == r.trouble && now.Before(r.due) {
		return nil
	}
	// It stays dirty until all weeks have been looked at: an error in between must not hide what has changed.
	r.dirty, r.list, r.trouble, r.troubleCode, r.changed, r.notices = true, list, trouble, code, changed, nil
	r.due = WeekOf(now).at(r.zone, (int(now.Weekday())+6)%7+1, 0, 0) // the next midnight
	if err := r.look(ctx, now); err != nil {
		return err
	}
	if today := r.day(now); r.purged != today {
		if err := r.purge(ctx, now); err != nil {
			return err
		}
		r.purged = today
	}
	r.dirty = false
	r.inform()
	return nil
}

// later makes the weeks be looked at again at that time.
func (r *runner) later(t time.Time) {
	if t.Before(r.due) {
		r.due = t
	}
}

// begin finds out, on the first look after a start, from which week on reports are made without being asked for, and which reports
// were on their way when the agent ended: nobody knows what became of them.
func (r *runner) begin(ctx context.Context, now time.Time) error {
	if r.begun {
		return nil
	}
	a := about{Since: WeekOf(now), Case: r.DocumentCase}
	found, err := get(r.store, aboutKey, &a)
	if err != nil {
		return err
	}
	if !found {
		change, err := set(aboutKey, a)
		if err != nil {
			return err
		}
		if err := r.store.Apply(ctx, change); err != nil {
			return fmt.Errorf("keep the first week: %w", err)
		}
	}
	all, err := r.records()
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, rec := range all {
		if rec.State != Sending {
			continue
		}
		rec.Before = ""
		rec.enter(Uncertain, "the agent ended while the report was on its way")
		rec.write(byTime)
		if err := r.save(ctx, rec, done(rec.Week)); err != nil {
			return err
		}
		r.announce(rec)
	}
	r.since, r.begun = a.Since, true
	return nil
}

// purge deletes what is older than it has to be: passes and frozen reports after keep, the history of weeks after two years.
func (r *runner) purge(ctx context.Context, now time.Time) error {
	day := r.day(now.Add(-r.Keep.Std()))
	week, oldest := WeekOf(now.Add(-r.Keep.Std())).String(), WeekOf(now).Next(-keepRecords).String()
	for _, old := range []struct{ prefix, before string }{
		{seenPrefix, day},
		{bodyPrefix, week},
		{weekPrefix, oldest},
	} {
		err := r.forget(ctx, old.prefix, func(key string) bool { return strings.TrimPrefix(key, old.prefix) < old.before })
		if err != nil {
			return err
		}
	}
	return nil
}

// note adds a notice.
func (r *runner) note(state health.State, code health.Code, text string) {
	r.notices = append(r.notices, notice{state, code, text})
}

// inform says how the uplink is doing.
func (r *runner) inform() {
	switch {
	case r.trouble != "":
		r.note(health.Stopped, r.troubleCode, "roster: "+r.trouble)
	case r.list.rejectedErr != nil:
		r.note(health.Down, health.Code(health.CodeOf(r.list.rejectedErr)), "roster: "+r.list.rejectedErr.Error())
	case len(r.list.refused) > 0:
		r.note(health.Down, health.RowsRefused, fmt.Sprintf("roster: %s cannot be used; %s says why", rows(len(r.list.refused)), filepath.Base(r.list.rejected)))
	}
	for _, state := range []health.State{health.Stopped, health.Down} {
		var texts []string
		var code health.Code
		for _, n := range r.notices {
			if n.state == state && len(texts) < 3 {
				texts = append(texts, n.text)
				code = cmp.Or(code, n.code)
			}
		}
		if len(texts) == 0 {
			continue
		}
		problem := health.Coded(cmp.Or(code, health.Failing), errors.New(strings.Join(texts, "; ")))
		if state == health.Stopped {
			r.say.Stop(problem)
		} else {
			r.say.Down(problem)
		}
		return
	}
	r.say.Up()
}
