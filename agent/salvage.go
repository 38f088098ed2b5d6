package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/acs-agent/acs-agent/agent/event"
	"github.com/acs-agent/acs-agent/agent/health"
	"github.com/acs-agent/acs-agent/buffer"
)

const (
	// salvagePart is the part of the board that tells of a broken store, as long as that lies beside the journal.
	salvagePart = "salvage"
	// salvageGlance is how often is looked whether a person has deleted it.
	salvageGlance = 10 * time.Second
)

// repeatable are the uplinks whose portals recognise a pass that they are sent again, or that send no passes.
func (p *plan) repeatable() (names []string) {
	for _, u := range p.uplinks {
		if slices.Contains([]string{"acs", "exam"}, u.typ) {
			names = append(names, u.name)
		}
	}
	return names
}

// salvage tells of a broken store until a person has deleted it, and lets the agent know again what it knew when everything is
// read back.
func (s *site) salvage(ctx context.Context) error {
	part := s.board.Part(health.Journal, salvagePart)
	defer s.board.Remove(health.Journal, salvagePart)
	glance := time.NewTicker(salvageGlance)
	defer glance.Stop()
	whole := s.journal.Salvaged()
	for {
		found, ok := s.journal.Salvage()
		if !ok {
			return nil
		}
		part.Stop(salvageProblem(&found))
		select {
		case <-ctx.Done():
			return nil
		case <-whole:
			whole = nil
			if found.Running {
				s.recall(ctx)
				s.sweeper.Again()
			}
		case <-glance.C:
		}
	}
}

// recall makes the intake know what was read back, and takes what it has stored once more meanwhile out of the row. Whoever comes
// first does it, and the others wait.
func (s *site) recall(ctx context.Context) {
	s.recalling.Lock()
	defer s.recalling.Unlock()
	known := false
	numbers, err := s.intake.Repeated(func(visit func(uint64, *event.Pass)) error {
		known = true
		return errors.Join(s.remember(ctx), s.journal.Tail(ctx, remembered, func(seq uint64, p *event.Pass) bool { visit(seq, p); return true }))
	})
	n := 0
	if err == nil && len(numbers) > 0 {
		n, err = s.journal.Withdraw(ctx, numbers)
	}
	if err != nil {
		s.log.Warn("a message that came again may have been taken for another pass", "error", err)
	} else if known {
		s.log.Info("passes that were taken while the journal was read back are compared with it", "repetitions", n)
	}
}

// salvageProblem says in words how a broken store is, and what to do.
func salvageProblem(s *buffer.Salvage) error {
	where := fmt.Sprintf("%s, %d MB", strings.Join(s.Folders, ", "), (s.Bytes+999_999)/1_000_000)
	switch {
	case s.Running && s.Problem != "":
		return health.Coded(health.JournalBroken, fmt.Errorf("the journal was damaged and cannot be read back: %s; passes are taken, "+
			"but nothing is delivered until it is (damaged store: %s)", s.Problem, where))
	case s.Running:
		return health.Coded(health.JournalBroken, fmt.Errorf("the journal was damaged and is being read back; passes are taken (damaged store: %s)", where))
	}
	said := fmt.Errorf("the journal was damaged: %d passes and %d records read back, %d and %d lost", s.Passes, s.Records, s.Lost, s.BadRecords)
	if s.Uncertain > 0 {
		said = fmt.Errorf("the journal was damaged: %d passes and %d records read back, %d and %d lost; %d passes may have been delivered: "+
			"acs-agent queue list --state uncertain", s.Passes, s.Records, s.Lost, s.BadRecords, s.Uncertain)
	}
	return health.Coded(health.JournalSalvaged, fmt.Errorf("%w; look at dmesg, replace the card or disk, then delete the damaged store: %s", said, where))
}

// awaitWhole waits until an uplink can rely on what the journal has kept for it. Where newer records of it may be lost, a person has
// to look first: it may have sent what it would send again.
func (s *site) awaitWhole(ctx context.Context, u *carrier, say *health.Part) bool {
	select {
	case <-s.journal.Salvaged():
		s.recall(ctx) // before anything goes out
	case <-ctx.Done():
		return false
	}
	if u.typ == "acs" || u.typ == "heartbeat" {
		return true
	}
	glance := time.NewTicker(salvageGlance)
	defer glance.Stop()
	for {
		found, ok := s.journal.Salvage()
		if !ok || !found.Doubtful {
			return true
		}
		say.Stop(health.Coded(health.WaitsForPerson, errors.New("the journal was damaged, and what was sent last may be forgotten: "+
			"compare with the portal, then delete the damaged store that is named at the journal; this goes on by itself then")))
		select {
		case <-ctx.Done():
			return false
		case <-glance.C:
		}
	}
}
