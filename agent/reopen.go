package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"syscall"
	"time"

	"github.com/acs-agent/acs-agent/agent/health"
	"github.com/acs-agent/acs-agent/buffer"
	"github.com/acs-agent/acs-agent/uplink"
)

const (
	// firstReopening and lastReopening bound the time between two attempts to open a journal that has failed; it doubles from one to
	// the other.
	firstReopening = time.Second
	lastReopening  = 15 * time.Second
	// socketAgain is when another attempt is made to make the socket for commands: the disk may have taken no writes.
	socketAgain = 10 * time.Second
)

// openOrWait opens the journal for the agent itself. If the disk does not let it, the journal stays closed for now: readers that
// cannot be refused are read all the same, and keep in memory what comes. Starting the agent again would only lose that.
func openOrWait(log *slog.Logger) func(context.Context, buffer.Options) (*buffer.Journal, error) {
	return func(ctx context.Context, o buffer.Options) (*buffer.Journal, error) {
		j, err := buffer.Open(ctx, o)
		if !errors.Is(err, buffer.ErrDisk) && !errors.Is(err, buffer.ErrFull) {
			return j, err
		}
		log.Error("the journal cannot be opened; it is tried again until it can", "error", err)
		return buffer.Unopened(o, err)
	}
}

// keepJournalOpen opens the journal again whenever it fails, beneath everything that uses it.
func (s *site) keepJournalOpen(ctx context.Context, w *works) error {
	part := s.board.Part(health.Journal, "journal")
	for {
		stopTelling := s.tellOfSalvage(ctx)
		select {
		case <-ctx.Done():
			stopTelling()
			return nil
		case <-s.journal.Failed():
		}
		stopTelling()
		part.Down(journalProblem(s.journal.Err()))
		for pause := firstReopening; ; pause = min(2*pause, lastReopening) {
			err := s.journal.Reopen(ctx)
			if err == nil {
				break
			}
			if ctx.Err() != nil || errors.Is(err, buffer.ErrClosed) {
				return nil
			}
			part.Down(journalProblem(err))
			if uplink.Sleep(ctx, pause) != nil {
				return nil
			}
		}
		s.log.Info("journal opened again", "passes", s.journal.End())
		s.takeUpAgain(ctx, w)
		part.Up()
	}
}

// tellOfSalvage has it told what became of a broken store, until ctx ends or stop is called, which waits for the end.
func (s *site) tellOfSalvage(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var telling sync.WaitGroup
	telling.Go(func() {
		if err := guard(ctx, s.salvage); err != nil {
			s.log.Error("nobody is told of the damaged journal", "error", err)
		}
	})
	return func() { cancel(); telling.Wait() }
}

// takeUpAgain lets everybody know what the journal holds after it was opened again: of what was under way when it failed nobody knew
// whether it was stored. Readers go on as they are, with what they hold.
func (s *site) takeUpAgain(ctx context.Context, w *works) {
	if found, ok := s.journal.Salvage(); ok && found.Running {
		s.intake.Blind() // the store was put aside, and what it holds is not known yet
	}
	if err := s.remember(ctx); err != nil {
		s.log.Warn("a message that comes again may be taken for another pass", "error", err)
	}
	if err := w.renewUplinks(); err != nil {
		s.log.Error("uplinks go on with what they knew before the journal failed; start the agent again", "error", err)
	}
	s.sweeper.Again()
}

// journalProblem gives the trouble of a journal the code by which machines know it.
func journalProblem(err error) error {
	switch {
	case errors.Is(err, buffer.ErrFull):
		return health.Coded(health.JournalFull, err)
	case errors.Is(err, syscall.EROFS):
		return health.Coded(health.ReadOnly, err)
	}
	return health.Coded(health.JournalFailing, err)
}

// ping asks the journal for a sign of life, and puts on the board what comes back when no pass does.
func (s *site) ping(ctx context.Context) error {
	err := s.journal.Ping(ctx)
	part := s.board.Part(health.Journal, "journal")
	switch code := part.Report().Code; {
	case errors.Is(err, buffer.ErrDisk) && !errors.Is(err, buffer.ErrFailed):
		part.Down(journalProblem(err))
	case err == nil && (code == string(health.ReadOnly) || code == string(health.JournalFailing)):
		part.Up()
	}
	return err
}

// serveCommands answers commands, as soon as the disk lets the socket be made.
func (s *site) serveCommands(ctx context.Context) error {
	for said := false; ; said = true {
		err := s.api().Serve(ctx, s.cfg.DataDir)
		if ctx.Err() != nil {
			return err
		}
		if !said {
			s.log.Error("commands cannot reach the agent; it is tried again", "error", err)
		}
		if uplink.Sleep(ctx, socketAgain) != nil {
			return fmt.Errorf("local socket: %w", ctx.Err())
		}
	}
}
