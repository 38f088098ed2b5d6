package exam

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/acs-agent/acs-agent/uplink"
)

// Over a real network: what certainly did not arrive, and what perhaps did (E9).
func TestWhatTheNetworkDoes(t *testing.T) {
	var arrived atomic.Int32
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a report went to another host") }))
	defer elsewhere.Close()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		arrived.Add(1)
		var body report
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil || r.Header.Get("Content-Type") != "application/json" || r.Header.Get("X-Key") != "of the site" {
			t.Errorf("%v, %v", r.Header, err)
		}
		switch r.URL.Path {
		case "/cut":
			panic(http.ErrAbortHandler)
		case "/redirect":
			http.Redirect(w, r, elsewhere.URL, http.StatusPermanentRedirect)
		case "/half":
			w.Header().Set("Content-Length", "100")
			_, _ = w.Write([]byte(`{"reportId":`))
		default:
			w.Header().Set("Content-Type", "application/json; charset=utf-8")
			_, _ = fmt.Fprint(w, `{"reportId":17}`)
		}
	}))
	defer server.Close()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := "http://" + l.Addr().String()
	_ = l.Close()
	secret := "\nauth_header: X-Key\nauth_value: of the site\nrequests_per_second: 100\n"
	for _, c := range []struct {
		name, url string
		requests  int32
		unsent    bool
		outcome   uplink.Outcome
	}{
		{"success", server.URL + "/Reports/Report", 1, false, uplink.Delivered},
		{"cut", server.URL + "/cut", 1, false, uplink.Unknown},
		{"half an answer", server.URL + "/half", 1, false, uplink.Unknown},
		{"redirect", server.URL + "/redirect", 1, false, uplink.Stop},
		{"nobody listens", nobody, 0, true, uplink.Unknown},
		{"no such name", "https://no-such-host.invalid/", 0, true, uplink.Unknown},
		{"no TLS there", strings.Replace(server.URL, "http:", "https:", 1), 0, true, uplink.Unknown},
	} {
		arrived.Store(0)
		e, err := try(t, plainSettings+"url: "+c.url+secret)
		if err != nil {
			t.Fatal(err)
		}
		frame := e.frame(week(t, "2026-W47"))
		body, _ := frame.encode()
		a, err := e.request(t.Context(), body)
		_, isUnsent := errors.AsType[unsent](err)
		outcome := uplink.Unknown
		if err == nil {
			v, _ := judge(a)
			outcome = v.Outcome
		}
		if arrived.Load() != c.requests || isUnsent != c.unsent || outcome != c.outcome {
			t.Errorf("%s: %d requests, unsent %v, outcome %d, %v", c.name, arrived.Load(), isUnsent, outcome, err)
		}
	}
}

func TestStoppedBeforeThereIsAConnection(t *testing.T) {
	e, err := try(t, plainSettings+"url: https://127.0.0.1:1/")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = e.request(ctx, []byte("{}"))
	if _, ok := errors.AsType[unsent](err); !ok {
		t.Errorf("%v", err)
	}
}
