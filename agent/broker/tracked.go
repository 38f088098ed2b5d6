package broker

import (
	"net"
	"sync"
	"time"
)

// trackedListener knows the connections that came through it, so that all can be closed at once, and takes no more than a
// limited number at a time.
type trackedListener struct {
	net.Listener
	limit  int
	mu     sync.Mutex
	open   map[*trackedConn]struct{}
	closed bool
}

func track(l net.Listener, limit int) *trackedListener {
	return &trackedListener{Listener: l, limit: limit, open: make(map[*trackedConn]struct{})}
}

// Accept waits for the next connection. One too many is closed at once; a passing failure of the system, such as too few file
// descriptors, does not end the listening.
func (t *trackedListener) Accept() (net.Conn, error) {
	for {
		conn, err := t.Listener.Accept()
		if err != nil {
			if t.isClosed() {
				return nil, err
			}
			time.Sleep(acceptPause) //nolint:forbidigo // Accept has no context, and the pause is short
			continue
		}
		_ = conn.SetDeadline(time.Now().Add(greetingTimeout)) // the broker sets its own once the client has greeted
		c := &trackedConn{Conn: conn, owner: t}
		if t.add(c) {
			return c, nil
		}
		_ = conn.Close()
	}
}

const (
	// acceptPause is how long a listener waits after a failed accept.
	acceptPause = 100 * time.Millisecond
	// greetingTimeout is how long a client may be silent after it has connected.
	greetingTimeout = 10 * time.Second
)

func (t *trackedListener) add(c *trackedConn) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed || len(t.open) >= t.limit {
		return false
	}
	t.open[c] = struct{}{}
	return true
}

func (t *trackedListener) isClosed() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.closed
}

func (t *trackedListener) Close() error {
	t.mu.Lock()
	t.closed = true
	t.mu.Unlock()
	return t.Listener.Close()
}

// closeAll ends the listening and every connection.
func (t *trackedListener) closeAll() {
	_ = t.Close()
	t.mu.Lock()
	open := make([]*trackedConn, 0, len(t.open))
	for c := range t.open {
		open = append(open, c)
	}
	t.mu.Unlock()
	for _, c := range open {
		_ = c.Close()
	}
}

type trackedConn struct {
	net.Conn
	owner *trackedListener
}

func (c *trackedConn) Close() error {
	c.owner.mu.Lock()
	delete(c.owner.open, c)
	c.owner.mu.Unlock()
	return c.Conn.Close()
}
