package main

import (
	"context"
	"time"

	"github.com/acs-agent/acs-agent/agent/config"
	"github.com/acs-agent/acs-agent/agent/health"
	"github.com/acs-agent/acs-agent/agent/intake"
	"github.com/acs-agent/acs-agent/agent/queue"
	"github.com/acs-agent/acs-agent/uplink"
)

const (
	// clockRecords is where the journal keeps what is known of the clock; no uplink can have such a name.
	clockRecords = "@clock"
	// clockEvery is how often a clock is looked at that nobody says was set.
	clockEvery = 10 * time.Second
	// askEvery is how often portals are asked for the time while nobody else vouches for the clock.
	askEvery = 10 * time.Minute
	// sweepEvery is how often passes are looked at whose wait may have ended.
	sweepEvery = 15 * time.Minute
)

// clockOf is the clock that the configuration asks for.
func clockOf(cfg *config.Config) *intake.Clock {
	c := intake.NewClock(cfg.Zone, earliest)
	c.Trust, c.Hold, c.SendAfterHold = intake.Trust(cfg.Clock.Trust), cfg.Clock.Hold, cfg.Clock.AfterHold == config.SendApproximate
	return c
}

// sayClock logs what has become of the clock since it was judged as before.
func (s *site) sayClock(before intake.Verdict) (now intake.Verdict) {
	switch now = s.clock.Verdict(); {
	case now == before:
	case now.Trusted:
		s.log.Info("the clock is trusted", "source", now.Source)
	default:
		s.log.Warn("the clock is not trusted; passes are held", "why", now.Doubt.Sentence(), "clock", s.clock.Now().Format(time.DateTime))
	}
	return now
}

// watchClock judges the clock again whenever it is set, and at least every ten seconds, and has the passes looked at that wait for it.
func (s *site) watchClock(ctx context.Context) error {
	set := make(chan struct{}, 1)
	told := func() {
		select {
		case set <- struct{}{}:
		default:
		}
	}
	kernel := s.group(ctx)
	defer kernel.end()
	kernel.start("clock", func(ctx context.Context) error { return intake.Settings(ctx, told) })

	look, sweep := time.NewTicker(clockEvery), time.NewTicker(sweepEvery)
	defer look.Stop()
	defer sweep.Stop()
	var asked time.Time
	var said intake.Verdict
	for {
		if s.clock.Judge() {
			s.sweeper.Again()
		}
		if err := s.clock.Keep(ctx); err != nil {
			s.log.Debug("the clock is not on disk", "error", err)
		}
		said = s.sayClock(said)
		if !said.Trusted && said.Doubt != intake.NotSet && (asked.IsZero() || time.Since(asked) >= askEvery) {
			asked = time.Now()
			kernel.start("clock", func(ctx context.Context) error {
				s.askPortals(ctx)
				told()
				return nil
			})
		}
		select {
		case <-ctx.Done():
			return nil
		case <-look.C:
		case <-set:
		case <-sweep.C:
			s.sweeper.Again()
		}
	}
}

// heard tells the clock what time it is at a portal.
func (s *site) heard(date time.Time, within time.Duration) { s.clock.Heard(date, within) }

// askPortals sends the portals a question that leaves nothing behind: each answer tells what time it is there. Those that count log-ins
// are left alone.
func (s *site) askPortals(ctx context.Context) {
	for _, u := range s.current().uplinks {
		probing, ok := u.Uplink.(uplink.Probing)
		if _, counts := u.Uplink.(uplink.LoggingIn); ok && !counts && ctx.Err() == nil {
			probing.Probe(ctx) // what it finds is in the status already, as far as it matters
		}
	}
}

// describeClock puts into a status what is thought of the clock.
func (s *site) describeClock(st *health.Status) {
	v := s.clock.Verdict()
	st.ClockTrusted = s.clock.Trusted()
	switch {
	case st.ClockTrusted && s.clock.Trust == intake.TrustAlways:
		st.ClockSource = string(intake.Setting)
	case st.ClockTrusted:
		st.ClockSource = string(v.Source)
	case v.Trusted: // it was set since anybody looked
		v.Doubt = intake.Moved
		fallthrough
	default:
		st.ClockDoubt, st.ClockProblem = string(v.Doubt), v.Doubt.Sentence()
	}
}

// reason says why a pass is aside, and until when if that will not last.
func (l *listing) reason(item *queue.Item) string {
	reason := l.lang.Word(l.lang.Text(item.Reason))
	if item.Until.IsZero() {
		return reason
	}
	return l.lang.Sprintf("%s, until %s", reason, item.Until.Format(time.DateTime))
}
