package main

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/acs-agent/acs-agent/agent/health"
	"github.com/acs-agent/acs-agent/agent/liveness"
	"github.com/acs-agent/acs-agent/uplink"
)

// A kennel is a watchdog with parts that the test can make hang.
type kennel struct {
	watchdog
	hangs atomic.Bool // the journal does
	signs func() []liveness.Sign
	mu    sync.Mutex
	words []string
	ends  []error
	out   lockedBuffer
}

// lockedBuffer is a log that can be read while it is written.
type lockedBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

func (k *kennel) told() []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Clone(k.words)
}

func (k *kennel) ended() []error {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Clone(k.ends)
}

func newKennel(fed bool, interval time.Duration) *kennel {
	k := &kennel{signs: func() []liveness.Sign { return nil }}
	log := slog.New(slog.NewTextHandler(&k.out, nil))
	k.watchdog = watchdog{
		log: log, board: health.NewBoard(discardLog()), fed: fed, interval: interval,
		tell: func(words string) {
			k.mu.Lock()
			defer k.mu.Unlock()
			k.words = append(k.words, words)
		},
		end: func(err error) {
			k.mu.Lock()
			defer k.mu.Unlock()
			k.ends = append(k.ends, err)
		},
		underWay: func() []liveness.Sign { return k.signs() },
		ping: func(ctx context.Context) error {
			for k.hangs.Load() {
				if err := uplink.Sleep(ctx, time.Second); err != nil {
					return err
				}
			}
			return nil
		},
	}
	return k
}

// fedIn counts how often the watchdog is fed within d.
func (k *kennel) fedIn(d time.Duration) int {
	before := len(k.told())
	time.Sleep(d)
	synctest.Wait()
	n := 0
	for _, words := range k.told()[before:] {
		if words == "WATCHDOG=1" {
			n++
		}
	}
	return n
}

// live runs the watchdog for the time of the story.
func (k *kennel) live(t *testing.T, story func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := k.run(ctx); err != nil {
			t.Error(err)
		}
	}()
	synctest.Wait()
	story()
	cancel()
	<-ended
}

func TestAnAgentThatWorksIsFed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKennel(true, 10*time.Second)
		k.live(t, func() {
			if want := []string{"READY=1", "WATCHDOG=1", "STATUS=working: "}; !slices.Equal(k.told(), want) {
				t.Errorf("told %q, want %q", k.told(), want)
			}
			if n := k.fedIn(24 * time.Hour); n < 8600 {
				t.Errorf("fed %d times in a day", n)
			}
		})
		if len(k.ended()) > 0 {
			t.Errorf("ended: %v", k.ended())
		}
	})
}

func TestAnAgentWhoseJournalHangsIsNotFed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKennel(true, 10*time.Second)
		k.live(t, func() {
			k.hangs.Store(true)
			if n := k.fedIn(journalLimit); n < 29 {
				t.Errorf("fed %d times while the journal may be busy", n)
			}
			k.fedIn(time.Minute)
			if n := k.fedIn(time.Hour); n > 0 {
				t.Errorf("fed %d times though the journal hangs", n)
			}
			if n := strings.Count(k.out.String(), "level=ERROR"); n != 1 || !strings.Contains(k.out.String(), "part=\"the journal\"") {
				t.Errorf("the log says it %d times:\n%s", n, &k.out)
			}
			if said := k.board.Part(agentPart, "progress").Report(); said.State != health.Down || !strings.Contains(said.Problem, "the journal") {
				t.Errorf("the board says %+v", said)
			}
			if len(k.ended()) > 0 {
				t.Errorf("it ends by itself, and leaves no trace of where it hangs: %v", k.ended())
			}

			k.hangs.Store(false)
			k.fedIn(30 * time.Second)
			if n := k.fedIn(time.Hour); n < 359 {
				t.Errorf("fed %d times in an hour after the journal came back", n)
			}
			if state := k.board.Part(agentPart, "progress").State(); state != health.Up {
				t.Errorf("the board says %v", state)
			}
		})
	})
}

func TestAnAgentThatNobodyWatchesEndsByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKennel(false, ownInterval)
		k.live(t, func() {
			if n := k.fedIn(24 * time.Hour); n > 0 || len(k.ended()) > 0 {
				t.Fatalf("fed %d times, ended %v: nobody watches, and all is well", n, k.ended())
			}
			k.hangs.Store(true)
			time.Sleep(journalLimit)
			synctest.Wait()
			if len(k.ended()) > 0 {
				t.Errorf("ended after %v: %v", journalLimit, k.ended())
			}
			time.Sleep(5 * ownInterval)
			synctest.Wait()
			if len(k.ended()) == 0 || !strings.Contains(k.ended()[0].Error(), "the journal has made no progress for") {
				t.Errorf("ended: %v", k.ended())
			}
		})
	})
}

func TestAnAgentInWhichALookHangsEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKennel(true, 10*time.Second)
		release := make(chan struct{})
		k.signs = func() []liveness.Sign { <-release; return nil }
		k.live(t, func() {
			if n := k.fedIn(lookLimit + time.Second); n > 0 || len(k.ended()) != 1 {
				t.Errorf("fed %d times, ended %v", n, k.ended())
			}
			close(release)
		})
	})
}

func TestAFailedJournalIsNotAHang(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKennel(true, 10*time.Second)
		k.ping = func(context.Context) error { return errors.New("it has failed") }
		k.live(t, func() {
			if n := k.fedIn(time.Hour); n < 359 {
				t.Errorf("fed %d times: its failure ends the agent in order, at once", n)
			}
		})
	})
}

func TestTheStateIsSummedUpInALine(t *testing.T) {
	board := health.NewBoard(discardLog())
	board.Reader("gate-1").Up()
	board.Reader("gate-2").Down(errors.New("not there"))
	board.Part(health.Uplink, "visits").Up()
	if got, want := sentence(board.Snapshot()), "working: 1 of 2 readers, 1 of 1 uplink"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
