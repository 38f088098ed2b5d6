package localapi

import (
	"context"
	"encoding/binary"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/acs-agent/acs-agent/agent/cardholders"
	"github.com/acs-agent/acs-agent/agent/event"
	"github.com/acs-agent/acs-agent/agent/health"
	"github.com/acs-agent/acs-agent/agent/intake"
	"github.com/acs-agent/acs-agent/agent/queue"
	"github.com/acs-agent/acs-agent/buffer"
)

var (
	almaty = time.FixedZone("", 5*3600)
	monday = time.Date(2026, 9, 7, 8, 0, 0, 0, almaty)
	school = event.Organization{BIN: "010140000014", Name: "Школа № 12"}
	pupil  = event.Holder{IIN: "900101300017", Name: "Пробный Проба Пробович"}
)

// nobody has no card.
type nobody struct{}

func (nobody) Find(*event.Credential, time.Time) cardholders.Answer {
	return cardholders.Answer{Pending: event.UnknownCard}
}

// newDesk is a desk over a journal on disk.
func newDesk(t *testing.T) *queue.Desk {
	t.Helper()
	return newDeskIn(t, t.TempDir())
}

func newDeskIn(t *testing.T, dir string) *queue.Desk {
	t.Helper()
	j, err := buffer.Open(t.Context(), buffer.Options{
		Dir: filepath.Join(dir, "journal"), KeyFile: filepath.Join(dir, "journal.key"), MinFree: 1 << 20,
		Uplinks: []string{"relay", "visits"}, Log: slog.New(slog.DiscardHandler),
		Report: func(err error) { t.Errorf("journal: %v", err) },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := j.Close(); err != nil {
			t.Error(err)
		}
	})
	return &queue.Desk{
		Journal: j,
		Who:     &intake.Who{Finder: nobody{}, Clock: intake.NewClock(almaty, time.Unix(0, 0))},
	}
}

// kill stores so many passes, which the portal of visits refuses.
func kill(t *testing.T, d *queue.Desk, passes int) {
	t.Helper()
	var wg sync.WaitGroup
	work := make(chan *event.Pass)
	for range 64 {
		wg.Go(func() {
			for p := range work {
				if _, err := d.Journal.Append(context.Background(), p); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for n := range passes {
		work <- pass(n)
	}
	close(work)
	wg.Wait()
	source := d.Journal.Source("visits")
	for source.Cursor() < source.End() {
		var aside []event.Aside
		upto := min(source.End(), source.Cursor()+event.MaxAside)
		for seq := source.Cursor() + 1; seq <= upto; seq++ {
			aside = append(aside, event.Aside{Seq: seq, State: event.Dead, Reason: "HTTP 422: wrong date"})
		}
		if err := source.Settle(t.Context(), upto, 0, aside); err != nil {
			t.Fatal(err)
		}
	}
}

// pass is a complete pass.
func pass(n int) *event.Pass {
	number := append([]byte{0x55}, binary.BigEndian.AppendUint32(nil, uint32(0xABC000+n))...)
	text := fmt.Sprintf("%X", number)
	return &event.Pass{
		ID: event.NewID(), Device: "almaty-gate-1", Reader: "gate-1",
		Credential: event.Credential{Format: "rdm6300", Number: number, Bits: 40, Text: text, Raw: []byte(text)},
		Direction:  event.In, Outcome: event.Passed, At: event.Instant{Wall: monday, Trusted: true},
		Organization: school, Note: "Корпус 1, вход", Holder: pupil,
	}
}

// status is what the servers of the tests say of themselves.
func status() health.Status {
	return health.Status{
		Device: "almaty-gate-1", Version: "1.2.3", Running: true, PID: 17, StartedAt: monday.UTC(), Now: monday.Add(time.Hour).UTC(),
		ClockTrusted: true, Journal: health.JournalStatus{Passes: 5, Bytes: 1 << 33, Limit: 1 << 34, FreeDisk: -1, Holes: 2},
		Parts: []health.Report{
			{
				Kind: health.Reader, Name: "gate-1", Type: "rdm6300", State: health.Down, Problem: "порт занят", Since: monday.UTC(),
				Count: 7, LastAt: monday.UTC(), Oddities: 1, LastOddity: "14 bytes of noise",
			},
			{Kind: health.Uplink, Name: "visits", State: health.Stopped, Since: monday.UTC()},
		},
		Uplinks: []health.Queue{{Name: "visits", Waiting: 1, Held: 2, Dead: 3, Uncertain: 4, OldestSeconds: 5, Orphaned: true}},
	}
}

// busy counts the requests that a handler is working on.
type busy struct {
	http.Handler
	at, served atomic.Int64
}

func (b *busy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.at.Add(1)
	b.served.Add(1)
	defer b.at.Add(-1)
	b.Handler.ServeHTTP(w, r)
}

// await waits until something is so.
func await(t *testing.T, what string, so func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !so(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("in vain: %s", what)
		}
	}
}

// socketDir is a folder with a path that is short enough for a socket.
func socketDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "acs") //nolint:usetesting // the path of t.TempDir grows with the name of the test
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// serve runs a server on a socket until stop is called or the test ends.
func serve(t *testing.T, s *Server, dir string) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx, dir) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the server ended with %v", err)
		}
	})
	t.Cleanup(stop)
	await(t, "the server answers", func() bool {
		_, err := Dial(ctx, dir)
		return err == nil
	})
	return stop
}

// overBoth runs a test over the socket and inside the process: whoever asks must not see a difference.
func overBoth(t *testing.T, s *Server, test func(t *testing.T, c *Client)) {
	t.Helper()
	s.Log = slog.New(slog.DiscardHandler)
	if s.Status == nil {
		s.Status = status
	}
	overEach(t, func(*testing.T) *Server { return s }, test)
}

// overEach is overBoth with a server made for each.
func overEach(t *testing.T, newServer func(*testing.T) *Server, test func(t *testing.T, c *Client)) {
	t.Helper()
	t.Run("socket", func(t *testing.T) {
		dir := socketDir(t)
		serve(t, newServer(t), dir)
		c, err := Dial(t.Context(), dir)
		if err != nil {
			t.Fatal(err)
		}
		test(t, c)
	})
	t.Run("inside", func(t *testing.T) { test(t, Inside(newServer(t).Handler())) })
}
