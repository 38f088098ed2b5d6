package broker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/gorilla/websocket"
)

func (a *Address) dialWeb(ctx context.Context, u *url.URL) (net.Conn, error) {
	var greeting *greetingConn
	dialer := websocket.Dialer{
		NetDialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
			if err != nil {
				return nil, err
			}
			greeting = &greetingConn{Conn: conn, left: maxGreeting}
			return greeting, nil
		},
		Proxy:           http.ProxyFromEnvironment,
		TLSClientConfig: a.tlsConfig(u.Hostname()),
		Subprotocols:    []string{"mqtt"},
	}
	ws, resp, err := dialer.DialContext(ctx, u.String(), nil)
	if err != nil {
		if resp != nil {
			_ = resp.Body.Close()
			return nil, fmt.Errorf("the server answered %.60q instead of opening a WebSocket: %w", resp.Status, err)
		}
		return nil, err
	}
	greeting.left = -1
	return &webConn{Conn: ws}, nil
}

// maxGreeting bounds what a server may send, in bytes, before a WebSocket is open: the library reads its answer whatever its length.
const maxGreeting = 256 << 10

// greetingConn ends when more was read from it than is left; less than 0 is no bound.
type greetingConn struct {
	net.Conn
	left int
}

func (g *greetingConn) Read(p []byte) (int, error) {
	switch {
	case g.left < 0:
		return g.Conn.Read(p)
	case g.left == 0:
		return 0, fmt.Errorf("%w: its greeting has no end", errFrame)
	}
	n, err := g.Conn.Read(p[:min(len(p), g.left)])
	g.left -= n
	return n, err
}

// webConn makes a stream of bytes of the messages of a WebSocket. One goroutine may read and one write at a time.
type webConn struct {
	*websocket.Conn
	// message is what is left of the message that is being read; nil between messages.
	message io.Reader
}

func (c *webConn) Read(p []byte) (int, error) {
	for {
		if c.message == nil {
			_, message, err := c.NextReader()
			if err != nil {
				return 0, err
			}
			c.message = message
		}
		n, err := c.message.Read(p)
		if errors.Is(err, io.EOF) {
			c.message, err = nil, nil
		}
		if n > 0 || err != nil {
			return n, err
		}
	}
}

func (c *webConn) Write(p []byte) (int, error) {
	if err := c.WriteMessage(websocket.BinaryMessage, p); err != nil {
		return 0, err
	}
	return len(p), nil
}

func (c *webConn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}
