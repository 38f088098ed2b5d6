// Package localapi is how the commands talk to the running agent: HTTP over a socket in the data directory that only the owner
// and the group may open. Where no agent runs, the same handler answers the commands from inside their own process, so that
// there is one implementation of each command.
package localapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/acs-agent/acs-agent/agent/health"
	"github.com/acs-agent/acs-agent/agent/queue"
	"github.com/acs-agent/acs-agent/buffer"
)

// SocketName is the name of the socket in the data directory.
const SocketName = "agent.sock"

// maxSocketPath is what the kernel takes for the path of a socket (sun_path, with its closing zero).
const maxSocketPath = 107

// farewell is how long the requests under way may take to end.
const farewell = 500 * time.Millisecond

// What the answers are: one JSON value, or one a line.
const (
	typeJSON  = "application/json"
	typeLines = "application/x-ndjson"
)

// A Server answers the commands.
type Server struct {
	// Status describes the agent now.
	Status func() health.Status
	Desk   *queue.Desk
	// Uplinks gives those that people can talk to, by name.
	Uplinks func() map[string]Commands
	// Seen is where passes are watched as they come; nil if no agent runs.
	Seen *Hub
	// Privacy is what is needed to forget a person beside the journal.
	Privacy
	Log *slog.Logger
}

// Commands are what one uplink can be asked and told.
type Commands struct {
	// Type is the uplink's module.
	Type    string
	Handler http.Handler
}

// Handler serves the routes below /v1.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/status", s.status)
	mux.HandleFunc("GET /v1/watch", s.watch)
	mux.HandleFunc("GET /v1/queue", s.list)
	mux.HandleFunc("POST /v1/queue/{action}", s.act)
	mux.HandleFunc("POST /v1/verify", s.verify)
	mux.HandleFunc("POST /v1/forget", s.forget)
	mux.HandleFunc("GET /v1/key", s.key)
	mux.HandleFunc("POST /v1/key/rotate", s.rotate)
	mux.HandleFunc("GET /v1/uplinks", s.uplinks)
	mux.HandleFunc("/v1/uplinks/{name}/", s.command)
	return mux
}

// Serve answers on the socket in dir until ctx ends.
func (s *Server) Serve(ctx context.Context, dir string) error {
	listener, err := listen(ctx, filepath.Join(dir, SocketName))
	if err != nil {
		return fmt.Errorf("local socket: %w", err)
	}
	server := &http.Server{
		Handler:           s.Handler(),
		ReadHeaderTimeout: 5 * time.Second,
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ErrorLog:          slog.NewLogLogger(s.Log.Handler(), slog.LevelDebug),
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	select {
	case err := <-ended:
		return fmt.Errorf("local socket: %w", err)
	case <-ctx.Done():
	}
	// Requests end with their context. They get a moment for it, so that their callers see an end and not a break.
	moment, cancel := context.WithTimeout(context.WithoutCancel(ctx), farewell)
	defer cancel()
	if server.Shutdown(moment) != nil {
		_ = server.Close()
	}
	if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("local socket: %w", err)
	}
	return nil
}

// listen takes the socket over from an agent that was killed. That no other agent runs is known: it would hold the journal.
func listen(ctx context.Context, path string) (net.Listener, error) {
	if len(path) > maxSocketPath {
		return nil, fmt.Errorf("%s is longer than the %d characters that the system takes (choose a shorter data_dir)", path, maxSocketPath)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "unix", path)
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(path, 0o660); err != nil { //nolint:gosec // the group of the service is let in on purpose
		_ = listener.Close()
		return nil, err
	}
	return listener, nil
}

func (s *Server) status(w http.ResponseWriter, _ *http.Request) { answer(w, s.Status()) }

// watch streams the passes as they are stored, one JSON object a line.
func (s *Server) watch(w http.ResponseWriter, r *http.Request) {
	if s.Seen == nil {
		fail(w, http.StatusServiceUnavailable, errors.New("the agent is not running, so there is nothing to watch"))
		return
	}
	seen, stop := s.Seen.Subscribe()
	defer stop()
	reveal := r.URL.Query().Has("reveal")
	flush := startStream(w)
	flush()
	for {
		select {
		case <-r.Context().Done():
			return
		case sight := <-seen:
			if writeLine(w, sight.shown(reveal)) != nil {
				return
			}
			flush()
		}
	}
}

// list streams the items that the query chooses. An error after the first line is a line {"error": …}.
func (s *Server) list(w http.ResponseWriter, r *http.Request) {
	q, err := parseQuery(r)
	if err != nil {
		fail(w, http.StatusBadRequest, err)
		return
	}
	limit, err := number(r, "limit")
	if err != nil {
		fail(w, http.StatusBadRequest, err)
		return
	}
	if err := s.Desk.Knows(q.Uplink); err != nil {
		fail(w, http.StatusNotFound, err)
		return
	}
	flush := startStream(w)
	var count uint64
	err = s.Desk.Items(r.Context(), q, func(item *queue.Item) bool {
		count++
		return writeLine(w, item) == nil && (limit == 0 || count < limit)
	})
	if err != nil {
		_ = writeLine(w, struct {
			Error string `json:"error"`
		}{err.Error()})
	}
	flush()
}

func (s *Server) act(w http.ResponseWriter, r *http.Request) {
	action := queue.Action(r.PathValue("action"))
	q, err := parseQuery(r)
	if err != nil {
		fail(w, http.StatusBadRequest, err)
		return
	}
	done, err := s.Desk.Act(r.Context(), action, q)
	if err != nil {
		fail(w, http.StatusBadRequest, err)
		return
	}
	s.Log.Info("asked by a person", "action", action, "uplink", q.Uplink, "state", q.State, "number", q.Number, "passes", done.Count)
	answer(w, done)
}

// uplinks tells which uplinks have commands: an object of name and type.
func (s *Server) uplinks(w http.ResponseWriter, _ *http.Request) {
	all := s.Uplinks()
	types := make(map[string]string, len(all))
	for name, c := range all {
		types[name] = c.Type
	}
	answer(w, types)
}

// command hands a request on to the uplink that it names.
func (s *Server) command(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	c, ok := s.Uplinks()[name]
	if !ok {
		fail(w, http.StatusNotFound, fmt.Errorf("no uplink %q has commands", name))
		return
	}
	http.StripPrefix("/v1/uplinks/"+name, c.Handler).ServeHTTP(w, r)
}

// verify streams {"done":…,"total":…} lines and ends with the report.
func (s *Server) verify(w http.ResponseWriter, r *http.Request) {
	flush := startStream(w)
	report, err := s.Desk.Journal.Verify(r.Context(), func(done, total uint64) {
		_ = writeLine(w, Progress{Done: done, Total: total})
		flush()
	})
	last := Verified{Report: &report}
	if err != nil {
		last = Verified{Error: err.Error()}
	}
	_ = writeLine(w, last)
}

// Progress is a line of a verification that goes on.
type Progress struct {
	Done  uint64 `json:"done"`
	Total uint64 `json:"total"`
}

// Verified is the last line of a verification.
type Verified struct {
	Report *buffer.VerifyReport `json:"report,omitempty"`
	Error  string               `json:"error,omitempty"`
}

// parseQuery takes nothing for "all" that was meant to be less: passes are dropped by it.
func parseQuery(r *http.Request) (q queue.Query, err error) {
	v, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return q, errors.New("the query cannot be understood")
	}
	for key, given := range v {
		if len(given) > 1 || !slices.Contains([]string{"uplink", "state", "number", "limit", "reveal", "approximate"}, key) {
			return q, fmt.Errorf("the query says %.20q, which means nothing here or is said twice", key)
		}
	}
	q = queue.Query{Uplink: v.Get("uplink"), State: queue.State(v.Get("state")), Reveal: v.Has("reveal"), Approximate: v.Has("approximate")}
	switch q.State {
	case "", queue.Waiting, queue.Delivered, queue.Held, queue.Dead, queue.Uncertain:
	default:
		return q, fmt.Errorf("%.20q is no state of a pass", q.State)
	}
	q.Number, err = number(r, "number")
	return q, err
}

// number reads a number of the query; what is left out is 0.
func number(r *http.Request, name string) (uint64, error) {
	text := r.URL.Query().Get(name)
	if text == "" {
		return 0, nil
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%s: %.20q is no number", name, text)
	}
	return n, nil
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", typeJSON)
	_ = json.NewEncoder(w).Encode(v) // the reader is gone: nobody to tell
}

func fail(w http.ResponseWriter, status int, err error) {
	w.Header().Set("Content-Type", typeJSON)
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(struct {
		Error string `json:"error"`
	}{err.Error()})
}

// startStream begins an answer of JSON lines and returns what brings them to the reader.
func startStream(w http.ResponseWriter) (flush func()) {
	w.Header().Set("Content-Type", typeLines)
	control := http.NewResponseController(w)
	return func() { _ = control.Flush() }
}

func writeLine(w http.ResponseWriter, v any) error { return json.NewEncoder(w).Encode(v) }
