package acs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/acs-agent/acs-agent/agent/event"
	"github.com/acs-agent/acs-agent/agent/health"
	"github.com/acs-agent/acs-agent/agent/settings"
	"github.com/acs-agent/acs-agent/uplink"
	"github.com/acs-agent/acs-agent/uplink/sandbox"
	"github.com/acs-agent/acs-agent/uplink/uplinktest"
)

const key = "key-of-the-test"

var (
	almaty = time.FixedZone("", 5*3600)
	school = event.Organization{BIN: "010140000014", Name: `Школа "№ 12"`}
	hall   = event.Organization{BIN: "010150000019", Name: "Зал"}
)

// pass makes the n-th pass: a second later than the one before.
func pass(n int, o event.Organization) event.Pass {
	return event.Pass{
		Reader: "gate-1", Organization: o, Note: fmt.Sprintf("Корпус 1; pass %d", n),
		At:     event.Instant{Wall: time.Date(2026, 11, 22, 8, 0, n, 999e6, almaty), Trusted: true},
		Holder: event.Holder{IIN: "050101500030", Name: "Пробный Проба Пробович"},
	}
}

// site is an uplink to a sandbox that listens for real.
type site struct {
	*acs
	portal *sandbox.Portal
	source *uplinktest.Source
	say    *health.Part
}

// newSite starts a sandbox, over TLS if secure, and an uplink to it with the settings given.
func newSite(t *testing.T, secure bool, more string) *site {
	t.Helper()
	s := &site{source: &uplinktest.Source{}}
	s.portal = sandbox.New(sandbox.Options{Key: key, AllowBursts: true})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var serving sync.WaitGroup
	t.Cleanup(func() { cancel(); serving.Wait() })
	dir := t.TempDir()
	text := fmt.Sprintf("api_key: %s\nmax_delay: 10ms\nretry_max: 1s\nprobe: 1s\nurl: http://%s%s\n%s", key, l.Addr(), sandbox.ACSPath, more)
	serve := s.portal.Serve
	if secure {
		ca := filepath.Join(dir, "ca.pem")
		if err := os.WriteFile(ca, s.portal.CertificatePEM(), 0o600); err != nil {
			t.Fatal(err)
		}
		serve = s.portal.ServeTLS
		text = strings.Replace(text, "http:", "https:", 1) + "\nca_file: " + ca
	}
	serving.Go(func() { _ = serve(ctx, l) })
	made, err := New(env(), uplinktest.Section(t, text))
	if err != nil {
		t.Fatal(err)
	}
	s.acs = made.(*acs)
	s.client.Interval = 0
	s.say = health.NewBoard(slog.New(slog.DiscardHandler)).Part(health.Uplink, "visits")
	return s
}

func env() uplink.Env {
	return uplink.Env{Name: "visits", Pace: uplink.NewPace(), UserAgent: "acs-agent/test", Readers: []string{"gate-1", "gate-2"}, Log: slog.New(slog.DiscardHandler)}
}

// run lets the uplink work until done says so, or fails the test.
func (s *site) run(t *testing.T, done func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx, s.source, s.say) }()
	for !done() && ctx.Err() == nil {
		time.Sleep(5 * time.Millisecond)
	}
	if ctx.Err() != nil {
		t.Errorf("not done after 30 s: delivered %d, cursor %d of %d, aside %v, sandbox %+v, last %+v",
			s.source.Delivered(), s.source.Cursor(), s.source.End(), s.source.Asides(), s.portal.Stats(), s.portal.Requests())
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func (s *site) settled() bool { return s.source.Cursor() == s.source.End() }

// wantRows checks that the portal has exactly these passes.
func (s *site) wantRows(t *testing.T, want ...event.Pass) {
	t.Helper()
	if got := s.portal.Stats().Rows; got != len(want) {
		t.Errorf("the portal has %d rows, want %d", got, len(want))
	}
	for _, p := range want {
		row := sandbox.Row{
			BIN: p.Organization.BIN, Organization: p.Organization.Name, Datetime: p.At.Wall.Format(timeForm),
			IIN: p.Holder.IIN, Name: p.Holder.Name, Note: p.Note,
		}
		if !s.portal.Has(row) {
			t.Errorf("the portal lacks %+v", row)
		}
	}
}

func TestPassesArriveGroupedByInstitution(t *testing.T) {
	for _, secure := range []bool{false, true} {
		s := newSite(t, secure, "")
		want := []event.Pass{pass(1, school), pass(2, hall), pass(3, school), pass(4, hall), pass(5, school)}
		s.source.Append(want...)
		s.run(t, s.settled)
		s.wantRows(t, want...)
		if n := s.portal.Stats().Requests; n != 1 {
			t.Errorf("%d requests for one batch", n)
		}
	}
}

func TestTheBodyIsTheDocuments(t *testing.T) {
	s := newSite(t, false, "")
	s.source.Append(pass(1, school), pass(2, hall), pass(3, school))
	got := s.body(t)
	const want = `{"source":"Query","code":"InsertACS","param":{"data":[` +
		`{"bin":"010140000014","org_name":"Школа \"№ 12\"","person":[` +
		`{"datetime":"2026-11-22T08:00:01+05:00","iin":"050101500030","fio":"Пробный Проба Пробович","note":"Корпус 1; pass 1"},` +
		`{"datetime":"2026-11-22T08:00:03+05:00","iin":"050101500030","fio":"Пробный Проба Пробович","note":"Корпус 1; pass 3"}]},` +
		`{"bin":"010150000019","org_name":"Зал","person":[` +
		`{"datetime":"2026-11-22T08:00:02+05:00","iin":"050101500030","fio":"Пробный Проба Пробович","note":"Корпус 1; pass 2"}]}]}}`
	if got != want {
		t.Errorf("body\n%s\nwant\n%s", got, want)
	}
}

// load fills one load with all that the source has.
func (s *site) load(t testing.TB) (*body, uplink.Walk) {
	t.Helper()
	l := newBody(s.acs)
	walk := func(ctx context.Context, after uint64, visit func(uint64, *event.Pass) bool) error {
		return s.source.Scan(ctx, after, s.source.End(), visit)
	}
	_ = walk(context.Background(), 0, func(_ uint64, p *event.Pass) bool {
		if l.Sort(p) == uplink.Carry {
			l.Add(p)
		}
		return true
	})
	return l, walk
}

// body reads the whole body of one load.
func (s *site) body(t testing.TB) string {
	t.Helper()
	l, walk := s.load(t)
	text, err := io.ReadAll(l.stream(context.Background(), walk))
	if err != nil {
		t.Fatal(err)
	}
	if int64(len(text)) != l.Size() {
		t.Errorf("the body has %d bytes, announced were %d", len(text), l.Size())
	}
	return string(text)
}

func TestARepeatedRequestIsTheSameToTheByteWhateverTheSettings(t *testing.T) {
	first, later := newSite(t, false, ""), newSite(t, false, "max_batch: 1MB")
	for n := range 5000 {
		o := school
		if n%3 == 0 {
			o = hall
		}
		first.source.Append(pass(n, o))
		later.source.Append(pass(n, o))
	}
	body := first.body(t)
	if body != first.body(t) || body != later.body(t) {
		t.Error("bodies differ")
	}
	if !json.Valid([]byte(body)) {
		t.Error("the body is no JSON")
	}
}

func TestTextsBecomeJSON(t *testing.T) {
	for _, s := range []string{
		"", "plain", "Ақтөбе әғқңөұүһі", `quote " backslash \ slash /`, "tab\tnewline\nbell\x07nul\x00del\x7f", "\u2028 \u2029", "😀",
		strings.Repeat("я\"", 1000),
	} {
		var back string
		if err := json.Unmarshal(appendText(nil, s), &back); err != nil || back != s {
			t.Errorf("%q becomes %s and then %q, %v", s, appendText(nil, s), back, err)
		}
	}
	var back string
	if err := json.Unmarshal(appendText(nil, "a\xffb\xd0"), &back); err != nil || back != "a\uFFFDb\uFFFD" {
		t.Errorf("damaged UTF-8 becomes %q, %v", back, err)
	}
}

func FuzzText(f *testing.F) {
	f.Add("Школа \"№ 12\"\x00\xff")
	f.Fuzz(func(t *testing.T, s string) {
		var back string
		if err := json.Unmarshal(appendText(nil, s), &back); err != nil || back != strings.ToValidUTF8(s, "\uFFFD") && !strings.Contains(s, "\xff") && back != string([]rune(s)) {
			t.Errorf("%q becomes %q, %v", s, back, err)
		}
	})
}

// The answers of the portal, documented and not, and what they make of a batch.
func TestAnswers(t *testing.T) {
	ok := `{"message":"OK"}`
	for _, c := range []struct {
		name    string
		status  int
		media   string
		body    string
		outcome uplink.Outcome
		code    health.Code
	}{
		{"the documented success", 200, "application/json", ok, uplink.Delivered, ""},
		{"success in another case", 200, "application/json", `{"message":" ok "}`, uplink.Delivered, ""},
		{"success without a body", 200, "application/json", "", uplink.Retry, health.PortalStrange},
		{"success of other words", 200, "application/json", `{"message":"queued"}`, uplink.Retry, health.PortalStrange},
		{"success that is no JSON", 200, "application/json", "OK", uplink.Retry, health.PortalStrange},
		{"captive portal", 200, "text/html", "<html>log in</html>", uplink.Retry, health.PortalStrange},
		{"the right words as HTML", 200, "text/html", ok, uplink.Retry, health.PortalStrange},
		{"accepted, which the document does not know", 202, "application/json", ok, uplink.Retry, health.PortalStrange},
		{"redirect", 302, "text/html", "", uplink.Stop, health.WrongAddress},
		{"permanent redirect", 308, "text/html", "", uplink.Stop, health.WrongAddress},
		{"wrong parameters", 400, "application/json", `{"message":"Ошибка передачи параметров"}`, uplink.Refused, health.PortalRefused},
		{"400 of something else", 400, "text/html", "<html>", uplink.Retry, health.PortalStrange},
		{"wrong key", 401, "application/json", `{"message":"Ошибка авторизации (ключ не верный или заблокирован)"}`, uplink.Stop, health.KeyRefused},
		{"firewall", 403, "text/html", "<html>", uplink.Retry, health.PortalStrange},
		{"forbidden", 403, "application/json", `{}`, uplink.Stop, health.KeyRefused},
		{"wrong path", 404, "text/html", "", uplink.Stop, health.WrongAddress},
		{"wrong method", 405, "text/html", "", uplink.Stop, health.WrongAddress},
		{"timeout of a proxy", 408, "text/html", "", uplink.Retry, health.PortalBusy},
		{"too large", 413, "text/html", "", uplink.TooLarge, health.PortalRefused},
		{"too many", 429, "text/html", "", uplink.Retry, health.PortalBusy},
		{"server error", 500, "application/json", `{"message":"Втнутренняя ошибка сервера"}`, uplink.Retry, health.PortalBusy},
		{"bad gateway", 502, "text/html", "", uplink.Retry, health.PortalBusy},
		{"maintenance", 503, "text/html", "", uplink.Retry, health.PortalBusy},
	} {
		v := judge(&uplink.Answer{Status: c.status, MediaType: c.media, Body: []byte(c.body)})
		if v.Outcome != c.outcome || v.Code != c.code {
			t.Errorf("%s: outcome %d and code %q, want %d and %q", c.name, v.Outcome, v.Code, c.outcome, c.code)
		}
		if v.Outcome != uplink.Delivered && v.Reason == "" {
			t.Errorf("%s: no reason for people", c.name)
		}
	}
}

// Whatever the portal does, in the end it has every pass, once, and nothing else.
func TestEveryFaultIsSurvived(t *testing.T) {
	for _, fault := range []string{
		"500:next=2", "502:next=1", "429:next=1,retry-after=1", "429:next=1,retry-after-date=1", "503:next=1,retry-after=1", "403:next=1",
		"408:next=1", "401:next=1", "404:next=1", "302:next=1,location=https://elsewhere.example/", "413:above=1500",
		"cut-before:next=2", "cut-body:next=2", "cut-answer:next=2", "truncated:next=2", "wrong-type:next=1", "captive:next=1",
		"empty:next=1", "other-json:next=1", "endless:next=1", "500:stored,next=1", "slow=100ms:next=1",
	} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, true, "")
			f, err := sandbox.ParseFault(fault)
			if err != nil {
				t.Fatal(err)
			}
			if err := s.portal.SetFaults(sandbox.Faults{f}); err != nil {
				t.Fatal(err)
			}
			var want []event.Pass
			for n := range 30 {
				want = append(want, pass(n, school))
			}
			s.source.Append(want...)
			s.run(t, s.settled)
			s.wantRows(t, want...)
			if n := s.source.Delivered(); n != 30 {
				t.Errorf("%d delivered, aside %+v", n, s.source.Asides())
			}
		})
	}
}

func TestAWrongCertificateIsNamedAndNothingIsSent(t *testing.T) {
	for fault, words := range map[string]string{
		"tls-expired":       "clock of this device",
		"tls-not-yet-valid": "clock of this device",
		"tls-other-host":    "somebody else answers",
	} {
		s := newSite(t, true, "")
		f, err := sandbox.ParseFault(fault)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.portal.SetFaults(sandbox.Faults{f}); err != nil {
			t.Fatal(err)
		}
		s.source.Append(pass(1, school))
		s.run(t, func() bool { return s.say.State() == health.Down })
		if got := s.problem(); !strings.Contains(got, words) {
			t.Errorf("%s: problem %q does not say %q", fault, got, words)
		}
		if n := s.portal.Stats().Requests; n != 0 {
			t.Errorf("%s: %d requests arrived", fault, n)
		}
	}
}

func (s *site) problem() string { return s.say.Report().Problem }

func TestNobodyListens(t *testing.T) {
	s := newSite(t, false, "")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.client.URL.Host = l.Addr().String()
	_ = l.Close()
	s.source.Append(pass(1, school))
	s.run(t, func() bool { return s.say.State() == health.Down })
	if got := s.problem(); !strings.Contains(got, "connection refused") {
		t.Errorf("problem %q", got)
	}
}

func TestARefusedRowStandsAloneInTheDeadLetters(t *testing.T) {
	s := newSite(t, false, "")
	if err := s.portal.SetFaults(sandbox.Faults{{Kind: sandbox.RefuseNote, Note: "pass 17"}}); err != nil {
		t.Fatal(err)
	}
	var want []event.Pass
	for n := 1; n <= 100; n++ {
		s.source.Append(pass(n, school))
		if n != 17 {
			want = append(want, pass(n, school))
		}
	}
	s.run(t, s.settled)
	s.wantRows(t, want...)
	asides := s.source.Asides()
	if len(asides) != 1 || asides[0].Seq != 17 || asides[0].State != event.Dead || !strings.Contains(asides[0].Reason, "400") {
		t.Errorf("aside %+v, want pass 17 dead with the portal's 400", asides)
	}
}

func TestAWrongKeyRaisesTheAlarmAndKeepsEverything(t *testing.T) {
	s := newSite(t, false, "")
	s.APIKey = settings.NewSecret("other")
	s.source.Append(pass(1, school))
	s.run(t, func() bool { return s.say.State() == health.Stopped })
	if got := s.problem(); !strings.Contains(got, "api_key_file") || !strings.Contains(got, "ключ") {
		t.Errorf("problem %q says neither what the portal said nor what to do", got)
	}
	if s.source.Cursor() != 0 || len(s.source.Asides()) != 0 {
		t.Error("the pass is gone")
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	elsewhere := make(chan *http.Request, 1)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { elsewhere <- r })} //nolint:gosec // loopback
	go func() { _ = server.Serve(l) }()
	defer server.Close() //nolint:errcheck // a test
	for _, status := range []int{301, 302, 303, 307, 308} {
		s := newSite(t, false, "")
		if err := s.portal.SetFaults(sandbox.Faults{{Kind: sandbox.Status, Status: status, Location: "http://" + l.Addr().String() + "/"}}); err != nil {
			t.Fatal(err)
		}
		s.source.Append(pass(1, school))
		s.run(t, func() bool { return s.say.State() == health.Stopped })
	}
	select {
	case r := <-elsewhere:
		t.Errorf("%s %s went to another host with the key %q", r.Method, r.URL, r.Header.Get("X-Api-Key"))
	default:
	}
}

func TestWhatDoesNotConcernThePortalIsNotSent(t *testing.T) {
	s := newSite(t, false, "readers: [gate-1]")
	elsewhere, outside, unknown := pass(1, school), pass(2, school), pass(3, school)
	elsewhere.Reader = "gate-2"
	outside.Outcome = event.NotPassed
	unknown.Pending, unknown.Holder = event.UnknownCard, event.Holder{}
	s.source.Append(elsewhere, outside, unknown, pass(4, school))
	s.run(t, s.settled)
	s.wantRows(t, pass(4, school))
	if a := s.source.Asides(); len(a) != 1 || a[0].State != event.Held || a[0].Seq != 3 {
		t.Errorf("aside %+v", a)
	}
}

func TestSettingsThatAreRefused(t *testing.T) {
	for text, words := range map[string]string{
		"url: https://portal.example/":                     "api_key_file",
		"api_key: k\nurl: http://portal.example/x":         "personal data in the open",
		"api_key: k\nurl: ftp://portal.example/x":          "https",
		"api_key: k\nurl: portal":                          "no web address",
		"api_key: k\nurl: https://user:pw@portal.example/": "user name",
		"api_key: k\nkey_header: \"Х-АРІ-КЕҮ\"":            "Latin letters",
		"api_key: \"k\\nl\"":                               "one line",
		"api_key: k\nrequests_per_second: 3":               "faster than the portal allows",
		"api_key: k\nrequests_per_second: 0":               "no pace",
		"api_key: k\nmax_batch: 50MB":                      "out of range",
		"api_key: k\nmax_count: 0":                         "out of range",
		"api_key: k\nreaders: [gate-9]":                    `"gate-9"`,
		"api_key: k\nca_file: /does/not/exist":             "no such file",
		"api_key: k\nproxy: nonsense":                      "http://host:port",
		"api_key: k\nretry_max: 0s":                        "out of range",
		"api_key: k\nmax_bach: 1MB":                        "max_bach",
	} {
		_, err := New(env(), uplinktest.Section(t, text))
		if err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("%q: error %v, want one that says %q", text, err, words)
		}
		if err != nil && strings.Contains(err.Error(), "pw@") {
			t.Errorf("%q: the password is in the error", text)
		}
	}
	if _, err := New(env(), uplinktest.Section(t, "api_key: k")); err != nil {
		t.Errorf("the defaults are refused: %v", err)
	}
	var m settings.Mistake
	if _, err := New(env(), uplinktest.Section(t, "api_key: k\nmax_count: 0")); !errors.As(err, &m) || m.Field != "max_count" {
		t.Errorf("no mistake with its field: %v", err)
	}
}

func TestTheHeaderHasTheVeryLetters(t *testing.T) {
	if c := slices.ContainsFunc([]rune("X-API-KEY"), func(r rune) bool { return r > 127 }); c {
		t.Error("the default header has look-alike letters")
	}
	got := make(chan string, 1)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		b := make([]byte, 4096)
		n, _ := c.Read(b)
		got <- string(b[:n])
		_ = c.Close()
		_ = l.Close()
	}()
	s := newSite(t, false, "")
	s.client.URL.Host = l.Addr().String()
	s.source.Append(pass(1, school))
	s.run(t, func() bool { return s.say.State() == health.Down })
	head := <-got
	for _, line := range []string{"\r\nX-API-KEY: " + key + "\r\n", "\r\nContent-Type: application/json\r\n", "\r\nContent-Length: ", "POST " + sandbox.ACSPath + " HTTP/1.1\r\n"} {
		if !strings.Contains(head, line) {
			t.Errorf("the request lacks %q:\n%s", line, head)
		}
	}
}

// generated is a source that makes its passes while they are read, so that it takes no memory of its own.
type generated struct {
	uplinktest.Source
	n uint64
}

func (g *generated) walk(ctx context.Context, after uint64, visit func(uint64, *event.Pass) bool) error {
	p := pass(1, school)
	for seq := after + 1; seq <= g.n && ctx.Err() == nil; seq++ {
		p.At.Wall = time.Unix(1_800_000_000+int64(seq), 0).In(almaty) //nolint:gosec // small
		if !visit(seq, &p) {
			break
		}
	}
	return ctx.Err()
}

func TestMemoryDoesNotGrowWithTheBody(t *testing.T) {
	s := newSite(t, true, "max_batch: 45MB\nmax_count: 1000000")
	g := &generated{n: 250_000}
	load := newBody(s.acs)
	_ = g.walk(t.Context(), 0, func(_ uint64, p *event.Pass) bool { load.Add(p); return true })
	if load.Size() < 30_000_000 {
		t.Fatalf("the body has only %d bytes", load.Size())
	}
	var before, now runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	most := uint64(0)
	seen := 0
	v := load.Send(t.Context(), func(ctx context.Context, after uint64, visit func(uint64, *event.Pass) bool) error {
		if seen++; seen%100 == 0 { // the sandbox, in the same process, spools to a file
			runtime.GC()
			runtime.ReadMemStats(&now)
			most = max(most, now.HeapAlloc)
		}
		return g.walk(ctx, after, visit)
	})
	if v.Outcome != uplink.Delivered {
		t.Fatalf("outcome %+v; %+v", v, s.portal.Requests())
	}
	grown := int64(most) - int64(before.HeapAlloc) //nolint:gosec // far from the limits
	t.Logf("a body of %d MB took %d KB more than nothing", load.Size()>>20, grown>>10)
	if grown > 12<<20 {
		t.Errorf("the heap grew by %d MB", grown>>20)
	}
}

func BenchmarkBody(b *testing.B) {
	g := &generated{n: 20_000}
	load := newBody(&acs{config: config{}})
	_ = g.walk(b.Context(), 0, func(_ uint64, p *event.Pass) bool { load.Add(p); return true })
	b.SetBytes(load.Size())
	b.ReportAllocs()
	for b.Loop() {
		if _, err := io.Copy(io.Discard, load.stream(b.Context(), g.walk)); err != nil {
			b.Fatal(err)
		}
	}
}

func TestTimesHaveANumericOffsetAndNoFraction(t *testing.T) {
	for zone, want := range map[*time.Location]string{
		time.UTC:                             `"2026-11-22T08:00:01+00:00"`,
		almaty:                               `"2026-11-22T08:00:01+05:00"`,
		time.FixedZone("", -(3*3600 + 1800)): `"2026-11-22T08:00:01-03:30"`,
	} {
		p := event.Pass{At: event.Instant{Wall: time.Date(2026, 11, 22, 8, 0, 1, 999e6, zone)}}
		if row := string(appendRow(nil, &p)); !strings.Contains(row, `{"datetime":`+want+`,`) {
			t.Errorf("%s, want %s", row, want)
		}
	}
}
