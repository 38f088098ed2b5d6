package sandbox

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// Two requests in any second, counted from their arrival.
func TestPace(t *testing.T) {
	ms := func(at ...int) []int { return at }
	for name, c := range map[string]struct {
		at     []int // when the requests arrive, in milliseconds
		status []int
	}{
		"two at once":          {ms(0, 0), ms(200, 200)},
		"three at once":        {ms(0, 0, 0), ms(200, 200, 429)},
		"a second later":       {ms(0, 0, 1000, 1000), ms(200, 200, 200, 200)},
		"a little earlier":     {ms(0, 0, 999), ms(200, 200, 429)},
		"across whole seconds": {ms(900, 950, 1050), ms(200, 200, 429)},
		"every half second":    {ms(0, 500, 1000, 1500, 2000), ms(200, 200, 200, 200, 200)},
		"every 0.6 s":          {ms(0, 600, 1200, 1800), ms(200, 200, 200, 200)},
		"every 0.4 s":          {ms(0, 400, 800, 1200, 1600), ms(200, 200, 429, 429, 429)},
		"silence after a 429":  {ms(0, 0, 100, 1100), ms(200, 200, 429, 200)},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := New(Options{Key: testKey})
				began := time.Now()
				var got []int
				tooFast := 0
				for i, at := range c.at {
					time.Sleep(time.Until(began.Add(time.Duration(at) * time.Millisecond)))
					resp := ask(p, request(t, "http://localhost", encode(row())))
					got = append(got, resp.StatusCode)
					if resp.StatusCode == 429 {
						tooFast++
						if wait := resp.Header.Get("Retry-After"); wait != "1" {
							t.Errorf("request %d: Retry-After %q", i, wait)
						}
					}
				}
				if !slices.Equal(got, c.status) {
					t.Errorf("answers %v, want %v", got, c.status)
				}
				if s := p.Stats(); s.TooFast != tooFast || s.Answers[429] != tooFast {
					t.Errorf("%+v", s)
				}
			})
		})
	}
}

// Requests that are refused or hit by a fault count as well, and violations are noted whatever the answer was.
func TestPaceCountsAllRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New(Options{Key: testKey})
		if err := p.SetFaults(Faults{{Kind: Status, Status: 503, Next: 1}}); err != nil {
			t.Fatal(err)
		}
		wrongKey := request(t, "http://localhost", encode(row()))
		wrongKey.Header["X-API-KEY"] = []string{"other"}
		var got []int
		got = append(got, ask(p, wrongKey).StatusCode, ask(p, wrongKey).StatusCode, ask(p, wrongKey).StatusCode)
		got = append(got, ask(p, request(t, "http://localhost", encode(row()))).StatusCode)
		if want := []int{503, 401, 401, 429}; !slices.Equal(got, want) {
			t.Errorf("answers %v, want %v", got, want)
		}
		if s := p.Stats(); s.TooFast != 2 {
			t.Errorf("%+v", s)
		}
	})
}

func TestAllowBurstsOnlyCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New(Options{Key: testKey, AllowBursts: true})
		for range 10 {
			if status := ask(p, request(t, "http://localhost", encode(row()))).StatusCode; status != 200 {
				t.Errorf("status %d", status)
			}
		}
		if s := p.Stats(); s.TooFast != 8 {
			t.Errorf("%+v", s)
		}
	})
}

func TestPaceIsForEachAddress(t *testing.T) {
	var l limiter
	at := time.Now()
	for i := range 3 {
		for _, client := range []string{"192.0.2.1:5", "192.0.2.2:5", "[2001:db8::1]:5"} {
			if got := l.tooFast(clientAddress(client), at); got != (i == 2) {
				t.Errorf("%s, request %d: %v", client, i, got)
			}
		}
	}
	// Other ports and the IPv6 form of an IPv4 address are the same client.
	for _, same := range []string{"192.0.2.1:6", "[::ffff:192.0.2.1]:5"} {
		if !l.tooFast(clientAddress(same), at) {
			t.Errorf("%s is taken for another client", same)
		}
	}
}

func TestPaceForgetsAddresses(t *testing.T) {
	var l limiter
	at := time.Now()
	for i := range 3 * maxAddresses {
		l.tooFast(netip.MustParseAddr(fmt.Sprintf("10.%d.%d.%d", i>>16, i>>8&255, i&255)), at.Add(time.Duration(i)*time.Millisecond))
		if len(l.clients) > maxAddresses {
			t.Fatalf("%d addresses are watched", len(l.clients))
		}
	}
}
