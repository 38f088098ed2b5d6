package uplink

import (
	"context"
	"sync"
	"time"
)

// A Pace keeps the requests to one host apart, whichever uplink sends them: portals count requests for each IP address, and
// retries count as well. It is shared by all uplinks of the agent.
//
// What counts is when a request's header leaves, since that is what the portal sees: setting up a connection may take longer
// for one request than for the next. The first request to a host waits one interval as well, because the agent may have been
// killed and restarted an instant after its last request.
type Pace struct {
	mu    sync.Mutex
	start time.Time
	hosts map[string]*lane
}

// lane is one host's. Whoever holds the token may send; last is guarded by it.
type lane struct {
	token chan struct{}
	last  time.Time
}

// NewPace makes a pace for which all hosts have just been visited.
func NewPace() *Pace { return &Pace{start: time.Now(), hosts: make(map[string]*lane)} }

// A Turn is the permission to send one request.
type Turn struct {
	lane *lane
	once sync.Once
}

// Wait blocks until interval has passed since the last request to host, or until ctx ends. Until the turn is over, which is
// when it is marked as sent or given back, nobody else gets one for this host.
func (p *Pace) Wait(ctx context.Context, host string, interval time.Duration) (*Turn, error) {
	p.mu.Lock()
	l := p.hosts[host]
	if l == nil {
		l = &lane{token: make(chan struct{}, 1), last: p.start}
		p.hosts[host] = l
	}
	p.mu.Unlock()
	select {
	case l.token <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if err := Sleep(ctx, time.Until(l.last.Add(interval))); err != nil {
		<-l.token
		return nil, err
	}
	return &Turn{lane: l}, nil
}

// Sent says that the request's header has left just now.
func (t *Turn) Sent() {
	t.once.Do(func() {
		t.lane.last = time.Now()
		<-t.lane.token
	})
}

// GiveBack ends a turn in which nothing was sent. After Sent it does nothing.
func (t *Turn) GiveBack() { t.once.Do(func() { <-t.lane.token }) }
