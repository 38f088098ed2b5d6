package sandbox

import (
	"net/netip"
	"sync"
	"time"
)

const (
	// limitWindow and limitRequests: "2 запроса в секунду на IP адрес".
	limitWindow   = time.Second
	limitRequests = 2
	// maxAddresses bounds how many clients are watched at once.
	maxAddresses = 4096
)

// A limiter knows when each address was last heard of. Every request counts, the refused ones too: a client that goes on at
// its pace after a 429 stays refused.
type limiter struct {
	mu      sync.Mutex
	clients map[netip.Addr]arrivals
}

// arrivals are the times of a client's last requests, the oldest first.
type arrivals [limitRequests]time.Time

// tooFast notes an arrival and says whether it is one more than allowed within any second that ends with it.
func (l *limiter) tooFast(client netip.Addr, at time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.clients == nil {
		l.clients = make(map[netip.Addr]arrivals)
	}
	last, known := l.clients[client]
	if !known && len(l.clients) >= maxAddresses {
		l.forget(at)
	}
	violated := !last[0].IsZero() && at.Sub(last[0]) < limitWindow
	copy(last[:], last[1:])
	last[limitRequests-1] = at
	l.clients[client] = last
	return violated
}

// forget makes room: clients that were silent for a second go, and if that is not enough, all go.
func (l *limiter) forget(now time.Time) {
	for client, last := range l.clients {
		if now.Sub(last[limitRequests-1]) >= limitWindow {
			delete(l.clients, client)
		}
	}
	if len(l.clients) >= maxAddresses {
		clear(l.clients)
	}
}

// clientAddress is the peer's IP address; an unknown one counts as one client.
func clientAddress(remote string) netip.Addr {
	address, err := netip.ParseAddrPort(remote)
	if err != nil {
		return netip.Addr{}
	}
	return address.Addr().Unmap().WithZone("")
}
