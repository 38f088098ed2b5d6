package buffer

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dgraph-io/badger/v4"

	"github.com/acs-agent/acs-agent/agent/event"
)

// monday is when the passes of the tests begin.
var monday = time.Date(2026, 9, 7, 8, 0, 0, 0, time.FixedZone("", 5*3600))

// testPass makes pass number n of a reader; it can be told by its EventID.
func testPass(n int) *event.Pass {
	number := []byte{0, 0, byte(n >> 16), byte(n >> 8), byte(n)}
	return &event.Pass{
		ID: event.NewID(), Device: "almaty-gate-1", Reader: "gate-1-in", EventID: fmt.Sprint(n),
		Credential: event.Credential{Format: "rdm6300", Number: number, Bits: 40, Text: fmt.Sprintf("%010X", number)},
		Direction:  event.In,
		At:         event.Instant{Wall: monday.Add(time.Duration(n) * time.Second), Trusted: true},
		Holder:     event.Holder{IIN: "900101300017", Name: "Пробный Проба Пробович"},
		Note:       "Корпус 1, турникет 1, вход",
	}
}

// reports gathers what a journal reports.
type reports struct {
	mu   sync.Mutex
	errs []error
}

func (r *reports) add(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.errs = append(r.errs, err)
}

func (r *reports) all() []error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]error(nil), r.errs...)
}

func testOptions(t testing.TB, uplinks ...string) Options {
	t.Helper()
	dir := t.TempDir()
	return Options{
		Dir: filepath.Join(dir, "journal"), KeyFile: filepath.Join(dir, "journal.key"), Uplinks: uplinks, MinFree: 1 << 20,
		Report: func(err error) { t.Errorf("reported: %v", err) },
		Now:    func() time.Time { return monday.Add(time.Hour) },
		tuning: tuning{ballast: 4096},
	}
}

func open(t testing.TB, o Options) *Journal {
	t.Helper()
	j, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { shut(t, j) })
	return j
}

func shut(t testing.TB, j *Journal) {
	t.Helper()
	if err := j.Close(); err != nil {
		t.Error(err)
	}
}

// fillUp appends passes from to to, many at a time; their order is not certain.
func fillUp(t testing.TB, j *Journal, from, to int) {
	t.Helper()
	var wg sync.WaitGroup
	numbers := make(chan int)
	for range 64 {
		wg.Go(func() {
			for n := range numbers {
				if _, err := j.Append(context.Background(), testPass(n)); err != nil {
					t.Errorf("append %d: %v", n, err)
				}
			}
		})
	}
	for n := from; n <= to; n++ {
		numbers <- n
	}
	close(numbers)
	wg.Wait()
}

func appendInOrder(t testing.TB, j *Journal, from, to int) {
	t.Helper()
	for n := from; n <= to; n++ {
		if _, err := j.Append(t.Context(), testPass(n)); err != nil {
			t.Fatalf("append %d: %v", n, err)
		}
	}
}

// row gives the event ids that a source sees behind a number.
func row(t testing.TB, s *Source, after uint64) (ids []string) {
	t.Helper()
	last := after
	err := s.Scan(t.Context(), after, s.End(), func(seq uint64, p *event.Pass) bool {
		if seq <= last {
			t.Errorf("pass %d comes after pass %d", seq, last)
		}
		last = seq
		ids = append(ids, p.EventID)
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
	return ids
}

func TestAppendedPassesAreThereAfterReopening(t *testing.T) {
	o := testOptions(t, "visits")
	j := open(t, o)
	want := testPass(1)
	for n := 1; n <= 3; n++ {
		seq, err := j.Append(t.Context(), testPass(n))
		if err != nil || seq != uint64(n) {
			t.Fatalf("append %d: number %d, %v", n, seq, err)
		}
	}
	for range 2 {
		if got := fmt.Sprint(row(t, j.Source("visits"), 0)); got != "[1 2 3]" {
			t.Errorf("row %s", got)
		}
		err := j.Visit(t.Context(), 0, func(seq uint64, addressee string, p *event.Pass) bool {
			if seq != 1 || addressee != "" || p.Holder != want.Holder || p.Note != want.Note || !p.At.Wall.Equal(want.At.Wall) {
				t.Errorf("pass %d for %q: %+v", seq, addressee, p)
			}
			return false
		})
		if err != nil {
			t.Error(err)
		}
		shut(t, j)
		j = open(t, o)
	}
	if seq, err := j.Append(t.Context(), testPass(4)); seq != 4 || err != nil {
		t.Errorf("the next number is %d, %v", seq, err)
	}
}

func TestConcurrentAppendsShareSyncs(t *testing.T) {
	j := open(t, testOptions(t))
	const passes = 2560
	before := j.Stats().Commits
	var wg sync.WaitGroup
	var mu sync.Mutex
	given := map[uint64]bool{}
	for w := range 256 {
		wg.Go(func() {
			for i := range passes / 256 {
				seq, err := j.Append(context.Background(), testPass(w*1000+i))
				mu.Lock()
				if err != nil || given[seq] {
					t.Errorf("number %d again, or %v", seq, err)
				}
				given[seq] = true
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if j.End() != passes || len(given) != passes {
		t.Errorf("end %d, %d numbers given", j.End(), len(given))
	}
	if commits := j.Stats().Commits - before; commits > passes/8 {
		t.Errorf("%d passes took %d syncs", passes, commits)
	}
}

func TestManyPassesSurvive(t *testing.T) {
	o := testOptions(t)
	o.tuning.segmentPasses = 5000
	j := open(t, o)
	const passes = 20_000 // several tables and compactions
	fillUp(t, j, 1, passes)
	shut(t, j)
	j = open(t, o)
	r, err := j.Verify(t.Context(), nil)
	if err != nil || !r.OK() || r.Passes != passes || r.First != 1 || r.Last != passes {
		t.Errorf("%+v, %v", r, err)
	}
	if s := j.Stats(); s.Segments != 4 || s.StoreTroubles != 0 {
		t.Errorf("%+v", s)
	}
}

func TestAppendRefuses(t *testing.T) {
	j := open(t, testOptions(t))
	large := testPass(1)
	large.Note = string(make([]byte, MaxPass))
	if _, err := j.Append(t.Context(), large); !errors.Is(err, ErrTooLarge) {
		t.Errorf("too large: %v", err)
	}
	large.Note = string(make([]byte, MaxPass-1000))
	if _, err := j.Append(t.Context(), large); err != nil {
		t.Errorf("as large as allowed: %v", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := j.Append(ended, testPass(2)); !errors.Is(err, context.Canceled) {
		t.Errorf("its context has ended: %v", err)
	}
	shut(t, j)
	if _, err := j.Append(t.Context(), testPass(3)); !errors.Is(err, ErrClosed) {
		t.Errorf("closed: %v", err)
	}
}

func TestWhoGivesUpBeforeItsTurnStoresNothing(t *testing.T) {
	j := open(t, testOptions(t))
	busy, release := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		_ = j.do(context.Background(), &op{alone: func(context.Context) error { close(busy); <-release; return nil }})
	})
	<-busy
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := j.Append(ctx, testPass(1)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v", err)
	}
	close(release)
	wg.Wait()
	if seq, err := j.Append(t.Context(), testPass(2)); seq != 1 || err != nil {
		t.Errorf("number %d, %v: the abandoned pass was stored", seq, err)
	}
}

func TestAfterAFailedWriteNothingIsTaken(t *testing.T) {
	o := testOptions(t, "visits")
	cause := errors.New("input/output error")
	var failing atomic.Bool
	o.tuning.commitError = func() error {
		if failing.Load() {
			return cause
		}
		return nil
	}
	j := open(t, o)
	appendInOrder(t, j, 1, 3)
	failing.Store(true)
	for range 2 {
		if seq, err := j.Append(t.Context(), testPass(4)); !errors.Is(err, ErrFailed) || !errors.Is(err, cause) || seq != 0 {
			t.Errorf("append: number %d, %v", seq, err)
		}
		failing.Store(false) // it seems to work again: that proves nothing
	}
	if j.End() != 3 {
		t.Errorf("what was not stored is shown: end %d", j.End())
	}
	if err := j.Source("visits").Settle(t.Context(), 3, 3, nil); !errors.Is(err, ErrFailed) {
		t.Errorf("settle: %v", err)
	}
	select {
	case <-j.Failed():
	default:
		t.Error("nobody is told")
	}
	if !j.Stats().Failed {
		t.Error("the statistics do not say so")
	}
	shut(t, j)
	if j = open(t, o); j.End() != 3 {
		t.Errorf("after a new start there are %d passes", j.End())
	}
}

func TestAStoreThatIsBusyDeletingIsAskedAgain(t *testing.T) {
	o := testOptions(t)
	var refusals atomic.Int64
	o.tuning.commitError = func() error {
		if refusals.Add(-1) >= 0 {
			return badger.ErrBlockedWrites
		}
		return nil
	}
	j := open(t, o)
	refusals.Store(3)
	appendInOrder(t, j, 1, 1)
	refusals.Store(0)
	o.tuning.patience = time.Millisecond
	shut(t, j)
	j = open(t, o)
	refusals.Store(1 << 40)
	if _, err := j.Append(t.Context(), testPass(2)); !errors.Is(err, ErrFailed) || !errors.Is(err, badger.ErrBlockedWrites) {
		t.Errorf("it never takes anything again: %v", err)
	}
}

func TestTailGivesTheNewestFirst(t *testing.T) {
	j := open(t, testOptions(t, "visits", "exam"))
	appendInOrder(t, j, 1, 5)
	exam := j.Source("exam")
	if err := exam.Settle(t.Context(), 3, 2, []event.Aside{{Seq: 3, State: event.Held}}); err != nil {
		t.Fatal(err)
	}
	if err := j.Release(t.Context(), "exam", event.Held, 3, nil); err != nil {
		t.Fatal(err)
	}
	var got []string
	err := j.Tail(t.Context(), 3, func(_ uint64, p *event.Pass) bool {
		got = append(got, p.EventID)
		return true
	})
	if fmt.Sprint(got) != "[5 4 3]" || err != nil {
		t.Errorf("tail %v, %v", got, err)
	}
}

func TestChangedTellsOfNewPasses(t *testing.T) {
	j := open(t, testOptions(t, "visits"))
	s := j.Source("visits")
	changed := s.Changed()
	select {
	case <-changed:
		t.Fatal("nothing has changed yet")
	default:
	}
	appendInOrder(t, j, 1, 1)
	<-changed
	changed = s.Changed()
	if err := s.Settle(t.Context(), 1, 1, nil); err != nil {
		t.Fatal(err)
	}
	select {
	case <-changed:
		t.Error("settling is no new pass")
	default:
	}
}

func TestCloseCutsScansShort(t *testing.T) {
	j := open(t, testOptions(t, "visits"))
	appendInOrder(t, j, 1, 2*checkEvery)
	begun := make(chan struct{})
	done := make(chan error)
	go func() {
		var once sync.Once
		done <- j.Source("visits").Scan(context.Background(), 0, j.End(), func(uint64, *event.Pass) bool {
			once.Do(func() { close(begun); <-j.closing })
			return true
		})
	}()
	<-begun
	shut(t, j)
	if err := <-done; !errors.Is(err, ErrClosed) {
		t.Errorf("scan: %v", err)
	}
}

func TestNamesOfUplinksAreChecked(t *testing.T) {
	for _, names := range [][]string{{""}, {"a", "a"}, {"a\x00b"}} {
		o := testOptions(t, names...)
		if _, err := Open(t.Context(), o); err == nil {
			t.Errorf("%q is taken", names)
		}
		if _, err := os.Stat(o.Dir); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%q: something was made: %v", names, err)
		}
	}
}
