package buffer

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/acs-agent/acs-agent/agent/event"
)

func TestTheDiskIsNeverFilled(t *testing.T) {
	o := testOptions(t, "visits")
	var free atomic.Int64
	free.Store(1 << 30)
	o.MinFree = 32 << 20
	o.tuning.freeSpace = func(string) (int64, error) { return free.Load(), nil }
	j := open(t, o)
	appendInOrder(t, j, 1, 5)
	free.Store(31 << 20)
	if _, err := j.Append(t.Context(), testPass(6)); !errors.Is(err, ErrFull) {
		t.Errorf("little is free: %v", err)
	}
	settle(t, j.Source("visits"), 3, event.Aside{Seq: 3, State: event.Dead}) // what is delivered can be noted
	if s := j.Stats(); s.FreeDisk != 31<<20 {
		t.Errorf("%+v", s)
	}
	free.Store(openNeeds - 1)
	if err := j.Source("visits").Settle(t.Context(), 4, 1, nil); !errors.Is(err, ErrFull) {
		t.Errorf("nearly nothing is free: %v", err)
	}
	shut(t, j)
	if _, err := Open(t.Context(), o); !errors.Is(err, ErrFull) {
		t.Errorf("open with nearly nothing free: %v", err)
	}
	free.Store(1 << 30)
	j = open(t, o)
	appendInOrder(t, j, 6, 6)
}

func TestTheBallastMakesAStartPossible(t *testing.T) {
	o := testOptions(t)
	ballast := filepath.Join(o.Dir, ballastName)
	var gone atomic.Bool // the disk is full but for the ballast
	o.tuning.ballast = 1 << 20
	there := func() bool {
		info, err := os.Stat(ballast)
		return err == nil && info.Size() == 1<<20
	}
	o.tuning.freeSpace = func(string) (int64, error) {
		if gone.Load() && there() {
			return 0, nil
		}
		return openNeeds + 4<<20, nil
	}
	o.MinFree = openNeeds
	eventually := func(what string) {
		for deadline := time.Now().Add(10 * time.Second); !there(); time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("no ballast %s", what)
			}
		}
	}
	j := open(t, o)
	appendInOrder(t, j, 1, 1)
	eventually("after the first start")
	shut(t, j)
	gone.Store(true)
	if err := os.Chtimes(ballast, time.Unix(0, 0), time.Unix(0, 0)); err != nil {
		t.Fatal(err)
	}
	j = open(t, o)
	if len(row(t, j.Source(""), 0)) != 1 {
		t.Error("the pass is not there")
	}
	if info, err := os.Stat(ballast); err == nil && info.ModTime().Year() == 1970 {
		t.Error("the ballast was not removed")
	}
	shut(t, j)
	gone.Store(false)
	open(t, o)
	eventually("when there is room again")
}

// heavyPass is a pass of 8 KiB.
func heavyPass(n int) *event.Pass {
	p := testPass(n)
	p.KnownAs = strings.Repeat("x", 8<<10)
	return p
}

func TestAtTheSizeLimitDeliveredPassesGoFirst(t *testing.T) {
	o := testOptions(t, "visits", "gone")
	o.MaxSize = 48 << 20 // large beside what the store itself adds and takes away
	o.tuning.segmentBytes = 1 << 20
	shut(t, open(t, o))
	o.Uplinks = []string{"visits"} // the place of the other one protects nothing at the limit
	j := open(t, o)
	s := j.Source("visits")

	full := func(most int) (taken int) {
		var wg sync.WaitGroup
		var n atomic.Int64
		for range 16 {
			wg.Go(func() {
				for int(n.Load()) < most {
					if _, err := j.Append(context.Background(), heavyPass(1)); err != nil {
						if !errors.Is(err, ErrFull) {
							t.Errorf("append: %v", err)
						}
						return
					}
					n.Add(1)
				}
			})
		}
		wg.Wait()
		return int(n.Load())
	}
	// The store makes its files smaller now and then, on its own time, and then some passes more fit in.
	first := 0
	for range 50 {
		n := full(10_000)
		if first += n; n == 0 {
			break
		}
	}
	if first < 2500 || first > 6144 {
		t.Fatalf("%d passes of 8 KiB fit into 48 MiB", first)
	}
	if st := j.Stats(); st.First != 1 || int(st.End) != first || !st.Alarm() {
		t.Errorf("%+v", st)
	}
	if n := full(10_000); n > first/8 {
		t.Errorf("%d passes more, without any delivery", n)
	} else {
		first += n
	}
	undelivered := uint64(first / 4)
	settle(t, s, uint64(first)-undelivered)
	if st := j.Stats(); st.Alarm() || st.Reclaimable < 4<<20 {
		t.Errorf("%+v", st)
	}
	for range 20 { // what the store has made room for by itself comes first
		if second := full(first / 8); second < first/8 {
			t.Errorf("after delivery %d passes more", second)
		}
		if j.Stats().First > 1 {
			break
		}
	}
	st := j.Stats()
	if st.First == 1 || st.First > uint64(first)-undelivered+1 || st.Bytes > o.MaxSize+8<<20 {
		t.Errorf("%+v", st)
	}
	full(10_000)
	if got := row(t, s, s.Cursor()); uint64(len(got)) != j.End()-s.Cursor() {
		t.Errorf("%d of %d undelivered passes are there", len(got), j.End()-s.Cursor())
	}
	if v, err := j.Verify(t.Context(), nil); err != nil || !v.OK() {
		t.Errorf("%+v, %v", v, err)
	}
}

func TestTooSmallALimitIsRefused(t *testing.T) {
	o := testOptions(t)
	o.MaxSize = minMaxSize - 1
	if _, err := Open(t.Context(), o); err == nil {
		t.Error("taken")
	}
}
