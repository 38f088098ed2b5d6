package buffer

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"
)

// Unopened gives a journal that could not be opened because of err, which was an ErrDisk or an ErrFull of Open with the same options.
// It refuses everything with an ErrFailed until Reopen has opened it.
func Unopened(o Options, err error) (*Journal, error) {
	if err := o.complete(); err != nil {
		return nil, fmt.Errorf("open the journal: %w", err)
	}
	j := newJournal(&o)
	j.away = true
	j.uplinks = map[string]*uplink{}
	j.space.free.Store(-1)
	failure := fmt.Errorf("%w: %w", ErrFailed, err)
	j.failure.Store(&failure)
	close(j.failed)
	return j, nil
}

// Reopen opens a journal again that has failed, with the uplinks that it was last configured for. What was under way when it failed
// is on disk or not. Everybody who holds the journal, a source or records goes on with them; what they know of the content has to be
// read again.
//
// While Reopen returns an error the journal refuses everything, and Reopen may be called again after a while: the errors are those of
// Open. It can take as long as the disk takes to answer. A journal that has not failed stays as it is.
func (j *Journal) Reopen(ctx context.Context) error {
	j.openMu.Lock()
	defer j.openMu.Unlock()
	if j.isClosed() {
		return ErrClosed
	}
	if j.Err() == nil {
		return nil
	}
	// The store, once it is told to end, tries to write what it has in memory until that succeeds: it is told when it can.
	if err := j.opts.tuning.tryFolder(filepath.Dir(j.opts.Dir)); err != nil {
		return fmt.Errorf("open the journal again: %w", err)
	}
	if err := j.release(); err != nil {
		j.log.Warn("the store that has failed did not end in order", "error", err)
	}
	fresh, err := openAny(ctx, &j.opts)
	if err != nil {
		return fmt.Errorf("open the journal again: %w", err)
	}
	if err := fresh.Err(); err != nil {
		return errors.Join(fmt.Errorf("open the journal again: %w", err), fresh.db.Close(), fresh.lock.Close())
	}
	j.inherit(fresh)
	j.begin()
	j.serve()
	return nil
}

func (j *Journal) isClosed() bool {
	j.closeMu.Lock()
	defer j.closeMu.Unlock()
	return j.closed
}

// release waits for the calls under way, ends the goroutines and closes the store. openMu is held.
func (j *Journal) release() error {
	j.closeMu.Lock()
	if j.away {
		j.closeMu.Unlock()
		return nil
	}
	j.away = true
	close(j.closing)
	j.closeMu.Unlock()
	j.keeper.Wait()
	j.users.Wait()
	close(j.stop)
	<-j.written
	var errs []error
	if j.failure.Load() == nil {
		// Only now is the last number certain; a start that finds less knows that something was lost.
		errs = append(errs, j.numbers.write(j.end, j.nextSeq-1))
	}
	return errors.Join(append(errs, j.db.Close(), j.lock.Close())...)
}

// inherit takes over what another journal has opened. Nobody is in a call; some may look at the numbers, or wait for a channel.
func (j *Journal) inherit(fresh *Journal) {
	j.db, j.lock, j.keys, j.numbers, j.trial = fresh.db, fresh.lock, fresh.keys, fresh.numbers, fresh.trial
	j.nextSeq, j.nextSeg, j.torn, j.split = fresh.nextSeq, fresh.nextSeg, fresh.torn, fresh.split
	j.stop, j.written = fresh.stop, fresh.written
	j.space.remeasure(time.Now())
	j.ailing.Store(false)
	j.damaged.Store(nil)
	fresh.inherited.Store(j)
	if cause := fresh.damaged.Load(); cause != nil {
		j.damaged.CompareAndSwap(nil, cause)
	}

	j.closeMu.Lock()
	defer j.closeMu.Unlock()
	j.mu.Lock()
	defer j.mu.Unlock()
	j.segments, j.end, j.uplinks, j.salvage = fresh.segments, fresh.end, fresh.uplinks, fresh.salvage
	j.asideKey, j.asideGen, j.asideAge = fresh.asideKey, fresh.asideGen, fresh.asideAge
	j.lostTail += fresh.lostTail
	if isOpen(j.salvaged) {
		close(j.salvaged) // who waits for it looks again
	}
	close(j.changed)
	j.changed, j.salvaged, j.failed, j.closing = fresh.changed, fresh.salvaged, fresh.failed, fresh.closing
	j.failure.Store(nil)
	j.away = false
}

// heir is the journal that has the store now: the store itself knows only the one that opened it.
func (j *Journal) heir() *Journal {
	if heir := j.inherited.Load(); heir != nil {
		return heir
	}
	return j
}

func isOpen(c <-chan struct{}) bool {
	select {
	case <-c:
		return false
	default:
		return true
	}
}
