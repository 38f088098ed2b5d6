package cardholders

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fsnotify/fsnotify"

	"github.com/acs-agent/acs-agent/agent/event"
)

const (
	// settled is how long a changed file must stay as it is before it is read: it may still be in the making.
	settled = time.Second
	// confirmed is how long it must stay as it is if more than half of the rows are gone. A table that is written slowly over
	// the network looks just like one that was shortened on purpose.
	confirmed = time.Minute
	// patrol is how often the file is looked at without being told: network folders tell nothing.
	patrol = 30 * time.Second
)

// ErrNoRows is wrapped when a file has a header and not one usable row.
var ErrNoRows = errors.New("no usable row")

// ErrShrunken is wrapped when a file has lost more than half of its rows and has to prove that it is meant so.
var ErrShrunken = errors.New("more than half of the rows are gone")

// A Keeper owns the book in use and follows the file. Its methods may be called by several goroutines.
//
// A new file takes the place of the old book once it has not changed for a second. One that cannot be read, or has no usable row,
// never does: the old book stays in use, and OnChange learns why. One that has lost more than half of the rows waits
// until it has not changed for a minute, because it may be half of a file; OnChange learns that, too.
type Keeper struct {
	// OnChange, if not nil, is called by Run after each attempt to read a changed file, with the error of a failed one. The
	// report is that of the new file, also if the old book stays in use. It is to be set before Run.
	OnChange func(Report, error)

	path string
	zone *time.Location
	log  *slog.Logger
	book atomic.Pointer[Book]

	mu     sync.Mutex
	report Report
	err    error

	// What follows belongs to the goroutine of Run.

	// done is the file as it was at the last attempt.
	done fingerprint
	// seen is the file as it was last looked at, and since is when it was first seen so.
	seen  fingerprint
	since time.Time
	// shrunken is a book that waits for its minute.
	shrunken *Book
	pending  Report
}

// NewKeeper reads the file at once. If that fails the keeper has an empty book, with which every card is unknown, and follows
// the file all the same; Last tells the reason.
func NewKeeper(path string, zone *time.Location, log *slog.Logger) *Keeper {
	k := &Keeper{path: path, zone: zone, log: log, done: look(path)}
	k.seen = k.done
	book, report, err := Load(path, zone)
	if err != nil {
		book = &Book{zone: zone}
		k.forgetIfLocked(err)
	}
	k.book.Store(book)
	k.told(report, err)
	return k
}

// Book gives the book in use; it is never nil.
func (k *Keeper) Book() *Book { return k.book.Load() }

// Find asks the book in use.
func (k *Keeper) Find(c *event.Credential, at time.Time) Answer { return k.Book().Find(c, at) }

// Last gives the outcome of the last attempt to read the file.
func (k *Keeper) Last() (Report, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.report, k.err
}

// Run follows the file until ctx ends, and then returns nil.
func (k *Keeper) Run(ctx context.Context) error {
	w, err := fsnotify.NewWatcher()
	if err != nil {
		k.log.Debug("the folder of the cardholders cannot be watched", "error", err)
		k.follow(ctx, nil, nil, func() {})
		return nil
	}
	defer w.Close() //nolint:errcheck // there is nothing to lose
	// The folder is watched and not the file: editors write a new file and rename it. Adding it again and again mends the
	// watch when the folder itself was replaced or appears late.
	watch := func() {
		if err := w.Add(filepath.Dir(k.path)); err != nil {
			k.log.Debug("the folder of the cardholders cannot be watched", "error", err)
		}
	}
	k.follow(ctx, w.Events, w.Errors, watch)
	return nil
}

// follow looks at the file when something happens in its folder, and now and then without that. watch is called at the
// beginning and on every patrol.
func (k *Keeper) follow(ctx context.Context, events <-chan fsnotify.Event, failures <-chan error, watch func()) {
	watch()
	patrols := time.NewTicker(patrol)
	defer patrols.Stop()
	next := time.NewTimer(0)
	defer next.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case e, open := <-events:
			if !open {
				events = nil
			} else if !strings.EqualFold(filepath.Base(e.Name), filepath.Base(k.path)) {
				continue
			}
		case _, open := <-failures: // events were lost, which a look makes good
			if !open {
				failures = nil
			}
		case <-patrols.C:
			watch()
		case <-next.C:
		}
		if wait := k.visit(); wait > 0 {
			next.Reset(wait)
		}
	}
}

// visit looks at the file, reads it if its time has come, and says when to look again; 0 if there is no haste.
func (k *Keeper) visit() time.Duration {
	now := time.Now()
	if f := look(k.path); f != k.seen {
		k.seen, k.since, k.shrunken = f, now, nil
	}
	rest := now.Sub(k.since)
	switch {
	case k.shrunken != nil && rest >= confirmed:
		k.use(k.shrunken, k.pending)
		k.shrunken = nil
		return 0
	case k.shrunken != nil:
		return confirmed - rest
	case k.seen == k.done:
		return 0
	case rest < settled:
		return settled - rest
	}
	return k.reload()
}

// reload reads the file and puts it in use, unless the old book is the better one.
func (k *Keeper) reload() time.Duration {
	book, report, err := Load(k.path, k.zone)
	if look(k.path) != k.seen {
		return settled // it changed under our hands
	}
	k.done = k.seen
	old := k.book.Load()
	switch {
	case err != nil:
		k.forgetIfLocked(err)
		k.told(report, err)
	case book.Len() == 0 && old.Len() > 0:
		k.told(report, fmt.Errorf("cardholders: %s: %w", k.path, ErrNoRows))
	case 2*book.Len() < old.Len():
		k.shrunken, k.pending = book, report
		k.told(report, fmt.Errorf("cardholders: %s: %w: %s instead of %d; it is used if it stays as it is for %v",
			k.path, ErrShrunken, count(book.Len(), "row"), old.Len(), confirmed))
		return max(confirmed-time.Since(k.since), time.Millisecond)
	default:
		k.use(book, report)
	}
	return 0
}

// forgetIfLocked lets the next patrol try again, though nothing will have changed, if the file is there and cannot be read: a
// spreadsheet holds it, the network folder is away, or somebody is about to correct its rights.
func (k *Keeper) forgetIfLocked(err error) {
	var unreadable *os.PathError
	if errors.As(err, &unreadable) && !k.done.missing {
		k.done = fingerprint{}
	}
}

func (k *Keeper) use(book *Book, report Report) {
	k.book.Store(book)
	k.told(report, nil)
}

// told keeps the outcome and passes it on. A failure that is the same as before is not told again.
func (k *Keeper) told(report Report, err error) {
	k.mu.Lock()
	same := err != nil && k.err != nil && err.Error() == k.err.Error()
	k.report, k.err = report, err
	k.mu.Unlock()
	switch {
	case same:
		return
	case err != nil:
		k.log.Debug("the cardholders are not taken over", "error", err, "in_use", k.book.Load().Len())
	default:
		k.log.Info("cardholders", "rows", report.Used, "refused", report.Refused, "warnings", report.Warned)
	}
	if k.OnChange != nil {
		k.OnChange(report, err)
	}
}

// A fingerprint tells one state of a file from another.
type fingerprint struct {
	missing  bool
	size     int64
	modified int64
}

func look(path string) fingerprint {
	about, err := os.Stat(path)
	if err != nil {
		return fingerprint{missing: true}
	}
	return fingerprint{size: about.Size(), modified: about.ModTime().UnixNano()}
}
