package uplink

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"testing"
)

// A portal that confirms what it has not got yet is not believed; one that has got everything is.
func TestASuccessForWhatWasNotSentIsNone(t *testing.T) {
	t.Parallel()
	for what, test := range map[string]struct {
		size  int
		whole bool
	}{"before the body": {32 << 20, false}, "behind it": {32 << 20, true}, "behind a small one": {100, true}} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close() //nolint:errcheck // the test is over
			go func() {
				conn, err := l.Accept()
				if err != nil {
					return
				}
				_, _ = io.ReadFull(conn, make([]byte, 100)) // of the header
				if test.whole {
					// Two lines end the header.
					seen := []byte{}
					for b := make([]byte, 1); !bytes.HasSuffix(seen, []byte("\r\n\r\n")); seen = append(seen, b[0]) {
						if _, err := conn.Read(b); err != nil {
							return
						}
					}
					_, _ = io.CopyN(io.Discard, conn, int64(test.size))
				}
				_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")
				<-t.Context().Done()
				_ = conn.Close()
			}()
			c := &Client{URL: &url.URL{Scheme: "http", Host: l.Addr().String(), Path: "/"}, pace: NewPace(), agent: "test", http: &http.Client{Transport: &http.Transport{}}}
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, c.URL.String(), bytes.NewReader(make([]byte, test.size)))
			if err != nil {
				t.Fatal(err)
			}
			answer, err := c.Do(t.Context(), req)
			if test.whole && (err != nil || answer.Status != http.StatusOK) {
				t.Errorf("%+v, %v", answer, err)
			}
			if failure := (*Failure)(nil); !test.whole && (!errors.As(err, &failure) || failure.Unsent || !errors.Is(err, errEarly)) {
				t.Errorf("%+v, %v", answer, err)
			}
		})
	}
}
