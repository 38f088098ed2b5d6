package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/acs-agent/acs-agent/uplink/sandbox"
)

// The timeline of the demo.
const (
	demoPapers = 3 * time.Second  // people bring what the other portals are for
	demoAway   = 8 * time.Second  // the portals go away
	demoBack   = 18 * time.Second // and come back
	demoReport = 20 * time.Second // last week's exam report is sent
	demoLearn  = 22 * time.Second // the visitor's card is entered into the list
	demoEnd    = 28 * time.Second // nobody comes any more
	demoSettle = 30 * time.Second // what the last passes may take to arrive
)

func newDemo(*options) *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Show the whole way of a pass on this one machine",
		Long: "Starts four simulated readers (an RDM6300 and an IronLogic on pseudo-terminals, an esp-rfid and a Tasmota over MQTT),\n" +
			"an agent with its embedded broker, and the sandbox portals over TLS. The portals go away for a while; a visitor's card\n" +
			"becomes known later than it was shown; an exam report, subjects with their checks and call-back requests go their ways.\n" +
			"It ends by itself in less than a minute.\n\n" +
			"Exit status: 0 every pass that was read is accounted for, 1 otherwise.",
		Example: "  acs-agent demo\n  acs-agent demo --dir /tmp/demo      keep configuration, journal and log",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return demo(cmd.Context(), cmd.OutOrStdout(), dir)
		},
	}
	cmd.Flags().StringVar(&dir, "dir", "", "an empty folder to work in and to leave behind (default: a temporary one, removed)")
	return cmd
}

func demo(ctx context.Context, out io.Writer, dir string) (err error) {
	if dir == "" {
		if dir, err = os.MkdirTemp("", "acs-demo-"); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	} else if err := emptyFolder(dir); err != nil {
		return err
	}
	stage, err := newStage(ctx, dir)
	if err != nil {
		return fmt.Errorf("set up the demo: %w", err)
	}
	defer func() { err = errors.Join(err, stage.close()) }()
	view := newDemoView(out, stage)
	view.say("four readers, one agent, five portals; everything is on this machine")

	if err := stage.awaitReaders(ctx); err != nil {
		return fmt.Errorf("the agent did not come up: %w", errors.Join(err, stage.lastWords()))
	}
	presenting, stopPresenting := context.WithCancel(ctx)
	defer stopPresenting()
	for _, r := range stage.readers {
		stage.wg.Go(func() { r.present(presenting, stage.crowd) })
	}
	if err := stage.play(ctx, view, []scene{
		{demoPapers, "a table of subjects is put into the inbox, and two people ask to be called back", func() error {
			return errors.Join(stage.dropSubjects(), stage.askForCalls())
		}},
		{demoAway, "the portals go away", func() error { return stage.portal.SetFaults(sandbox.Faults{{Kind: sandbox.CutBefore}}) }},
		{demoBack, "the portals are back", func() error { return stage.portal.SetFaults(nil) }},
		{demoReport, "the exam report of last week is sent, and the first person was called", func() error {
			return errors.Join(stage.sendReport(ctx), stage.called(ctx))
		}},
		{demoLearn, "the visitor's card is entered into cardholders.csv", stage.learnVisitor},
		{demoEnd, "nobody comes any more", func() error { stopPresenting(); return nil }},
	}); err != nil {
		return err
	}
	stage.wg.Wait() // the last card is read
	settled := stage.settle(ctx, view)
	sum := stage.summary()
	view.end(sum)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case !settled || sum.lost != 0:
		return errors.New("not everything is accounted for")
	}
	return nil
}

// emptyFolder makes a folder, or finds it empty.
func emptyFolder(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	entries, err := os.ReadDir(dir)
	if err == nil && len(entries) > 0 {
		return usage{fmt.Errorf("--dir: %s is not empty", dir)}
	}
	return err
}

// scene is something that happens at a moment of the demo.
type scene struct {
	at   time.Duration
	what string
	do   func() error
}

// play lets the scenes happen and shows what goes on.
func (s *stage) play(ctx context.Context, view *demoView, scenes []scene) error {
	start := time.Now()
	tick := time.NewTicker(view.interval)
	defer tick.Stop()
	for len(scenes) > 0 {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-s.agentEnded:
			return fmt.Errorf("the agent has ended: %w", s.lastWords())
		case <-tick.C:
			s.look(ctx)
			view.show()
		case <-time.After(time.Until(start.Add(scenes[0].at))):
			view.say(scenes[0].what)
			if err := scenes[0].do(); err != nil {
				return fmt.Errorf("%s: %w", scenes[0].what, err)
			}
			scenes = scenes[1:]
		}
	}
	return nil
}

// settle waits until every pass is delivered or held.
func (s *stage) settle(ctx context.Context, view *demoView) bool {
	deadline := time.After(demoSettle)
	tick := time.NewTicker(view.interval)
	defer tick.Stop()
	for {
		s.look(ctx)
		view.show()
		if sum := s.summary(); sum.lost == 0 && sum.waiting == 0 && s.offices == wholeOffice {
			return true
		}
		select {
		case <-ctx.Done():
			return false
		case <-deadline:
			return false
		case <-s.agentEnded:
			return false
		case <-tick.C:
		}
	}
}

// sum is the account of the demo. Each pass that was shown to a reader is in one of delivered, held and waiting, or it is lost.
type sum struct {
	read, stored, delivered, held, waiting, lost int
}

func (s *stage) summary() sum {
	a := sum{read: s.crowd.shown(), delivered: s.portal.Stats().Rows}
	a.stored = s.stored()
	for _, q := range s.status.Uplinks {
		if q.Name != demoUplink {
			continue // the others have no use for passes, or another one
		}
		a.held += q.Held + q.Dead + q.Uncertain
		a.waiting += int(q.Waiting) //nolint:gosec // some dozens
	}
	a.lost = max(0, a.read-max(a.stored, a.delivered+a.held))
	if a.waiting == 0 {
		a.lost = a.read - a.delivered - a.held // negative: something was invented
	}
	return a
}
