package uplink

import (
	"context"
	"math/rand/v2"
	"time"
)

// firstWait is the longest wait after the first failure.
const firstWait = time.Second

// Backoff is how long to wait after a failed attempt; the first has the number 0. It doubles up to most, with jitter: a thousand
// devices that lost the same portal must not come back together.
func Backoff(attempt int, most time.Duration) time.Duration {
	limit := min(most, firstWait<<min(attempt, 20))
	return limit/4 + rand.N(3*limit/4+1) //nolint:gosec // spreading load needs no secrecy
}

// Sleep waits for d, or less if ctx ends, and then returns its error.
func Sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
