//go:build linux

package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/acs-agent/acs-agent/agent/health"
	"github.com/acs-agent/acs-agent/agent/queue"
)

// These variables of the environment make the soak long, and like one before.
const (
	// soakLength is for how long, such as 1h. Without it, the test takes seconds.
	soakLength = "ACS_AGENT_SOAK"
	// soakSeed is the seed of the faults.
	soakSeed = "ACS_AGENT_SOAK_SEED"
)

// soakRate is how many passes a second the gates have together. At a turnstile through which people press, one passes every two to
// three seconds; a device has four readers or so: two passes a second are a gateway's worst hour. This is twenty times that.
const soakRate = 40.0

// soakLong is the length from which on a soak is judged strictly.
const soakLong = 10 * time.Minute

// A soak is a site on which one agent works for a long time, without an end of faults and without being started again.
type soak struct {
	*gateway
	length, cycle time.Duration
	seed          uint64
	listen        string // of the agent's metrics
	closePortal   func()
	broker        *soakBroker
	gates         []*soakGate
	strangers     strangersBook
	subjects      int // in tables that were put into the inbox

	streams [][]soakFault
	dice    []*rand.Rand
	order   [][]int
	gauges  []*gauge
	peak    peak
	began   time.Time
}

// TestTheAgentStaysLevel is the promise of a long life: with twenty times the passes of a busy gateway and faults all the time,
// one process has at the end as many goroutines, descriptors and threads, as much memory and as much on its disk as in the
// beginning, and what was read is what was delivered and what is held.
func TestTheAgentStaysLevel(t *testing.T) {
	if os.Getenv(soakLength) == "" {
		t.Parallel()
	}
	s := newSoak(t)
	s.build()
	if os.Getenv(soakLength) != "" {
		if err := s.fillJournal(); err != nil {
			t.Fatal(err)
		}
	}
	s.start()
	for _, g := range s.gates {
		if err := s.open(g.name); err != nil {
			t.Fatal(err)
		}
	}
	ctx, end := context.WithCancel(t.Context())
	var walking sync.WaitGroup
	for _, g := range s.gates {
		walking.Go(func() {
			if err := g.walk(ctx, soakRate/float64(len(s.gates)), &s.strangers); err != nil {
				t.Error(err)
			}
		})
	}
	walking.Go(func() { s.watch(ctx) })
	s.began = time.Now()
	for (time.Since(s.began) < s.length || len(s.gauges[0].values) < fewestPoints) && !t.Failed() {
		s.trouble(ctx, s.cycle)
		if !t.Failed() {
			s.quietPoint()
		}
	}
	end()
	walking.Wait()
	if !t.Failed() {
		s.quietPoint() // what came after the last one has to arrive as well
	}
	s.judge()
	if err := s.agent.terminate(2 * stopTime); err != nil {
		t.Errorf("the agent ended with %v", err)
	}
}

func newSoak(t *testing.T) *soak {
	t.Helper()
	s := &soak{gateway: &gateway{t: t, dir: shortFolder(t), address: beyond(freeAddress(t))}, length: 10 * time.Second, listen: freeAddress(t)}
	if text := os.Getenv(soakLength); text != "" {
		d, err := time.ParseDuration(text)
		if err != nil || d < 10*time.Second {
			t.Fatalf("%s=%s: write a time such as 1h, 10s at least", soakLength, text)
		}
		s.length = d
	}
	s.cycle = min(s.length/15, time.Minute)
	s.seed = uint64(time.Now().UnixNano()) //nolint:gosec // not negative
	if text := os.Getenv(soakSeed); text != "" {
		if _, err := fmt.Sscan(text, &s.seed); err != nil {
			t.Fatalf("%s=%s: %v", soakSeed, text, err)
		}
	}
	s.change = func(cmd *exec.Cmd) { // a log of each pass is not what a device has
		if i := slices.Index(cmd.Args, "debug"); i >= 0 {
			cmd.Args[i] = "info"
		}
	}
	s.streams = s.faultStreams()
	for i, stream := range s.streams {
		r := rand.New(rand.NewPCG(s.seed, uint64(i))) //nolint:gosec // a test that can be repeated
		s.dice, s.order = append(s.dice, r), append(s.order, r.Perm(len(stream)))
	}
	s.gauges = s.soakGauges()
	t.Logf("a soak of %v with a quiet point every %v and some; %s=%d", s.length, s.cycle, soakSeed, s.seed)
	return s
}

// quietPoint stops the gates, waits until nothing is under way any more, holds read against delivered, and measures.
func (s *soak) quietPoint() {
	for _, g := range s.gates {
		g.mu.Lock()
		defer g.mu.Unlock()
	}
	if err := s.until("what was read is what was delivered and what is held", s.settled); err != nil {
		s.t.Error(err)
		return
	}
	time.Sleep(s.cycle / 20)
	m, err := s.calmest()
	if err != nil {
		s.t.Error(err)
		return
	}
	for i, value := range m.gauged() {
		s.gauges[i].values = append(s.gauges[i].values, value)
	}
	shown, held := s.shown()
	s.t.Logf("%7s %6d passes %2d held, %4.0f waited | %3.0f goroutines %2.0f descriptors %3.0f tables %2.0f threads | %5.1f MiB of its own, %5.1f resident | %5.1f MiB on disk",
		time.Since(s.began).Round(time.Second), shown, held, s.peak.backlog(), m.goroutines, m.fds, m.tables, m.threads, m.anon, m.rss, m.disk)
}

// shown is how many passes the gates have handed over, and how many of them are of people who are in no list. The gates are locked.
func (s *soak) shown() (all, held int) {
	for _, g := range s.gates {
		all += g.all
	}
	return all, int(s.strangers.next.Load() - s.strangers.listed.Load())
}

// settled is whether the portal has each pass that was shown, but for those of strangers, which are held. What the portal has
// refused is sent again, as a person would.
func (s *soak) settled() error {
	st, err := statusOf(s.path("data"))
	if err != nil {
		return err
	}
	for _, u := range st.Uplinks {
		if u.Name != "visits" {
			continue
		}
		if u.Dead > 0 {
			return s.retry()
		}
		for _, p := range st.Parts {
			if p.State == health.Down || p.State == health.Stopped {
				return fmt.Errorf("%s %s is %s: %s", p.Kind, p.Name, p.State, p.Problem)
			}
		}
		shown, held := s.shown()
		if rows := s.portal.Stats().Rows; u.Waiting > 0 || u.Uncertain > 0 || u.Held != held || rows != shown-held {
			return fmt.Errorf("%d shown, %d at the portal, %d wait, %d uncertain, %d held of %d strangers", shown, rows, u.Waiting, u.Uncertain, u.Held, held)
		}
		if st.Journal.Holes > 0 {
			return fmt.Errorf("%d holes in the journal", st.Journal.Holes)
		}
		return nil
	}
	return fmt.Errorf("the agent has no uplink visits")
}

func (s *soak) retry() error {
	c, err := (&e2e{dir: s.dir}).client()
	if err == nil {
		_, err = c.Act(context.Background(), queue.Retry, queue.Query{State: queue.Dead})
	}
	if err == nil {
		err = fmt.Errorf("dead letters are sent again")
	}
	return err
}
