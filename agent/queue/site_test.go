package queue

import (
	"context"
	"encoding/binary"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/acs-agent/acs-agent/agent/cardholders"
	"github.com/acs-agent/acs-agent/agent/event"
	"github.com/acs-agent/acs-agent/agent/intake"
	"github.com/acs-agent/acs-agent/buffer"
)

var (
	almaty  = time.FixedZone("", 5*3600)
	monday  = time.Date(2026, 9, 7, 8, 0, 0, 0, almaty)
	school  = event.Organization{BIN: "010140000014", Name: "Школа № 12"}
	pupil   = event.Holder{IIN: "900101300017", Name: "Пробный Проба Пробович"}
	teacher = event.Holder{IIN: "050101500030", Name: "Пробная Проба Пробовна"}
)

// The uplinks of the tests.
const (
	visits = "visits"
	relay  = "relay"
)

// A site is a desk over a journal on disk, and a list of cardholders that can be changed.
type site struct {
	*Desk
	t     *testing.T
	dir   string
	clock *intake.Clock
	list  list
}

// list is the book of cardholders in use.
type list struct {
	atomic.Pointer[cardholders.Book]
}

func (l *list) Find(c *event.Credential, at time.Time) cardholders.Answer {
	return l.Load().Find(c, at)
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{t: t, dir: t.TempDir(), clock: intake.NewClock(almaty, time.Unix(0, 0))}
	s.know()
	s.open(1<<20, visits, relay)
	return s
}

// open opens the journal, which leaves so much of the disk free.
func (s *site) open(minFree int64, uplinks ...string) {
	s.t.Helper()
	j, err := buffer.Open(s.t.Context(), buffer.Options{
		Dir: filepath.Join(s.dir, "journal"), KeyFile: filepath.Join(s.dir, "journal.key"), MinFree: minFree, Uplinks: uplinks,
		Log: slog.New(slog.DiscardHandler), Report: func(err error) { s.t.Errorf("journal: %v", err) },
	})
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		if err := j.Close(); err != nil {
			s.t.Error(err)
		}
	})
	s.Desk = &Desk{Journal: j, Who: &intake.Who{
		Finder: &s.list, Clock: s.clock, Organizations: map[string]event.Organization{"school-12": school},
	}}
}

// reopen closes the journal and opens it with these uplinks.
func (s *site) reopen(minFree int64, uplinks ...string) {
	s.t.Helper()
	if err := s.Journal.Close(); err != nil {
		s.t.Fatal(err)
	}
	s.open(minFree, uplinks...)
}

// know makes the list of cardholders: rows "card;iin;full_name;organization;valid_from;valid_to".
func (s *site) know(rows ...string) {
	s.t.Helper()
	path := filepath.Join(s.t.TempDir(), "cardholders.csv")
	content := "card;iin;full_name;organization;valid_from;valid_to\n" + strings.Join(rows, "\n")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		s.t.Fatal(err)
	}
	b, report, err := cardholders.Load(path, almaty)
	if err != nil || report.Used != len(rows) {
		s.t.Fatalf("cardholders: %v %v", err, report.String())
	}
	s.list.Store(b)
}

// row gives the card of pass number n to somebody.
func row(n int, h event.Holder) string { return fmt.Sprintf("%s;%s;%s", card(n), h.IIN, h.Name) }

func card(n int) string { return fmt.Sprintf("55%08X", 0xABC000+n) }

// pass is pass number n, complete.
func pass(n int) *event.Pass {
	number := append([]byte{0x55}, binary.BigEndian.AppendUint32(nil, uint32(0xABC000+n))...)
	return &event.Pass{
		ID: event.NewID(), Device: "almaty-gate-1", Reader: "gate-1", EventID: fmt.Sprint(n), KnownAs: "user 8",
		Credential: event.Credential{Format: "rdm6300", Number: number, Bits: 40, Text: card(n), Raw: []byte("\x02" + card(n) + "\x03")},
		Direction:  event.In, Outcome: event.Passed,
		At:           event.Instant{Wall: monday.Add(time.Duration(n) * time.Second), Trusted: true},
		Organization: school, Note: "Корпус 1, вход", Holder: pupil,
	}
}

// unknown is pass number n of a card that nobody had when it was read.
func unknown(n int) *event.Pass {
	p := pass(n)
	p.Holder, p.Pending = event.Holder{}, event.UnknownCard
	return p
}

// store puts passes at the end of the row, in order unless there are many.
func (s *site) store(passes ...*event.Pass) {
	s.t.Helper()
	workers := 1
	if len(passes) > 50 {
		workers = 64
	}
	var wg sync.WaitGroup
	work := make(chan *event.Pass)
	for range workers {
		wg.Go(func() {
			for p := range work {
				if _, err := s.Journal.Append(context.Background(), p); err != nil {
					s.t.Error(err)
				}
			}
		})
	}
	for _, p := range passes {
		work <- p
	}
	close(work)
	wg.Wait()
}

// settle does what an uplink does: all passes up to a number are delivered, except those that go aside.
func (s *site) settle(uplinkName string, upto uint64, aside ...event.Aside) {
	s.t.Helper()
	if err := s.Journal.Source(uplinkName).Settle(s.t.Context(), upto, int(upto)-len(aside), aside); err != nil {
		s.t.Fatal(err)
	}
}

func held(seq uint64) event.Aside {
	return event.Aside{Seq: seq, State: event.Held, Pending: event.UnknownCard, Reason: "unknown-card"}
}

func dead(seq uint64) event.Aside {
	return event.Aside{Seq: seq, State: event.Dead, Reason: "HTTP 422: wrong date"}
}

func uncertain(seq uint64) event.Aside {
	return event.Aside{Seq: seq, State: event.Uncertain, Reason: "the connection broke"}
}

// holdAll puts everything that waits for an uplink aside.
func (s *site) holdAll(uplinkName string, put func(uint64) event.Aside) {
	s.t.Helper()
	source := s.Journal.Source(uplinkName)
	for source.Cursor() < source.End() {
		var aside []event.Aside
		upto := min(source.End(), source.Cursor()+event.MaxAside)
		for seq := source.Cursor() + 1; seq <= upto; seq++ {
			aside = append(aside, put(seq))
		}
		s.settle(uplinkName, upto, aside...)
	}
}

// list gives the items of a query in short: "3 visits dead".
func (s *site) items(q Query) (all []Item) {
	s.t.Helper()
	err := s.Items(s.t.Context(), q, func(i *Item) bool {
		all = append(all, *i)
		return true
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return all
}

func short(items []Item) string {
	words := make([]string, len(items))
	for i, item := range items {
		words[i] = fmt.Sprintf("%d %s %s", item.Number, item.Uplink, item.State)
	}
	return strings.Join(words, ", ")
}

// wantItems fails unless the query gives just these items.
func (s *site) wantItems(q Query, want string) {
	s.t.Helper()
	if got := short(s.items(q)); got != want {
		s.t.Errorf("uplink %q, state %q, number %d: [%s], want [%s]", q.Uplink, q.State, q.Number, got, want)
	}
}

// waiting gives the passes that an uplink still has to send.
func (s *site) waiting(uplinkName string) (all []event.Pass) {
	s.t.Helper()
	source := s.Journal.Source(uplinkName)
	err := source.Scan(s.t.Context(), source.Cursor(), source.End(), func(_ uint64, p *event.Pass) bool {
		all = append(all, clone(p))
		return true
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return all
}

// act does something that must succeed.
func (s *site) act(a Action, q Query) Done {
	s.t.Helper()
	done, err := s.Act(s.t.Context(), a, q)
	if err != nil {
		s.t.Fatal(err)
	}
	return done
}
