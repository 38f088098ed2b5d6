package simulator

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/acs-agent/acs-agent/agent/event"
	"github.com/acs-agent/acs-agent/agent/health"
	"github.com/acs-agent/acs-agent/drivers"
	"github.com/acs-agent/acs-agent/drivers/drivertest"
)

func simulator(t *testing.T, yaml string) (drivers.Driver, error) {
	t.Helper()
	return Module.New(drivertest.Env(), []drivers.Reader{drivertest.Reader(t, "rehearsal", yaml)})
}

// shown runs a simulator for a while of fake time and returns the cards that were taken, with the second of each.
func shown(t *testing.T, yaml string, long time.Duration, take func(n int) error) (cards []string, board *health.Board) {
	t.Helper()
	board = health.NewBoard(slog.New(slog.DiscardHandler))
	synctest.Test(t, func(t *testing.T) {
		d, err := simulator(t, yaml)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), long)
		defer cancel()
		began, n := time.Now(), 0
		err = d.Run(ctx, func(_ context.Context, p *event.Pass) error {
			n++
			if err := take(n); err != nil {
				return err
			}
			cards = append(cards, fmt.Sprintf("%s@%.1f", p.Credential.Canonical(), time.Since(began).Seconds()))
			return nil
		}, board)
		if err != nil || ctx.Err() == nil {
			t.Errorf("Run returned %v, context %v", err, ctx.Err())
		}
	})
	return cards, board
}

func always(int) error { return nil }

func TestCardsInTurn(t *testing.T) {
	for _, c := range []struct {
		settings string
		want     []string
	}{
		{`cards: ["5500000001", "55007EE424"]`, []string{"5500000001@0.0", "55007EE424@2.0", "5500000001@4.0"}},
		{"count: 2\nevery: 1s", []string{"5500000001@0.0", "5500000002@1.0", "5500000001@2.0", "5500000002@3.0", "5500000001@4.0"}},
		{"first: \"00FF\"\ncount: 9\nstop_after: 2", []string{"00FF@0.0", "0100@2.0"}},
		{"every: 0s\nstop_after: 3", []string{"5500000001@0.0", "5500000002@0.0", "5500000003@0.0"}},
	} {
		if got, _ := shown(t, c.settings, 4500*time.Millisecond, always); !slices.Equal(got, c.want) {
			t.Errorf("%s\n got %v\nwant %v", c.settings, got, c.want)
		}
	}
}

func TestARefusedPassIsOfferedAgain(t *testing.T) {
	got, board := shown(t, "count: 3", 5*time.Second, func(n int) error {
		if n == 2 || n == 3 {
			return fmt.Errorf("test: %w", drivers.ErrFull)
		}
		return nil
	})
	if want := []string{"5500000001@0.0", "5500000002@2.3", "5500000003@4.3"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if state := board.Reader("rehearsal").State(); state != health.Up {
		t.Errorf("the board says %s at the end", state)
	}
	_, board = shown(t, "count: 3", time.Second, func(int) error { return errors.New("test: no") })
	if state := board.Reader("rehearsal").State(); state != health.Down {
		t.Errorf("the board says %s although nothing is taken", state)
	}
}

func TestWhatAPassHolds(t *testing.T) {
	d, err := simulator(t, "stop_after: 1")
	if err != nil {
		t.Fatal(err)
	}
	journal := drivertest.NewJournal()
	drivertest.Start(t, d, journal.Take)
	p := journal.Next(t)
	c := p.Credential
	if p.Reader != "rehearsal" || c.Format != "simulator" || c.Bits != 40 || c.Text != "5500000001" || string(c.Raw) != "5500000001" || p.EventID != "" {
		t.Errorf("%+v", p)
	}
}

func TestMistakes(t *testing.T) {
	for text, want := range map[string]string{
		"cards: ['AB0000001']":            "cards: a card number has an even number",
		"cards: ['AB000000ZZ']":           "cards: a card number has hexadecimal digits only",
		"first: ''":                       "first: a card number",
		"first: 'FFFE'\ncount: 3":         "count: the last card has more digits",
		"count: -1":                       "count: -1 is no number of cards",
		"count: 10000001":                 "is no number of cards",
		"count: 3\ncards: ['5500000001']": "count: both cards and count",
		"stop_after: -1":                  "stop_after: -1 is no number of passes",
		"every: soon":                     "soon",
		"no_such_key: 1":                  "no_such_key",
	} {
		if _, err := simulator(t, text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q in it", text, err, want)
		} else if strings.Contains(err.Error(), "AB0000") {
			t.Errorf("%s: a card number is in %v", text, err)
		}
	}
	for _, good := range []string{"", "first: 'FFFE'\ncount: 2", "every: 0s"} {
		if _, err := simulator(t, good); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
}
