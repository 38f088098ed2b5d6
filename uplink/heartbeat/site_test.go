package heartbeat

import (
	"errors"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/acs-agent/acs-agent/agent/broker"
	"github.com/acs-agent/acs-agent/agent/health"
	"github.com/acs-agent/acs-agent/uplink"
	"github.com/acs-agent/acs-agent/uplink/uplinktest"
)

// An agent stands in for the one that a heartbeat reports on.
type agent struct {
	board *health.Board

	mu     sync.Mutex
	status health.Status
}

func newAgent() *agent {
	a := &agent{board: health.NewBoard(slog.New(slog.DiscardHandler))}
	now := time.Now()
	temperature, load := 48.5, 0.25
	a.status = health.Status{
		Device: "gate-1", Version: "1.2.3", Boot: "0f9a2d1e-7c55-4b0e-9a53-6d1f0a2b3c4d", Running: true, StartedAt: now, ClockTrusted: true,
		Journal: health.JournalStatus{Passes: 10, Bytes: 4 << 20, Limit: 512 << 20, FreeDisk: 1 << 30},
		Uplinks: []health.Queue{{Name: "heartbeat"}, {Name: "visits", Waiting: 3, OldestSeconds: 40, Held: 1}},
		Host:    health.Host{MemoryTotal: 512 << 20, MemoryAvailable: 300 << 20, Resident: 20 << 20, Temperature: &temperature, Load: &load, Uptime: 90},
	}
	a.board.Part(health.Journal, "journal").Up()
	a.board.Reader("gate-1-in").SetType("rdm6300")
	a.board.Reader("gate-1-in").Up()
	a.board.Part(health.Uplink, "visits").SetType("acs")
	a.board.Part(health.Uplink, "visits").Up()
	a.own().SetType("heartbeat")
	return a
}

// own is the voice of the heartbeat itself.
func (a *agent) own() *health.Part { return a.board.Part(health.Uplink, "heartbeat") }

func (a *agent) Status() health.Status {
	a.mu.Lock()
	defer a.mu.Unlock()
	s := a.status
	s.Uplinks = append([]health.Queue(nil), a.status.Uplinks...)
	s.Now, s.Parts = time.Now(), a.board.Snapshot()
	return s
}

func (a *agent) Changed() <-chan struct{} { return a.board.Changed() }

// change changes what nobody announces.
func (a *agent) change(how func(*health.Status)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	how(&a.status)
}

var errGone = errors.New("open /dev/ttyUSB0: no such device")

// make makes a heartbeat for the agent.
func (a *agent) heartbeat(t testing.TB, to *broker.Address, store uplink.Store, settings string) *heartbeat {
	t.Helper()
	made, err := New(uplink.Env{
		Name: "heartbeat", Device: "gate-1", UserAgent: "acs-agent/1.2.3", Broker: to, Agent: a, Store: store, Log: slog.New(slog.DiscardHandler),
	}, uplinktest.Section(t, settings))
	if err != nil {
		t.Fatal(err)
	}
	return made.(*heartbeat)
}
