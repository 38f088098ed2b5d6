//go:build unix

package main

import (
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/acs-agent/acs-agent/agent/health"
)

// listening is a gateway whose web server listens at that address.
func listening(t *testing.T, address, settings string) *gateway {
	t.Helper()
	g := newGateway(t, settings)
	text, err := os.ReadFile(g.path("config.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	g.write("config.yaml", strings.Replace(string(text), "listen: off\n", "listen: "+address+"\n", 1))
	return g
}

// webAnswer is what the agent answers to a request.
func webAnswer(t *testing.T, method, url, host string) (status int, body string) {
	t.Helper()
	r, err := http.NewRequest(method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Host = host
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(text)
}

func TestTheAgentTellsItsNumbersOverHTTP(t *testing.T) {
	t.Parallel()
	address := freeAddress(t)
	g := listening(t, address, `readers:
  - {name: gate-1, type: simulator, count: 3, every: 10ms, stop_after: 3, organization: school}
`)
	g.start()
	g.works(health.Web, address)
	for _, test := range []struct {
		method, path, host string
		status             int
		body               string
	}{
		{http.MethodGet, "/healthz", "", http.StatusOK, "ok\n"},
		{http.MethodGet, "/readyz", "", http.StatusOK, "ready\n"}, // though there is no portal
		{http.MethodHead, "/readyz", "", http.StatusOK, ""},
		{http.MethodPost, "/metrics", "", http.StatusMethodNotAllowed, "Method Not Allowed\n"},
		{http.MethodDelete, "/healthz", "", http.StatusMethodNotAllowed, "Method Not Allowed\n"},
		{http.MethodGet, "/elsewhere", "", http.StatusNotFound, "404 page not found\n"},
		{http.MethodGet, "/readyz", "evil.example", http.StatusMisdirectedRequest, "ask for this device by its address or as localhost, not by another name\n"},
	} {
		if status, body := webAnswer(t, test.method, "http://"+address+test.path, test.host); status != test.status || body != test.body {
			t.Errorf("%s %s for %q: %d %q, want %d %q", test.method, test.path, test.host, status, body, test.status, test.body)
		}
	}
	var page string
	g.await("the passes are counted", func() bool {
		_, page = webAnswer(t, http.MethodGet, "http://"+address+"/metrics", "")
		return strings.Contains(page, "\nacs_agent_reader_passes_total{reader=\"gate-1\"} 3\n")
	})
	for _, line := range []string{
		`acs_agent_info{device="trouble",version="` + version + `"} 1`,
		`acs_agent_part_state{part="journal",name="journal",state="ok"} 1`,
		`acs_agent_config_refused 0`,
		`acs_agent_uplink_delivered_total{uplink="visits"} 0`,
	} {
		if !strings.Contains(page, "\n"+line+"\n") {
			t.Errorf("the metrics have no line %s:\n%s", line, page)
		}
	}
	g.stop()
}

func TestATakenPortDoesNotKeepTheAgentFromWorking(t *testing.T) {
	t.Parallel()
	other, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	address := other.Addr().String()
	g := listening(t, address, `readers:
  - {name: gate-1, type: simulator, cards: ["5500000001"], every: 1h, organization: school}
`)
	g.openPortal()
	g.start()
	g.troubled(health.Web, address, exitFailed, "another program has this port", "listen: off")
	g.works(health.Reader, "gate-1")
	if err := other.Close(); err != nil {
		t.Fatal(err)
	}
	g.works(health.Web, address)
	if status, body := webAnswer(t, http.MethodGet, "http://"+address+"/healthz", ""); status != http.StatusOK || body != "ok\n" {
		t.Errorf("then it answers %d %q", status, body)
	}
	g.warned(health.Web, address, 1)
	g.stop()
}
