//go:build unix

package main

import (
	"context"
	"net"
	"sync"
	"time"

	"github.com/acs-agent/acs-agent/agent/health"
	"github.com/acs-agent/acs-agent/agent/queue"
	"github.com/acs-agent/acs-agent/uplink/sandbox"
)

func (s *e2e) startPortal() {
	s.portal = sandbox.New(demoOptions())
	ctx, cancel := context.WithCancel(context.Background())
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		s.t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		if err := s.portal.ServeTLS(ctx, l); err != nil {
			s.t.Error(err)
		}
	})
	s.t.Cleanup(func() { cancel(); serving.Wait() })
	s.write("portal-ca.pem", string(s.portal.CertificatePEM()))
	s.write("config.yaml", l.Addr().String()) // its address, until writeFiles
}

// e2eFaults are the ways in which the portal fails, besides refusing single people.
func e2eFaults() []string {
	return []string{
		"500", "429:retry-after=1", "cut-before", "hang", "503:retry-after-date=1", "cut-answer", "truncated", "captive", "401", "empty",
		"other-json", "wrong-type", "cut-body", "302:location=https://elsewhere.example/", "413:above=400", "hang:stored", "500:stored",
		"endless", "403", "slow=300ms", "tls-not-yet-valid", "tls-expired", "tls-other-host",
	}
}

// fail makes the portal fail in one way after the other, each until a request has met it, and then refuse two people until their
// passes are dead letters. When it has met everything it goes on, without waiting for requests, until ctx ends.
func (s *e2e) fail(ctx context.Context) {
	lures, end := s.lures()
	defer end()
	for _, fault := range e2eFaults() {
		s.meet(ctx, fault, lures)
	}
	s.refuse(ctx, lures)
	lures.show(e2eLures)
	close(s.failed)
	for i := 0; ctx.Err() == nil; i++ {
		s.set(e2eFaults()[i%len(e2eFaults())])
		pause(ctx, time.Second)
		s.set("")
		pause(ctx, 200*time.Millisecond)
	}
}

// set makes the portal fail in that way, or not at all if there is none.
func (s *e2e) set(fault string) {
	faults, err := sandbox.ParseFaults(fault)
	if err == nil {
		err = s.portal.SetFaults(faults)
	}
	if err != nil {
		s.t.Error(err)
	}
}

// meet holds a fault until a request has met it, and shows people meanwhile so that there is something to request.
func (s *e2e) meet(ctx context.Context, fault string, lures *lures) {
	const (
		patience = time.Minute
		again    = 5 * time.Second
	)
	s.set(fault)
	began, shown := time.Now(), time.Time{}
	for s.portal.Faults()[0].Met == 0 && ctx.Err() == nil && !s.t.Failed() {
		if time.Since(began) > patience {
			s.t.Errorf("no request has met the fault %q", fault)
			break
		}
		if time.Since(shown) >= again {
			shown = time.Now()
			lures.show(e2eLure)
		}
		pause(ctx, 20*time.Millisecond)
	}
	if s.portal.Faults()[0].Met > 0 {
		s.met.Add(1)
	}
	pause(ctx, 100*time.Millisecond)
	s.set("")
	pause(ctx, 200*time.Millisecond) // a moment in which all is well
}

// refuse shows two people whom the portal refuses, and others before and between them, and waits until those two are found.
func (s *e2e) refuse(ctx context.Context, lures *lures) {
	one, other := lures.barred()
	s.set("refuse-iin=" + e2ePerson(one).iin + "," + e2ePerson(other).iin)
	lures.publish(one)
	lures.show(2 * e2eLure)
	lures.publish(other)
	s.await("the refused passes are dead letters", func(st *health.Status) bool {
		return ctx.Err() != nil || len(st.Uplinks) == 1 && st.Uplinks[0].Dead == 2
	})
	if s.portal.Faults()[0].Met > 0 {
		s.met.Add(1)
	}
	s.set("")
}

const (
	// e2eLures is how many of gate-3's passes are kept back so that there is something to send while the portal fails.
	e2eLures = 300
	// e2eLure is how many of them are shown at once. Together they make a large request to the fault 413:above=400.
	e2eLure = 5
)

// lures are the last of gate-3's people. The first two of them are those whom the portal refuses.
type lures struct {
	publish          func(n int) bool
	first, next, end int
}

func (s *e2e) lures() (l *lures, end func()) {
	first := s.size.quarter(3) - e2eLures
	publish, end := s.publisher("rfid/gate-3", espRFID)
	return &lures{publish: publish, first: first, next: first + 2, end: first + e2eLures}, end
}

func (l *lures) barred() (one, other int) { return l.first, l.first + 1 }

// show shows that many people, or those who are left.
func (l *lures) show(count int) {
	for upto := min(l.next+count, l.end); l.next < upto && l.publish(l.next); {
		l.next++
	}
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// awaitArrival waits until the portal has everything. What it refused while it was told to is sent again by a person.
func (s *e2e) awaitArrival() {
	deadline := time.Now().Add(2 * time.Minute)
	for s.portal.Stats().Rows < s.size.passes && time.Now().Before(deadline) && !s.t.Failed() {
		time.Sleep(100 * time.Millisecond)
		st, err := s.status()
		if err != nil || len(st.Uplinks) == 0 || st.Uplinks[0].Dead == 0 {
			continue
		}
		c, err := s.client()
		if err != nil {
			continue
		}
		if _, err := c.Act(context.Background(), queue.Retry, queue.Query{State: queue.Dead}); err != nil {
			s.t.Error(err)
		}
	}
	s.await("nothing waits", func(st *health.Status) bool {
		return len(st.Uplinks) == 1 && st.Uplinks[0].Waiting == 0 && st.Uplinks[0].Held == 0 && st.Uplinks[0].Dead == 0
	})
}
