package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"

	"github.com/acs-agent/acs-agent/agent/config"
	"github.com/acs-agent/acs-agent/agent/health"
)

const (
	// configSettled is how long a changed configuration must stay as it is before it is read: it may be half saved.
	configSettled = 2 * time.Second
	// configPatrol is how often the file is looked at without being told, in case the system cannot tell.
	configPatrol = time.Minute
)

// A successor ends a site for another configuration with another foundation.
type successor struct{ cfg *config.Config }

func (*successor) Error() string { return "the configuration has changed from the ground up" }

// A follower takes over the configuration when its file has changed or somebody asks for it.
type follower struct {
	works   *works
	path    string
	hangup  <-chan os.Signal
	succeed func(error)

	// seen is the file as it was last looked at, since when it was first seen so, and done the file as it was last read.
	seen, done fileState
	since      time.Time
}

// fileState tells one state of a file from another.
type fileState struct {
	size     int64
	modified int64
}

func stateOfFile(path string) fileState {
	about, err := os.Stat(path)
	if err != nil {
		return fileState{size: -1}
	}
	return fileState{about.Size(), about.ModTime().UnixNano()}
}

// run follows the file until ctx ends.
func (f *follower) run(ctx context.Context, refused error) {
	f.seen = stateOfFile(f.path)
	f.done = f.seen
	f.say(refused)
	w, err := fsnotify.NewWatcher()
	if err != nil {
		f.works.site.log.Debug("the folder of the configuration cannot be watched", "error", err)
		f.wait(ctx, nil, func() {})
		return
	}
	defer w.Close() //nolint:errcheck // there is nothing to lose
	f.wait(ctx, w.Events, func() {
		// The folder, because editors write a new file and rename it; again and again, because the folder may be a new one.
		if err := w.Add(filepath.Dir(f.path)); err != nil {
			f.works.site.log.Debug("the folder of the configuration cannot be watched", "error", err)
		}
	})
}

func (f *follower) wait(ctx context.Context, events <-chan fsnotify.Event, watch func()) {
	watch()
	patrol := time.NewTicker(configPatrol)
	defer patrol.Stop()
	next := time.NewTimer(0)
	defer next.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-f.hangup:
			f.works.site.log.Info("asked to read the configuration again")
			f.done = stateOfFile(f.path)
			f.seen = f.done
			f.read(ctx)
			continue
		case e, open := <-events:
			if !open {
				events = nil
			} else if filepath.Base(e.Name) != filepath.Base(f.path) {
				continue
			}
		case <-patrol.C:
			watch()
		case <-next.C:
		}
		if wait := f.look(ctx); wait > 0 {
			next.Reset(wait)
		}
	}
}

// look reads the file if it has changed and rests, and says when to look again; 0 if there is no haste.
func (f *follower) look(ctx context.Context) time.Duration {
	now := time.Now()
	if state := stateOfFile(f.path); state != f.seen {
		f.seen, f.since = state, now
	}
	rest := now.Sub(f.since)
	switch {
	case f.seen == f.done:
		return 0
	case rest < configSettled:
		return configSettled - rest
	}
	f.done = f.seen
	f.read(ctx)
	return 0
}

// read takes over what the file says now, or refuses it.
func (f *follower) read(ctx context.Context) {
	s := f.works.site
	cfg, next, err := f.plan()
	if err != nil {
		if wrong, ok := errors.AsType[*config.Mistakes](err); ok {
			for _, m := range *wrong {
				s.log.Error("the changed configuration is refused", "line", m.Line, "field", m.Field, "mistake", m.Problem, "advice", m.Advice)
			}
		} else {
			s.log.Error("the changed configuration is refused", "error", err)
		}
		f.say(err)
		return
	}
	if cfg.Foundation() != s.cfg.Foundation() {
		s.log.Info("the configuration has changed from the ground up: everything is stopped and started again")
		f.succeed(&successor{cfg})
		return
	}
	c, err := f.works.takeOver(ctx, cfg, next)
	f.say(err)
	if err != nil {
		s.log.Error("the changed configuration is refused", "error", err)
		return
	}
	s.log.Info("configuration taken over", "started", c.started, "stopped", c.stopped, "untouched", c.kept)
	for _, w := range cfg.Warnings() {
		s.log.Warn("configuration", "warning", w.Problem, "field", w.Field, "advice", w.Advice)
	}
}

// plan reads the file and makes the plan for it. Where the foundation is another one, the plan is only a check of it.
func (f *follower) plan() (*config.Config, *plan, error) {
	s := f.works.site
	cfg, err := config.Load(f.path)
	if cfg == nil {
		return nil, nil, err
	}
	given := s.services()
	if err == nil && cfg.Foundation() != s.cfg.Foundation() {
		given = noServices()
	}
	next, wrong := makePlan(cfg, s.log, given) // also if there are mistakes already: all are told at once
	var all config.Mistakes
	for _, e := range []error{err, wrong} {
		if m, ok := errors.AsType[*config.Mistakes](e); ok {
			all.Add(*m...)
		} else if e != nil {
			return nil, nil, e
		}
	}
	return cfg, next, all.Err()
}

// say puts on the board what became of the configuration. Its code names the line and nothing that stands there.
func (f *follower) say(refused error) {
	part := f.works.site.board.Part(health.Config, filepath.Base(f.path))
	if refused == nil {
		part.Up()
		return
	}
	code, reason := health.ConfigRefused, refused.Error()
	if wrong, ok := errors.AsType[*config.Mistakes](refused); ok && len(*wrong) > 0 {
		first := (*wrong)[0]
		reason = fmt.Sprintf("line %d: %s", first.Line, strings.TrimPrefix(first.Field+": ", ": ")+first.Problem)
		code = health.Code(fmt.Sprintf("%s-line-%d", health.ConfigRefused, first.Line))
		if len(*wrong) > 1 {
			reason += fmt.Sprintf("; and %s more", counted(len(*wrong)-1, "mistake"))
		}
	}
	part.Stop(health.Coded(code, fmt.Errorf("the changed file is refused, and the configuration before it stays in use: %s "+
		"(`acs-agent check` shows all mistakes)", reason)))
}
