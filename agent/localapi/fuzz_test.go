package localapi

import (
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/acs-agent/acs-agent/agent/queue"
)

// FuzzQuery holds that a query that is not understood is never taken for one about more: passes are dropped by it.
func FuzzQuery(f *testing.F) {
	for _, seed := range []string{
		"", "uplink=visits&state=dead&number=7", "number=", "number=0", "number=-1", "number=7&number=8", "state=DEAD", "state=dead;uplink=x",
		"numbr=7", "%zz", "reveal&approximate", "number=18446744073709551616", "state=%64ead",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		q, err := parseQuery(&http.Request{URL: &url.URL{RawQuery: raw}})
		if err != nil {
			if len(err.Error()) > 400+4*len(raw) {
				t.Fatalf("%d characters for an error", len(err.Error()))
			}
			return
		}
		given, wrong := url.ParseQuery(raw)
		if wrong != nil {
			t.Fatalf("%q is no query and was taken for %+v", raw, q)
		}
		for key, values := range given {
			switch key {
			case "uplink", "state", "number", "limit":
				if len(values) > 1 {
					t.Fatalf("%q says %s twice and was taken for %+v", raw, key, q)
				}
			case "reveal", "approximate":
			default:
				t.Fatalf("%q has %q, which nobody knows, and was taken for %+v", raw, key, q)
			}
		}
		back, err := parseQuery(&http.Request{URL: &url.URL{RawQuery: values(q).Encode()}})
		if err != nil || back != q {
			t.Fatalf("%+v became %+v, %v", q, back, err)
		}
	})
}

// FuzzForget has the order to forget somebody read. What is no number of a person is refused, and never repeated.
func FuzzForget(f *testing.F) {
	for _, seed := range []string{
		`{"number":"900101300017","count":true}`, `{"number":"9001013000170"}`, `{"number":"90010130001"}`, `{"number":900101300017}`,
		`{"number":"٩٠٠١٠١٣٠٠٠١٧"}`, `{"number":"90010130001x"`, "", `{"number":"900101300017"}{}`, `[]`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var o ForgetOrder
		if json.Unmarshal(body, &o) == nil && personal(o.Number) {
			if len(o.Number) != 11 && len(o.Number) != 12 || strings.Trim(o.Number, "0123456789") != "" {
				t.Fatalf("%q is taken for a number", o.Number)
			}
			return // goes on to the journal
		}
		s := &Server{Log: slog.New(slog.DiscardHandler)}
		w := httptest.NewRecorder()
		s.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/v1/forget", strings.NewReader(string(body))))
		if w.Code != http.StatusBadRequest {
			t.Fatalf("%q: %d %s", body, w.Code, w.Body)
		}
		if len(o.Number) > 10 && strings.Contains(w.Body.String(), o.Number) {
			t.Fatalf("the answer repeats the number: %s", w.Body)
		}
	})
}

// FuzzClient has a command read whatever answers on the socket: an agent of another version, or something else altogether.
func FuzzClient(f *testing.F) {
	for _, seed := range []string{
		`{"device":"gate"}`, `{"error":"no"}`, `{"number":1}` + "\n" + `{"number":2}`, `{"number":1}` + "\n" + `{"error":"x"}`, "", "null", "[]", `{"report":{}}`,
		`{"done":1,"total":2}` + "\n" + `{"report":{"lost":3}}`, `"`, strings.Repeat("[", 20000), `{"done":-1}`,
	} {
		f.Add(typeLines, []byte(seed))
	}
	f.Add("text/html", []byte("<html>"))
	f.Fuzz(func(t *testing.T, kind string, body []byte) {
		c := &Client{&http.Client{Transport: told{kind, body}}}
		ctx := t.Context()
		_, one := c.Status(ctx)
		items := 0
		_, _ = c.Verify(ctx, func(Progress) {})
		_ = c.Watch(ctx, true, func(Sight) {})
		two := c.Items(ctx, queue.Query{}, 0, func(queue.Item) error { items++; return nil })
		_, _ = c.Forget(ctx, ForgetOrder{}, func(Progress) {})
		_, _ = c.Uplinks(ctx)
		if kind != typeJSON && kind != typeLines && (one == nil || two == nil || items > 0) {
			t.Fatalf("%q was taken for an answer of the agent", kind)
		}
		if errors.Is(one, io.EOF) || errors.Is(two, io.EOF) {
			t.Fatalf("an end is told as %v, %v", one, two)
		}
	})
}

// told is a server that gives one answer.
type told struct {
	kind string
	body []byte
}

func (a told) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {a.kind}}, Body: io.NopCloser(strings.NewReader(string(a.body))), Request: r,
	}, nil
}
