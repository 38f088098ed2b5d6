package uplink

import (
	"context"
	"fmt"
	"time"
)

const (
	// letPassPause is how long passes gather before the cursor moves over them: each move is a write to the disk.
	letPassPause = 10 * time.Second
	// letPassPatience is the longest wait after a failure.
	letPassPatience = 5 * time.Minute
)

// LetPass moves the cursor over passes that are nothing to an uplink until ctx ends, so that they do not keep the journal from
// deleting what is old. Each attempt is told to say: nil if it went well.
func LetPass(ctx context.Context, from Source, say func(error)) {
	for attempt := 0; ctx.Err() == nil; {
		changed := from.Changed()
		if end := from.End(); end > from.Cursor() {
			err := from.Settle(ctx, end, 0, nil)
			if ctx.Err() != nil {
				return
			}
			if err != nil {
				say(fmt.Errorf("let passes go by: %w", err))
				_ = Sleep(ctx, Backoff(attempt, letPassPatience)) // the loop sees the end
				attempt++
				continue
			}
			say(nil)
			attempt = 0
		}
		select {
		case <-ctx.Done():
		case <-changed:
			_ = Sleep(ctx, letPassPause) // the loop sees the end
		}
	}
}
