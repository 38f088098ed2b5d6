package web

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/acs-agent/acs-agent/agent/health"
)

// wire is a network inside the test: what dials it is accepted by the server, until it is cut.
type wire struct {
	conns       chan net.Conn
	cut, closed chan struct{}
}

func newWire() *wire { return &wire{make(chan net.Conn), make(chan struct{}), make(chan struct{})} }

func (w *wire) Accept() (net.Conn, error) {
	select {
	case c := <-w.conns:
		return c, nil
	case <-w.cut:
		return nil, net.ErrClosed
	case <-w.closed:
		return nil, net.ErrClosed
	}
}

func (w *wire) Close() error   { close(w.closed); return nil }
func (w *wire) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 7), Port: 8380} }

func (w *wire) dial() net.Conn {
	near, far := net.Pipe()
	w.conns <- far
	return near
}

// start runs a server in the bubble of the test until the test ends.
func start(t *testing.T, listen func(context.Context) (net.Listener, error), h http.Handler) *health.Part {
	t.Helper()
	board := health.NewBoard(slog.New(slog.DiscardHandler))
	s := &Server{Address: "192.0.2.7:8380", Handler: h, Say: board.Part(health.Web, "192.0.2.7:8380"), Log: slog.New(slog.DiscardHandler), listen: listen}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the server ended with %v", err)
		}
	})
	synctest.Wait()
	return s.Say
}

func hello() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") })
}

func onWire(w *wire) func(context.Context) (net.Listener, error) {
	return func(context.Context) (net.Listener, error) { return w, nil }
}

func TestAPortThatIsTakenIsToldAndTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin, w := time.Now(), newWire()
		say := start(t, func(context.Context) (net.Listener, error) {
			if time.Since(begin) < time.Minute {
				return nil, &net.OpError{Op: "listen", Err: os.NewSyscallError("bind", errInUse)}
			}
			return w, nil
		}, hello())
		r := say.Report()
		if r.State != health.Down || r.Code != string(health.Busy) || !strings.Contains(r.Problem, "listen: off") {
			t.Errorf("while the port is taken the board says %s, %s, %s", r.State, r.Code, r.Problem)
		}
		time.Sleep(time.Minute + retryPause)
		synctest.Wait()
		if r := say.Report(); r.State != health.Up {
			t.Errorf("after it became free the board says %s: %s", r.State, r.Problem)
		}
		if status, _ := ask(t, w.dial(), "GET / HTTP/1.1\r\nHost: 192.0.2.7\r\nConnection: close\r\n\r\n"); status != http.StatusOK {
			t.Errorf("it answers %d", status)
		}
	})
}

func TestAServerWhoseListenerBreaksComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken, whole := newWire(), newWire()
		wires := []*wire{broken, whole}
		say := start(t, func(context.Context) (net.Listener, error) {
			next := wires[0]
			wires = wires[1:]
			return next, nil
		}, hello())
		close(broken.cut)
		synctest.Wait()
		if r := say.Report(); r.State != health.Down {
			t.Errorf("the board says %s", r.State)
		}
		time.Sleep(2 * retryPause)
		synctest.Wait()
		if r := say.Report(); r.State != health.Up {
			t.Errorf("after a pause the board says %s", r.State)
		}
	})
}

// ask sends a request as it stands and gives the status of the answer and its body; 0 if the connection ends without one.
func ask(t *testing.T, c net.Conn, request string) (status int, body string) {
	t.Helper()
	defer c.Close()
	go func() { _, _ = io.WriteString(c, request) }() // a server that refuses does not read to the end
	answer, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return 0, ""
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Errorf("reading the answer: %v", err)
	}
	return answer.StatusCode, string(text)
}

func TestWhoDoesNotSpeakIsSentAway(t *testing.T) {
	for what, test := range map[string]struct {
		request string
		limit   time.Duration
	}{
		"nothing":         {"", headerTime},
		"half a header":   {"GET / HTTP/1.1\r\nHost: x", headerTime},
		"half a body":     {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf", readTime},
		"no next request": {"GET / HTTP/1.1\r\nHost: x\r\n\r\n", idleTime},
	} {
		t.Run(what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWire()
				start(t, onWire(w), http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) }))
				begin, c := time.Now(), w.dial()
				go func() { _, _ = io.WriteString(c, test.request) }()
				_, _ = io.Copy(io.Discard, c)
				if took := time.Since(begin); took < test.limit || took > test.limit+time.Second {
					t.Errorf("the connection ended after %v, want %v", took, test.limit)
				}
			})
		})
	}
}

func TestHeadersAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWire()
		start(t, onWire(w), hello())
		long := "GET / HTTP/1.1\r\nHost: x\r\nX-Long: " + strings.Repeat("x", 2*maxHeader) + "\r\n\r\n"
		if status, _ := ask(t, w.dial(), long); status != http.StatusRequestHeaderFieldsTooLarge {
			t.Errorf("a header of %d bytes is answered by %d", len(long), status)
		}
	})
}

func TestConnectionsAreBoundedAndTheNextWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWire()
		start(t, onWire(w), hello())
		open := make([]net.Conn, maxConnections)
		for i := range open {
			open[i] = w.dial()
		}
		dialled := make(chan net.Conn)
		go func() { dialled <- w.dial() }()
		synctest.Wait()
		select {
		case <-dialled:
			t.Fatalf("more than %d connections are let in", maxConnections)
		default:
		}
		_ = open[0].Close()
		if status, body := ask(t, <-dialled, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"); status != http.StatusOK || body != "hello" {
			t.Errorf("the one that waited got %d %q", status, body)
		}
		for _, c := range open[1:] {
			_ = c.Close()
		}
	})
}

func TestTheEndDoesNotWaitForever(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWire()
		board := health.NewBoard(slog.New(slog.DiscardHandler))
		s := &Server{Say: board.Part(health.Web, "x"), Log: slog.New(slog.DiscardHandler), listen: onWire(w), Handler: http.HandlerFunc(
			func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- s.Run(ctx) }()
		c := w.dial()
		if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		go func() { _, _ = io.Copy(io.Discard, c) }()
		synctest.Wait()
		begin := time.Now()
		cancel()
		if err := <-ended; err != nil || time.Since(begin) > 2*farewell {
			t.Errorf("the end took %v: %v", time.Since(begin), err)
		}
	})
}
