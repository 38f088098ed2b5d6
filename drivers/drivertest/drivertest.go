// Package drivertest is what the tests of drivers share: a conformance suite for serial readers (Run), a pseudo-terminal pair that
// can be unplugged (Serial), settings from a piece of YAML (Section), and a journal that remembers what it was given and can be
// told to refuse (Journal). It is for tests only.
package drivertest

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/acs-agent/acs-agent/agent/event"
	"github.com/acs-agent/acs-agent/agent/health"
	"github.com/acs-agent/acs-agent/drivers"
)

// patience is how long the helpers wait for what has to happen, on a machine that is busy with other tests.
const patience = 10 * time.Second

// A Journal stands in for the agent's: its Take keeps each pass in memory.
type Journal struct {
	mu       sync.Mutex
	refusals []error
	refused  int
	taken    chan *event.Pass
}

// NewJournal makes an empty journal.
func NewJournal() *Journal { return &Journal{taken: make(chan *event.Pass, 4096)} }

// Refuse makes the next times calls of Take fail with err.
func (j *Journal) Refuse(times int, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for range times {
		j.refusals = append(j.refusals, err)
	}
}

// Refused is how many calls of Take have failed.
func (j *Journal) Refused() int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.refused
}

// Take is the drivers.Take of the journal.
func (j *Journal) Take(ctx context.Context, p *event.Pass) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.refusals) > 0 {
		err := j.refusals[0]
		j.refusals = j.refusals[1:]
		j.refused++
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	pass := *p
	j.taken <- &pass
	return nil
}

// Next waits for the next pass that was taken.
func (j *Journal) Next(t testing.TB) *event.Pass {
	t.Helper()
	select {
	case p := <-j.taken:
		return p
	case <-time.After(patience):
		t.Fatal("no pass came")
		return nil
	}
}

// Empty fails the test if a pass was taken that Next has not returned.
func (j *Journal) Empty(t testing.TB) {
	t.Helper()
	select {
	case p := <-j.taken:
		t.Errorf("one pass too many: %s %s", p.Credential.Format, p.Credential.Canonical())
	default:
	}
}

// A Running is a driver at work.
type Running struct {
	// Board is what the driver reports to.
	Board *health.Board

	cancel context.CancelFunc
	done   chan error
	once   sync.Once
}

// Start runs the driver until the test ends or Stop is called.
func Start(t testing.TB, driver drivers.Driver, take drivers.Take) *Running {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	r := &Running{Board: health.NewBoard(slog.New(slog.DiscardHandler)), cancel: cancel, done: make(chan error, 1)}
	go func() { r.done <- driver.Run(ctx, take, r.Board) }()
	t.Cleanup(func() { r.Stop(t) })
	return r
}

// Stop ends the driver's context and waits for Run, which has to return within a second.
func (r *Running) Stop(t testing.TB) {
	t.Helper()
	r.once.Do(func() {
		r.cancel()
		began := time.Now()
		select {
		case <-r.done:
			if took := time.Since(began); took > time.Second+slack {
				t.Errorf("Run returned %v after its context ended; a second is the limit", took)
			}
		case <-time.After(patience):
			t.Error("Run did not return after its context ended")
		}
	})
}

// slack is for the scheduler of a busy machine.
const slack = 300 * time.Millisecond

// Await waits until the reader of that name is in that state, and returns its report.
func (r *Running) Await(t testing.TB, reader string, state health.State) health.Report {
	t.Helper()
	return r.await(t, reader, "the state "+string(state), func(have health.Report) bool { return have.State == state })
}

// AwaitOddity waits until the reader has reported that many things that it did not understand, and returns its report.
func (r *Running) AwaitOddity(t testing.TB, reader string, count uint64) health.Report {
	t.Helper()
	return r.await(t, reader, "oddities", func(have health.Report) bool { return have.Oddities >= count })
}

func (r *Running) await(t testing.TB, reader, what string, good func(health.Report) bool) health.Report {
	t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(2 * time.Millisecond) {
		have := report(r.Board, reader)
		if good(have) {
			return have
		}
		if time.Now().After(end) {
			t.Fatalf("waited in vain for %s of %s; it is: %+v", what, reader, have)
		}
	}
}

func report(board *health.Board, reader string) health.Report {
	for _, r := range board.Snapshot() {
		if r.Kind == health.Reader && r.Name == reader {
			return r
		}
	}
	return health.Report{}
}

// Env is an environment for New: a device, the zone of Kazakhstan, no broker, no log.
func Env() drivers.Env {
	return drivers.Env{
		Device: "test-gate-1",
		Zone:   time.FixedZone("", 5*3600),
		Log:    slog.New(slog.DiscardHandler),
	}
}
