//go:build unix

package main

import (
	"context"
	"encoding/hex"
	"errors"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/acs-agent/acs-agent/agent/config"
	"github.com/acs-agent/acs-agent/agent/event"
	"github.com/acs-agent/acs-agent/agent/health"
	"github.com/acs-agent/acs-agent/agent/intake"
	"github.com/acs-agent/acs-agent/agent/queue"
)

// A hands is the clock of a device in a test. It goes on with the true time, which is the test's own, plus skew.
type hands struct {
	mu     sync.Mutex
	boot   string
	began  time.Time // by the true time
	ahead  time.Duration
	future time.Duration // by how much the true time is ahead of the test's
	synced bool
}

func (h *hands) set(change func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	change()
}

func (h *hands) truth() time.Time { return time.Now().Add(h.future) }

func (h *hands) machine() intake.Machine {
	locked := func(read func() time.Time) func() time.Time {
		return func() time.Time {
			h.mu.Lock()
			defer h.mu.Unlock()
			return read()
		}
	}
	up := locked(func() time.Time { return time.Time{}.Add(h.truth().Sub(h.began)) })
	return intake.Machine{
		Boot: h.boot, Now: locked(func() time.Time { return h.truth().Add(h.ahead) }),
		SinceBoot: func() time.Duration { return up().Sub(time.Time{}) },
		Signs: func(time.Time, *time.Location) intake.Signs {
			h.mu.Lock()
			defer h.mu.Unlock()
			if h.synced {
				return intake.Signs{Kernel: intake.Yes}
			}
			return intake.Signs{Kernel: intake.No}
		},
	}
}

// A device is a gateway whose agent runs in the test, by a clock of the test.
type device struct {
	*gateway
	*hands
	site *site
	stop func()
}

// newDevice makes a device whose portal answers; settings are those of the clock.
func newDevice(t *testing.T, settings string) *device {
	t.Helper()
	g := newGateway(t, "readers: [{name: gate-1, type: rdm6300, port: nowhere, organization: school, note: Entrance}]\nclock: "+settings+"\n")
	return &device{gateway: g, hands: &hands{}}
}

// overTLS lets the portal answer over TLS.
func (d *device) overTLS() {
	d.t.Helper()
	d.write("ca.pem", string(d.portal.CertificatePEM()))
	d.configure(`url: "http://`, `ca_file: ca.pem, url: "https://`)
	l, err := net.Listen("tcp", d.address)
	if err != nil {
		d.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var serving sync.WaitGroup
	serving.Go(func() {
		if err := d.portal.ServeTLS(ctx, l); err != nil {
			d.t.Error(err)
		}
	})
	d.t.Cleanup(func() { cancel(); serving.Wait() })
}

// on switches the device on, with a clock that is ahead of the true time.
func (d *device) on(boot string, ahead time.Duration) {
	d.t.Helper()
	d.set(func() { d.boot, d.began, d.ahead, d.synced = boot, d.truth().Add(-time.Minute), ahead, false })
	cfg, err := config.Load(d.path("config.yaml"))
	if err != nil {
		d.t.Fatal(err)
	}
	s, err := newSite(d.t.Context(), cfg, discardLog())
	if err != nil {
		d.t.Fatal(err)
	}
	clock := intake.NewClockOf(d.machine(), cfg.Zone, earliest)
	clock.Trust, clock.Hold, clock.SendAfterHold = s.clock.Trust, s.clock.Hold, s.clock.SendAfterHold
	s.clock, s.who.Clock, s.intake.Clock, s.running = clock, clock, clock, true
	if err := s.remember(d.t.Context()); err != nil {
		d.t.Fatal(err)
	}
	clock.Judge()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.run(ctx, nil, nil) }()
	var once sync.Once
	d.site, d.stop = s, func() {
		once.Do(func() {
			cancel()
			if err := <-ended; err != nil && !errors.Is(err, context.Canceled) {
				d.t.Error(err)
			}
		})
	}
	d.t.Cleanup(d.stop)
}

// looks has the agent look at its clock at once.
func (d *device) looks() {
	if d.site.clock.Judge() {
		d.site.sweeper.Again()
	}
	if err := d.site.clock.Keep(d.t.Context()); err != nil {
		d.t.Error(err)
	}
	d.site.sweeper.Again()
}

// pass lets somebody go through, and says when that was.
func (d *device) pass(n int) (truth time.Time) {
	d.t.Helper()
	number, err := hex.DecodeString(e2ePerson(n).written)
	if err != nil {
		d.t.Fatal(err)
	}
	p := &event.Pass{Reader: "gate-1", Credential: event.Credential{
		Format: "rdm6300", Number: number, Bits: 8 * len(number), Text: e2ePerson(n).written,
	}}
	d.set(func() { truth = d.truth() })
	if err := d.site.take(d.t.Context(), p); err != nil {
		d.t.Fatal(err)
	}
	return truth
}

// held waits until so many passes are held for want of their time, and nothing waits.
func (d *device) held(want int) (s health.Status) {
	d.t.Helper()
	d.await("passes are held", func() bool {
		s = d.site.Status()
		q := s.Uplinks[0]
		return q.Waiting == 0 && q.Held == want && q.HeldClock == want
	})
	return s
}

// sent waits until the portal has so many passes, and gives when the newest was, as it was told.
func (d *device) sent(want int) (at time.Time, note string) {
	d.t.Helper()
	d.await("passes are delivered", func() bool { return d.portal.Stats().Rows >= want })
	rows := d.rows()
	if len(rows) != want {
		d.t.Fatalf("the portal has %d passes, want %d", len(rows), want)
	}
	last := rows[len(rows)-1]
	at, err := time.Parse(time.RFC3339, last.Datetime)
	if err != nil {
		d.t.Fatal(err)
	}
	return at, last.Note
}

func (d *device) wantSent(n int, truth time.Time) {
	d.t.Helper()
	at, note := d.sent(n)
	if at.Sub(truth).Abs() > 5*time.Second || note != "Entrance" {
		d.t.Errorf("the portal was told %v, %q, and it was at %v", at, note, truth)
	}
}

const aWeek = 7 * 24 * time.Hour

func TestPassesBeforeTheClockIsSetArriveWithTheirTrueTime(t *testing.T) {
	t.Parallel()
	d := newDevice(t, "{trust: auto}")
	d.openPortal()
	d.on("first", -aWeek)
	first := d.pass(0)
	d.looks()
	s := d.held(1)
	if s.ClockTrusted || s.ClockDoubt != string(intake.NoWitness) || s.ClockProblem == "" {
		t.Errorf("%+v", s)
	}
	d.set(func() { d.ahead, d.synced = 0, true })
	d.looks()
	d.wantSent(1, first)
	if s := d.site.Status(); !s.ClockTrusted || s.ClockSource != string(intake.Synchronized) {
		t.Errorf("%+v", s)
	}

	// It jumps while the agent runs, forwards and backwards, and comes back.
	for n, jump := range []time.Duration{time.Hour, -3 * time.Hour, -50 * 365 * 24 * time.Hour} {
		d.set(func() { d.ahead, d.synced = jump, false })
		truth := d.pass(n + 1)
		d.looks()
		d.held(1)
		d.set(func() { d.ahead, d.synced = 0, true })
		d.looks()
		d.wantSent(n+2, truth)
	}
}

func TestAPortalVouchesForTheClock(t *testing.T) {
	t.Parallel()
	d := newDevice(t, "{trust: auto}")
	d.overTLS()
	d.on("first", 0) // set by hand, and nobody knows
	truth := d.pass(0)
	d.wantSent(1, truth)
	if s := d.site.Status(); s.ClockSource != string(intake.Portal) {
		t.Errorf("%+v", s)
	}
}

func TestAPortalSaysThatTheClockIsWrong(t *testing.T) {
	t.Parallel()
	d := newDevice(t, "{trust: auto}")
	d.overTLS()
	d.on("first", -aWeek)
	d.pass(0)
	d.await("the portal was asked", func() bool { return d.site.Status().ClockDoubt == string(intake.PortalDiffers) })
	d.looks()
	d.held(1)
}

// unknownBoot leaves a pass of a boot in which the clock was never right.
func (d *device) unknownBoot() (truth time.Time) {
	d.openPortal()
	d.on("first", 0)
	d.set(func() { d.synced = true })
	d.looks()
	d.stop()
	d.set(func() { d.future += time.Hour })
	d.on("second", -aWeek)
	truth = d.pass(0)
	d.looks()
	d.held(1)
	d.stop()
	d.set(func() { d.future += time.Hour })
	d.on("third", 0)
	d.set(func() { d.synced = true })
	d.looks()
	d.held(1)
	return truth
}

func TestAPassWhoseTimeCannotBeKnownIsSentMarkedAfterItsWait(t *testing.T) {
	t.Parallel()
	d := newDevice(t, "{trust: auto, hold: 24h, after_hold: send}")
	truth := d.unknownBoot()
	d.set(func() { d.future += 23 * time.Hour })
	d.looks()
	d.held(1)
	d.set(func() { d.future += 2 * time.Hour })
	d.looks()
	d.wantMarked(truth)
}

func (d *device) wantMarked(truth time.Time) {
	d.t.Helper()
	at, note := d.sent(1)
	if note != "Entrance"+intake.Approximate || at.Sub(truth).Abs() > 2*time.Hour {
		d.t.Errorf("the portal was told %v, %q, and it was at %v", at, note, truth)
	}
}

func TestAPassWhoseTimeCannotBeKnownWaitsForAPerson(t *testing.T) {
	t.Parallel()
	d := newDevice(t, "{trust: auto, hold: 24h}")
	truth := d.unknownBoot()
	var until time.Time
	if err := d.site.desk.Items(t.Context(), queue.Query{State: queue.Held}, func(i *queue.Item) bool {
		until = i.Until
		return true
	}); err != nil {
		t.Fatal(err)
	}
	if wait := until.Sub(d.site.clock.Now()); wait < 23*time.Hour || wait > 24*time.Hour {
		t.Errorf("it waits until %v", until)
	}
	d.set(func() { d.future += 48 * time.Hour })
	d.looks()
	d.held(1)
	release := func(q queue.Query) queue.Done {
		done, err := d.site.desk.Act(t.Context(), queue.Release, q)
		if err != nil {
			t.Fatal(err)
		}
		return done
	}
	if done := release(queue.Query{}); done.Count != 0 || done.Left[event.ClockNotSet.String()] != 1 {
		t.Errorf("%+v", done)
	}
	if done := release(queue.Query{Approximate: true}); done.Count != 1 {
		t.Errorf("%+v", done)
	}
	d.wantMarked(truth)
}

func TestTheStatusSaysWhyTheClockIsNotTrusted(t *testing.T) {
	t.Parallel()
	d := newDevice(t, "{trust: synchronized}")
	d.on("first", 0)
	d.looks()
	s := d.site.Status()
	var out strings.Builder
	if err := printStatus(&out, (&options{}).lang, &s); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "it is not synchronised, which clock.trust asks for; passes are held") {
		t.Errorf("it says\n%s", &out)
	}
}
