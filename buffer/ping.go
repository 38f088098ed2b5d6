package buffer

import (
	"context"
	"errors"
)

// Ping goes once through the goroutine that writes, changes nothing, and returns nil when it comes back: whatever was asked of the
// journal before is done, and the journal goes on. That there is no room is no trouble here. It waits for as long as the writer
// takes, which is minutes when it deletes a month of passes on a slow card; the error is ErrClosed, ErrFailed, ErrDisk
// or that of ctx.
func (j *Journal) Ping(ctx context.Context) error {
	if err := j.enter(); err != nil {
		return err
	}
	defer j.leave()
	err := j.do(ctx, &op{idle: true, run: func(*group) error { return nil }})
	if errors.Is(err, ErrFull) {
		return nil
	}
	return err
}
