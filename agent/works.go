package main

import (
	"context"
	"slices"
	"sync"

	"github.com/acs-agent/acs-agent/agent/config"
	"github.com/acs-agent/acs-agent/agent/health"
	"github.com/acs-agent/acs-agent/uplink"
)

// works are the parts of a running site that come and go with the configuration.
type works struct {
	site *site
	mu   sync.Mutex // held while a plan is exchanged
	// cfg is the configuration that is carried out now.
	cfg                    *config.Config
	readers, uplinks, rest *group
	// running has what stops each line, each uplink and the list of cardholders, by what is running.
	running map[any]func()
}

// cardholdersList is the key of the list of cardholders.
type cardholdersList struct{}

// start starts all of the plan that does not run yet.
func (w *works) start(p *plan) {
	s := w.site
	if s.keeper != nil && w.running[cardholdersList{}] == nil {
		say := s.board.Part(health.Cardholders, cardholdersPart(w.cfg.Cardholders.File))
		w.running[cardholdersList{}] = w.rest.keep(say, s.keeper.Run)
	}
	for _, u := range p.uplinks {
		if w.running[u] != nil {
			continue
		}
		say := s.board.Part(health.Uplink, u.name)
		var source uplink.Source
		if u.passes {
			source = s.sweeper.Watch(s.journal.Source(u.name))
		}
		w.running[u] = w.uplinks.keep(say, func(ctx context.Context) error {
			if !s.awaitWhole(ctx, u, say) {
				return nil
			}
			return u.Run(ctx, source, say)
		})
	}
	for _, l := range p.lines {
		if w.running[l] == nil {
			say := s.board.Reader(l.readers[0])
			w.running[l] = w.readers.keep(say, func(ctx context.Context) error { return l.driver.Run(ctx, s.take, s.board) })
		}
	}
}

// end stops what runs under the key, and waits for it.
func (w *works) end(key any) {
	if stop := w.running[key]; stop != nil {
		stop()
		delete(w.running, key)
	}
}

// A change counts what was stopped and started when a configuration was taken over.
type change struct{ started, stopped, kept int }

// takeOver carries out another plan. What is the same in both goes on untouched. An error means that nothing has changed.
func (w *works) takeOver(ctx context.Context, cfg *config.Config, next *plan) (c change, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := w.site
	if err := s.journal.Configure(ctx, next.uplinkNames()); err != nil {
		return c, err
	}
	old := s.plan
	for _, l := range old.lines {
		if !slices.Contains(next.lines, l) {
			w.end(l)
			c.stopped++
		}
	}
	for _, u := range old.uplinks {
		if !slices.Contains(next.uplinks, u) {
			w.end(u)
			c.stopped++
		}
	}
	if was := w.cfg.Cardholders.File; was != cfg.Cardholders.File {
		w.end(cardholdersList{})
		s.board.Remove(health.Cardholders, cardholdersPart(was))
		s.keeper = s.openCardholders(cfg)
		c.stopped++
	}
	w.cfg, c.kept = cfg, len(w.running)
	s.mu.Lock()
	s.plan = next
	s.mu.Unlock()
	s.who.Use(s.finder(), organizations(cfg))
	s.intake.Use(next.readers)
	w.forget(old, next)
	s.name(next)
	w.start(next)
	c.started = len(w.running) - c.kept
	s.sweeper.Again() // what was unknown may be known now
	return c, nil
}

// renewUplinks exchanges all uplinks for new ones of the same settings, which know no more than what the journal holds.
func (w *works) renewUplinks() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := w.site
	given := s.services()
	given.before = nil
	next, err := makePlan(w.cfg, s.log, given)
	if err != nil {
		return err
	}
	next.lines = s.plan.lines
	for _, u := range s.plan.uplinks {
		w.end(u)
	}
	s.mu.Lock()
	s.plan = next
	s.mu.Unlock()
	s.intake.Use(next.readers)
	w.start(next)
	return nil
}

// forget takes the readers and uplinks off the board that the next plan does not have.
func (w *works) forget(old, next *plan) {
	stays := make(map[health.Kind][]string)
	for _, l := range next.lines {
		stays[health.Reader] = append(stays[health.Reader], l.readers...)
	}
	for _, u := range next.uplinks {
		stays[health.Uplink] = append(stays[health.Uplink], u.name)
	}
	for _, l := range old.lines {
		for _, name := range l.readers {
			if !slices.Contains(stays[health.Reader], name) {
				w.site.board.Remove(health.Reader, name)
			}
		}
	}
	for _, u := range old.uplinks {
		if !slices.Contains(stays[health.Uplink], u.name) {
			w.site.board.Remove(health.Uplink, u.name)
		}
	}
}
