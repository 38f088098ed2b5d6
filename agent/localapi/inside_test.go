package localapi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/acs-agent/acs-agent/agent/queue"
)

var errEnough = errors.New("seen enough")

// A caller may stop at any time; what it asked for stops as well, over the socket soon and inside the process at once.
func TestACallThatIsBrokenOffEndsItsHandler(t *testing.T) {
	const passes = 3000
	desk := newDesk(t)
	kill(t, desk, passes)
	hub := &Hub{}
	server := &Server{Desk: desk, Seen: hub, Status: status}
	for _, test := range []struct {
		name string
		call func(ctx context.Context, cancel func(), c *Client) error
		want error
	}{
		{"the caller has seen enough", func(ctx context.Context, _ func(), c *Client) error {
			return c.Items(ctx, queue.Query{State: queue.Dead}, 0, func(queue.Item) error { return errEnough })
		}, errEnough},
		{"the context ends while items come", func(ctx context.Context, cancel func(), c *Client) error {
			return c.Items(ctx, queue.Query{State: queue.Dead}, 0, func(queue.Item) error { cancel(); return nil })
		}, context.Canceled},
		{"the context ends while nothing happens", func(ctx context.Context, cancel func(), c *Client) error {
			go func() {
				for watchers(hub) == 0 && ctx.Err() == nil {
					hub.Tell(1, pass(1))
				}
				cancel()
			}()
			return c.Watch(ctx, false, func(Sight) {})
		}, context.Canceled},
		{"the context ends while passes come", func(ctx context.Context, cancel func(), c *Client) error {
			go func() {
				for ctx.Err() == nil {
					hub.Tell(1, pass(1))
				}
			}()
			return c.Watch(ctx, false, func(Sight) { cancel() })
		}, context.Canceled},
		{"the context ends during a verification", func(ctx context.Context, cancel func(), c *Client) error {
			_, err := c.Verify(ctx, func(Progress) { cancel() })
			return err
		}, context.Canceled},
		{"the context has ended", func(ctx context.Context, cancel func(), c *Client) error {
			cancel()
			_, err := c.Act(ctx, queue.Drop, queue.Query{State: queue.Dead})
			return err
		}, context.Canceled},
	} {
		t.Run(test.name, func(t *testing.T) {
			overBoth(t, server, func(t *testing.T, c *Client) {
				handler := &busy{Handler: server.Handler()}
				inside := strings.HasSuffix(t.Name(), "inside")
				if inside {
					c = Inside(handler)
				}
				if _, err := c.Status(t.Context()); err != nil { // now everything of the server runs
					t.Fatal(err)
				}
				before := runtime.NumGoroutine()
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if err := test.call(ctx, cancel, c); !errors.Is(err, test.want) {
					t.Errorf("%v, want %v", err, test.want)
				}
				if n := handler.at.Load(); inside && n != 0 {
					t.Errorf("%d handlers are still at work", n)
				}
				await(t, "nobody watches", func() bool { return watchers(hub) == 0 })
				await(t, "no goroutine is left", func() bool { return runtime.NumGoroutine() <= before })
			})
		})
	}
	if n := desk.Journal.Stats().Uplinks["visits"].Dead; n != passes {
		t.Errorf("%d passes are dead, want all %d", n, passes)
	}
}

// get asks a handler inside the process.
func get(ctx context.Context, t *testing.T, handler http.HandlerFunc) (*http.Response, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://agent/", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	return Inside(handler).http.Do(req)
}

// The bubble of each test sees to it that no goroutine is left.
func TestWhateverTheCallerDoesTheHandlerEnds(t *testing.T) {
	endless := func(w http.ResponseWriter, _ *http.Request) {
		for n := 0; ; n++ {
			if _, err := fmt.Fprintln(w, n); err != nil {
				return
			}
		}
	}
	patient := func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "one\n")
		<-r.Context().Done()
		_, _ = io.WriteString(w, "too late\n")
	}
	silent := func(w http.ResponseWriter, r *http.Request) {
		<-r.Context().Done()
		_, _ = io.WriteString(w, "too late\n")
	}
	t.Run("closed without reading", func(t *testing.T) {
		for name, handler := range map[string]http.HandlerFunc{"endless": endless, "patient": patient} {
			synctest.Test(t, func(t *testing.T) {
				resp, err := get(t.Context(), t, handler)
				if err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				for range 2 { // once more does no harm
					if err := resp.Body.Close(); err != nil {
						t.Errorf("%s: %v", name, err)
					}
				}
				if _, err := resp.Body.Read(make([]byte, 1)); err == nil {
					t.Errorf("%s: a closed body is read", name)
				}
			})
		}
	})
	t.Run("context ended", func(t *testing.T) {
		for name, handler := range map[string]http.HandlerFunc{"endless": endless, "patient": patient} {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				resp, err := get(ctx, t, handler)
				if err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				synctest.Wait()
				cancel()
				synctest.Wait()
				text, err := io.ReadAll(resp.Body)
				if !errors.Is(err, context.Canceled) || strings.Contains(string(text), "late") {
					t.Errorf("%s: %q, %v", name, text, err)
				}
				if err := resp.Body.Close(); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			})
		}
	})
	t.Run("context ended before the answer", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			go func() {
				synctest.Wait()
				cancel()
			}()
			resp, err := get(ctx, t, silent)
			if err == nil {
				_ = resp.Body.Close()
			}
			if !errors.Is(err, context.Canceled) {
				t.Errorf("%v", err)
			}
		})
	})
	t.Run("nothing to say", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			resp, err := get(t.Context(), t, func(http.ResponseWriter, *http.Request) {})
			if err != nil {
				t.Fatal(err)
			}
			text, err := io.ReadAll(resp.Body)
			if err != nil || len(text) != 0 || resp.StatusCode != http.StatusOK {
				t.Errorf("%d %q %v", resp.StatusCode, text, err)
			}
			if err := resp.Body.Close(); err != nil {
				t.Error(err)
			}
		})
	})
}

func TestTheHeaderOfAnAnswerIsThatOfItsBeginning(t *testing.T) {
	resp, err := get(t.Context(), t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		w.WriteHeader(http.StatusTeapot)
		w.Header().Set("Content-Type", "too late")
		w.WriteHeader(http.StatusOK)
	})
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close() //nolint:errcheck // only read from
	if resp.StatusCode != http.StatusTeapot || resp.Header.Get("Content-Type") != "text/plain" {
		t.Errorf("%d %v", resp.StatusCode, resp.Header)
	}
}
