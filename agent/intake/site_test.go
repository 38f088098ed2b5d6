package intake

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/acs-agent/acs-agent/agent/cardholders"
	"github.com/acs-agent/acs-agent/agent/event"
	"github.com/acs-agent/acs-agent/agent/health"
	"github.com/acs-agent/acs-agent/buffer"
)

var (
	almaty  = time.FixedZone("", 5*3600)
	school  = event.Organization{BIN: "010140000014", Name: "Школа № 12"}
	college = event.Organization{BIN: "010150000019", Name: "Колледж связи"}
	pupil   = event.Holder{IIN: "900101300017", Name: "Пробный Проба Пробович"}
	teacher = event.Holder{IIN: "050101500030", Name: "Пробная Проба Пробовна"}
)

// pupilsCard is in the list of every test that has one.
const pupilsCard = 0x55007EE424

// A site is an intake over a journal on disk.
type site struct {
	t       *testing.T
	dir     string
	journal *buffer.Journal
	board   *health.Board
	log     bytes.Buffer
	*Intake
}

// gates are the readers of most tests.
func gates(repeat time.Duration) []Reader {
	return []Reader{
		{Name: "gate-1", Organization: school, Direction: event.In, Note: "Корпус 1, вход", Repeat: repeat},
		{Name: "gate-2", Organization: school, Direction: event.Out, Repeat: repeat},
	}
}

func newSite(t *testing.T, readers ...Reader) *site {
	t.Helper()
	s := &site{t: t, dir: t.TempDir()}
	s.open(readers)
	return s
}

// open opens the journal and makes an intake that remembers nothing.
func (s *site) open(readers []Reader) {
	s.t.Helper()
	log := slog.New(slog.NewTextHandler(&s.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	s.journal = openJournal(s.t, s.dir)
	s.board = health.NewBoard(log)
	clock := NewClock(almaty, time.Unix(0, 0))
	s.Intake = New(Options{
		Device: "almaty-gate-1", Clock: clock, Journal: s.journal, Board: s.board, Log: log,
		Who: who(s.t, clock, "55007EE424;"+pupil.IIN+";"+pupil.Name),
	}, readers)
}

// restart ends the site as a kill would and begins it again, with the memory of what the journal has.
func (s *site) restart(readers []Reader) {
	s.t.Helper()
	if err := s.journal.Close(); err != nil {
		s.t.Fatal(err)
	}
	s.open(readers)
	passes := s.stored()
	for i := range passes {
		s.Remember(&passes[i])
	}
}

func openJournal(t testing.TB, dir string) *buffer.Journal {
	t.Helper()
	j, err := buffer.Open(t.Context(), buffer.Options{
		Dir: filepath.Join(dir, "journal"), KeyFile: filepath.Join(dir, "journal.key"), MinFree: 1 << 20, Uplinks: []string{"visits"},
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
	return j
}

// who knows two organizations and the people of the rows "card;iin;full_name;organization;valid_from;valid_to".
func who(t testing.TB, clock *Clock, rows ...string) *Who {
	t.Helper()
	return &Who{
		Finder: book(t, rows...), Clock: clock,
		Organizations: map[string]event.Organization{"school-12": school, "college": college},
	}
}

func book(t testing.TB, rows ...string) *cardholders.Book {
	t.Helper()
	path := filepath.Join(t.TempDir(), "cardholders.csv")
	content := "card;iin;full_name;organization;valid_from;valid_to\n"
	for _, r := range rows {
		content += r + "\n"
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	b, report, err := cardholders.Load(path, almaty)
	if err != nil || report.Used != len(rows) {
		t.Fatalf("cardholders: %v %v", err, report.String())
	}
	return b
}

// pass is card number n at a reader.
func pass(reader string, n uint64) *event.Pass {
	number := binary.BigEndian.AppendUint64(nil, n)[3:]
	text := fmt.Sprintf("%010X", n)
	return &event.Pass{Reader: reader, Credential: event.Credential{
		Format: "rdm6300", Number: number, Bits: 40, Text: text, Raw: []byte("\x02" + text + "\x03"),
	}}
}

// at sets the time at which the reader was heard.
func at(p *event.Pass, t time.Time) *event.Pass {
	p.At.Wall = t
	return p
}

// delivery makes p a message with an id of its own.
func delivery(p *event.Pass, id string, again bool) *event.Pass {
	p.EventID, p.Redelivered = id, again
	return p
}

func (s *site) take(p *event.Pass) {
	s.t.Helper()
	if err := s.Take(s.t.Context(), p); err != nil {
		s.t.Fatal(err)
	}
}

// stored gives the passes of the journal.
func (s *site) stored() (all []event.Pass) {
	s.t.Helper()
	err := s.journal.Visit(s.t.Context(), 0, func(_ uint64, _ string, p *event.Pass) bool {
		c := *p
		c.Credential.Number, c.Credential.Raw = slices.Clone(p.Credential.Number), slices.Clone(p.Credential.Raw)
		all = append(all, c)
		return true
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return all
}

// only is the one pass of the journal.
func (s *site) only() event.Pass {
	s.t.Helper()
	all := s.stored()
	if len(all) != 1 {
		s.t.Fatalf("%d passes are stored, want 1", len(all))
	}
	return all[0]
}

// heap is a journal that keeps passes in memory, or refuses them, when it is told to.
type heap struct {
	mu     sync.Mutex
	passes []event.Pass
	// judge is asked before each pass is kept; nil: all are kept at once.
	judge func(ctx context.Context, attempt int) error
	asked int
}

func (h *heap) Append(ctx context.Context, p *event.Pass) (uint64, error) {
	h.mu.Lock()
	h.asked++
	attempt := h.asked
	h.mu.Unlock()
	if h.judge != nil {
		if err := h.judge(ctx, attempt); err != nil {
			return 0, err
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.passes = append(h.passes, *p)
	return uint64(len(h.passes)), nil
}

// void is a journal that is in no way slow.
type void struct{}

func (void) Append(context.Context, *event.Pass) (uint64, error) { return 1, nil }

// overJournal makes an intake over a journal that is none.
func overJournal(t testing.TB, j Journal, readers ...Reader) *Intake {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	clock := NewClock(almaty, time.Unix(0, 0))
	return New(Options{
		Device: "almaty-gate-1", Clock: clock, Journal: j, Board: health.NewBoard(log), Log: log,
		Who: who(t, clock, "55007EE424;"+pupil.IIN+";"+pupil.Name),
	}, readers)
}
