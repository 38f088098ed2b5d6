package broker

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"sync"
	"time"
)

// Dial opens a connection to the broker, TLS or WebSocket included, and gives up after 10 s or when ctx ends. Every write on
// the connection is bounded to 10 s, and a message longer than MaxMessage is cut as it arrives.
func (a *Address) Dial(ctx context.Context) (net.Conn, error) {
	u, err := a.parse()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	var conn net.Conn
	switch u.Scheme {
	case "ws", "wss":
		conn, err = a.dialWeb(ctx, u)
	case "mqtts":
		conn, err = (&tls.Dialer{NetDialer: &net.Dialer{}, Config: a.tlsConfig(u.Hostname())}).DialContext(ctx, "tcp", u.Host)
	default:
		conn, err = (&net.Dialer{}).DialContext(ctx, "tcp", u.Host)
	}
	if err != nil {
		return nil, fmt.Errorf("connecting to %s: %w", u.Host, err)
	}
	return &boundedConn{Conn: conn, frames: newFrameReader(conn)}, nil
}

func (a *Address) tlsConfig(host string) *tls.Config {
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	if a.TLS != nil {
		c = a.TLS.Clone()
	}
	if c.ServerName == "" {
		c.ServerName = host
	}
	return c
}

// boundedConn puts a deadline on each write, and cuts what is read to a size that fits into memory.
type boundedConn struct {
	net.Conn
	frames *frameReader
	// writing serialises writes: the client sends its pings beside everything else.
	writing sync.Mutex
}

func (c *boundedConn) Read(p []byte) (int, error) { return c.frames.Read(p) }

func (c *boundedConn) Write(p []byte) (int, error) {
	c.writing.Lock()
	defer c.writing.Unlock()
	if err := c.Conn.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return 0, fmt.Errorf("bounding a write to the broker: %w", err)
	}
	return c.Conn.Write(p)
}

// SetWriteDeadline does nothing: every write has a deadline of its own.
func (c *boundedConn) SetWriteDeadline(time.Time) error { return nil }
