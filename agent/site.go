package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/acs-agent/acs-agent/agent/broker"
	"github.com/acs-agent/acs-agent/agent/cardholders"
	"github.com/acs-agent/acs-agent/agent/config"
	"github.com/acs-agent/acs-agent/agent/event"
	"github.com/acs-agent/acs-agent/agent/health"
	"github.com/acs-agent/acs-agent/agent/intake"
	"github.com/acs-agent/acs-agent/agent/localapi"
	"github.com/acs-agent/acs-agent/agent/queue"
	"github.com/acs-agent/acs-agent/buffer"
	"github.com/acs-agent/acs-agent/uplink"
)

// journalDir is the folder of the journal below data_dir.
const journalDir = "journal"

// remembered is how many of the newest passes are read at the start to know repetitions.
const remembered = 4096

// earliest is past for certain: a clock that says less was never set.
var earliest = time.Date(2026, time.November, 1, 0, 0, 0, 0, time.UTC)

// A site is everything that stands between readers and portals, opened and wired, but not running yet.
type site struct {
	log     *slog.Logger
	board   *health.Board
	clock   *intake.Clock
	who     *intake.Who
	journal *buffer.Journal
	desk    *queue.Desk
	sweeper *queue.Sweeper
	intake  *intake.Intake
	hub     *localapi.Hub
	pace    *uplink.Pace
	// publisher tells events over MQTT; nil without a broker.
	publisher *broker.Publisher
	started   time.Time
	running   bool

	// cfg is the configuration with which the site was opened. Others that are taken over later have the same foundation.
	cfg *config.Config
	// keeper follows the list of cardholders; nil if the configuration names none. Who runs the site may exchange it.
	keeper *cardholders.Keeper

	mu   sync.RWMutex
	plan *plan // what is carried out now

	recalling sync.Mutex // held while what was read back is compared with what came meanwhile
}

// newSite opens the journal and everything that belongs to it.
func newSite(ctx context.Context, cfg *config.Config, log *slog.Logger) (*site, error) {
	return openSiteWith(ctx, cfg, log, buffer.Open)
}

// openSiteWith is newSite with a journal that may not be open yet.
func openSiteWith(ctx context.Context, cfg *config.Config, log *slog.Logger,
	open func(context.Context, buffer.Options) (*buffer.Journal, error),
) (*site, error) {
	p, err := makePlan(cfg, log, noServices()) // before anything is made on the disk
	if err != nil {
		return nil, err
	}
	s := &site{
		cfg: cfg, log: log, board: health.NewBoard(log), hub: &localapi.Hub{}, started: time.Now(), pace: uplink.NewPace(),
		clock: clockOf(cfg),
	}
	if err := os.MkdirAll(cfg.DataDir, 0o750); err != nil {
		return nil, fmt.Errorf("data_dir: %w (make the folder and give it to the user that runs the agent)", err)
	}
	s.journal, err = open(ctx, buffer.Options{
		Dir: filepath.Join(cfg.DataDir, journalDir), KeyFile: cfg.Buffer.KeyFile, MaxSize: int64(cfg.Buffer.MaxSize), Keep: cfg.Buffer.Keep,
		Log: log, Uplinks: p.uplinkNames(), Repeatable: p.repeatable(), Boot: s.clock.Boot(), Crash: lastCrash(cfg.DataDir, s.clock.Boot(), log),
		Report: func(err error) { log.Error("journal is damaged", "error", err) },
	})
	if err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	if p.broker != nil {
		s.publisher = broker.NewPublisher(p.broker, cfg.Device+"-events", log)
	}
	if s.plan, err = makePlan(cfg, log, s.services()); err != nil {
		return nil, errors.Join(err, s.journal.Close())
	}
	s.who = &intake.Who{Clock: s.clock}
	s.keeper = s.openCardholders(cfg)
	s.who.Use(s.finder(), organizations(cfg))
	s.desk = &queue.Desk{Journal: s.journal, Who: s.who}
	s.sweeper = queue.NewSweeper(s.desk, log)
	s.intake = intake.New(intake.Options{
		Device: cfg.Device, Clock: s.clock, Journal: s.journal, Who: s.who, Board: s.board, Log: log, Stored: s.hub.Tell,
	}, s.plan.readers)
	s.name(s.plan)
	if err := s.journal.Err(); err != nil {
		s.board.Part(health.Journal, "journal").Down(journalProblem(err))
	} else {
		s.board.Part(health.Journal, "journal").Up()
		if err := s.remember(ctx); err != nil {
			return nil, errors.Join(err, s.journal.Close())
		}
	}
	s.clock.Judge()
	return s, nil
}

// services are what the uplinks of this site are given.
func (s *site) services() services {
	return services{
		store: func(name string) uplink.Store { return s.journal.Records(name) }, tell: s.tell, agent: s, pace: s.pace, before: s.current(), heard: s.heard,
	}
}

// current is the plan that is carried out now.
func (s *site) current() *plan {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.plan
}

// name puts the types of readers and uplinks on the board.
func (s *site) name(p *plan) {
	for _, l := range p.lines {
		for _, name := range l.readers {
			s.board.Reader(name).SetType(l.typ)
		}
	}
	for _, u := range p.uplinks {
		s.board.Part(health.Uplink, u.name).SetType(u.typ)
	}
}

// remember tells the intake of the newest passes.
func (s *site) remember(ctx context.Context) error {
	var tail []event.Pass
	var newest time.Time
	err := s.journal.Tail(ctx, remembered, func(_ uint64, p *event.Pass) bool {
		if p.At.Trusted && p.At.Wall.After(newest) {
			newest = p.At.Wall
		}
		// Only what the intake compares; the rest of the pass points into memory that is used again.
		tail = append(tail, event.Pass{
			ID: p.ID, Reader: p.Reader, EventID: p.EventID, At: p.At, Outcome: p.Outcome,
			Credential: event.Credential{
				Format: p.Credential.Format, Bits: p.Credential.Bits, Text: p.Credential.Text, Number: slices.Clone(p.Credential.Number),
			},
		})
		return true
	})
	if err != nil {
		return fmt.Errorf("read the newest passes: %w", err)
	}
	if err := s.clock.Recall(s.journal.Records(clockRecords), newest); err != nil {
		s.log.Warn("bounds of the times of held passes are lost", "error", err)
	}
	for i := range slices.Backward(tail) {
		s.intake.Remember(&tail[i])
	}
	if found, ok := s.journal.Salvage(); ok && found.Running {
		s.intake.Blind()
	}
	return nil
}

// tell publishes an event of an uplink, if there is a broker.
func (s *site) tell(uplinkName string, event any) {
	if s.publisher != nil && s.running {
		s.publisher.Publish("acs/"+s.cfg.Device+"/event/"+uplinkName, event)
	}
}

// commands are the handlers of the uplinks that people, or the doctor, can talk to, by name.
func (s *site) commands() map[string]localapi.Commands {
	all := make(map[string]localapi.Commands)
	for _, u := range s.current().uplinks {
		if h := handler(u.Uplink); h != nil {
			all[u.name] = localapi.Commands{Type: u.typ, Handler: h}
		}
	}
	return all
}

// close ends what newSite has opened.
func (s *site) close() {
	if err := s.journal.Close(); err != nil {
		s.log.Error("the journal did not close", "error", err)
	}
}

// api answers the commands.
func (s *site) api() *localapi.Server {
	server := &localapi.Server{Status: s.Status, Desk: s.desk, Log: s.log, Uplinks: s.commands, Privacy: s.privacy()}
	if s.running {
		server.Seen = s.hub
	}
	return server
}

// Changed implements uplink.Agent.
func (s *site) Changed() <-chan struct{} { return s.board.Changed() }

// Status implements uplink.Agent: it describes the site now.
func (s *site) Status() health.Status {
	stats := s.journal.Stats()
	now := time.Now().In(s.cfg.Zone)
	st := health.Status{
		Device: s.cfg.Device, Version: version, Boot: s.clock.Boot(), Running: s.running, Now: now,
		Journal: health.JournalStatus{
			Passes: stats.End + 1 - stats.First, Bytes: stats.Bytes, Limit: stats.Limit, FreeDisk: stats.FreeDisk,
			Holes: stats.Holes + stats.LostTail, Filling: stats.Alarm(),
		},
		Parts: s.board.Snapshot(),
		Host:  host(),
	}
	s.describeClock(&st)
	if s.running {
		st.PID, st.StartedAt = os.Getpid(), s.started
	}
	for _, name := range s.desk.Names() {
		u := stats.Uplinks[name]
		q := health.Queue{
			Name: name, Waiting: u.Waiting, Held: u.Held, Dead: u.Dead, Uncertain: u.Uncertain, Orphaned: u.Orphaned,
			HeldClock: min(u.Held, s.sweeper.Timeless(name)),
		}
		if !u.OldestWaiting.IsZero() {
			q.OldestSeconds = max(0, int64(now.Sub(u.OldestWaiting).Seconds()))
		}
		st.Uplinks = append(st.Uplinks, q)
	}
	for _, u := range s.current().uplinks {
		if !u.passes {
			st.Uplinks = append(st.Uplinks, health.Queue{Name: u.name})
		}
	}
	slices.SortFunc(st.Uplinks, func(a, b health.Queue) int { return cmp.Compare(a.Name, b.Name) })
	return st
}
