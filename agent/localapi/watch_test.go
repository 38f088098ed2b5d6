package localapi

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/acs-agent/acs-agent/agent/event"
)

func watchers(h *Hub) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.watchers)
}

func TestWatchersSeeWhatIsTold(t *testing.T) {
	hub := &Hub{}
	complete, unknown := pass(1), pass(2)
	unknown.Holder, unknown.Pending, unknown.Direction, unknown.Outcome = event.Holder{}, event.UnknownCard, event.Out, event.Read
	overBoth(t, &Server{Seen: hub}, func(t *testing.T, c *Client) {
		for _, test := range []struct {
			reveal     bool
			card, name string
			other      string
		}{
			{false, "****C001", "П.П.П.", "****C002"},
			{true, "5500ABC001", pupil.Name, "5500ABC002"},
		} {
			ctx, cancel := context.WithCancel(t.Context())
			seen := make(chan Sight)
			ended := make(chan error, 1)
			go func() { ended <- c.Watch(ctx, test.reveal, func(s Sight) { seen <- s }) }()
			await(t, "it watches", func() bool { return watchers(hub) == 1 })
			hub.Tell(17, complete)
			hub.Tell(18, unknown)
			got, other := <-seen, <-seen
			if !got.At.Equal(monday) || got.At.Format(time.RFC3339) != monday.Format(time.RFC3339) {
				t.Errorf("time %v, want %v", got.At, monday)
			}
			got.At = time.Time{}
			want := Sight{
				Number: 17, Reader: "gate-1", Direction: event.In, Outcome: event.Passed, Card: test.card, Format: "rdm6300", Name: test.name,
			}
			if got != want {
				t.Errorf("reveal %v: %+v, want %+v", test.reveal, got, want)
			}
			if other.Number != 18 || other.Card != test.other || other.Name != "" || other.Pending != event.UnknownCard {
				t.Errorf("reveal %v: %+v", test.reveal, other)
			}
			cancel()
			if err := <-ended; !errors.Is(err, context.Canceled) {
				t.Errorf("the watch ended with %v", err)
			}
			await(t, "nobody watches", func() bool { return watchers(hub) == 0 })
			hub.Tell(19, complete) // to nobody
		}
	})
}

func TestASightHoldsNothingHidden(t *testing.T) {
	hub := &Hub{}
	seen, stop := hub.Subscribe()
	defer stop()
	hub.Tell(1, pass(1))
	masked, err := json.Marshal((<-seen).shown(false))
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{pupil.IIN, "Пробный", "Проба", "5500ABC"} {
		if strings.Contains(string(masked), secret) {
			t.Errorf("%q stands in %s", secret, masked)
		}
	}
}

func TestWithoutAnAgentThereIsNothingToWatch(t *testing.T) {
	overBoth(t, &Server{}, func(t *testing.T, c *Client) {
		err := c.Watch(t.Context(), false, func(Sight) {})
		if err == nil || !strings.Contains(err.Error(), "the agent is not running") {
			t.Errorf("%v", err)
		}
	})
}

func TestASlowWatcherHoldsNobodyUp(t *testing.T) {
	const told = 20_000
	hub := &Hub{}
	overBoth(t, &Server{Seen: hub}, func(t *testing.T, c *Client) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		release := make(chan struct{})
		var seen []uint64
		ended := make(chan error, 1)
		go func() {
			ended <- c.Watch(ctx, false, func(s Sight) {
				<-release
				if seen = append(seen, s.Number); s.Number == told+1 {
					cancel()
				}
			})
		}()
		await(t, "it watches", func() bool { return watchers(hub) == 1 })
		for n := range uint64(told) {
			hub.Tell(n, pass(1)) // would hang here
		}
		close(release)
		// The watcher comes round again, and sees the present.
		await(t, "it sees the newest", func() bool {
			hub.Tell(told+1, pass(1))
			return ctx.Err() != nil
		})
		<-ended
		if len(seen) < seenKept {
			t.Errorf("it has seen %d passes, want at least the %d that are kept for it", len(seen), seenKept)
		}
		for i := 1; i < len(seen); i++ {
			if seen[i] <= seen[i-1] && seen[i] != told+1 {
				t.Fatalf("pass %d comes after %d", seen[i], seen[i-1])
			}
		}
		await(t, "nobody watches", func() bool { return watchers(hub) == 0 })
	})
}

func TestEachWatcherSeesEverything(t *testing.T) {
	hub := &Hub{}
	first, stopFirst := hub.Subscribe()
	second, stopSecond := hub.Subscribe()
	defer stopSecond()
	hub.Tell(1, pass(1))
	stopFirst()
	stopFirst() // once more does no harm
	hub.Tell(2, pass(2))
	if n := (<-first).Number; n != 1 || len(first) != 0 {
		t.Errorf("the first saw %d and %d more", n, len(first))
	}
	if a, b := (<-second).Number, (<-second).Number; a != 1 || b != 2 {
		t.Errorf("the second saw %d and %d", a, b)
	}
}
