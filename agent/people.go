package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/acs-agent/acs-agent/agent/cardholders"
	"github.com/acs-agent/acs-agent/agent/config"
	"github.com/acs-agent/acs-agent/agent/event"
	"github.com/acs-agent/acs-agent/agent/health"
	"github.com/acs-agent/acs-agent/agent/intake"
)

// nobody is the finder of a site without a list of cardholders.
type nobody struct{}

func (nobody) Find(*event.Credential, time.Time) cardholders.Answer {
	return cardholders.Answer{Pending: event.UnknownCard}
}

// finder knows who holds which card.
func (s *site) finder() intake.Finder {
	if s.keeper == nil {
		return nobody{}
	}
	return s.keeper
}

// openCardholders reads the list of the configuration; nil if it names none.
func (s *site) openCardholders(cfg *config.Config) *cardholders.Keeper {
	file := cfg.Cardholders.File
	if file == "" {
		return nil
	}
	k := cardholders.NewKeeper(file, cfg.Zone, s.log)
	r, err := k.Last()
	s.reportCardholders(file, k, r, err)
	k.OnChange = func(r cardholders.Report, err error) {
		s.reportCardholders(file, k, r, err)
		s.sweeper.Again()
	}
	return k
}

// cardholdersPart is what the list is called on the board.
func cardholdersPart(file string) string { return filepath.Base(file) }

// reportCardholders puts on the board what reading the list of cardholders gave.
func (s *site) reportCardholders(file string, k *cardholders.Keeper, r cardholders.Report, err error) {
	part := s.board.Part(health.Cardholders, cardholdersPart(file))
	var reason string
	known := health.Fallback(health.ListUnusable, err)
	if err != nil {
		reason = strings.TrimPrefix(err.Error(), "cardholders: ") // as the part is called anyway
	}
	switch {
	case err != nil && k.Book().Len() == 0:
		part.Down(health.As(known, fmt.Errorf("%s; until it can be read nobody is known, and passes are held", reason)))
	case err != nil:
		part.Down(health.As(known, fmt.Errorf("%s; the list that was read before stays in use", reason)))
	case r.Refused > 0:
		part.Down(health.Coded(health.RowsRefused, fmt.Errorf("%d rows are used, %d cannot be; `acs-agent check` lists them", r.Used, r.Refused)))
	default:
		part.Up()
	}
}
