package sandbox

import (
	"context"
	"crypto/x509"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// What each fault looks like from the other end, over real connections.
func TestFaults(t *testing.T) {
	const noAnswer = 0
	cases := []struct {
		fault  string
		status int
		media  string
		body   string            // the whole body, or if it ends with … its beginning
		header map[string]string // expected in the answer
		kept   bool
	}{
		{fault: "500", status: 500, media: "application/json", body: textInternal},
		{fault: "401", status: 401, media: "application/json", body: textKey},
		{fault: "400", status: 400, media: "application/json", body: textBad},
		{fault: "403", status: 403, media: "text/html; charset=utf-8", body: "<html>…"},
		{fault: "404", status: 404, media: "text/html; charset=utf-8", body: "<html>…"},
		{fault: "413:above=10", status: 413, media: "text/html; charset=utf-8", body: "<html>…"},
		{fault: "503:retry-after=7", status: 503, media: "text/html; charset=utf-8", body: "<html>…", header: map[string]string{"Retry-After": "7"}},
		{fault: "429:retry-after=2", status: 429, media: "text/html; charset=utf-8", body: "<html>…", header: map[string]string{"Retry-After": "2"}},
		{
			fault: "429:retry-after-date=2", status: 429, media: "text/html; charset=utf-8", body: "<html>…",
			header: map[string]string{"Retry-After": "Wed, 14 Jan 2026 05:00:03 GMT"},
		},
		{
			fault: "302", status: 302, media: "text/html; charset=utf-8", body: "<html>…",
			header: map[string]string{"Location": "https://elsewhere.invalid/back/apikey/v1/data_set"},
		},
		{
			fault: "307:location=https://127.0.0.1:1/other", status: 307, media: "text/html; charset=utf-8", body: "<html>…",
			header: map[string]string{"Location": "https://127.0.0.1:1/other"},
		},
		{fault: "500:stored", status: 500, media: "application/json", body: textInternal, kept: true},
		{fault: "hang", status: noAnswer},
		{fault: "hang:stored", status: noAnswer, kept: true},
		{fault: "slow=30ms", status: 200, media: "application/json", body: textOK, kept: true},
		{fault: "cut-before", status: noAnswer},
		{fault: "cut-body", status: noAnswer},
		{fault: "cut-answer", status: noAnswer, kept: true},
		{fault: "truncated", status: 200, media: "application/json", body: `{"messa…`, kept: true},
		{fault: "wrong-type", status: 200, media: "text/html; charset=utf-8", body: textOK, kept: true},
		{fault: "captive", status: 200, media: "text/html; charset=utf-8", body: "<html><head><title>Wi-Fi…"},
		{fault: "empty", status: 200, media: "application/json", body: "", kept: true},
		{fault: "other-json", status: 200, media: "application/json", body: `{"status":"accepted"}`, kept: true},
		{fault: "endless", status: 200, media: "application/json", body: `{"message":"OK …`, kept: true},
		{fault: "refuse-iin=900101300017,050101500030", status: 400, media: "application/json", body: textBad},
		{fault: `refuse-note="пус 1"`, status: 400, media: "application/json", body: textBad},
	}
	for _, scheme := range []string{"http", "https"} {
		for _, c := range cases {
			t.Run(scheme+" "+c.fault, func(t *testing.T) {
				t.Parallel()
				now := time.Date(2026, 1, 14, 10, 0, 0, 500e6, time.FixedZone("", 5*3600))
				p := New(Options{Key: testKey, AllowBursts: true, Now: func() time.Time { return now }})
				client, base := start(t, p, scheme == "https")
				fault, err := ParseFault(c.fault)
				if err != nil {
					t.Fatal(err)
				}
				fault.Next = 1
				if err := p.SetFaults(Faults{fault}); err != nil {
					t.Fatal(err)
				}

				ctx, giveUp := context.WithCancel(t.Context())
				defer giveUp()
				if fault.Kind == Hang {
					time.AfterFunc(100*time.Millisecond, giveUp)
				}
				resp, err := client.Do(request(t, base, encode(row())).WithContext(ctx))
				if (err != nil) != (c.status == noAnswer) {
					t.Fatalf("answer %v, error %v", resp, err)
				}
				if err == nil {
					checkAnswer(t, resp, c.status, c.media, c.body)
					for name, want := range c.header {
						if got := resp.Header.Get(name); got != want {
							t.Errorf("%s: %q, want %q", name, got, want)
						}
					}
				}
				eventually(t, "an entry in the list of requests", func() bool { return len(p.Requests()) == 1 })
				if got := p.Requests()[0]; got.Fault != fault.name() || got.Status != c.status {
					t.Errorf("on record: %+v", got)
				}
				if p.Has(row()) != c.kept {
					t.Errorf("kept: %v, want %v", p.Has(row()), c.kept)
				}

				// It was for one request; the next one is served, and finds what the first has left.
				resp, err = client.Do(request(t, base, encode(row())))
				if err != nil {
					t.Fatal(err)
				}
				checkAnswer(t, resp, 200, "application/json", textOK)
				if s := p.Stats(); s.Rows != 1 || (s.Repeats == 1) != c.kept || s.Faulted != 1 {
					t.Errorf("in the end: %+v", s)
				}
			})
		}
	}
}

func checkAnswer(t *testing.T, resp *http.Response, status int, media, want string) {
	t.Helper()
	defer resp.Body.Close()
	got, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if resp.StatusCode != status || resp.Header.Get("Content-Type") != media {
		t.Errorf("answer %d %s, want %d %s", resp.StatusCode, resp.Header.Get("Content-Type"), status, media)
	}
	beginning, part := strings.CutSuffix(want, "…")
	switch {
	case part && !strings.HasPrefix(string(got), beginning):
		t.Errorf("body %.80q, want %q at its beginning", got, beginning)
	case !part && string(got) != want:
		t.Errorf("body %.80q, want %q", got, want)
	case !part && err != nil:
		t.Errorf("read the body: %v", err)
	case strings.HasPrefix(want, `{"messa…`) && !errors.Is(err, io.ErrUnexpectedEOF):
		t.Errorf("the truncated body ended with %v", err)
	}
}

func TestTLSFaults(t *testing.T) {
	for fault, right := range map[string]func(error) bool{
		"tls-expired":       invalid(x509.Expired, "after"),
		"tls-not-yet-valid": invalid(x509.Expired, "before"),
		"tls-other-host": func(err error) bool {
			var foreign x509.HostnameError
			return errors.As(err, &foreign)
		},
	} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			p := New(Options{Key: testKey, AllowBursts: true})
			client, base := start(t, p, true)
			post := func() error {
				resp, err := client.Do(request(t, base, encode(row())))
				if err == nil {
					read(t, resp)
				}
				return err
			}
			if err := post(); err != nil {
				t.Fatal(err)
			}
			f, err := ParseFault(fault)
			if err != nil {
				t.Fatal(err)
			}
			if err := p.SetFaults(Faults{f}); err != nil {
				t.Fatal(err)
			}
			// The open connection is closed, which the client may notice only when it uses it; each new one has the wrong certificate.
			eventually(t, "a refused certificate", func() bool { return right(post()) })
			for range 3 {
				if err := post(); !right(err) {
					t.Errorf("error %v", err)
				}
			}
			if met := p.Faults()[0].Met; met < 4 {
				t.Errorf("%d connections are counted that met the fault, want those of at least 4 requests", met)
			}
			if err := p.SetFaults(nil); err != nil {
				t.Fatal(err)
			}
			if err := post(); err != nil {
				t.Errorf("after the fault was cleared: %v", err)
			}
		})
	}
}

func invalid(reason x509.InvalidReason, word string) func(error) bool {
	return func(err error) bool {
		var wrong x509.CertificateInvalidError
		return errors.As(err, &wrong) && wrong.Reason == reason && strings.Contains(wrong.Detail, word)
	}
}

func TestHangingRequestsAreLetGo(t *testing.T) {
	for name, letGo := range map[string]func(*Portal, context.CancelFunc){
		"by new faults":   func(p *Portal, _ context.CancelFunc) { _ = p.SetFaults(nil) },
		"by the client":   func(_ *Portal, giveUp context.CancelFunc) { giveUp() },
		"by the patience": func(*Portal, context.CancelFunc) { time.Sleep(longestHang) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := New(Options{Key: testKey})
				if err := p.SetFaults(Faults{{Kind: Hang}}); err != nil {
					t.Fatal(err)
				}
				ctx, giveUp := context.WithCancel(t.Context())
				defer giveUp()
				ended := make(chan struct{})
				go func() {
					defer close(ended)
					ask(p, request(t, "http://localhost", encode(row())).WithContext(ctx))
				}()
				time.Sleep(longestHang - time.Second)
				select {
				case <-ended:
					t.Fatal("did not hang")
				default:
				}
				if met := p.Faults()[0].Met; met != 1 {
					t.Errorf("%d requests are counted that met the fault while one hangs", met)
				}
				letGo(p, giveUp)
				<-ended
			})
		})
	}
}

func TestSlowWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New(Options{Key: testKey})
		if err := p.SetFaults(Faults{{Kind: Slow, Delay: 20 * time.Second}}); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		if body := read(t, ask(p, request(t, "http://localhost", encode(row())))); body != textOK {
			t.Error(body)
		}
		if took := time.Since(began); took != 20*time.Second || p.Requests()[0].Duration != took {
			t.Errorf("took %v, on record %v", took, p.Requests()[0].Duration)
		}
	})
}

// The end of the server lets requests go that hang.
func TestServeEndsWithHangingRequests(t *testing.T) {
	p := New(Options{Key: testKey})
	if err := p.SetFaults(Faults{{Kind: Hang}}); err != nil {
		t.Fatal(err)
	}
	answered := make(chan error, 1)
	t.Run("served", func(t *testing.T) {
		client, base := start(t, p, false)
		req := request(t, base, encode(row())).WithContext(context.WithoutCancel(t.Context()))
		go func() {
			resp, err := client.Do(req)
			if err == nil {
				err = resp.Body.Close()
			}
			answered <- err
		}()
		eventually(t, "the request", func() bool { return p.Stats().Requests == 1 })
	})
	if err := <-answered; err == nil {
		t.Error("the request that hung was answered")
	}
}

func TestFaultsForSome(t *testing.T) {
	statuses := func(p *Portal, rows ...Row) (got []int) {
		for _, r := range rows {
			got = append(got, ask(p, request(t, "http://localhost", encode(r))).StatusCode)
		}
		return got
	}
	a, b := row(), second()
	for name, c := range map[string]struct {
		faults string
		rows   []Row
		want   []int
		left   string
	}{
		"next, in order":         {"500:next=2\n503:next=1", []Row{a, a, a, a}, []int{500, 500, 503, 200}, ""},
		"until cleared":          {"404", []Row{a, a, a}, []int{404, 404, 404}, "404"},
		"rows that are refused":  {"refuse-iin=900101300017", []Row{a, b, a, b}, []int{200, 400, 200, 400}, "refuse-iin=9001*****017"},
		"refused, the next only": {"refuse-note=Корпус 2\n", []Row{b, a, b}, []int{400, 200, 400}, `refuse-note="Корпус 2"`},
		"next counts refusals":   {`refuse-note="Корпус 2":next=1`, []Row{a, b, b}, []int{200, 400, 200}, ""},
		"large bodies":           {"413:above=100000", []Row{a, b}, []int{200, 200}, "413:above=100000"},
		"what is left":           {"500:next=3", []Row{a}, []int{500}, "500:next=2"},
	} {
		t.Run(name, func(t *testing.T) {
			p := New(Options{Key: testKey, AllowBursts: true})
			faults, err := ParseFaults(c.faults)
			if err != nil {
				t.Fatal(err)
			}
			if err := p.SetFaults(faults); err != nil {
				t.Fatal(err)
			}
			if got := statuses(p, c.rows...); !slices.Equal(got, c.want) {
				t.Errorf("answers %v, want %v", got, c.want)
			}
			var left []string
			for _, f := range p.Faults() {
				left = append(left, f.String())
			}
			if got := strings.Join(left, "\n"); got != c.left {
				t.Errorf("left: %s, want %s", got, c.left)
			}
		})
	}
}

// A fault counts the requests to which it was done, not those that it would have hit had they been others.
func TestFaultsCountWhatTheyMeet(t *testing.T) {
	p := New(Options{Key: testKey, AllowBursts: true})
	for fault, met := range map[string]int{
		"500":                     2,
		"captive":                 2,
		"cut-before":              2,
		"cut-body":                2,
		"slow=1ms":                2,
		"cut-answer":              2,
		"truncated":               2,
		"500:stored":              1, // the second request is refused anyway
		"empty":                   1,
		"wrong-type":              1,
		"other-json":              1,
		"refuse-iin=050101500030": 1,
		"refuse-iin=900101300017": 0,
		"413:above=100000":        0,
		"500:portal=exam":         0,
		"tls-expired":             0, // these came over no connection of its own
	} {
		f, err := ParseFault(fault)
		if err != nil {
			t.Fatal(err)
		}
		f.Met = 7
		if err := p.SetFaults(Faults{f}); err != nil {
			t.Fatal(err)
		}
		ask(p, request(t, "http://localhost", encode(row())))
		ask(p, request(t, "http://localhost", `{"data":[]`))
		if got := p.Faults()[0].Met; got != met {
			t.Errorf("%s: %d of two requests are counted, want %d", fault, got, met)
		}
	}
}

// A share is drawn by lot, and the same seed draws the same lots.
func TestFaultsForAShare(t *testing.T) {
	draw := func(seed uint64) (hits []int) {
		p := New(Options{Key: testKey, AllowBursts: true, Seed: seed})
		if err := p.SetFaults(Faults{{Kind: Status, Status: 500, Share: 0.25}}); err != nil {
			t.Fatal(err)
		}
		for i := range 400 {
			if ask(p, request(t, "http://localhost", encode(row()))).StatusCode == 500 {
				hits = append(hits, i)
			}
		}
		return hits
	}
	one, again, two := draw(1), draw(1), draw(2)
	if len(one) < 60 || len(one) > 140 {
		t.Errorf("%d of 400", len(one))
	}
	if !slices.Equal(one, again) || slices.Equal(one, two) {
		t.Error("the seed does not decide")
	}
}

func TestWrongFaultsChangeNothing(t *testing.T) {
	p := New(Options{Key: testKey})
	if err := p.SetFaults(Faults{{Kind: Empty}}); err != nil {
		t.Fatal(err)
	}
	for _, wrong := range []Fault{
		{},
		{Kind: "sulk"},
		{Kind: Status},
		{Kind: Status, Status: 200},
		{Kind: Status, Status: 599},
		{Kind: Hang, Status: 500},
		{Kind: Hang, Next: -1},
		{Kind: Hang, Share: 1.5},
		{Kind: Hang, Share: 0.5, Next: 1},
		{Kind: Hang, Above: -1},
		{Kind: Hang, RetryAfter: time.Second},
		{Kind: Hang, Delay: time.Second},
		{Kind: Captive, Stored: true},
		{Kind: Slow},
		{Kind: Slow, Delay: time.Hour},
		{Kind: Status, Status: 500, Location: "https://elsewhere.invalid"},
		{Kind: RefuseIIN},
		{Kind: RefuseIIN, IINs: []string{"123456789012"}},
		{Kind: RefuseIIN, IINs: []string{"900101300017"}, Above: 5},
		{Kind: RefuseNote},
		{Kind: Empty, Note: "x"},
		{Kind: Empty, IINs: []string{"900101300017"}},
		{Kind: TLSExpired, Above: 5},
	} {
		err := p.SetFaults(Faults{{Kind: Captive}, wrong})
		if err == nil {
			t.Errorf("%+v passes", wrong)
		} else if strings.Contains(err.Error(), "123456789012") {
			t.Errorf("the error repeats an IIN: %v", err)
		}
	}
	if got := p.Faults(); len(got) != 1 || got[0].Kind != Empty {
		t.Errorf("in force: %v", got)
	}
}
