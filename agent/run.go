package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/acs-agent/acs-agent/agent/broker"
	"github.com/acs-agent/acs-agent/agent/config"
	"github.com/acs-agent/acs-agent/agent/event"
	"github.com/acs-agent/acs-agent/agent/health"
	"github.com/acs-agent/acs-agent/buffer"
	"github.com/acs-agent/acs-agent/drivers"
	"github.com/acs-agent/acs-agent/uplink"
)

const (
	// stopTime is how long an orderly end may take. Whatever is not done by then is done at the next start: everything that
	// counts is on disk.
	stopTime = 5 * time.Second
	// lockPatience is how long the journal may be in use by another process before that is an error: commands are done with it in
	// a moment, and an agent that starts answers them soon. lockPause lies between two attempts.
	lockPatience = 10 * time.Second
	lockPause    = 100 * time.Millisecond
	// restartPause is the wait before a driver or uplink that has returned is run again.
	restartPause = 5 * time.Second
)

func newRun(o *options) *cobra.Command {
	level := slog.LevelInfo
	format := "text"
	var manager managed
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Read passes and report them until stopped",
		Long: "Works until Ctrl-C or SIGTERM, and then ends in order within five seconds. Logs go to the standard error.\n\n" +
			"A configuration that has changed is taken over two seconds after the last change, and at once on SIGHUP: only what is\n" +
			"touched by the change is stopped and started. One with mistakes is refused, and the one before stays in use.\n\n" +
			"Exit status: 0 stopped, 1 it cannot go on (start it again), 3 the configuration has to be mended.",
		Example: "  acs-agent run\n  acs-agent run --config ./config.yaml --log-level debug",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			path := config.Find(o.config)
			log, err := newLog(manager.output(path, cmd.ErrOrStderr()), level, format)
			if err != nil {
				return err
			}
			limitMemory()
			return manager.run(cmd.Context(), path, log, func(ctx context.Context) error { return run(ctx, path, log) })
		},
	}
	cmd.Flags().TextVar(&level, "log-level", level, "debug, info, warn or error")
	cmd.Flags().StringVar(&format, "log-format", format, "text or json")
	cmd.Flags().BoolVar(&manager.service, "service", false, "a service manager has started the agent")
	cmd.Flag("service").Hidden = true
	return cmd
}

func newLog(w io.Writer, level slog.Level, format string) (*slog.Logger, error) {
	o := &slog.HandlerOptions{Level: level}
	switch format {
	case "text":
		return slog.New(slog.NewTextHandler(w, o)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(w, o)), nil
	}
	return nil, usage{fmt.Errorf("--log-format %q: want text or json", format)}
}

func discardLog() *slog.Logger { return slog.New(slog.DiscardHandler) }

// run works until ctx ends or the journal fails. A configuration that changes the ground under everything is taken over by
// closing the site and opening another one.
func run(ctx context.Context, path string, log *slog.Logger) error {
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	defer signal.Stop(hangup)
	cfg, err := config.Load(path)
	if err != nil {
		return needsPerson{err}
	}
	var before *config.Config // to go back to
	var refused error
	for {
		err := runSite(ctx, cfg, refused, hangup, log)
		if next, ok := errors.AsType[*successor](err); ok {
			before, cfg, refused = cfg, next.cfg, nil
			continue
		}
		if failed, ok := errors.AsType[*unopened](err); ok && before != nil {
			if ctx.Err() != nil {
				return nil // it was to stop, between one site and the next
			}
			log.Error("the changed configuration cannot be used; going back to the one before", "error", failed)
			before, cfg, refused = nil, before, failed
			continue
		}
		return err
	}
}

// waitForSite opens the site, and has some patience with a command that looks into the journal at this moment.
func waitForSite(ctx context.Context, cfg *config.Config, log *slog.Logger) (*site, error) {
	for began := time.Now(); ; {
		s, err := openSiteWith(ctx, cfg, log, openOrWait(log))
		if !errors.Is(err, buffer.ErrLocked) || time.Since(began) > lockPatience || uplink.Sleep(ctx, lockPause) != nil {
			return s, err
		}
	}
}

// unopened is why a site could not be opened.
type unopened struct{ error }

func (u *unopened) Unwrap() error { return u.error }

// runSite opens the site and works until ctx ends, the journal fails or a *successor is to take its place. refused says why
// another configuration was given up for this one; nil if none was.
func runSite(ctx context.Context, cfg *config.Config, refused error, hangup <-chan os.Signal, log *slog.Logger) error {
	s, err := waitForSite(ctx, cfg, log)
	if err != nil {
		var wrong *config.Mistakes
		if errors.As(err, &wrong) || errors.Is(err, buffer.ErrKey) || errors.Is(err, buffer.ErrUncorrected) {
			return &unopened{needsPerson{err}}
		}
		return &unopened{err}
	}
	for _, w := range cfg.Warnings() {
		log.Warn("configuration", "warning", w.Problem, "field", w.Field, "advice", w.Advice)
	}
	s.running = true
	defer s.recordCrashes()()
	log.Info("started", "version", version, "device", cfg.Device, "readers", len(cfg.Readers), "uplinks", len(cfg.Uplinks))
	err = s.run(ctx, refused, hangup)
	log.Info("stopped")
	return err
}

// run starts everything, waits for the end, and stops in the order in which passes flow: readers, uplinks, the rest.
func (s *site) run(ctx context.Context, refused error, hangup <-chan os.Signal) error {
	work, fail := context.WithCancelCause(ctx)
	defer fail(nil)

	rest := s.group(context.WithoutCancel(ctx))
	uplinks := s.group(rest.ctx)
	readers := s.group(uplinks.ctx)
	parts := []*group{readers, uplinks, rest}

	if err := s.startBroker(rest); err != nil {
		s.stop(parts)
		return &unopened{err}
	}
	rest.start("local socket", s.serveCommands)
	rest.start("local web server", s.web)
	rest.start("held passes", func(ctx context.Context) error {
		select {
		case <-s.journal.Salvaged():
			return s.sweeper.Run(ctx)
		case <-ctx.Done():
			return nil
		}
	})
	rest.start("clock", s.watchClock)
	if s.publisher != nil {
		rest.start("events", s.publisher.Run)
	}
	w := &works{site: s, readers: readers, uplinks: uplinks, rest: rest, cfg: s.cfg, running: make(map[any]func())}
	w.start(s.plan)
	rest.start("configuration", func(ctx context.Context) error {
		f := &follower{works: w, path: s.cfg.Path, hangup: hangup, succeed: fail}
		f.run(ctx, refused)
		return nil
	})

	rest.start("watchdog", func(ctx context.Context) error { return s.watchdog(ctx, fail) })
	rest.start("journal", func(ctx context.Context) error { return s.keepJournalOpen(ctx, w) })
	<-work.Done()
	cause := context.Cause(work)
	s.leaving(cause)
	s.stop(parts)
	if errors.Is(cause, context.Canceled) {
		return nil
	}
	return cause
}

// stop ends the groups one after the other and closes the journal, within stopTime.
func (s *site) stop(parts []*group) {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for _, g := range parts {
			g.end()
		}
		s.close()
	}()
	timer := time.NewTimer(stopTime - 500*time.Millisecond)
	defer timer.Stop()
	select {
	case <-ended:
	case <-timer.C:
		s.log.Error("something does not stop; the process ends without it, and nothing is lost by that")
	}
}

// startBroker starts the embedded broker if the configuration asks for it.
func (s *site) startBroker(rest *group) error {
	m := s.cfg.MQTT
	if m == nil || m.Broker != config.Embedded {
		return nil
	}
	e, err := broker.Listen(rest.ctx, broker.ListenOptions{Address: m.Listen, Username: m.Username, Password: m.Password, Log: s.log})
	if err != nil {
		return err
	}
	rest.start("broker", func(ctx context.Context) error {
		<-ctx.Done()
		return e.Close()
	})
	return nil
}

// take is what drivers hand their passes to.
func (s *site) take(ctx context.Context, p *event.Pass) error {
	err := s.intake.Take(ctx, p)
	journal := s.board.Part(health.Journal, "journal")
	switch {
	case err == nil:
		if journal.State() != health.Up {
			journal.Up()
		}
	case errors.Is(err, buffer.ErrFull) && !errors.Is(err, buffer.ErrFailed):
		journal.Down(health.Coded(health.JournalFull, err))
		return fmt.Errorf("%w: %w", drivers.ErrFull, err)
	case errors.Is(err, buffer.ErrDisk), errors.Is(err, buffer.ErrFailed):
		err = journalProblem(err)
		journal.Down(err)
	}
	return err
}

// group is a set of goroutines that end together.
type group struct {
	site   *site
	ctx    context.Context //nolint:containedctx // the group is the life of its goroutines
	cancel context.CancelFunc
	wg     sync.WaitGroup
}

func (s *site) group(parent context.Context) *group {
	g := &group{site: s}
	g.ctx, g.cancel = context.WithCancel(parent)
	return g
}

// end stops the goroutines and waits for them.
func (g *group) end() {
	g.cancel()
	g.wg.Wait()
}

// start runs do once.
func (g *group) start(name string, do func(context.Context) error) {
	g.wg.Go(func() {
		if err := guard(g.ctx, do); err != nil && g.ctx.Err() == nil {
			g.site.log.Error("a part of the agent has ended", "part", name, "error", err)
		}
	})
}

// keep runs do again and again until the group ends, or until stop is called, which waits for the end: readers and uplinks never
// give up.
func (g *group) keep(say *health.Part, do func(context.Context) error) (stop func()) {
	ctx, cancel := context.WithCancel(g.ctx)
	ended := make(chan struct{})
	g.wg.Go(func() {
		defer close(ended)
		for ctx.Err() == nil {
			err := guard(ctx, do)
			if ctx.Err() != nil {
				return
			}
			if err == nil {
				err = health.Coded(health.Fault, errors.New("ended by itself"))
			}
			say.Down(err)
			select {
			case <-ctx.Done():
			case <-time.After(restartPause):
			}
		}
	})
	return func() {
		cancel()
		<-ended
	}
}

// guard turns a panic into an error, so that the fault of one module does not take the others down. The stack goes along,
// without values: it holds no personal data.
func guard(ctx context.Context, do func(context.Context) error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = health.Coded(health.Fault, fmt.Errorf("fault in the program (please report it): %T at %s", r, origin(debug.Stack())))
		}
	}()
	return do(ctx)
}

// origin finds the line of our own that panicked.
func origin(stack []byte) string {
	_, after, _ := strings.Cut(string(stack), "panic(")
	lines := strings.Split(after, "\n")
	for i, l := range lines {
		if strings.Contains(l, "acs-agent/acs-agent") && i+1 < len(lines) {
			return strings.TrimSpace(lines[i+1])
		}
	}
	return "an unknown place"
}

// limitMemory makes the garbage collector keep within what a small box can spare, unless the environment says otherwise.
func limitMemory() {
	if os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	const least, most = 24 << 20, 96 << 20
	debug.SetMemoryLimit(max(least, min(most, totalMemory()/6)))
}
