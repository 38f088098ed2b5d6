//go:build linux

package main

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"

	"github.com/acs-agent/acs-agent/agent/broker"
	"github.com/acs-agent/acs-agent/agent/health"
	"github.com/acs-agent/acs-agent/drivers/drivertest"
)

const (
	// soakCrowd is how many people come to each gate, one after the other. At ten a second it is the first one's turn again when
	// both `repeat:` and the second that a portal's row tells are long over, also while a gate makes up for a pause.
	soakCrowd = 5000
	// soakStranger is which of a gate's passes is somebody's who is not in the list.
	soakStranger = 200
	// soakHaste is the shortest time between two passes of a gate that makes up for a pause.
	soakHaste = 10 * time.Millisecond
)

// A soakGate is a reader of the soak and the ledger of who was shown to it.
type soakGate struct {
	name string
	// first is the number of the first person who comes here.
	first int
	port  *drivertest.Port // nil at a gate of the broker
	// hand hands a pass over; when it returns nil, the pass counts.
	hand func(person) error

	mu sync.Mutex // held while a pass is handed over, and by faults in which what is under way would not have been read
	// shown counts the passes of each person; all is their sum. They change under mu.
	shown map[int]int
	all   int
	// base is what all was when the agent's count of this reader began.
	base int
}

// A strangers' book numbers those who are not in the list.
type strangersBook struct{ next, listed atomic.Int64 }

// walk shows people to the gate at so many a second until ctx ends.
func (g *soakGate) walk(ctx context.Context, rate float64, book *strangersBook) error {
	began := time.Now()
	for turn := 0; ; turn++ {
		pause(ctx, max(soakHaste, time.Until(began.Add(time.Duration(float64(turn)/rate*float64(time.Second))))))
		if ctx.Err() != nil {
			return nil //nolint:nilerr // that is how it ends
		}
		if err := g.show(turn, book); err != nil {
			return fmt.Errorf("%s: %w", g.name, err)
		}
	}
}

func (g *soakGate) show(turn int, book *strangersBook) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	n := g.first + turn%soakCrowd
	if turn%soakStranger == soakStranger-1 {
		n = int(book.next.Add(1)) - 1
	}
	if err := g.hand(e2ePerson(n)); err != nil {
		return err
	}
	g.shown[n]++
	g.all++
	return nil
}

// read waits until the agent has read all that a serial gate was shown. The gate is locked.
func (s *soak) read(g *soakGate) error {
	var count uint64
	return s.until(g.name+" is read", func() error {
		st, err := statusOf(s.path("data"))
		if err != nil {
			return err
		}
		if count = find(st.Parts, health.Reader, g.name).Count; count != uint64(g.all-g.base) { //nolint:gosec // not negative
			return fmt.Errorf("the agent has read %d of %d", count, g.all-g.base)
		}
		return nil
	})
}

// open waits until the agent has a reader open.
func (s *soak) open(name string) error {
	return s.until(name+" works", func() error {
		st, err := statusOf(s.path("data"))
		if err != nil {
			return err
		}
		if r := find(st.Parts, health.Reader, name); r.State != health.Up {
			return fmt.Errorf("it is %s: %s", r.State, r.Problem)
		}
		return nil
	})
}

// A soakDoor publishes passes as readers do, each until the broker has confirmed it. The broker may go and come in between.
type soakDoor struct {
	address, id, topic string
	payload            func(person) string
	client             paho.Client
}

func (d *soakDoor) hand(p person) error {
	if d.client != nil && !d.client.IsConnectionOpen() {
		d.close()
	}
	if d.client == nil {
		o, err := (&broker.Address{URL: "mqtt://" + d.address}).Options(d.id)
		if err != nil {
			return err
		}
		client := paho.NewClient(o.SetAutoReconnect(false))
		if t := client.Connect(); !t.WaitTimeout(patience) || t.Error() != nil {
			return fmt.Errorf("connect: %w", t.Error())
		}
		d.client = client
	}
	if t := d.client.Publish(d.topic, 1, false, d.payload(p)); !t.WaitTimeout(patience) || t.Error() != nil {
		return fmt.Errorf("publish: %w", t.Error())
	}
	return nil
}

func (d *soakDoor) close() {
	if d.client != nil {
		d.client.Disconnect(100)
		d.client = nil
	}
}
