package reestro

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
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
	"github.com/acs-agent/acs-agent/agent/table"
	"github.com/acs-agent/acs-agent/uplink"
	"github.com/acs-agent/acs-agent/uplink/sandbox"
	"github.com/acs-agent/acs-agent/uplink/uplinktest"
)

const (
	testKey = "7d5f1c0e-52a1-4f6b-8f60-2b1f0c9d3e4a"
	testOrg = "0f9a2d1e-7c55-4b0e-9a53-6d1f0a2b3c4d"
)

const settingsHour = settings.Duration(time.Hour)

var almaty = time.FixedZone("", 5*3600)

// The people and the organization of the tests do not exist, or are the document's.
var (
	anna  = Fields{Surname: "Пробная", Name: "Анна", Patronymic: "Пробовна", BirthDate: "1996-12-11", INN: "500100732259", SNILS: "112-233-445 95", Consent: "да"}
	boris = Fields{Surname: "Пробный", Name: "Борис", BirthDate: "05.01.1990", Consent: "2026-11-01"}
	vera  = Fields{Surname: "Проба-Пробная", Name: "Вера", BirthDate: "1985-02-28", Consent: "yes"}
	firm  = Fields{OGRN: "1027700132195", INN: "7707083893"}
)

// texts are by which they could be recognised.
func texts() []string {
	return []string{
		"Пробн", "Проба", "Анна", "Борис", "Вера", "1996-12-11", "11.12.1996", "1990-01-05", "05.01.1990", "1985-02-28",
		"500100732259", "112-233-445 95", "11223344595", "1027700132195", "7707083893",
	}
}

// site is an uplink with all that it needs, and all that it says.
type site struct {
	*reestro
	portal *sandbox.Portal
	url    string
	store  *uplinktest.Store
	source *uplinktest.Source
	say    *health.Part
	log    *lockedBuffer
	inbox  string

	mu   sync.Mutex
	told []any
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// portal starts a sandbox, over TLS if secure, and gives the base address and the settings that go with it.
func portal(t *testing.T, secure bool) (p *sandbox.Portal, settings string) {
	t.Helper()
	p = sandbox.New(sandbox.Options{AllowBursts: true, Reestro: sandbox.ReestroOptions{
		Key: testKey, Org: testOrg, Dissolved: []string{"1027700132195"},
	}})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var serving sync.WaitGroup
	t.Cleanup(func() { cancel(); serving.Wait() })
	serve, scheme := p.Serve, "http"
	if secure {
		serve, scheme = p.ServeTLS, "https"
		ca := filepath.Join(t.TempDir(), "ca.pem")
		if err := os.WriteFile(ca, p.CertificatePEM(), 0o600); err != nil {
			t.Fatal(err)
		}
		settings = "ca_file: " + ca + "\n"
	}
	serving.Go(func() { _ = serve(ctx, l) })
	return p, settings + fmt.Sprintf("url: %s://%s/realty/assessment/v1\n", scheme, l.Addr())
}

// newSite makes an uplink to a sandbox of its own.
func newSite(t *testing.T) *site {
	t.Helper()
	p, text := portal(t, false)
	return siteFor(t, p, text, &uplinktest.Store{})
}

// siteFor makes an uplink to a portal, with records that are there already.
func siteFor(t *testing.T, p *sandbox.Portal, text string, store *uplinktest.Store) *site {
	t.Helper()
	s := &site{portal: p, url: text, store: store, source: &uplinktest.Source{}, log: &lockedBuffer{}, inbox: filepath.Join(t.TempDir(), "subjects")}
	log := slog.New(slog.NewTextHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	made, err := New(uplink.Env{
		Name: "vetting", Pace: uplink.NewPace(), UserAgent: "acs-agent/test", Zone: almaty, Store: store, Log: log,
		Tell: func(event any) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.told = append(s.told, event)
		},
	}, uplinktest.Section(t, fmt.Sprintf("api_key: %s\norg_id: %s\ninbox: %s\n%s", testKey, testOrg, s.inbox, text)))
	if err != nil {
		t.Fatal(err)
	}
	s.reestro = made.(*reestro)
	s.client.Interval = 0
	s.Poll, s.InboxWait = settings.Duration(20*time.Millisecond), settings.Duration(20*time.Millisecond)
	s.RetryMax, s.config.Probe = settings.Duration(20*time.Millisecond), settings.Duration(20*time.Millisecond)
	s.say = health.NewBoard(log).Part(health.Uplink, "vetting")
	return s
}

// siteWith is an uplink to a handler that the test writes.
func siteWith(t *testing.T, handler http.HandlerFunc) *site {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return siteFor(t, nil, "url: "+server.URL+"/v1", &uplinktest.Store{})
}

// reborn is the same site after a restart in which the records were as in store.
func (s *site) reborn(t *testing.T, store *uplinktest.Store) *site {
	t.Helper()
	n := siteFor(t, s.portal, s.url, store)
	n.inbox, n.Inbox = s.inbox, s.inbox
	return n
}

// run lets the uplink work until done says so, or fails the test.
func (s *site) run(t *testing.T, done func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx, s.source, s.say) }()
	for !done() && ctx.Err() == nil {
		time.Sleep(2 * time.Millisecond)
	}
	if ctx.Err() != nil {
		t.Errorf("not done after 30 s: %+v\n%s", s.say.Report(), s.log)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// add hands subjects in, as a command would.
func (s *site) add(t *testing.T, all ...Fields) (numbers []uint32) {
	t.Helper()
	for _, f := range all {
		made, wrong := validate(f, table.UTF8, time.Now())
		if wrong != "" {
			t.Fatal(wrong)
		}
		got, err := s.subjects.take(made)
		if err != nil {
			t.Fatal(err)
		}
		numbers = append(numbers, got[0].number)
	}
	return numbers
}

func (s *site) subject(t *testing.T, number uint32) *subject {
	t.Helper()
	found, err := s.subjects.show(number)
	if err != nil {
		t.Fatalf("subject %d: %v", number, err)
	}
	return found
}

// settled says whether nothing waits to be sent.
func (s *site) settled() bool {
	counts, err := s.subjects.count()
	return err == nil && counts[fresh] == 0 && counts[sending] == 0
}

func (s *site) in(t *testing.T, number uint32, want state) func() bool {
	return func() bool { return s.subject(t, number).State == want }
}

// events are what was told, as JSON.
func (s *site) events() (all []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.told {
		text, _ := json.Marshal(e)
		all = append(all, string(text))
	}
	return all
}

// checkEvents are those of them that are about checks.
func (s *site) checkEvents() []string {
	return slices.DeleteFunc(s.events(), func(e string) bool { return !strings.Contains(e, `"event":"check"`) })
}

// posts counts the requests that the sandbox got for subjects.
func (s *site) posts() (n int) {
	for _, r := range s.portal.Requests() {
		if r.Portal == "subjects" {
			n++
		}
	}
	return n
}

func setFaults(t *testing.T, p *sandbox.Portal, faults ...sandbox.Fault) {
	t.Helper()
	if err := p.SetFaults(faults); err != nil {
		t.Fatal(err)
	}
}

// wantPrivate fails if anything that leaves the uplink other than to the portal names one of the people.
func (s *site) wantPrivate(t *testing.T) {
	t.Helper()
	r := s.say.Report()
	seen := map[string]string{
		"log": s.log.String(), "events": strings.Join(s.events(), "\n"), "health": r.Problem + "\n" + r.LastOddity,
	}
	var keys []string
	_ = s.store.Each("", func(key string, _ []byte) bool {
		keys = append(keys, key)
		return true
	})
	seen["keys"] = strings.Join(keys, "\n")
	for place, text := range seen {
		for _, secret := range append(texts(), testKey, testOrg, "Пробная.csv") {
			if strings.Contains(strings.ToLower(text), strings.ToLower(secret)) {
				t.Errorf("%q stands in the %s:\n%s", secret, place, text)
			}
		}
	}
}
