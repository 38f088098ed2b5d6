package web

import (
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/acs-agent/acs-agent/agent/health"
)

func TestReadyIsWhoCanStore(t *testing.T) {
	full := health.Coded(health.JournalFull, errors.New("the journal is full"))
	for what, test := range map[string]struct {
		say    func(*health.Board)
		status int
		text   string
	}{
		"all is well": {func(b *health.Board) { b.Part(health.Journal, "journal").Up() }, 200, "ready\n"},
		"neither portal nor broker nor reader can be reached": {func(b *health.Board) {
			b.Part(health.Journal, "journal").Up()
			b.Part(health.Uplink, "visits").Down(errors.New("no route"))
			b.Part(health.Uplink, "exam").Stop(errors.New("key refused"))
			b.Part(health.Broker, "broker").Down(errors.New("no route"))
			b.Reader("gate").Down(errors.New("unplugged"))
		}, 200, "ready\n"},
		"the journal is full":    {func(b *health.Board) { b.Part(health.Journal, "journal").Down(full) }, 503, "journal-full\n"},
		"the journal has failed": {func(b *health.Board) { b.Part(health.Journal, "journal").Stop(errors.New("bad disk")) }, 503, "failing\n"},
		"it is being opened":     {func(b *health.Board) { b.Part(health.Journal, "journal") }, 503, "journal-starting\n"},
		"there is none":          {func(*health.Board) {}, 503, "journal-closed\n"},
	} {
		board := health.NewBoard(slog.New(slog.DiscardHandler))
		test.say(board)
		w := httptest.NewRecorder()
		Ready(func() health.Status { return health.Status{Parts: board.Snapshot()} }).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/readyz", nil))
		if w.Code != test.status || w.Body.String() != test.text {
			t.Errorf("%s: %d %q, want %d %q", what, w.Code, w.Body, test.status, test.text)
		}
	}
	w := httptest.NewRecorder()
	Alive().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/healthz", nil))
	if w.Code != http.StatusOK || w.Body.String() != "ok\n" {
		t.Errorf("alive: %d %q", w.Code, w.Body)
	}
}
