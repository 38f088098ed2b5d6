// Package buffer is the durable journal: every pass that the agent has taken, in one row, and for each uplink a cursor that
// says how far it is done. It stands on an embedded store, Badger, that knows nothing of what it stores.
//
// What it promises:
//
//   - When Append has returned nil the pass is on disk and survives a power cut. Appends that come at the same time share
//     one sync.
//   - Each pass of the row has one number, and a number that an uplink is past is never given again, whatever is lost.
//   - What is stored is sealed: nothing of a person stands in clear in any file of the journal, and a value that was changed
//     or moved does not open.
//   - A pass is deleted when every uplink is past it and it is old enough, or the room is needed; never otherwise, and never
//     in silence. What is missing or damaged is reported, and what stands behind it is delivered all the same.
//   - The disk is never filled to the end: the store below maps its files into memory, and a write that finds no room ends
//     the process. The journal refuses passes long before.
//
// What it does not do: two processes cannot open one journal, and nothing protects it from a disk that says "stored" and
// lies. docs/journal.md tells how it is built.
package buffer

import (
	"context"
	"crypto/cipher"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dgraph-io/badger/v4"
)

// The errors that a caller may have to tell apart.
var (
	// ErrFull: there is no room on the disk, or the journal has reached Options.MaxSize with passes that are not delivered.
	ErrFull = errors.New("the journal is full")
	// ErrLocked: another process has the journal open.
	ErrLocked = errors.New("the journal is in use by a running agent")
	// ErrFailed: the store has failed. Nothing more is taken before Reopen has opened it again.
	ErrFailed = errors.New("the journal has failed")
	// ErrUncorrected: a 32-bit binary without the corrections that keep the store from losing passes.
	ErrUncorrected = errors.New("this 32-bit build lacks the corrections of the embedded store and would lose passes: build it with make")
	// ErrKey: the device key is missing, damaged or not the one of this journal.
	ErrKey = errors.New("the key of the journal")
	// ErrClosed: Close was called.
	ErrClosed = errors.New("the journal is closed")
	// ErrTooLarge: the encoding of the pass has more than MaxPass bytes.
	ErrTooLarge = errors.New("the pass is too large for the journal")
	// ErrNotFound: there is no such pass aside.
	ErrNotFound = errors.New("no such pass aside")
	// ErrInUse: the uplink is configured, or has passes aside that a person has to decide about.
	ErrInUse = errors.New("the uplink is in use")
	// ErrUnknownUplink: the journal has no cursor of that name.
	ErrUnknownUplink = errors.New("the journal knows no such uplink")
)

// MaxPass is how many bytes the encoding of a pass may have.
const MaxPass = 64 << 10

// What Options leaves at zero.
const (
	DefaultMaxSize = 512 << 20
	DefaultKeep    = 35 * 24 * time.Hour
	DefaultMinFree = 32 << 20
)

// minMaxSize leaves room for the store's own files beside the passes.
const minMaxSize = 16 << 20

// Options say where the journal is and how much it may hold.
type Options struct {
	// Dir is the folder of the journal; it is made, with rights 0700, if it is not there. A small file beside it, with
	// ".numbers" behind its name, remembers which numbers were given.
	Dir string
	// KeyFile holds the device key in 64 hexadecimal digits; it is made, with rights 0600, with a new journal.
	KeyFile string
	// MaxSize is how many bytes the files in Dir may have, the ballast of 16 MiB not counted. While the store puts its files in
	// order they can be some MiB more. At least 16 MiB; on 32-bit systems at most 512 MiB are used, because all files are mapped
	// into memory.
	MaxSize int64
	// Keep is how long delivered passes are kept at least, as long as there is room.
	Keep time.Duration
	Log  *slog.Logger
	// Report is told, once each, what is missing or damaged. It may be called by any goroutine. Nil: it goes to Log.
	Report func(error)
	// Uplinks are the names of those that read the journal.
	Uplinks []string
	// Repeatable are those of Uplinks whose portals recognise a pass that they are sent again. If the journal was damaged and an
	// uplink's place is not certain, these are sent passes again; those of the others go aside as uncertain.
	Repeatable []string
	// Boot names the boot of the system; empty if it is not known. See Open.
	Boot string
	// Crash is how the process before this one ended, if the store has ended it.
	Crash Crash
	// MinFree is how much of the disk is left free, in bytes; passes are refused below it.
	MinFree int64
	// Now is the wall clock; nil: time.Now.
	Now func() time.Time

	tuning tuning
}

// tuning is what tests set otherwise.
type tuning struct {
	segmentPasses uint64
	segmentBytes  int64
	ballast       int64
	patience      time.Duration // with a store that takes no writes because it deletes
	freeSpace     func(dir string) (int64, error)
	freeFiles     func(dir string) (int64, error)
	tryFolder     func(dir string) error  // whether files can be made and written there
	trialError    func() error            // what a trial of the disk ends with
	commitError   func() error            // what a transaction ends with instead of being stored
	unsynced      bool                    // nothing is synced: to see that the tests would notice
	cut           func(step string) error // ends a change of the device key, or the forgetting of a person, after a step
}

// A Journal is an open journal. All methods may be called by many goroutines at once.
type Journal struct {
	opts Options
	log  *slog.Logger
	db   *badger.DB
	lock *os.File
	keys *keyring

	// What the writer goroutine owns.
	numbers numbers
	space   *space
	nextSeq uint64
	nextSeg uint32
	torn    bool // the store's log ended badly, or was not there
	trial   trial
	split   bool // the next pass begins a segment, because numbers were left out before it

	ops      chan *op
	stop     chan struct{}  // tells the writer to end; nobody sends operations any more
	written  chan struct{}  // the writer has ended
	commits  atomic.Uint64  // transactions that were stored
	troubles *atomic.Uint64 // warnings and errors of the store
	ailing   atomic.Bool    // the last attempt to write to the disk failed
	clock    rowClock

	mu       sync.RWMutex // guards what follows, which the writer alone changes
	segments []*segment   // by number; the last may still grow
	end      uint64       // number of the newest pass
	lostTail uint64
	salvage  salvageRecord
	uplinks  map[string]*uplink
	asideKey map[uint32]cipher.AEAD
	asideGen uint32 // the generation in use; 0: none
	asideAge time.Time
	changed  chan struct{}

	holes holes

	salvaged chan struct{} // closed when nothing is left to be read back of broken stores

	damaged atomic.Pointer[error] // a block of the store that cannot be read
	begun   atomic.Bool           // Open has come to its end
	failure atomic.Pointer[error]
	failed  chan struct{}

	users   sync.WaitGroup // calls under way
	keeper  sync.WaitGroup
	openMu  sync.Mutex // held while the store is closed or opened
	closeMu sync.Mutex
	closed  bool
	away    bool // there is no open store
	closing chan struct{}
	// inherited is the journal that has taken the store over; see Reopen.
	inherited atomic.Pointer[Journal]
}

// enter begins a call; leave ends it. Close waits for all that have entered.
func (j *Journal) enter() error {
	j.closeMu.Lock()
	defer j.closeMu.Unlock()
	switch {
	case j.closed:
		return ErrClosed
	case j.away:
		return j.Err()
	}
	j.users.Add(1)
	return nil
}

func (j *Journal) leave() { j.users.Done() }

// Close ends the journal: calls under way come to their end, scans are cut short, everything is written. It may be called
// more than once.
func (j *Journal) Close() error {
	j.closeMu.Lock()
	if j.closed {
		j.closeMu.Unlock()
		return nil
	}
	j.closed = true
	j.closeMu.Unlock()
	j.openMu.Lock()
	defer j.openMu.Unlock()
	if err := j.release(); err != nil {
		return fmt.Errorf("close the journal: %w", err)
	}
	return nil
}

// End is the number of the newest pass; 0 if there never was one.
func (j *Journal) End() uint64 {
	j.mu.RLock()
	defer j.mu.RUnlock()
	return j.end
}

// Changed gives a channel that is closed when End grows.
func (j *Journal) Changed() <-chan struct{} {
	j.mu.RLock()
	defer j.mu.RUnlock()
	return j.changed
}

// Failed gives a channel that is closed when the store fails; see Reopen, after which it is another channel.
func (j *Journal) Failed() <-chan struct{} {
	j.mu.RLock()
	defer j.mu.RUnlock()
	return j.failed
}

// Err is nil, or an ErrFailed with its cause.
func (j *Journal) Err() error {
	if err := j.failure.Load(); err != nil {
		return *err
	}
	return nil
}

// fail ends all taking of passes. After a failed write nobody knows what is on disk, and a second attempt can seem to succeed.
func (j *Journal) fail(cause error) {
	err := fmt.Errorf("%w: %w", ErrFailed, cause)
	if j.failure.CompareAndSwap(nil, &err) {
		close(j.failed)
		j.log.Error("journal failed; no passes are taken until it is open again", "error", cause)
	}
}

// report hands on what is missing or damaged.
func (j *Journal) report(err error) {
	if j.opts.Report != nil {
		j.opts.Report(err)
		return
	}
	j.log.Error("journal damaged", "error", err)
}

// do has an operation done by the writer and waits for its outcome. If ctx ends first the operation is left undone if it was
// still waiting; else it may have been done.
func (j *Journal) do(ctx context.Context, o *op) error {
	if err := j.Err(); err != nil {
		return err
	}
	o.ctx, o.done = ctx, make(chan error, 1)
	select {
	case j.ops <- o:
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-o.done:
		return err
	case <-ctx.Done():
		o.taken.CompareAndSwap(false, true)
		return ctx.Err()
	}
}
