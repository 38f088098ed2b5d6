package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"

	"github.com/acs-agent/acs-agent/agent/health"
	"github.com/acs-agent/acs-agent/agent/liveness"
	"github.com/acs-agent/acs-agent/uplink"
)

const (
	// journalLimit is how long the journal may take to answer, and a pass to be stored. Deleting a month of passes at the end of
	// the journal's room means to write half of it anew, which takes a slow card a minute or two; meanwhile nobody is answered.
	journalLimit = 5 * time.Minute
	// uplinkLimit is how long an uplink may be silent over waiting passes that does not say for how long it may.
	uplinkLimit = 3 * time.Hour
	// ownInterval is how often the agent looks at itself where no service manager waits for it.
	ownInterval = 30 * time.Second
	// ownPatience is how many looks in a row may find it stuck before it ends by itself.
	ownPatience = 2
	// lookLimit is how long a look may take that asks nobody: locks are held for microseconds.
	lookLimit = 2 * time.Minute

	// openLimit is how long one site may take to close and another to open.
	openLimit = 15 * time.Minute

	agentPart health.Kind = "agent"
)

// A watchdog lets the service manager know that the agent works: it feeds the watchdog of systemd for as long as all that is under
// way comes to an end. Where nobody waits to be fed it ends the agent instead, so that it is started again. An outage, a dead
// portal and a full disk are no reasons: a start would mend none of them.
type watchdog struct {
	log   *slog.Logger
	board *health.Board
	tell  func(words string)
	// fed: the service manager waits to be fed, and ends the agent if it is not.
	fed      bool
	interval time.Duration
	// end ends the agent.
	end func(error)

	ping func(context.Context) error
	// underWay are the signs of all parts but the journal.
	underWay func() []liveness.Sign

	asked    atomic.Pointer[time.Time] // when the ping began that is not answered yet
	asking   sync.WaitGroup
	observer *liveness.Observer
	stuck    int    // looks in a row that found the agent stuck
	status   string // as it was told last
}

// watchdog tells the service manager that the agent is ready, and feeds its watchdog as long as the agent makes progress.
func (s *site) watchdog(ctx context.Context, end func(error)) error {
	w := &watchdog{
		log: s.log, board: s.board, end: end, interval: ownInterval,
		tell: func(words string) { notify(s.log, words) },
		ping: s.ping, underWay: s.underWay,
	}
	wait, err := daemon.SdWatchdogEnabled(false)
	if err != nil {
		s.log.Warn("the service manager's watchdog is not fed", "error", err)
	}
	if wait > 0 {
		w.fed, w.interval = true, wait/3
		notify(s.log, fmt.Sprintf("WATCHDOG_USEC=%d", wait.Microseconds())) // in the place of openLimit
	}
	return w.run(ctx)
}

// leaving tells the service manager that the site is about to close, because of cause. If another one takes its place, nobody feeds
// the watchdog until that is open, which takes a while where a journal has to be put in order.
func (s *site) leaving(cause error) {
	if _, ok := errors.AsType[*successor](cause); ok {
		notify(s.log, fmt.Sprintf("STATUS=taking over another configuration\nWATCHDOG_USEC=%d", openLimit.Microseconds()))
		return
	}
	notify(s.log, "STOPPING=1")
}

// underWay are the signs of the intake and of the uplinks.
func (s *site) underWay() []liveness.Sign {
	var signs []liveness.Sign
	if begun, ok := s.intake.Oldest(); ok {
		signs = append(signs, liveness.Sign{Part: "the taking of passes", Mark: begun, Limit: journalLimit})
	}
	end := s.journal.End()
	for _, u := range s.current().uplinks {
		if !u.passes {
			continue
		}
		cursor := s.journal.Source(u.name).Cursor()
		if cursor >= end {
			continue
		}
		limit := uplinkLimit
		if patient, ok := u.Uplink.(uplink.Patient); ok {
			limit = patient.LongestSilence()
		}
		said := s.board.Part(health.Uplink, u.name).Report().SaidAt
		signs = append(signs, liveness.Sign{Part: "uplink " + u.name, Mark: silence{cursor, said}, Limit: limit})
	}
	return signs
}

// silence is what an uplink ends by any progress: by settling passes, or by saying why it cannot.
type silence struct {
	cursor uint64
	said   time.Time
}

// run looks at the agent in each interval until ctx ends.
func (w *watchdog) run(ctx context.Context) error {
	w.observer = liveness.NewObserver(w.interval)
	ctx, cancel := context.WithCancel(ctx)
	defer w.asking.Wait()
	defer cancel()
	w.tell("READY=1")
	ticker := time.NewTicker(w.interval)
	defer ticker.Stop()
	due := true
	for {
		// By a lock that nobody gives back a look does not come to its end; then it ends the agent.
		overdue := time.AfterFunc(lookLimit, func() { w.end(errors.New("the agent hangs: start it again")) })
		changed := w.board.Changed()
		if due {
			w.look(ctx)
		}
		if w.stuck == 0 {
			w.say(sentence(w.board.Snapshot()))
		}
		overdue.Stop()
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
			due = false
		case <-ticker.C:
			due = true
		}
	}
}

// say tells the service manager in a line how the agent is doing, if that is another line than before.
func (w *watchdog) say(line string) {
	if line != w.status {
		w.status = line
		w.tell("STATUS=" + line)
	}
}

// look judges the agent once, feeds or does not feed, and says so.
func (w *watchdog) look(ctx context.Context) {
	now := time.Now()
	var signs []liveness.Sign
	if begun := w.asked.Load(); begun != nil {
		signs = append(signs, liveness.Sign{Part: "the journal", Mark: *begun, Limit: journalLimit})
	} else {
		w.ask(ctx, now)
	}
	stuck := w.observer.Look(now, append(signs, w.underWay()...))
	switch {
	case len(stuck) > 0:
		w.hangs(stuck)
		w.say(stuck[0].Error())
		return
	case w.stuck > 0:
		w.stuck = 0
		w.log.Info("the agent makes progress again")
		w.board.Part(agentPart, "progress").Up()
	}
	if w.fed {
		w.tell(daemon.SdNotifyWatchdog)
	}
}

// ask pings the journal. Only one ping is under way at a time.
func (w *watchdog) ask(ctx context.Context, now time.Time) {
	w.asked.Store(&now)
	w.asking.Go(func() {
		defer w.asked.Store(nil)
		if err := w.ping(ctx); err != nil && ctx.Err() == nil {
			w.log.Debug("journal does not answer", "error", err) // the board says why
		}
	})
}

// hangs says that the agent hangs, and lets somebody start it again.
func (w *watchdog) hangs(stuck []liveness.Stuck) {
	if w.stuck++; w.stuck == 1 {
		errs := make([]error, 0, len(stuck))
		for i := range stuck {
			errs = append(errs, &stuck[i])
		}
		err := errors.Join(errs...)
		w.log.Error("the agent hangs and will be started again", "part", stuck[0].Part, "for", stuck[0].For, "error", err)
		w.board.Part(agentPart, "progress").Down(health.Coded(health.Fault, fmt.Errorf("%w; the agent is about to be started again", err)))
	}
	if !w.fed && w.stuck > ownPatience {
		w.end(fmt.Errorf("the agent hangs: %w: start it again", &stuck[0]))
	}
}

// sentence sums the board up in a line for `systemctl status`: "working: 1 of 2 readers, 1 of 1 uplink".
func sentence(parts []health.Report) string {
	var text []string
	for _, kind := range []health.Kind{health.Reader, health.Uplink} {
		all, work := 0, 0
		for i := range parts {
			if parts[i].Kind == kind {
				all++
				if parts[i].State == health.Up {
					work++
				}
			}
		}
		if all > 0 {
			text = append(text, fmt.Sprintf("%d of %s", work, counted(all, string(kind))))
		}
	}
	return "working: " + strings.Join(text, ", ")
}
