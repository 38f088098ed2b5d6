package broker

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// A server whose answer to the opening of a WebSocket has no end is left, and not read into memory.
func TestAGreetingWithoutAnEndIsNotRead(t *testing.T) {
	for what, part := range map[string]string{"lines": "X: y\r\n", "one line": "xxxxxxxx"} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		var sent atomic.Int64
		served := make(chan struct{})
		go func() {
			defer close(served)
			c, err := l.Accept()
			if err != nil {
				return
			}
			defer c.Close() //nolint:errcheck // the test is over
			go func() { _, _ = io.Copy(io.Discard, c) }()
			_, err = io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nX: ")
			for chunk := strings.Repeat(part, 8<<10); err == nil; {
				var n int
				n, err = io.WriteString(c, chunk)
				sent.Add(int64(n))
			}
		}()
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		_, err = (&Address{URL: "ws://" + l.Addr().String()}).Dial(ctx)
		cancel()
		_ = l.Close()
		<-served
		if !errors.Is(err, errFrame) && (err == nil || !strings.Contains(err.Error(), "no end")) {
			t.Errorf("%s: %v", what, err)
		}
		if n := sent.Load(); n > 64<<20 {
			t.Errorf("%s: %d MB were taken", what, n>>20)
		}
	}
}
