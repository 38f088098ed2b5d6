package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/acs-agent/acs-agent/agent/health"
	"github.com/acs-agent/acs-agent/drivers/drivertest"
	"github.com/acs-agent/acs-agent/uplink/sandbox"
)

// mostMemory is what an agent may ever have had in memory, the store's files included, whatever it is sent: its passes would fit
// a hundred times.
const mostMemory = 256 << 20

// An impostor answers in the place of a portal, in one way after the other.
type impostor struct {
	t        *testing.T
	listener net.Listener
	conns    sync.WaitGroup

	mu     sync.Mutex
	malice func(c net.Conn, r *http.Request, body []byte)
	met    int // requests since the malice was set
	over   chan struct{}
	cookie bool // somebody brought one back
}

func impersonate(t *testing.T, address string) *impostor {
	t.Helper()
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	i := &impostor{t: t, listener: l, over: make(chan struct{})}
	i.conns.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			i.conns.Go(func() { i.serve(c) })
		}
	})
	t.Cleanup(i.leave)
	return i
}

func (i *impostor) serve(c net.Conn) {
	defer c.Close() //nolint:errcheck // it may be broken
	in := bufio.NewReader(c)
	r, err := http.ReadRequest(in)
	if err != nil {
		return
	}
	body, _ := io.ReadAll(r.Body)
	i.mu.Lock()
	malice, over := i.malice, i.over
	i.cookie = i.cookie || r.Header.Get("Cookie") != ""
	i.met++
	i.mu.Unlock()
	ended := make(chan struct{})
	defer close(ended)
	go func() { // what is endless ends with the malice
		select {
		case <-over:
			_ = c.Close()
		case <-ended:
		}
	}()
	malice(c, r, body)
}

// turn changes the way; who is being answered in the one before is cut off.
func (i *impostor) turn(malice func(net.Conn, *http.Request, []byte)) {
	i.mu.Lock()
	defer i.mu.Unlock()
	close(i.over)
	i.over, i.malice, i.met = make(chan struct{}), malice, 0
}

func (i *impostor) times() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.met
}

// leave ends the impostor.
func (i *impostor) leave() {
	i.turn(func(net.Conn, *http.Request, []byte) {})
	_ = i.listener.Close()
	i.conns.Wait()
}

// flood sends the same again and again until the other side has enough.
func flood(c net.Conn, head, part string) {
	out := bufio.NewWriterSize(c, 1<<20)
	_, err := out.WriteString(head)
	for chunk := strings.Repeat(part, 1+(64<<10)/len(part)); err == nil; {
		_, err = out.WriteString(chunk)
	}
}

// hush says something and then nothing.
func hush(c net.Conn, words string) {
	_, _ = io.WriteString(c, words)
	_, _ = io.Copy(io.Discard, c) // until one side has enough
}

func say(status int, header, body string) func(net.Conn, *http.Request, []byte) {
	return func(c net.Conn, _ *http.Request, _ []byte) {
		_, _ = fmt.Fprintf(c, "HTTP/1.1 %d X\r\n%sContent-Length: %d\r\nConnection: close\r\n\r\n%s", status, header, len(body), body)
	}
}

const (
	okHead   = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
	jsonHead = "Content-Type: application/json\r\n"
)

func malices(elsewhere string) map[string]func(net.Conn, *http.Request, []byte) {
	var bomb bytes.Buffer
	z, _ := gzip.NewWriterLevel(&bomb, gzip.BestCompression)
	_, _ = z.Write(make([]byte, 200<<20))
	_ = z.Close()
	return map[string]func(net.Conn, *http.Request, []byte){
		"gigabytes of body": func(c net.Conn, _ *http.Request, _ []byte) {
			flood(c, okHead+"\r\n{\"message\":\"", "O")
		},
		"gigabytes of chunks": func(c net.Conn, _ *http.Request, _ []byte) {
			flood(c, okHead+"Transfer-Encoding: chunked\r\n\r\n", "1\r\n \r\n")
		},
		"gigabytes of one line of header": func(c net.Conn, _ *http.Request, _ []byte) { flood(c, "HTTP/1.1 200 OK\r\nX: ", "x") },
		"gigabytes of cookies": func(c net.Conn, _ *http.Request, _ []byte) {
			flood(c, "HTTP/1.1 200 OK\r\n", "Set-Cookie: a=b\r\n")
		},
		"gigabytes of 103": func(c net.Conn, _ *http.Request, _ []byte) {
			flood(c, "", "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n")
		},
		"a bomb":                say(200, jsonHead+"Content-Encoding: gzip\r\n", bomb.String()),
		"silence":               func(c net.Conn, _ *http.Request, _ []byte) { hush(c, "") },
		"silence in the header": func(c net.Conn, _ *http.Request, _ []byte) { hush(c, "HTTP/1.1 200 OK\r\nX:") },
		"silence in the body": func(c net.Conn, _ *http.Request, _ []byte) {
			hush(c, okHead+"Content-Length: 16\r\n\r\n{\"message\":\"OK\"")
		},
		"a byte now and then": func(c net.Conn, _ *http.Request, _ []byte) {
			for _, b := range []byte(okHead + strings.Repeat("X: y\r\n", 10000)) {
				if _, err := c.Write([]byte{b}); err != nil {
					return
				}
				time.Sleep(20 * time.Millisecond)
			}
		},
		"rubbish":                say(200, jsonHead, "\x00\xff{]"),
		"another success":        say(201, jsonHead, `{"message":"OK"}`),
		"a success with a doubt": say(200, jsonHead, `{"message":"OK, but 3 rows are missing"}`),
		"a cookie":               say(500, "Set-Cookie: session=1; Path=/\r\n", ""),
		"elsewhere":              say(307, "Location: "+elsewhere+"\r\n", ""),
		"what it was told": func(c net.Conn, _ *http.Request, body []byte) {
			words := strings.NewReplacer(`"`, " ", `{`, " ", `}`, " ").Replace(string(body))
			if at := strings.Index(words, "fio"); at >= 0 { // names first, before anybody cuts it short
				words = words[at:]
			}
			say(500, jsonHead, fmt.Sprintf(`{"message":%q}`, words))(c, nil, nil)
		},
	}
}

// mostEver is the most memory that a process has had.
func mostEver(t *testing.T, pid int) int64 {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) > 1 && f[0] == "VmHWM:" {
			kb, err := strconv.ParseInt(f[1], 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			return kb << 10
		}
	}
	t.Fatal("the kernel does not tell")
	return 0
}

// TestAPortalThatLiesFloodsOrHangsHarmsNobodyElse has portals that answer in every bad way. Meanwhile the other portal gets each pass within
// moments, the agent's memory stays small, nothing counts as delivered, and names that a portal repeats stand in no log. When the
// portal is itself again, it gets everything once.
func TestAPortalThatLiesFloodsOrHangsHarmsNobodyElse(t *testing.T) {
	t.Parallel()
	port := drivertest.Serial(t)
	relay := freeAddress(t)
	silent, err := net.Listen("tcp", "127.0.0.1:0") // the kernel accepts, and nobody says a word
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close() //nolint:errcheck // the test is over
	g := newGateway(t, fmt.Sprintf(`  - {name: relay, type: acs, url: "http://%s%s", api_key_file: acs.key, max_delay: 100ms, retry_max: 1s, probe: 1s}
  - {name: vault, type: acs, url: "https://%s/", api_key_file: acs.key, max_delay: 100ms, retry_max: 1s}
`, relay, sandbox.ACSPath, silent.Addr())+strings.Replace(serialReader(port.Path), "type:", "repeat: 0s, type:", 1))
	honest := sandbox.New(sandbox.Options{Key: gatewayKey})
	serveHonest(t, honest, relay)
	bad := impersonate(t, g.address)
	bad.turn(say(500, "", ""))
	g.start()
	g.works(health.Reader, "gate-1")
	g.show(port, 0)
	g.troubled(health.Uplink, "visits", exitFailed, "the portal answered 500") // a silence is no news for a while
	for what, malice := range malices("http://" + relay + sandbox.ACSPath) {
		bad.turn(malice)
		g.show(port, len(g.shown)%known)
		began := time.Now()
		g.await(what+": the other portal has the pass", func() bool { return honest.Stats().Rows >= len(g.shown) })
		if took := time.Since(began); took > 15*time.Second {
			t.Errorf("%s: the other portal has waited %v", what, took)
		}
		g.await(what+": the portal was asked", func() bool { return bad.times() > 0 })
		s, err := statusOf(g.path("data"))
		if err != nil {
			t.Fatal(err)
		}
		for _, q := range s.Uplinks {
			if q.Name == "visits" && (q.Waiting != uint64(len(g.shown)) || q.Dead+q.Uncertain+q.Held > 0) {
				t.Fatalf("%s: of %d passes %d wait, and %+v", what, len(g.shown), q.Waiting, q)
			}
		}
		if p := find(s.Parts, health.Uplink, "visits"); p.State == health.Up || len(p.Problem) > 1000 {
			t.Errorf("%s: %s, %.200q", what, p.State, p.Problem)
		}
	}
	g.troubled(health.Uplink, "vault", exitFailed, "TLS handshake timeout")
	if had := mostEver(t, g.agent.cmd.Process.Pid); had > mostMemory {
		t.Errorf("the agent had %d MB in memory", had>>20)
	} else {
		t.Logf("the agent had %d MB in memory", had>>20)
	}
	bad.leave()
	if bad.cookie {
		t.Error("a cookie was brought back")
	}
	g.openPortal()
	g.await("all is delivered", func() bool { return g.portal.Stats().Rows >= len(g.shown) })
	if r, n := honest.Stats(), g.portal.Stats(); r.Rows != len(g.shown) || n.Rows != len(g.shown) {
		t.Errorf("%d passes: one portal has %d, the other %d", len(g.shown), n.Rows, r.Rows)
	}
	if log := g.log(); strings.Contains(strings.ToLower(log), "пробн") || strings.Contains(log, g.shown[0].iin) {
		t.Error("the log names people")
	}
	if n := strings.Count(g.log(), "\n"); n > 2000 {
		t.Errorf("the log has %d lines", n)
	}
}

func serveHonest(t *testing.T, portal *sandbox.Portal, address string) {
	t.Helper()
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var serving sync.WaitGroup
	serving.Go(func() {
		if err := portal.Serve(ctx, l); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() { cancel(); serving.Wait() })
}
