package doctor

import (
	"errors"
	"fmt"

	"github.com/acs-agent/acs-agent/agent/health"
)

// Held takes down what the journal holds that does not move, as the running agent says, or as it was found in the journal itself.
func Held(s *Sheet, st *health.Status) {
	const subject = "journal"
	j := st.Journal
	for _, p := range st.Parts {
		if p.Kind == health.Journal && p.State != health.Up && p.Problem != "" {
			s.Failed(subject, Wrong, true, errors.New(p.Problem))
		}
	}
	if j.Holes > 0 {
		s.Wrong(subject, "acs-agent queue verify says which; look at dmesg, and replace the card or disk", "passes that cannot be read any more: %d", j.Holes)
	}
	switch {
	case j.Filling:
		s.Wrong(subject, "bring the portals back that passes wait for, or make buffer.max_size larger",
			"passes that are not delivered take most of its room: %s of %s are used", size(j.Bytes), size(j.Limit))
	case j.Limit > 0 && j.Bytes > j.Limit/10*9:
		s.Good(subject, "passes: %d, %s of %s; delivered ones make room for new ones", j.Passes, size(j.Bytes), size(j.Limit))
	default:
		s.Good(subject, "passes: %d, %s of %s", j.Passes, size(j.Bytes), size(j.Limit))
	}
	for _, q := range st.Uplinks {
		queue(s, &q)
	}
}

// queue takes down what waits for one uplink.
func queue(s *Sheet, q *health.Queue) {
	subject := fmt.Sprintf("passes for %s", q.Name)
	fine := true
	wrong := func(n int, advice, format string) {
		if n > 0 {
			fine = false
			s.Wrong(subject, advice, format, n)
		}
	}
	if q.Orphaned {
		if q.Waiting == 0 {
			s.Good(subject, "the uplink is not in the configuration any more, and nothing waits for it")
			return
		}
		s.Wrong(subject, "put the uplink back into the configuration, or drop them with acs-agent queue drop",
			"the uplink is not in the configuration any more, but passes wait for it: %d", q.Waiting)
		return
	}
	wrong(q.Dead, "acs-agent queue list --state dead says why; then retry or drop them", "passes that the portal refused: %d")
	wrong(q.Uncertain, "ask the portal's operator, then acs-agent queue list --state uncertain", "passes of which nobody knows whether they arrived: %d")
	if q.Held > 0 {
		fine = false
		s.Doubt(subject, "acs-agent queue list --state held says which; add their holders to the list of cardholders",
			"passes that are held, because their cards are unknown or the clock is not set: %d", q.Held)
	}
	const hour = 3600
	switch {
	case q.Waiting > 0 && q.OldestSeconds > hour:
		s.Doubt(subject, "see what stands under Portals", "passes that wait: %d, the oldest for hours: %d", q.Waiting, q.OldestSeconds/hour)
	case q.Waiting > 0:
		s.Good(subject, "passes that wait for their turn: %d", q.Waiting)
	case fine:
		s.Good(subject, "nothing waits")
	}
}
