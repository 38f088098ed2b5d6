package buffer

import (
	"context"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/acs-agent/acs-agent/agent/event"
)

// What makes the test binary the process that is killed, and says what it has to do.
const (
	childDir    = "JOURNAL_TEST_CHILD_DIR"
	childRun    = "JOURNAL_TEST_CHILD_RUN"
	childTraits = "JOURNAL_TEST_CHILD_TRAITS" // of trait, with blanks between
)

// A trait is how a child differs from others.
type trait string

const (
	unsynced trait = "unsynced" // the store does not sync what it writes: a control
	hoarding trait = "hoarding" // nothing is deleted, and passes are large
	cramped  trait = "cramped"  // there is little address space
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		if err := work(dir, os.Getenv(childRun), strings.Fields(os.Getenv(childTraits))); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

func workOptions(dir string) Options {
	return Options{
		Dir: filepath.Join(dir, "journal"), KeyFile: filepath.Join(dir, "journal.key"), Uplinks: []string{"visits"},
		MinFree: 1 << 20,
		tuning:  tuning{ballast: 4096, segmentPasses: 500},
	}
}

// worker is the process that is killed. Whatever it promises or is promised it says in a line to whoever kills it: a letter and
// what belongs to it.
type worker struct {
	j       *Journal
	run     string
	traits  map[trait]bool
	mu      sync.Mutex
	next    int // pass that is not yet given
	allowed int // passes below this one were announced
}

// What a line says. Announcements come before what they announce, outcomes after it.
const (
	sayOpened    = 'o' // milliseconds
	sayGives     = 'g' // run, number: it gives passes below this one from now on
	sayTaken     = 't' // number in the row, pass
	sayOffered   = 'p' // number in the row, pass: sent to the portal
	sayConfirmed = 'c' // number: the portal has everything up to here
	sayAside     = 'a' // number, state: it goes aside with the step to come
	saySettled   = 's' // number: the cursor is there
	sayRecords   = 'r' // value that the records will have
	sayRecorded  = 'R' // value that they have
	sayRetain    = 'd' // what can be deleted will be
	sayRetained  = 'D'
)

func (w *worker) say(kind rune, values ...any) {
	line := string(kind) + " " + fmt.Sprintln(values...)
	w.mu.Lock()
	defer w.mu.Unlock()
	_, _ = os.Stdout.WriteString(line) // nobody to tell if nobody listens
}

// work opens the journal in dir and does everything with it, until it is killed.
func work(dir, run string, traits []string) error {
	w := &worker{run: run, traits: map[trait]bool{}}
	for _, t := range traits {
		w.traits[trait(t)] = true
	}
	if w.traits[cramped] {
		if err := limitAddressSpace(); err != nil {
			return err
		}
	}
	o := workOptions(dir)
	o.Log = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	o.tuning.unsynced = w.traits[unsynced]
	o.Boot = run
	began := time.Now()
	var err error
	if w.j, err = Open(context.Background(), o); err != nil {
		return err
	}
	w.say(sayOpened, time.Since(began).Milliseconds())
	failed := make(chan error)
	for range 16 {
		go func() { failed <- w.ingest() }()
	}
	go func() { failed <- w.deliver() }()
	go func() { failed <- w.record() }()
	return <-failed
}

// give makes the next pass, and announces it if need be.
func (w *worker) give() *event.Pass {
	w.mu.Lock()
	n := w.next
	w.next++
	if n >= w.allowed {
		w.allowed += 256
		_, _ = fmt.Printf("%c %s %d\n", sayGives, w.run, w.allowed)
	}
	w.mu.Unlock()
	p := testPass(n)
	p.EventID = fmt.Sprintf("%s-%d", w.run, n)
	p.ID = idOf(p.EventID)
	most := 2048
	if w.traits[hoarding] {
		most = 40 << 10
	}
	p.Note = strings.Repeat("x", rand.IntN(most)) // tables fill sooner
	return p
}

// idOf makes an id that proves which pass it belongs to.
func idOf(eventID string) (id event.ID) {
	sum := sha256.Sum256([]byte(eventID))
	copy(id[:], sum[:])
	return id
}

func (w *worker) ingest() error {
	for {
		p := w.give()
		seq, err := w.j.Append(context.Background(), p)
		if err != nil {
			return err
		}
		w.say(sayTaken, seq, p.EventID)
	}
}

// deliver is the uplink: it sends batch after batch to a portal that takes everything, and what cannot be delivered goes aside.
func (w *worker) deliver() error {
	s := w.j.Source("visits")
	for {
		if s.End() < s.Cursor()+100 {
			<-s.Changed() // many come at a time, and this looks again after each
			continue
		}
		var aside []event.Aside
		upto := s.Cursor()
		err := s.Scan(context.Background(), upto, upto+uint64(50+rand.IntN(200)), func(seq uint64, p *event.Pass) bool {
			w.say(sayOffered, seq, p.EventID)
			if seq%50 == 0 {
				aside = append(aside, event.Aside{Seq: seq, State: event.State(1 + seq/50%3), Reason: "reason"})
			}
			upto = seq
			return true
		})
		if err != nil {
			return err
		}
		for _, a := range aside {
			w.say(sayAside, a.Seq, int(a.State))
		}
		w.say(sayConfirmed, upto)
		if err := s.Settle(context.Background(), upto, 1, aside); err != nil {
			return err
		}
		w.say(saySettled, upto)
		if w.traits[hoarding] || rand.IntN(4) > 0 {
			continue
		}
		w.say(sayRetain)
		if err := w.j.Retain(context.Background(), time.Now().Add(1000*day), true); err != nil {
			return err
		}
		w.say(sayRetained)
	}
}

// recordKeys are always changed together.
var recordKeys = []string{"first", "second"}

func (w *worker) record() error {
	r := w.j.Records("visits")
	old, err := r.Get(recordKeys[0])
	if err != nil {
		return err
	}
	var value int
	_, _ = fmt.Sscan(string(old), &value) // none yet: 0
	for {
		value++
		var changes []event.Change
		for _, key := range recordKeys {
			changes = append(changes, event.Change{Key: key, Value: fmt.Append(nil, value)})
		}
		w.say(sayRecords, value)
		if err := r.Apply(context.Background(), changes...); err != nil {
			return err
		}
		w.say(sayRecorded, value)
		time.Sleep(time.Millisecond)
	}
}

// A ledger is what a killed process was given and has promised, and what its portal has got.
type ledger struct {
	given                    map[string]int    // passes below this were given, by run
	taken                    map[uint64]string // number → pass
	portal                   map[string]bool   // pass → is the batch settled?
	batch                    []string          // offered and not confirmed
	last                     []string          // confirmed and not settled
	confirmed, settled       uint64
	aside                    map[uint64]event.State // that must be there
	going                    map[uint64]event.State // that go with the step under way
	announced, recorded      int
	slowest                  time.Duration
	passes, again, deletions int
	wrong                    []string
}

func newLedger() *ledger {
	return &ledger{
		given: map[string]int{}, taken: map[uint64]string{}, portal: map[string]bool{},
		aside: map[uint64]event.State{}, going: map[uint64]event.State{},
	}
}

func (l *ledger) complain(format string, args ...any) {
	l.wrong = append(l.wrong, fmt.Sprintf(format, args...))
}

// hear notes a line; it says which kind it was. The last line may be cut.
func (l *ledger) hear(line string) (kind rune) {
	if line == "" {
		return 0
	}
	kind = rune(line[0])
	rest := line[1:]
	var n uint64
	var text string
	switch kind {
	case sayGives:
		var limit int
		if _, err := fmt.Sscan(rest, &text, &limit); err == nil {
			l.given[text] = limit
		}
		return kind
	case sayTaken, sayOffered:
		if _, err := fmt.Sscan(rest, &n, &text); err != nil {
			return 0
		}
	case sayAside:
		var state int
		if _, err := fmt.Sscan(rest, &n, &state); err == nil {
			l.going[n] = event.State(state)
		}
		return kind
	default:
		if _, err := fmt.Sscan(rest, &n); err != nil && kind != sayRetain && kind != sayRetained {
			return 0
		}
	}
	switch kind {
	case sayOpened:
		l.started(time.Duration(n) * time.Millisecond)
	case sayTaken:
		l.taken[n] = text
		l.passes++
	case sayOffered:
		l.offered(n, text)
	case sayConfirmed:
		for _, pass := range l.batch {
			l.portal[pass] = false
		}
		l.last, l.batch = append(l.last, l.batch...), nil
		l.confirmed = n
	case saySettled:
		l.settle(n)
	case sayRecords:
		l.announced = int(n)
	case sayRecorded:
		l.recorded = int(n)
	case sayRetained:
		l.deletions++
	}
	return kind
}

func (l *ledger) started(took time.Duration) {
	l.slowest = max(l.slowest, took)
	if took > 5*time.Second {
		l.complain("a start took %v", took)
	}
}

func (l *ledger) offered(seq uint64, pass string) {
	settled, known := l.portal[pass]
	switch {
	case settled || known && seq <= l.settled:
		l.complain("pass %s, number %d, is sent again though its batch was settled", pass, seq)
	case known:
		l.again++
	}
	l.batch = append(l.batch, pass)
}

func (l *ledger) settle(n uint64) {
	for _, pass := range l.last {
		l.portal[pass] = true
	}
	l.last, l.settled = nil, n
	maps.Copy(l.aside, l.going)
	clear(l.going)
}

// check opens what is left in dir and compares it with what was promised.
func (l *ledger) check(t *testing.T, dir string) {
	t.Helper()
	o := workOptions(dir)
	o.Log = slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	o.Boot = "check"
	o.Report = func(err error) { l.complain("reported: %v", err) }
	began := time.Now()
	j, err := Open(t.Context(), o)
	if err != nil {
		l.complain("a start failed: %v", err)
		return
	}
	defer shut(t, j)
	l.started(time.Since(began))
	l.checkRow(t, j)
	l.checkCursor(t, j)
	l.checkRecords(j)
	if folders, err := asideFolders(o.Dir); err != nil || len(folders) > 0 {
		l.complain("the store was put aside: %v, %v", folders, err)
		for _, folder := range folders {
			reason, err := os.ReadFile(filepath.Join(folder, reasonFile)) //nolint:gosec // the test's own folder
			l.complain("%s: %s, %v", folder, strings.TrimSpace(string(reason)), err)
		}
	}
	if v, err := j.Verify(t.Context(), nil); err != nil || !v.OK() {
		l.complain("verify: %+v, %v", v, err)
	}
}

func (l *ledger) checkRow(t *testing.T, j *Journal) {
	t.Helper()
	found := map[uint64]string{}
	seen := map[string]uint64{}
	err := j.Visit(t.Context(), 0, func(seq uint64, _ string, p *event.Pass) bool {
		found[seq] = p.EventID
		if other, twice := seen[p.EventID]; twice {
			l.complain("pass %s is there twice, as %d and %d", p.EventID, other, seq)
		}
		seen[p.EventID] = seq
		run, number, _ := strings.Cut(p.EventID, "-")
		var n int
		if _, err := fmt.Sscan(number, &n); err != nil || n >= l.given[run] || p.ID != idOf(p.EventID) {
			l.complain("pass %s, number %d, was never given", p.EventID, seq)
		}
		return true
	})
	if err != nil {
		l.complain("visit: %v", err)
	}
	first := j.Stats().First
	lost := 0
	for seq, pass := range l.taken {
		switch _, sent := l.portal[pass]; {
		case seq < first && sent: // it has arrived, and may be gone
			delete(l.taken, seq)
		case found[seq] != pass:
			if lost++; lost <= 3 {
				l.complain("pass %s was taken as %d and is lost: %q is there", pass, seq, found[seq])
			}
		}
	}
	if lost > 3 {
		l.complain("%d passes that were taken are lost", lost)
	}
}

// checkCursor: it stands where the last step that ended has put it, or where the one under way would have.
func (l *ledger) checkCursor(t *testing.T, j *Journal) {
	t.Helper()
	s := j.Source("visits")
	switch s.Cursor() {
	case l.settled:
	case l.confirmed:
		l.settle(l.confirmed)
	default:
		l.complain("the cursor is at %d, was settled at %d, and the portal has all up to %d", s.Cursor(), l.settled, l.confirmed)
	}
	clear(l.going)
	l.batch, l.last = nil, nil
	aside := map[uint64]event.State{}
	for _, state := range []event.State{event.Held, event.Dead, event.Uncertain} {
		err := j.Asides(t.Context(), "visits", state, 0, func(r AsideRecord) bool {
			aside[r.Seq] = state
			if want := l.taken[r.Seq]; want != "" && want != r.Pass.EventID {
				l.complain("aside as %d is %s and not %s", r.Seq, r.Pass.EventID, want)
			}
			return true
		})
		if err != nil {
			l.complain("asides: %v", err)
		}
	}
	for seq, state := range l.aside {
		if aside[seq] != state {
			l.complain("pass %d went aside as %s and is %s", seq, state, aside[seq])
		}
	}
	if len(aside) != len(l.aside) {
		l.complain("%d passes are aside, %d should be", len(aside), len(l.aside))
	}
}

func (l *ledger) checkRecords(j *Journal) {
	var values []int
	for _, key := range recordKeys {
		text, err := j.Records("visits").Get(key)
		if err != nil {
			l.complain("records: %v", err)
		}
		var value int
		_, _ = fmt.Sscan(string(text), &value)
		values = append(values, value)
	}
	if values[0] != values[1] || values[0] != l.recorded && values[0] != l.announced {
		l.complain("records %v, stored %d, under way %d", values, l.recorded, l.announced)
	}
	l.recorded, l.announced = values[0], values[0]
}
