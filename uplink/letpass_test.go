package uplink_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/acs-agent/acs-agent/agent/event"
	"github.com/acs-agent/acs-agent/uplink"
	"github.com/acs-agent/acs-agent/uplink/uplinktest"
)

// stubborn is a source whose journal fails a few times.
type stubborn struct {
	uplinktest.Source
	failures int
}

func (s *stubborn) Settle(ctx context.Context, upto uint64, delivered int, aside []event.Aside) error {
	if s.failures--; s.failures >= 0 {
		return errors.New("full")
	}
	return s.Source.Settle(ctx, upto, delivered, aside)
}

func TestPassesThatAreNothingToAnUplinkAreLetThroughInFewSteps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &stubborn{failures: 3}
		s.Append(passes(1, 5)...)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
		defer cancel()
		go func() {
			for n := range 100 {
				time.Sleep(time.Second)
				s.Append(passes(n, n)...)
			}
		}()
		bad, good := 0, 0
		uplink.LetPass(ctx, s, func(err error) {
			if err != nil {
				bad++
			} else {
				good++
			}
		})
		if s.Cursor() != 105 || s.Delivered() != 0 || bad != 3 || good < 10 || good > 13 {
			t.Errorf("the cursor is at %d of 105, %d delivered, %d failures, %d steps", s.Cursor(), s.Delivered(), bad, good)
		}
	})
}
