package exam

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"mime"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/acs-agent/acs-agent/agent/event"
	"github.com/acs-agent/acs-agent/agent/health"
	"github.com/acs-agent/acs-agent/uplink"
	"github.com/acs-agent/acs-agent/uplink/sandbox"
	"github.com/acs-agent/acs-agent/uplink/uplinktest"
)

// The people of the tests, by the documents that they show.
const (
	anna  = "AA 1000001"
	boris = "AA 1000002"
	vera  = "AA 1000003"
)

func hashOf(t testing.TB, document string) string {
	t.Helper()
	hash, err := (Documents{}).Hash(document)
	if err != nil {
		t.Fatal(err)
	}
	return hash
}

const plainSettings = `area_id: 17
readers: [hall]
document_readers: [scanner]
roster: roster.csv
patent: {nearest: 2026-12-05}
temporary_residence: {none: true}
residence_permit: {nearest: 2026-12-19}
`

// A site is an exam site with the strict portal of the sandbox, without a network between them.
type site struct {
	*exam
	t       *testing.T
	store   *uplinktest.Store
	source  *uplinktest.Source
	say     *health.Part
	portal  *sandbox.Portal
	dir     string
	log     *bytes.Buffer
	mu      sync.Mutex
	told    []Event
	bodies  []string
	mishaps []mishap
	stop    func()
}

// A mishap is what happens to the next request instead of what should.
type mishap func(deliver func() *uplink.Answer) (*uplink.Answer, error)

func lostAnswer(deliver func() *uplink.Answer) (*uplink.Answer, error) {
	deliver()
	return nil, errors.New("the connection was cut")
}

func lostRequest(func() *uplink.Answer) (*uplink.Answer, error) {
	return nil, errors.New("the connection was cut")
}

func refusedConnection(func() *uplink.Answer) (*uplink.Answer, error) {
	return nil, unsent{syscall.ECONNREFUSED}
}

func status(code int) mishap {
	return func(func() *uplink.Answer) (*uplink.Answer, error) {
		return &uplink.Answer{Status: code, MediaType: "text/html"}, nil
	}
}

// at runs a test at a time in Almaty.
func at(t *testing.T, when string, test func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(moment(t, when)))
		test(t)
	})
}

func newSite(t *testing.T, text string, o sandbox.ExamOptions) *site {
	t.Helper()
	s := &site{
		t: t, store: &uplinktest.Store{}, source: &uplinktest.Source{}, dir: t.TempDir(), log: &bytes.Buffer{},
		portal: sandbox.New(sandbox.Options{Now: time.Now, Exam: o}),
	}
	s.roster("")
	s.make(text)
	return s
}

// make makes the uplink with these settings: the first time, or after a restart.
func (s *site) make(text string) {
	s.t.Helper()
	logger := slog.New(slog.NewTextHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	made, err := New(uplink.Env{
		Name: "exam", Pace: uplink.NewPace(), UserAgent: "test", Readers: []string{"hall", "scanner", "gate"}, Zone: almaty, Store: s.store,
		Tell: func(event any) { s.mu.Lock(); defer s.mu.Unlock(); s.told = append(s.told, event.(Event)) }, Log: logger,
	}, uplinktest.Section(s.t, text))
	if err != nil {
		s.t.Fatal(err)
	}
	s.exam = made.(*exam)
	if s.exam.roster.path != "" {
		s.exam.roster.path = filepath.Join(s.dir, "roster.csv")
	}
	s.exam.post = s.post
	s.say = health.NewBoard(logger).Part(health.Uplink, "exam")
}

func (s *site) post(_ context.Context, body []byte) (*uplink.Answer, error) {
	s.mu.Lock()
	var next mishap
	if len(s.mishaps) > 0 {
		next, s.mishaps = s.mishaps[0], s.mishaps[1:]
	}
	s.bodies = append(s.bodies, string(body))
	s.mu.Unlock()
	deliver := func() *uplink.Answer { return s.deliver(body) }
	if next != nil {
		return next(deliver)
	}
	return deliver(), nil
}

// deliver brings a body to the portal.
func (s *site) deliver(body []byte) *uplink.Answer {
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodPost, sandbox.ExamPath, bytes.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	s.portal.ServeHTTP(w, r)
	media, _, _ := mime.ParseMediaType(w.Header().Get("Content-Type"))
	return &uplink.Answer{Status: w.Code, MediaType: media, Body: w.Body.Bytes()}
}

// next says what happens to the next requests.
func (s *site) next(m ...mishap) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mishaps = append(s.mishaps, m...)
}

// sent are the bodies of all requests up to now, heard what was told over MQTT.
func (s *site) sent() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.bodies)
}

func (s *site) heard() []Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.told)
}

// start lets the uplink run until halt.
func (s *site) start() {
	ctx, cancel := context.WithCancel(s.t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx, s.source, s.say) }()
	s.stop = func() {
		cancel()
		if err := <-ended; err != nil {
			s.t.Error(err)
		}
		s.stop = func() {}
	}
	s.t.Cleanup(func() { s.stop() })
	synctest.Wait()
}

func (s *site) halt() { s.stop() }

// until lets time pass.
func (s *site) until(when string) {
	s.t.Helper()
	d := time.Until(moment(s.t, when))
	if d < 0 {
		s.t.Fatalf("%s has passed", when)
	}
	time.Sleep(d)
	synctest.Wait()
}

// roster writes the file anew, with these rows.
func (s *site) roster(rows string) {
	s.t.Helper()
	text := "document;exam_date;level;result;card\n" + strings.ReplaceAll(rows, ",", ";")
	file := filepath.Join(s.dir, "roster.csv")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
	// The clock of the file system is not that of the bubble, and has a rough grain.
	now := time.Now()
	if err := os.Chtimes(file, now, now); err != nil {
		s.t.Fatal(err)
	}
}

// shows lets somebody show a document to the scanner now.
func (s *site) shows(document string) {
	s.pass("scanner", event.Credential{Format: "line", Text: document, Raw: []byte(document)})
}

// holds lets somebody hold a card to the reader of the hall now.
func (s *site) holds(number ...byte) {
	s.pass("hall", event.Credential{Format: "rdm6300", Number: number, Bits: 8 * len(number)})
}

func (s *site) pass(reader string, c event.Credential) { s.passAt(reader, c, time.Now()) }

// shownAt lets the journal have a document that was shown before.
func (s *site) shownAt(document string, when time.Time) {
	s.passAt("scanner", event.Credential{Format: "line", Text: document}, when)
}

func (s *site) passAt(reader string, c event.Credential, when time.Time) {
	s.source.Append(event.Pass{Reader: reader, Credential: c, At: event.Instant{Wall: when, Trusted: true}, Pending: event.UnknownCard})
}

// ask sends a command as the command line does.
func (s *site) ask(method, path string, into any) int {
	s.t.Helper()
	w := httptest.NewRecorder()
	s.Commands().ServeHTTP(w, httptest.NewRequest(method, path, nil))
	if into != nil {
		if err := json.Unmarshal(w.Body.Bytes(), into); err != nil {
			s.t.Fatalf("%s %s: %s: %v", method, path, w.Body, err)
		}
	}
	synctest.Wait()
	return w.Code
}

// order gives a command that has to be followed.
func (s *site) order(path string) {
	s.t.Helper()
	var said map[string]any
	if code := s.ask(http.MethodPost, path, &said); code/100 != 2 {
		s.t.Fatalf("%s: %d %v", path, code, said)
	}
	synctest.Wait()
}

// wantRefused gives a command that has to be refused with these words.
func (s *site) wantRefused(path string, code int, words string) {
	s.t.Helper()
	var said struct{ Error string }
	if got := s.ask(http.MethodPost, path, &said); got != code || !strings.Contains(said.Error, words) {
		s.t.Errorf("%s: %d %q, want %d and %q", path, got, said.Error, code, words)
	}
}

func (s *site) wantState(of string, want State) *record {
	s.t.Helper()
	rec, err := s.recordOf(week(s.t, of))
	if err != nil {
		s.t.Fatal(err)
	}
	if rec.State != want {
		s.t.Errorf("%s is %s, want %s (%s; %s)", of, rec.State, want, rec.Reason, s.say.Report().Problem)
	}
	return rec
}

// wantSent checks how many requests there were.
func (s *site) wantSent(n int) {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.bodies) != n {
		s.t.Fatalf("%d requests, want %d: %q (%s)", len(s.bodies), n, s.bodies, s.say.Report().Problem)
	}
}

// wantReports checks what the portal has: the exams of each report in force, as document date level status.
func (s *site) wantReports(want ...string) {
	s.t.Helper()
	var got []string
	for _, r := range s.portal.Reports() {
		var sent report
		if err := json.Unmarshal(r.Versions[len(r.Versions)-1].Body, &sent); err != nil {
			s.t.Fatal(err)
		}
		words := fmt.Sprintf("%d %s", r.ID, sent.Start)
		for _, q := range sent.Requests {
			words += fmt.Sprintf(" %s:%s:%d:%d", s.name(q.Document), q.Date[8:], q.Level, q.Status)
		}
		if sent.NoExam {
			words += " none"
		}
		if sent.Closed {
			words += " closed"
		}
		got = append(got, words)
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		s.t.Errorf("the portal has\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func (s *site) name(hash string) string {
	for document, name := range map[string]string{anna: "anna", boris: "boris", vera: "vera"} {
		if hashOf(s.t, document) == hash {
			return name
		}
	}
	return "?"
}

func (s *site) wantHealth(state health.State, words string) {
	s.t.Helper()
	if r := s.say.Report(); r.State != state || !strings.Contains(r.Problem, words) {
		s.t.Errorf("health %s %q, want %s with %q", r.State, r.Problem, state, words)
	}
}

// wantCode compares what the health says for machines.
func (s *site) wantCode(code health.Code) {
	s.t.Helper()
	if r := s.say.Report(); r.Code != string(code) {
		s.t.Errorf("code %q of %q, want %q", r.Code, r.Problem, code)
	}
}

func (s *site) preview(of string) *Preview {
	s.t.Helper()
	var p Preview
	if code := s.ask(http.MethodGet, "/preview?week="+url.QueryEscape(of), &p); code != http.StatusOK {
		s.t.Fatalf("preview: %d", code)
	}
	return &p
}

// codes are the matters of a preview: code, and the line behind it.
func codes(p *Preview) string {
	var all []string
	for _, m := range p.Matters {
		all = append(all, fmt.Sprintf("%s/%s/%d", m.Code, m.Weight, m.Line))
	}
	return strings.Join(all, " ")
}
