// Package health is what each part of the agent says of itself. The parts report; the board keeps the latest word of each,
// writes changes to the log (a failure once as a warning, its repetitions as debug, the recovery as information), and gives
// one snapshot from which the command line, the heartbeat and the metrics are all fed.
package health

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"
)

// State is how a part is doing.
type State string

// The states.
const (
	// Starting: nothing is known yet.
	Starting State = "starting"
	// Up: it works.
	Up State = "ok"
	// Down: it does not work, and is tried again without anybody's help.
	Down State = "failing"
	// Stopped: it does not work and a person has to act.
	Stopped State = "stopped"
)

// Kind says what a part is.
type Kind string

// The kinds, in the order in which people are shown them.
const (
	Journal     Kind = "journal"
	Config      Kind = "config"
	Cardholders Kind = "cardholders"
	Reader      Kind = "reader"
	Broker      Kind = "broker"
	Uplink      Kind = "uplink"
	Web         Kind = "web"
)

var order = []Kind{Journal, Config, Cardholders, Reader, Broker, Uplink, Web}

// Report is the latest word of one part.
type Report struct {
	Kind Kind   `json:"kind"`
	Name string `json:"name"`
	// Type is the module that the part is made of.
	Type  string `json:"type,omitempty"`
	State State  `json:"state"`
	// Problem says what is wrong and what to do; empty if the state is ok. No personal data.
	Problem string `json:"problem,omitempty"`
	// Code is the same as one word for machines; see CodeOf.
	Code string `json:"code,omitempty"`
	// Since is when the state began.
	Since time.Time `json:"since"`
	// SaidAt is when the part said anything last, be it the same as before.
	SaidAt time.Time `json:"said_at"`
	// Count is what the part is there for: passes read, passes delivered; since the agent started.
	Count uint64 `json:"count"`
	// LastAt is when Count grew last; zero if never.
	LastAt time.Time `json:"last_at,omitzero"`
	// Oddities counts what arrived and could not be understood.
	Oddities uint64 `json:"oddities"`
	// LastOddity is the newest of them in words.
	LastOddity string `json:"last_oddity,omitempty"`
}

// A Board holds the reports of all parts. Its zero value is not usable; see NewBoard.
type Board struct {
	log     *slog.Logger
	mu      sync.Mutex
	parts   []*Part
	changed chan struct{}
}

// NewBoard makes a board that writes changes to log.
func NewBoard(log *slog.Logger) *Board {
	return &Board{log: log, changed: make(chan struct{})}
}

// A Part is the voice of one part. Its methods may be called by several goroutines.
type Part struct {
	board  *Board
	report Report
}

// Part gives the part of that kind and name, and makes it on first sight.
func (b *Board) Part(kind Kind, name string) *Part {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, p := range b.parts {
		if p.report.Kind == kind && p.report.Name == name {
			return p
		}
	}
	p := &Part{board: b, report: Report{Kind: kind, Name: name, State: Starting, Since: time.Now()}}
	b.parts = append(b.parts, p)
	return p
}

// Reader gives the voice of the reader of that name.
func (b *Board) Reader(name string) *Part { return b.Part(Reader, name) }

// Remove forgets a part that is gone from the configuration.
func (b *Board) Remove(kind Kind, name string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.parts = slices.DeleteFunc(b.parts, func(p *Part) bool { return p.report.Kind == kind && p.report.Name == name })
}

// Snapshot gives the latest word of every part, ordered by kind and name.
func (b *Board) Snapshot() []Report {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := make([]Report, 0, len(b.parts))
	for _, p := range b.parts {
		all = append(all, p.report)
	}
	slices.SortFunc(all, func(x, y Report) int {
		return cmp.Or(cmp.Compare(slices.Index(order, x.Kind), slices.Index(order, y.Kind)), cmp.Compare(x.Name, y.Name))
	})
	return all
}

// Changed gives a channel that is closed at the next change of any state or code.
func (b *Board) Changed() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.changed
}

// SetType notes the module that the part is made of.
func (p *Part) SetType(typ string) {
	p.board.mu.Lock()
	defer p.board.mu.Unlock()
	p.report.Type = typ
}

// State is the latest state of the part.
func (p *Part) State() State { return p.Report().State }

// Report is the latest word of the part.
func (p *Part) Report() Report {
	p.board.mu.Lock()
	defer p.board.mu.Unlock()
	return p.report
}

// Up says that the part works.
func (p *Part) Up() { p.set(Up, nil) }

// Down says that the part does not work at present and why; it is tried again.
func (p *Part) Down(why error) { p.set(Down, why) }

// Stop says that the part does not work until a person acts, and why.
func (p *Part) Stop(why error) { p.set(Stopped, why) }

// Add counts n passes read or delivered, now.
func (p *Part) Add(n int) {
	p.board.mu.Lock()
	defer p.board.mu.Unlock()
	p.report.Count += uint64(max(0, n))
	p.report.LastAt = time.Now()
	p.report.SaidAt = p.report.LastAt
}

// Odd says that something arrived that could not be understood. It must not contain personal data.
func (p *Part) Odd(what error) {
	p.board.mu.Lock()
	p.report.Oddities++
	first := p.report.LastOddity != what.Error()
	p.report.LastOddity = what.Error()
	p.board.mu.Unlock()
	level := slog.LevelDebug
	if first {
		level = slog.LevelWarn
	}
	p.log(level, "not understood", what.Error())
}

func (p *Part) set(state State, why error) {
	problem, code := "", ""
	if why != nil {
		problem, code = why.Error(), CodeOf(why)
	}
	now := time.Now()
	p.board.mu.Lock()
	before := p.report
	p.report.State, p.report.Problem, p.report.Code, p.report.SaidAt = state, problem, code, now
	if before.State != state || before.Code != code {
		close(p.board.changed)
		p.board.changed = make(chan struct{})
	}
	if before.State != state {
		p.report.Since = now
	}
	p.board.mu.Unlock()
	switch {
	case state == Up && before.State != Up:
		p.log(slog.LevelInfo, "works", "")
	case state != Up && (before.State != state || before.Problem != problem):
		p.log(slog.LevelWarn, "does not work", problem)
	case state != Up:
		p.log(slog.LevelDebug, "still does not work", problem)
	}
}

func (p *Part) log(level slog.Level, message, problem string) {
	attrs := []slog.Attr{slog.String(string(p.report.Kind), p.report.Name)}
	if problem != "" {
		attrs = append(attrs, slog.String("problem", problem))
	}
	p.board.log.LogAttrs(context.Background(), level, message, attrs...) //nolint:sloglint // one of the four above
}
