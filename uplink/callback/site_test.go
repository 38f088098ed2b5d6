package callback

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/acs-agent/acs-agent/agent/health"
	"github.com/acs-agent/acs-agent/agent/settings"
	"github.com/acs-agent/acs-agent/uplink"
	"github.com/acs-agent/acs-agent/uplink/sandbox"
	"github.com/acs-agent/acs-agent/uplink/uplinktest"
)

const (
	login    = "integration@example"
	password = "Wz-61:pass\"word"
)

var almaty = time.FixedZone("", 5*3600)

// paths of the sandbox: those of the document with made-up names where it leaves nothing to tell two calls apart.
const sandboxPaths = `paths: {login: /api/auth, list: "/api//?limit={limit}", commit: "/api/v1/commit/{code}/", status: /api/status}`

// A site is an uplink to a server, with everything around it.
type site struct {
	*callback
	store  uplink.Store
	memory *uplinktest.Store
	source *uplinktest.Source
	say    *health.Part
	log    *bytes.Buffer
	mu     sync.Mutex
	told   []any
}

// newSite makes an uplink to the server at that address that knows no patience.
func newSite(t testing.TB, address string, memory *uplinktest.Store, more string) *site {
	t.Helper()
	return newSiteWith(t, address, memory, memory, more)
}

func newSiteWith(t testing.TB, address string, memory *uplinktest.Store, store uplink.Store, more string) *site {
	t.Helper()
	s := &site{memory: memory, store: store, source: &uplinktest.Source{}, log: &bytes.Buffer{}}
	if !strings.Contains(more, "paths:") {
		more += "\n" + sandboxPaths
	}
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte(password+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	made, err := New(uplink.Env{
		Name: "reception", Pace: uplink.NewPace(), UserAgent: "acs-agent/test", Zone: almaty, Store: store,
		Log: slog.New(slog.DiscardHandler),
		Tell: func(event any) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.told = append(s.told, event)
		},
	}, uplinktest.Section(t, fmt.Sprintf("url: %s\nlogin: %s\npassword_file: %s\n%s", address, login, file, more)))
	if err != nil {
		t.Fatal(err)
	}
	s.callback = made.(*callback)
	s.session.client.Interval = 0
	s.Poll, s.RetryMax, s.config.Probe = settings.Duration(5*time.Millisecond), settings.Duration(5*time.Millisecond), settings.Duration(10*time.Millisecond)
	s.say = health.NewBoard(slog.New(slog.NewTextHandler(s.log, nil))).Part(health.Uplink, "reception")
	return s
}

// run lets the uplink work until done says so, or fails the test.
func (s *site) run(t testing.TB, done func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	s.runWith(ctx, t, done)
	if ctx.Err() != nil {
		t.Errorf("not done after 20 s: %+v", s.say.Report())
	}
}

func (s *site) runWith(ctx context.Context, t testing.TB, done func() bool) {
	t.Helper()
	inner, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- s.Run(inner, s.source, s.say) }()
	for !done() && ctx.Err() == nil {
		time.Sleep(time.Millisecond)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// events gives what was told over MQTT as JSON.
func (s *site) events(t testing.TB) string {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	text, err := json.Marshal(s.told)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// requests gives all records.
func (s *site) requests(t testing.TB) (all []request) {
	t.Helper()
	if err := s.book.each(func(r *request) bool { all = append(all, *r); return true }); err != nil {
		t.Error(err)
	}
	return all
}

// quiet says whether no status waits.
func (s *site) quiet() bool {
	items, err := s.book.pending("")
	return err == nil && len(items) == 0
}

// ask sends a command as the commands of the agent do, and gives status and answer.
func (s *site) ask(t testing.TB, method, target, body string, into any) int {
	t.Helper()
	req := httptest.NewRequestWithContext(t.Context(), method, target, strings.NewReader(body))
	w := httptest.NewRecorder()
	s.Commands().ServeHTTP(w, req)
	if into != nil {
		if err := json.Unmarshal(w.Body.Bytes(), into); err != nil {
			t.Errorf("%s %s: %v in %s", method, target, err, w.Body)
		}
	}
	return w.Code
}

// newPortal makes a sandbox and serves it.
func newPortal(t testing.TB, o sandbox.CallbackOptions) (*sandbox.Portal, *httptest.Server) {
	t.Helper()
	o.Login, o.Password = login, password
	p := sandbox.New(sandbox.Options{Callback: o})
	server := httptest.NewServer(p)
	t.Cleanup(server.Close)
	return p, server
}

// apply adds so many call-back requests to the platform.
func apply(t testing.TB, p *sandbox.Portal, count int) {
	t.Helper()
	for n := range count {
		_, err := p.AddApplication(sandbox.Application{
			Surname: "Пробный", Firstname: "Проба", Patronymic: "Пробович", Phone: fmt.Sprintf("+7 (999) 000-00-%02d", n%100),
			OPF: "legalEntity", OrganizationName: "ООО Проба", INN: "7719283390", Created: time.Date(2022, 12, 29, 0, 0, 0, 0, time.UTC),
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// statuses gives the statuses that the platform has of its n-th application, repetitions left out.
func statuses(p *sandbox.Portal, n int) (codes []string) {
	for _, s := range p.Applications()[n].Statuses {
		if len(codes) == 0 || codes[len(codes)-1] != s.Status {
			codes = append(codes, s.Status)
		}
	}
	return codes
}

// settled says whether the platform has a status for every application, and all are confirmed.
func settled(p *sandbox.Portal) bool {
	return !slices.ContainsFunc(p.Applications(), func(a sandbox.ApplicationState) bool { return !a.Committed || len(a.Statuses) == 0 })
}

// A platform is a server that answers as a test tells it to.
type platform struct {
	*httptest.Server
	mu    sync.Mutex
	calls []string // method and address as they arrived
	heads []http.Header
	texts []string
	// answer is given the name of a call and how often it has been made before.
	answer func(call string, times int) (status int, body string)
	count  map[string]int
}

// calls of a scripted platform, by their beginnings.
const scriptedPaths = `paths: {login: /in/, list: "/list//?limit={limit}", commit: "/commit/{code}/", status: /state/}`

func newPlatform(t testing.TB, answer func(call string, times int) (int, string)) *platform {
	t.Helper()
	p := &platform{answer: answer, count: make(map[string]int)}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var body bytes.Buffer
		_, _ = body.ReadFrom(r.Body)
		call := strings.SplitN(r.RequestURI, "/", 3)[1]
		p.mu.Lock()
		p.calls = append(p.calls, r.Method+" "+r.RequestURI)
		p.heads = append(p.heads, r.Header)
		p.texts = append(p.texts, body.String())
		times := p.count[call]
		p.count[call]++
		p.mu.Unlock()
		status, text := p.answer(call, times)
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		if strings.HasPrefix(text, "<") {
			w.Header().Set("Content-Type", "text/html")
		}
		if status/100 == 3 {
			w.Header().Set("Location", "https://elsewhere.invalid/")
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(text))
	}))
	t.Cleanup(p.Close)
	return p
}

// A record is what has arrived at a platform, call by call.
type record struct {
	calls, texts []string
	heads        []http.Header
}

// record gives what has arrived so far; a call that was cut off may still be arriving.
func (p *platform) record() record {
	p.mu.Lock()
	defer p.mu.Unlock()
	return record{slices.Clone(p.calls), slices.Clone(p.texts), slices.Clone(p.heads)}
}

// status is the body of the last status call.
func (r record) status() string {
	for i, v := range slices.Backward(r.calls) {
		if v == "POST /state/" {
			return r.texts[i]
		}
	}
	return ""
}

func (p *platform) times(call string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.count[call]
}

// The documented answers.
const (
	tokenGiven = `{"statusCode":200,"data":{"token":"a.b.c"}}`
	nothing    = `{"statusCode":200,"applications":[]}`
	taken      = `{"statusCode":200}`
)

func oneRequest(more string) string {
	return `{"statusCode":200,"commit":"c/1","applications":[{"applicationId":"111"` + more + `}]}`
}

// usual answers as the document says: one request, once.
func usual(call string, times int) (int, string) {
	switch call {
	case "in":
		return 200, tokenGiven
	case "list":
		if times > 0 {
			return 200, nothing
		}
		return 200, oneRequest("")
	default:
		return 200, taken
	}
}
