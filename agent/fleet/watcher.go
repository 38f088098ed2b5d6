package fleet

import (
	"context"
	"sync"
	"time"

	"github.com/acs-agent/acs-agent/agent/broker"
)

const (
	// leastPause and mostPause bound the wait between two attempts to connect; it doubles.
	leastPause = time.Second
	mostPause  = 30 * time.Second
)

// A Watcher keeps a fleet up to date for as long as it runs, over one connection after the other.
type Watcher struct {
	Address *broker.Address
	// Device is the one that is watched; "+" for all.
	Device string
	Fleet  *Fleet

	mu   sync.Mutex
	link Link
}

// A Link is how the watcher is connected.
type Link struct {
	// Settled: there is a connection, and what the broker had kept has come.
	Settled bool
	// Lost is when the last connection was lost; zero if none was.
	Lost time.Time
	// Problem is why there is no connection; nil while there is one, or the first is being made.
	Problem error
}

// Link says how the watcher is connected now.
func (w *Watcher) Link() Link {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.link
}

// Moment is the time for which devices can be judged: now, or when the connection was lost. Nobody has been silent because
// nobody could be heard.
func (w *Watcher) Moment(now time.Time) time.Time {
	if l := w.Link(); !l.Settled && !l.Lost.IsZero() {
		return l.Lost
	}
	return now
}

// Run watches until ctx ends.
func (w *Watcher) Run(ctx context.Context) {
	pause := leastPause
	for {
		settled, err := w.watch(ctx)
		if ctx.Err() != nil {
			return
		}
		if settled {
			pause = leastPause
		}
		w.set(func(l *Link) { l.Problem = w.Address.Explain(err) })
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
		pause = min(2*pause, mostPause)
	}
}

// watch makes one connection and keeps it as long as it lasts.
func (w *Watcher) watch(ctx context.Context) (settled bool, err error) {
	c, err := Connect(ctx, w.Address, w.Device, w.Fleet.Take)
	if err != nil {
		return false, err
	}
	defer c.Close()
	w.set(func(l *Link) { l.Problem = nil })
	calm := c.Settled()
	for {
		select {
		case <-ctx.Done():
			return settled, nil
		case <-calm:
			settled, calm = true, nil
			w.set(func(l *Link) { l.Settled = true })
		case err := <-c.Lost():
			w.set(func(l *Link) {
				if l.Settled || l.Lost.IsZero() {
					l.Lost = time.Now()
				}
				l.Settled = false
			})
			return settled, err
		}
	}
}

func (w *Watcher) set(change func(*Link)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change(&w.link)
}
