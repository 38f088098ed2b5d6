package localapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/acs-agent/acs-agent/agent/health"
	"github.com/acs-agent/acs-agent/agent/queue"
	"github.com/acs-agent/acs-agent/buffer"
)

// A Client asks the agent.
type Client struct{ http *http.Client }

// ErrNotRunning says that no agent answers on the socket.
var ErrNotRunning = errors.New("the agent is not running")

// ErrPermission says that the socket belongs to somebody else.
var ErrPermission = errors.New("permission denied (run this with sudo, or add your user to the group of the service)")

// Dial reaches the agent that uses the data directory dir.
func Dial(ctx context.Context, dir string) (*Client, error) {
	path := filepath.Join(dir, SocketName)
	dial := func(ctx context.Context) (net.Conn, error) {
		return (&net.Dialer{Timeout: 3 * time.Second}).DialContext(ctx, "unix", path)
	}
	conn, err := dial(ctx)
	if err != nil {
		return nil, unreachable(ctx, path, err)
	}
	_ = conn.Close()
	return &Client{&http.Client{Transport: &http.Transport{
		DialContext:       func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx) },
		DisableKeepAlives: true, // a client is never closed, so it keeps no connection between its calls
	}}}, nil
}

// unreachable says why the socket could not be reached.
func unreachable(ctx context.Context, path string, err error) error {
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, os.ErrPermission):
		return fmt.Errorf("%s: %w", path, ErrPermission)
	}
	return fmt.Errorf("%w (nobody answers on %s)", ErrNotRunning, path)
}

// Status asks how the agent is doing.
func (c *Client) Status(ctx context.Context) (s health.Status, err error) {
	return s, c.lines(ctx, http.MethodGet, "status", nil, func(line json.RawMessage) error { return json.Unmarshal(line, &s) })
}

// Watch calls visit for each pass as it is stored, until ctx ends or the agent does.
func (c *Client) Watch(ctx context.Context, reveal bool, visit func(Sight)) error {
	v := url.Values{}
	if reveal {
		v.Set("reveal", "")
	}
	return c.lines(ctx, http.MethodGet, "watch", v, func(line json.RawMessage) error {
		var s Sight
		if err := json.Unmarshal(line, &s); err != nil {
			return err
		}
		visit(s)
		return nil
	})
}

// Items calls visit for each item that the query chooses, at most limit of them; 0 means all.
func (c *Client) Items(ctx context.Context, q queue.Query, limit int, visit func(queue.Item) error) error {
	v := values(q)
	v.Set("limit", strconv.Itoa(limit))
	return c.lines(ctx, http.MethodGet, "queue", v, func(line json.RawMessage) error {
		var item queue.Item
		if err := json.Unmarshal(line, &item); err != nil {
			return err
		}
		return visit(item)
	})
}

// Act asks for an action on what the query chooses.
func (c *Client) Act(ctx context.Context, action queue.Action, q queue.Query) (done queue.Done, err error) {
	return done, c.lines(ctx, http.MethodPost, "queue/"+string(action), values(q), func(line json.RawMessage) error {
		return json.Unmarshal(line, &done)
	})
}

// Verify has the whole journal read and checked.
func (c *Client) Verify(ctx context.Context, progress func(Progress)) (report buffer.VerifyReport, err error) {
	err = c.lines(ctx, http.MethodPost, "verify", nil, func(line json.RawMessage) error {
		var v Verified
		if err := json.Unmarshal(line, &v); err != nil {
			return err
		}
		if v.Report != nil {
			report = *v.Report
			return nil
		}
		var p Progress
		if err := json.Unmarshal(line, &p); err != nil {
			return err
		}
		progress(p)
		return nil
	})
	return report, err
}

// Uplinks gives the types of the uplinks that have commands, by name.
func (c *Client) Uplinks(ctx context.Context) (types map[string]string, err error) {
	return types, c.lines(ctx, http.MethodGet, "uplinks", nil, func(line json.RawMessage) error { return json.Unmarshal(line, &types) })
}

// Command sends a request to an uplink and puts the JSON that it answers into into, which may be nil. body is sent as JSON if it is
// not nil. An answer {"error": …} comes back as that error.
func (c *Client) Command(ctx context.Context, uplink, method, path string, query url.Values, body, into any) error {
	var content io.Reader = http.NoBody
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return err
		}
		content = bytes.NewReader(text)
	}
	return c.ask(ctx, method, "uplinks/"+uplink+"/"+strings.TrimPrefix(path, "/"), query, content, func(line json.RawMessage) error {
		if into == nil {
			return nil
		}
		return json.Unmarshal(line, into)
	})
}

func values(q queue.Query) url.Values {
	v := url.Values{}
	v.Set("uplink", q.Uplink)
	v.Set("state", string(q.State))
	v.Set("number", strconv.FormatUint(q.Number, 10))
	if q.Reveal {
		v.Set("reveal", "")
	}
	if q.Approximate {
		v.Set("approximate", "")
	}
	return v
}

// lines sends a request and calls visit for each JSON value of the answer.
func (c *Client) lines(ctx context.Context, method, route string, v url.Values, visit func(json.RawMessage) error) error {
	return c.ask(ctx, method, route, v, http.NoBody, visit)
}

func (c *Client) ask(ctx context.Context, method, route string, v url.Values, body io.Reader, visit func(json.RawMessage) error) error {
	target := url.URL{Scheme: "http", Host: "agent", Path: "/v1/" + route, RawQuery: v.Encode()}
	req, err := http.NewRequestWithContext(ctx, method, target.String(), body)
	if err != nil {
		return err
	}
	resp, err := c.http.Do(req)
	if ctx.Err() != nil {
		if err == nil {
			_ = resp.Body.Close()
		}
		return ctx.Err()
	}
	if err != nil {
		return fmt.Errorf("ask the agent: %w", err)
	}
	defer resp.Body.Close() //nolint:errcheck // only read from
	if kind := resp.Header.Get("Content-Type"); kind != typeJSON && kind != typeLines {
		return fmt.Errorf("the agent does not know what this command asks (%d): it was started before the last update, so restart it",
			resp.StatusCode)
	}
	in := json.NewDecoder(resp.Body)
	for {
		var line json.RawMessage
		err := in.Decode(&line)
		switch {
		case ctx.Err() != nil:
			return ctx.Err() // and not the word of the connection that broke by it
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("answer of the agent: %w", err)
		}
		var refused struct {
			Error string `json:"error"`
		}
		if json.Unmarshal(line, &refused) == nil && refused.Error != "" {
			return errors.New(refused.Error)
		}
		if err := visit(line); err != nil {
			return err
		}
	}
}
