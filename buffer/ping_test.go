package buffer

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestAPingChangesNothing(t *testing.T) {
	j := open(t, testOptions(t, "visits"))
	appendInOrder(t, j, 1, 3)
	before := j.commits.Load()
	for range 10 {
		if err := j.Ping(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if n := j.commits.Load() - before; n != 0 || j.End() != 3 {
		t.Errorf("%d transactions, end %d; want 0 and 3", n, j.End())
	}
}

func TestAPingIsAnsweredByAFullJournal(t *testing.T) {
	o := testOptions(t)
	var full atomic.Bool
	o.tuning.freeSpace = func(string) (int64, error) {
		if full.Load() {
			return 0, nil
		}
		return 1 << 40, nil
	}
	j := open(t, o)
	full.Store(true)
	if _, err := j.Append(t.Context(), testPass(1)); !errors.Is(err, ErrFull) {
		t.Fatalf("append: %v, want a full journal", err)
	}
	if err := j.Ping(t.Context()); err != nil {
		t.Errorf("ping: %v", err)
	}
}

func TestAPingWaitsForAWriterThatHangs(t *testing.T) {
	o := testOptions(t)
	var armed atomic.Bool
	hangs, release := make(chan struct{}), make(chan struct{})
	o.tuning.commitError = func() error {
		if armed.CompareAndSwap(true, false) {
			close(hangs)
			<-release
		}
		return nil
	}
	j := open(t, o)
	armed.Store(true)
	var wg sync.WaitGroup
	wg.Go(func() {
		if _, err := j.Append(context.Background(), testPass(1)); err != nil {
			t.Error(err)
		}
	})
	<-hangs
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := j.Ping(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("during the write: %v, want no answer", err)
	}
	close(release)
	wg.Wait()
	if err := j.Ping(t.Context()); err != nil {
		t.Errorf("after the write: %v", err)
	}
}

func TestAPingOfAJournalThatIsNoMore(t *testing.T) {
	cause := errors.New("input/output error")
	failed := open(t, testOptions(t))
	failed.fail(cause)
	if err := failed.Ping(t.Context()); !errors.Is(err, ErrFailed) {
		t.Errorf("failed: %v", err)
	}
	closed := open(t, testOptions(t))
	shut(t, closed)
	if err := closed.Ping(t.Context()); !errors.Is(err, ErrClosed) {
		t.Errorf("closed: %v", err)
	}
}
