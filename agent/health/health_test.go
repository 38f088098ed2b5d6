package health

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
)

func TestFailureIsLoggedOnceAndRecoveryToo(t *testing.T) {
	var log bytes.Buffer
	board := NewBoard(slog.New(slog.NewTextHandler(&log, nil)))
	gate := board.Reader("gate-1")
	for range 3 {
		gate.Down(errors.New("port is gone"))
	}
	gate.Up()
	gate.Up()
	for text, want := range map[string]int{"does not work": 1, "msg=works": 1, "reader=gate-1": 2} {
		if got := strings.Count(log.String(), text); got != want {
			t.Errorf("%q stands %d times in the log, want %d:\n%s", text, got, want, log.String())
		}
	}
}

func TestSnapshotIsOrderedAndChangesAreSignalled(t *testing.T) {
	board := NewBoard(slog.New(slog.DiscardHandler))
	changed := board.Changed()
	board.Part(Uplink, "visits").Stop(errors.New("key refused"))
	board.Reader("b").Up()
	board.Reader("a").Odd(errors.New("14 bytes of noise"))
	board.Part(Journal, "journal").Up()
	select {
	case <-changed:
	default:
		t.Error("the change was not signalled")
	}
	var names []string
	for _, r := range board.Snapshot() {
		names = append(names, r.Name+" "+string(r.State))
	}
	if got, want := strings.Join(names, ", "), "journal ok, a starting, b ok, visits stopped"; got != want {
		t.Errorf("snapshot: %s, want %s", got, want)
	}
	board.Remove(Reader, "a")
	if n := len(board.Snapshot()); n != 3 {
		t.Errorf("%d parts after removal, want 3", n)
	}
}
