//go:build linux

package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/acs-agent/acs-agent/agent/health"
	"github.com/acs-agent/acs-agent/uplink/sandbox"
)

// A soakFault is one thing that goes wrong, or that people do meanwhile. It makes good again what it has broken before it returns.
type soakFault struct {
	name string
	do   func(ctx context.Context, r *rand.Rand) error
	met  *atomic.Int64
}

func fault(name string, do func(context.Context, *rand.Rand) error) soakFault {
	return soakFault{name, do, new(atomic.Int64)}
}

// faultStreams are the faults, one stream for each of what can fail at the same time: the portals, the readers and their broker,
// and what people do.
func (s *soak) faultStreams() [][]soakFault {
	portal := []soakFault{fault("portal away", s.portalAway), fault("portal refuses a person", s.refusePerson)}
	for _, kind := range e2eFaults() {
		portal = append(portal, fault(kind, func(ctx context.Context, r *rand.Rand) error { return s.portalFails(ctx, r, kind) }))
	}
	field := []soakFault{
		fault("gate-1 unplugged", s.unplug(0)), fault("gate-2 unplugged", s.unplug(1)),
		fault("noise at gate-1", s.noise(0, "\x02FF00\x03", "\xfe\x00\x81", "\x02"+strings.Repeat("0", 12)+"\x03")),
		fault("noise at gate-2", s.noise(1, "\r\n", "Em-Marine[\r\n", "\xff\xfe\x00?\r\n", strings.Repeat("x", 300)+"\r\n")),
		fault("broker restarted", s.restartBroker(1)), fault("broker flaps", s.restartBroker(4)),
	}
	people := []soakFault{
		fault("a note changed", s.changeNote), fault("uplinks changed", s.changeUplinks), fault("a reader comes and goes", s.extraReader),
		fault("all started again", s.changeFoundation), fault("invalid configuration", s.invalidConfig), fault("the list of people", s.rewriteList),
		fault("call-back request", s.application), fault("table in the inbox", s.dropSubjects),
		fault("status", s.run("status")), fault("status --json", s.run("status", "--json")), fault("queue list", s.run("queue", "list")),
		fault("doctor", s.run("doctor")),
	}
	return [][]soakFault{portal, field, people}
}

// trouble lets things go wrong for that long, and returns when all is well again. Each stream takes its faults in an order of
// its own, again and again.
func (s *soak) trouble(ctx context.Context, d time.Duration) {
	ctx, calm := context.WithTimeout(ctx, d)
	defer calm()
	var all sync.WaitGroup
	for i, stream := range s.streams {
		all.Go(func() {
			for ctx.Err() == nil && !s.t.Failed() {
				r, f := s.dice[i], stream[s.order[i][0]]
				s.order[i] = s.order[i][1:]
				if len(s.order[i]) == 0 {
					s.order[i] = r.Perm(len(stream))
				}
				if err := f.do(ctx, r); err != nil {
					s.t.Errorf("%s: %v", f.name, err)
					return
				}
				f.met.Add(1)
				pause(ctx, s.span(r, 10))
			}
		})
	}
	all.Wait()
}

// span is a random part of a cycle: around a parts-th of it.
func (s *soak) span(r *rand.Rand, parts int) time.Duration {
	mean := s.cycle / time.Duration(parts)
	return mean/2 + time.Duration(r.Int64N(int64(mean)))
}

func (s *soak) portalFails(ctx context.Context, r *rand.Rand, kind string) error {
	faults, err := sandbox.ParseFaults(kind)
	if err == nil {
		err = s.portal.SetFaults(faults)
	}
	if err != nil {
		return err
	}
	pause(ctx, s.span(r, 15))
	return s.portal.SetFaults(nil)
}

// refusePerson lets the portal refuse whoever comes to gate-1 next; the quiet point sends the dead letters again.
func (s *soak) refusePerson(ctx context.Context, r *rand.Rand) error {
	g := s.gates[0]
	g.mu.Lock()
	n := g.first + (g.all+20)%soakCrowd
	g.mu.Unlock()
	return s.portalFails(ctx, r, "refuse-iin="+e2ePerson(n).iin)
}

func (s *soak) portalAway(ctx context.Context, r *rand.Rand) error {
	s.closePortal()
	pause(ctx, s.span(r, 15))
	s.openPortal()
	return nil
}

func (s *soak) unplug(gate int) func(context.Context, *rand.Rand) error {
	return func(ctx context.Context, r *rand.Rand) error {
		g := s.gates[gate]
		g.mu.Lock()
		defer g.mu.Unlock()
		if err := s.read(g); err != nil { // what stands in the line when the plug is pulled was never read
			return err
		}
		g.port.Unplug()
		err := s.until(g.name+" is missed", func() error {
			st, err := statusOf(s.path("data"))
			if err == nil && find(st.Parts, health.Reader, g.name).State == health.Up {
				err = fmt.Errorf("it is said to work")
			}
			return err
		})
		pause(ctx, s.span(r, 30))
		g.port.Replug()
		if err != nil {
			return err
		}
		return s.open(g.name)
	}
}

// noise puts bytes on a line that mean nothing, between two passes.
func (s *soak) noise(gate int, texts ...string) func(context.Context, *rand.Rand) error {
	return func(context.Context, *rand.Rand) error {
		g := s.gates[gate]
		g.mu.Lock()
		defer g.mu.Unlock()
		for _, text := range texts {
			g.port.Write([]byte(text))
		}
		return nil
	}
}

// restartBroker ends the broker and starts it again so many times. The gates publish until then and from then on; what the broker
// has confirmed and the agent has not got is on the broker's disk meanwhile.
func (s *soak) restartBroker(times int) func(context.Context, *rand.Rand) error {
	return func(ctx context.Context, r *rand.Rand) error {
		for range times {
			if err := s.restartOnce(ctx, s.span(r, 20*times)); err != nil {
				return err
			}
			pause(ctx, s.span(r, 60))
		}
		return nil
	}
}

func (s *soak) restartOnce(ctx context.Context, away time.Duration) error {
	for _, g := range s.gates[2:] {
		g.mu.Lock()
		defer g.mu.Unlock()
	}
	if err := s.broker.stop(); err != nil {
		return err
	}
	pause(ctx, away)
	return s.broker.start()
}

// run runs a command as a person would, who sees something wrong at times.
func (s *soak) run(args ...string) func(context.Context, *rand.Rand) error {
	return func(context.Context, *rand.Rand) error {
		said, err := s.command(args...).CombinedOutput()
		if exited, ok := err.(*exec.ExitError); ok && (exited.ExitCode() == exitFailed || exited.ExitCode() == exitNeedsPerson) { //nolint:errorlint // Run gives it as it is
			return nil
		}
		if err != nil {
			return fmt.Errorf("%w\n%s", err, said)
		}
		return nil
	}
}
