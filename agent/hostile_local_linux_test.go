package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/acs-agent/acs-agent/agent/health"
	"github.com/acs-agent/acs-agent/drivers/drivertest"
)

// TestWhoAsksTooMuchOfTheLocalDoorsHarmsNobody has hundreds who connect to the web server and to the socket and say nothing, one letter at a
// time, or gigabytes. Passes go on reaching the portal, memory stays small, and when they are gone both doors answer as before.
func TestWhoAsksTooMuchOfTheLocalDoorsHarmsNobody(t *testing.T) {
	t.Parallel()
	port := drivertest.Serial(t)
	web := freeAddress(t)
	g := newGateway(t, strings.Replace(serialReader(port.Path), "type:", "repeat: 0s, type:", 1))
	config := strings.Replace(g.read("config.yaml"), "listen: off", "listen: "+web, 1)
	g.write("config.yaml", config)
	g.openPortal()
	g.start()
	g.works(health.Reader, "gate-1")
	var open []net.Conn
	for n := range 300 {
		network, address := "tcp", web
		if n%2 == 0 {
			network, address = "unix", g.path("data/agent.sock")
		}
		c, err := net.DialTimeout(network, address, time.Second)
		if err != nil {
			continue // the queue of the kernel is full
		}
		open = append(open, c)
		switch n % 6 {
		case 0, 1:
		case 2, 3:
			_, _ = io.WriteString(c, "GET /v1/status HTTP/1.1\r\nHost: localhost\r\nX: ")
		case 4, 5:
			go func() {
				head := "POST /v1/forget HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9999999999\r\n\r\n"
				_, err := io.WriteString(c, head)
				for chunk := bytes.Repeat([]byte("9"), 64<<10); err == nil; {
					_, err = c.Write(chunk)
				}
			}()
		}
	}
	for range 3 {
		g.show(port, len(g.shown))
		g.await("the pass is delivered", func() bool { return g.portal.Stats().Rows >= len(g.shown) })
		pause(t.Context(), 300*time.Millisecond)
	}
	if had := mostEver(t, g.agent.cmd.Process.Pid); had > mostMemory {
		t.Errorf("the agent had %d MB in memory", had>>20)
	}
	// Who says nothing is shown out, by both doors.
	for _, c := range open[:2] {
		_ = c.SetReadDeadline(time.Now().Add(patience))
		if _, err := bufio.NewReader(c).ReadByte(); err == nil || strings.Contains(err.Error(), "timeout") {
			t.Errorf("%s: somebody who says nothing is waited for: %v", c.RemoteAddr().Network(), err)
		}
	}
	for _, c := range open {
		_ = c.Close()
	}
	g.await("the web server answers", func() bool {
		resp, err := http.Get(fmt.Sprintf("http://%s/readyz", web)) //nolint:noctx // of the test
		if err != nil {
			return false
		}
		_ = resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
	g.arrived()
	g.stop()
}

func (g *gateway) read(name string) string {
	g.t.Helper()
	text, err := os.ReadFile(g.path(name))
	if err != nil {
		g.t.Fatal(err)
	}
	return string(text)
}
