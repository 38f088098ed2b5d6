// Package simulator makes up passes, for rehearsals and load. What it makes goes the whole way like real passes, to the portals
// included: it has no place in the configuration of a gateway that works.
package simulator

import (
	"context"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"time"

	"github.com/acs-agent/acs-agent/agent/event"
	"github.com/acs-agent/acs-agent/agent/health"
	"github.com/acs-agent/acs-agent/agent/settings"
	"github.com/acs-agent/acs-agent/drivers"
)

//go:embed example.yaml
var example string

// Module is the type "simulator".
var Module = drivers.Module{
	Type:    "simulator",
	Summary: "made-up passes, for rehearsals and load; never on a gateway that works",
	Example: example,
	New:     New,
}

const (
	// maxDigits bounds a card number: 128 bits.
	maxDigits = 32
	// maxCount bounds how many cards are counted up: as many as a gateway can be imagined to see.
	maxCount = 10_000_000
	// firstPause and maxPause lie between two attempts to hand over a pass that was not taken; doubled each time.
	firstPause, maxPause = 100 * time.Millisecond, 5 * time.Second
)

// section is what stands below one reader in the configuration.
type section struct {
	// Cards are the numbers to show in turn, in hexadecimal digits.
	Cards []string `yaml:"cards"`
	// Count is how many cards to show in turn, counting up from First. Default: 1000, if there are no Cards.
	Count int `yaml:"count"`
	// First is the first of Count cards, in hexadecimal digits. Default: 5500000001.
	First string `yaml:"first"`
	// Every is the time between two passes; 0s is as fast as they are taken. Default: 2s.
	Every settings.Duration `yaml:"every"`
	// StopAfter is how many passes are made before the simulator falls silent; 0 is no end. Default: 0.
	StopAfter int `yaml:"stop_after"`
}

// New checks the settings of one simulated reader.
func New(env drivers.Env, readers []drivers.Reader) (drivers.Driver, error) {
	if len(readers) != 1 {
		return nil, fmt.Errorf("the simulator makes the passes of one reader, not of %d", len(readers))
	}
	s := section{First: "5500000001", Every: settings.Duration(2 * time.Second)}
	if err := readers[0].Settings.Decode(&s); err != nil {
		return nil, err
	}
	d := &driver{reader: readers[0].Name, zone: env.Zone, every: s.Every.Std(), stopAfter: s.StopAfter}
	if d.zone == nil {
		d.zone = time.UTC
	}
	var found []error
	wrong := func(field, problem, advice string) {
		found = append(found, settings.Mistake{Field: field, Problem: problem, Advice: advice})
	}
	if s.StopAfter < 0 {
		wrong("stop_after", fmt.Sprintf("%d is no number of passes", s.StopAfter), "leave it out for no end")
	}
	switch {
	case len(s.Cards) > 0 && s.Count != 0:
		wrong("count", "both cards and count are given", "remove one of them")
	case s.Count < 0 || s.Count > maxCount:
		wrong("count", fmt.Sprintf("%d is no number of cards", s.Count), fmt.Sprintf("1 to %d", maxCount))
	case s.Count == 0:
		s.Count = 1000
	}
	for _, text := range s.Cards {
		number, err := parse(text)
		if err != nil {
			wrong("cards", err.Error(), "for example 5500000001")
		}
		d.cards = append(d.cards, number)
	}
	if len(s.Cards) == 0 {
		first, err := parse(s.First)
		if err != nil {
			wrong("first", err.Error(), "for example 5500000001")
		} else if new(big.Int).Add(new(big.Int).SetBytes(first), big.NewInt(int64(s.Count-1))).BitLen() > 8*len(first) {
			wrong("count", "the last card has more digits than the first", "begin with a smaller number, or take fewer cards")
		}
		d.first, d.count = first, s.Count
	}
	if err := errors.Join(found...); err != nil {
		return nil, err
	}
	return d, nil
}

// parse reads a card number: whole bytes in hexadecimal digits. The error does not repeat it.
func parse(text string) ([]byte, error) {
	if len(text) == 0 || len(text)%2 != 0 || len(text) > maxDigits {
		return nil, fmt.Errorf("a card number has an even number of hexadecimal digits, 2 to %d", maxDigits)
	}
	number, err := hex.DecodeString(text)
	if err != nil {
		return nil, errors.New("a card number has hexadecimal digits only")
	}
	return number, nil
}

type driver struct {
	reader    string
	zone      *time.Location
	cards     [][]byte
	first     []byte
	count     int
	every     time.Duration
	stopAfter int
}

// Run makes passes until ctx ends. When it has made as many as it shall, it waits for that: an early return would make the
// agent begin from the start.
func (d *driver) Run(ctx context.Context, take drivers.Take, board *health.Board) error {
	part := board.Reader(d.reader)
	part.Up()
	for i := 0; d.stopAfter == 0 || i < d.stopAfter; i++ {
		if !d.show(ctx, take, part, d.card(i)) || !sleep(ctx, d.every) {
			return nil
		}
	}
	<-ctx.Done()
	return nil
}

// show hands over one pass, again and again until it is taken, and returns false if ctx ended before.
func (d *driver) show(ctx context.Context, take drivers.Take, part *health.Part, number []byte) bool {
	p := d.pass(number, time.Now().In(d.zone)) // one pass, whatever it takes: the agent knows it again if it was stored in spite of an error
	for pause := firstPause; ; pause = min(2*pause, maxPause) {
		err := take(ctx, p)
		if ctx.Err() != nil {
			return false
		}
		if err == nil {
			if part.State() != health.Up {
				part.Up()
			}
			return true
		}
		part.Down(health.Fallback(health.JournalFailing, fmt.Errorf("the pass was not taken and waits: %w", err)))
		if !sleep(ctx, pause) {
			return false
		}
	}
}

func (d *driver) pass(number []byte, at time.Time) *event.Pass {
	text := strings.ToUpper(hex.EncodeToString(number))
	return &event.Pass{
		Reader: d.reader,
		Credential: event.Credential{
			Format: "simulator", Number: number, Bits: 8 * len(number), Text: text, Raw: []byte(text),
		},
		At: event.Instant{Wall: at},
	}
}

// card is the number of the i-th pass.
func (d *driver) card(i int) []byte {
	if len(d.cards) > 0 {
		return d.cards[i%len(d.cards)]
	}
	number := new(big.Int).SetBytes(d.first)
	number.Add(number, big.NewInt(int64(i%d.count)))
	return number.FillBytes(make([]byte, len(d.first)))
}

// sleep waits, and returns false if ctx ends before.
func sleep(ctx context.Context, d time.Duration) bool {
	if d == 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
