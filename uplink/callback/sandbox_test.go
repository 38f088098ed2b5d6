package callback

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/acs-agent/acs-agent/uplink"
	"github.com/acs-agent/acs-agent/uplink/sandbox"
	"github.com/acs-agent/acs-agent/uplink/uplinktest"
)

func TestRequestsAreStoredConfirmedAndRegistered(t *testing.T) {
	for _, o := range []sandbox.CallbackOptions{{}, {CommitBody: true}, {TokenLife: 20 * time.Millisecond}} {
		p, server := newPortal(t, o)
		apply(t, p, 25)
		s := newSite(t, server.URL, &uplinktest.Store{}, fmt.Sprintf("commit_body: %v", o.CommitBody))
		s.run(t, func() bool { return settled(p) && s.quiet() })
		all := s.requests(t)
		if len(all) != 25 || s.say.Report().Count != 25 {
			t.Fatalf("%d requests, %+v", len(all), s.say.Report())
		}
		for i, r := range all {
			if r.Application.ID != p.Applications()[i].ID || len(r.Statuses) != 1 || r.Statuses[0].Outcome != sent {
				t.Errorf("request %d: %+v", i, r)
			}
			if got := statuses(p, i); !slices.Equal(got, []string{registered}) {
				t.Errorf("application %d: %q", i, got)
			}
			if n := p.Applications()[i].Offered; n != 1 {
				t.Errorf("application %d was handed out %d times", i, n)
			}
		}
		if got, want := s.events(t), `"event":"new_requests","count":10,"requests":[1,2,3,4,5,6,7,8,9,10]`; !strings.Contains(got, want) {
			t.Errorf("told %s", got)
		}
	}
}

func TestRequestsComeOverTLS(t *testing.T) {
	p, _ := newPortal(t, sandbox.CallbackOptions{})
	apply(t, p, 1)
	l := newListener(t)
	ctx, cancel := context.WithCancel(t.Context())
	var serving sync.WaitGroup
	serving.Go(func() { _ = p.ServeTLS(ctx, l) })
	t.Cleanup(func() { cancel(); serving.Wait() })
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, p.CertificatePEM(), 0o600); err != nil {
		t.Fatal(err)
	}
	s := newSite(t, "https://"+l.Addr().String(), &uplinktest.Store{}, "ca_file: "+ca)
	// The clock of the device is wrong, or so it seems: the certificate begins in the future.
	if err := p.SetFaults(sandbox.Faults{{Kind: sandbox.TLSNotYetValid}}); err != nil {
		t.Fatal(err)
	}
	s.run(t, func() bool { return strings.Contains(s.say.Report().Problem, "is the clock of this device right?") })
	if err := p.SetFaults(nil); err != nil {
		t.Fatal(err)
	}
	s.run(t, func() bool { return settled(p) && s.quiet() })
}

func TestWhatPeopleSayArrivesAfterAWeekOffline(t *testing.T) {
	p, server := newPortal(t, sandbox.CallbackOptions{TokenLife: time.Hour})
	apply(t, p, 3)
	first := newSite(t, server.URL, &uplinktest.Store{}, "")
	first.run(t, func() bool { return settled(p) && first.quiet() })

	// The line is gone, the agent is started anew now and then, people go on working.
	dead := httptest.NewServer(http.NotFoundHandler())
	dead.Close()
	s := newSite(t, dead.URL, first.memory.Clone(), "")
	for target, body := range map[string]string{
		"/requests/1/status": `{"status":"rejected","comment":"не дозвонились"}`,
		"/requests/2/status": `{"status":"rendered"}`,
	} {
		if status := s.ask(t, "POST", target, body, nil); status != http.StatusOK {
			t.Errorf("%s: %d", target, status)
		}
	}
	s.run(t, func() bool { return s.say.Report().State == "failing" })
	if s.ask(t, "POST", "/requests/1/status", `{"status":"rendered","comment":"дозвонились"}`, nil) != http.StatusOK {
		t.Error("a correction is not taken")
	}

	p.ExpireTokens()
	last := newSite(t, server.URL, s.memory.Clone(), "")
	last.run(t, last.quiet)
	for n, want := range [][]string{{registered, rejected, rendered}, {registered, rendered}, {registered}} {
		if got := statuses(p, n); !slices.Equal(got, want) {
			t.Errorf("application %d: %q, want %q", n, got, want)
		}
	}
	if got := p.Applications()[0].Statuses; got[1].Comment != "не дозвонились" || got[2].Comment != "дозвонились" {
		t.Errorf("comments: %+v", got)
	}
	for _, r := range last.requests(t)[:2] {
		if r.ClosedAt.IsZero() || r.state() != rendered {
			t.Errorf("%+v", r)
		}
	}
}

// A crashing store lets so many changes happen, and then the process is dead.
type crashing struct {
	*uplinktest.Store
	left atomic.Int64
	die  context.CancelFunc
}

func (c *crashing) Apply(ctx context.Context, changes ...uplink.Change) error {
	left := c.left.Add(-1)
	if left < 0 {
		return context.Canceled
	}
	err := c.Store.Apply(ctx, changes...)
	if left == 0 {
		c.die()
	}
	return err
}

// The process is killed after each single step that is on disk, and started anew with what it had stored.
func TestNothingIsLostOrDoubledWhereverTheProcessDies(t *testing.T) {
	for steps := int64(1); ; steps++ {
		p, server := newPortal(t, sandbox.CallbackOptions{})
		apply(t, p, 13)
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		c := &crashing{Store: &uplinktest.Store{}, die: cancel}
		c.left.Store(steps)
		dies := newSiteWith(t, server.URL, c.Store, c, "")
		dies.runWith(ctx, t, func() bool { return settled(p) && dies.quiet() })
		died := ctx.Err() != nil
		cancel()
		lives := newSite(t, server.URL, c.Clone(), "")
		lives.run(t, func() bool { return settled(p) && lives.quiet() })
		checkWhole(t, p, lives, 13, fmt.Sprintf("killed after %d steps", steps))
		if !died {
			if steps < 16 {
				t.Errorf("the whole takes %d steps only", steps)
			}
			return
		}
	}
}

// checkWhole checks that each request is there once and that the platform has heard of it.
func checkWhole(t *testing.T, p *sandbox.Portal, s *site, count int, when string) {
	t.Helper()
	seen := make(map[string]int)
	for _, r := range s.requests(t) {
		seen[r.Application.ID]++
		if len(r.Statuses) != 1 || r.Statuses[0].Outcome != sent {
			t.Errorf("%s: request %d: %+v", when, r.Number, r.Statuses)
		}
	}
	for n, a := range p.Applications() {
		if seen[a.ID] != 1 || !a.Committed || !slices.Equal(statuses(p, n), []string{registered}) {
			t.Errorf("%s: application %s: %d records, %+v", when, a.ID, seen[a.ID], a)
		}
	}
	if len(seen) != count {
		t.Errorf("%s: %d requests, want %d", when, len(seen), count)
	}
}

// Each request of a run meets each fault, before and after the platform has taken it.
func TestNothingIsLostOrDoubledWhateverTheNetworkDoes(t *testing.T) {
	faults := []sandbox.Fault{
		{Kind: sandbox.CutBefore},
		{Kind: sandbox.CutBody},
		{Kind: sandbox.CutAnswer},
		{Kind: sandbox.Truncated},
		{Kind: sandbox.Captive},
		{Kind: sandbox.Empty},
		{Kind: sandbox.OtherJSON},
		{Kind: sandbox.WrongType},
		{Kind: sandbox.Endless},
		{Kind: sandbox.Status, Status: 401},
		{Kind: sandbox.Status, Status: 401, Stored: true},
		{Kind: sandbox.Status, Status: 429},
		{Kind: sandbox.Status, Status: 500, Stored: true},
		{Kind: sandbox.Status, Status: 502},
		{Kind: sandbox.Status, Status: 302},
		{Kind: sandbox.Status, Status: 308, Stored: true},
		{Kind: sandbox.Status, Status: 404},
	}
	for _, f := range faults {
		for position := 1; position <= 8; position++ {
			when := fmt.Sprintf("%s %d (stored %v) at request %d", f.Kind, f.Status, f.Stored, position)
			p, inner := newPortal(t, sandbox.CallbackOptions{})
			apply(t, p, 2)
			var arrived atomic.Int64
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if arrived.Add(1) == int64(position) {
					f.Next = 1
					if err := p.SetFaults(sandbox.Faults{f}); err != nil {
						t.Error(err)
					}
				}
				inner.Config.Handler.ServeHTTP(w, r)
			}))
			s := newSite(t, server.URL, &uplinktest.Store{}, "")
			s.run(t, func() bool {
				return settled(p) && s.quiet() && arrived.Load() > int64(position) && s.say.Report().State == "ok"
			})
			server.Close()
			checkWhole(t, p, s, 2, when)
			if n := arrived.Load(); n > 60 {
				t.Errorf("%s: %d requests", when, n)
			}
		}
	}
}

func TestARequestThatComesAgainIsRecognised(t *testing.T) {
	p, server := newPortal(t, sandbox.CallbackOptions{})
	apply(t, p, 2)
	s := newSite(t, server.URL, &uplinktest.Store{}, "")
	s.run(t, func() bool { return settled(p) && s.quiet() })
	id := p.Applications()[1].ID
	again := func(s *site) {
		t.Helper()
		if err := p.OfferAgain(id); err != nil {
			t.Fatal(err)
		}
		s.run(t, func() bool { return settled(p) && s.quiet() })
	}
	again(s)
	restarted := newSite(t, server.URL, s.memory.Clone(), "")
	again(restarted)
	if got := p.Applications()[1]; len(restarted.requests(t)) != 2 || len(got.Statuses) != 1 || got.Offered < 3 {
		t.Errorf("%+v, %d records", got, len(restarted.requests(t)))
	}
	// It is recognised also when it has been closed and deleted.
	if status := restarted.ask(t, "POST", "/requests/2/status", `{"status":"rendered"}`, nil); status != http.StatusOK {
		t.Fatal(status)
	}
	restarted.run(t, restarted.quiet)
	later := time.Now().Add(31 * 24 * time.Hour)
	if more, err := restarted.book.clear(t.Context(), later, restarted.Keep.Std()); more || err != nil {
		t.Fatal(more, err)
	}
	if n := len(restarted.requests(t)); n != 1 {
		t.Fatalf("%d requests are left", n)
	}
	again(restarted)
	if got := p.Applications()[1]; len(restarted.requests(t)) != 1 || len(got.Statuses) != 2 {
		t.Errorf("%+v, %d records", got, len(restarted.requests(t)))
	}
}

func TestNothingIsConfirmedThatIsNotOnDisk(t *testing.T) {
	p, server := newPortal(t, sandbox.CallbackOptions{})
	apply(t, p, 3)
	full := true
	store := &uplinktest.Store{Fail: func() error {
		if full {
			return fmt.Errorf("no space left on device")
		}
		return nil
	}}
	s := newSite(t, server.URL, store, "")
	s.run(t, func() bool { return strings.Contains(s.say.Report().Problem, "no space left") })
	if n := len(p.Committed()); n != 0 {
		t.Errorf("%d are confirmed", n)
	}
	full = false
	s.run(t, func() bool { return settled(p) && s.quiet() })
	checkWhole(t, p, s, 3, "after the disk was full")
}

// Nothing that leaves the device elsewhere than to the platform holds personal data: MQTT, health, the log, keys of the store.
func TestPersonalDataStayInside(t *testing.T) {
	p, server := newPortal(t, sandbox.CallbackOptions{})
	apply(t, p, 2)
	s := newSite(t, server.URL, &uplinktest.Store{}, "")
	s.run(t, func() bool { return settled(p) && s.quiet() })
	if s.ask(t, "POST", "/requests/1/status", `{"status":"rejected","comment":"Пробный не отвечает"}`, nil) != http.StatusOK {
		t.Fatal("not taken")
	}
	if err := p.SetFaults(sandbox.Faults{{Kind: sandbox.Status, Status: 400}}); err != nil {
		t.Fatal(err)
	}
	s.run(t, func() bool { return strings.Contains(s.events(t), "status_refused") })
	var keys []string
	if err := s.memory.Each("", func(key string, _ []byte) bool { keys = append(keys, key); return true }); err != nil {
		t.Fatal(err)
	}
	report := s.say.Report()
	outside := s.log.String() + s.events(t) + report.Problem + report.LastOddity + strings.Join(keys, " ")
	for _, secret := range []string{"Пробн", "Проба", "999", "7719283390", "отвечает", password, login, p.Applications()[0].ID} {
		if strings.Contains(outside, secret) {
			t.Errorf("%q stands in\n%s", secret, outside)
		}
	}
	if !strings.Contains(s.events(t), `{"event":"status_refused","request":1,"status":"rejected"}`) || !strings.Contains(report.LastOddity, "callbacks show 1") {
		t.Errorf("told %s, oddity %q", s.events(t), report.LastOddity)
	}
}
