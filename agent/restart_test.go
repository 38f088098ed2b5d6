//go:build unix

package main

import (
	"testing"

	"github.com/acs-agent/acs-agent/agent/config"
	"github.com/acs-agent/acs-agent/agent/event"
)

// After a restart a message that the broker delivers again, and a card that is still held before the reader, are what was stored before.
func TestARestartedAgentKnowsWhatItHasStored(t *testing.T) {
	t.Parallel()
	g := newGateway(t, `readers:
  - {name: gate-1, type: rdm6300, port: nowhere, organization: school, repeat: 0s}
  - {name: gate-2, type: rdm6300, port: elsewhere, organization: school, repeat: 1h}
`)
	cfg, err := config.Load(g.path("config.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	open := func() *site {
		t.Helper()
		s, err := newSite(t.Context(), cfg, discardLog())
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	pass := func(reader string, n int, id string, again bool) *event.Pass {
		card := e2ePerson(n).card
		return &event.Pass{Reader: reader, EventID: id, Redelivered: again, Credential: event.Credential{
			Format: "rdm6300", Number: card[:], Bits: 8 * len(card), Text: card.hex(),
		}}
	}
	take := func(s *site, what string, p *event.Pass, want uint64) {
		t.Helper()
		if err := s.take(t.Context(), p); err != nil {
			t.Fatal(err)
		}
		if n := s.journal.End(); n != want {
			t.Errorf("%s: %d passes are stored, want %d", what, n, want)
		}
	}
	s := open()
	take(s, "a message", pass("gate-1", 1, "17", false), 1)
	take(s, "a card", pass("gate-2", 2, "", false), 2)
	s.close()

	s = open()
	defer s.close()
	take(s, "the message, delivered again", pass("gate-1", 1, "17", true), 2)
	take(s, "the card, within repeat", pass("gate-2", 2, "", false), 2)
	take(s, "a message that is delivered again and never came", pass("gate-1", 1, "18", true), 3)
	take(s, "another card", pass("gate-2", 3, "", false), 4)
}
