//go:build unix

package main

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/acs-agent/acs-agent/drivers/drivertest"
)

// A manager is what the agent takes for systemd: a socket on which it is told how the agent does.
type manager struct {
	t    *testing.T
	conn *net.UnixConn
	path string
	told []string
}

func newManager(t *testing.T) *manager {
	t.Helper()
	path := filepath.Join(shortFolder(t), "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return &manager{t: t, conn: conn, path: path}
}

// supervise gives an agent the environment of a service.
func (m *manager) supervise(cmd *exec.Cmd, watchdog time.Duration) {
	cmd.Env = append(cmd.Env, "NOTIFY_SOCKET="+m.path, "WATCHDOG_USEC="+strconv.FormatInt(watchdog.Microseconds(), 10))
}

// hears waits until it has been told something that begins with words so many times, and returns everything that it was told.
func (m *manager) hears(times int, words string) []string {
	m.t.Helper()
	buf := make([]byte, 4096)
	if err := m.conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
		m.t.Fatal(err)
	}
	for m.times(words) < times {
		n, err := m.conn.Read(buf)
		if err != nil {
			m.t.Fatalf("told %q %d times, want %d: %v; the last words: %q", words, m.times(words), times, err, m.told[max(0, len(m.told)-5):])
		}
		m.told = append(m.told, string(buf[:n]))
	}
	return m.told
}

func (m *manager) times(words string) (n int) {
	for _, said := range m.told {
		if strings.HasPrefix(said, words) {
			n++
		}
	}
	return n
}

func TestTheServiceManagerIsToldHowTheAgentDoes(t *testing.T) {
	t.Parallel()
	port := drivertest.Serial(t)
	g := newGateway(t, serialReader(port.Path))
	g.openPortal()
	m := newManager(t)
	g.change = func(cmd *exec.Cmd) { m.supervise(cmd, 300*time.Millisecond) }
	g.start()

	if told := m.hears(1, "READY=1"); !strings.HasPrefix(told[0], "WATCHDOG_USEC=300000") || len(told) != 2 {
		t.Errorf("told before it is ready: %q", told)
	}
	if _, err := os.Stat(g.path("data/journal/MANIFEST")); err != nil {
		t.Errorf("ready without a journal: %v", err)
	}
	m.hears(5, "WATCHDOG=1")
	m.hears(1, "STATUS=working: 1 of 1 reader, 1 of 1 uplink")

	g.configure("device: "+gatewayName, "device: renamed")
	m.hears(1, "STATUS=taking over another configuration\nWATCHDOG_USEC=900000000")
	m.hears(2, "WATCHDOG_USEC=300000")
	m.hears(2, "READY=1")
	m.hears(m.times("WATCHDOG=1")+1, "WATCHDOG=1")
	if n := m.times("STOPPING"); n > 0 {
		t.Error("it says that it stops, and only begins anew")
	}

	g.stop()
	m.hears(1, "STOPPING=1")
}

func TestAServiceThatNeedsAPersonWaitsForTheConfiguration(t *testing.T) {
	t.Parallel()
	port := drivertest.Serial(t)
	g := newGateway(t, serialReader(port.Path)+"no_such_key: 1\n")
	m := newManager(t)
	g.change = func(cmd *exec.Cmd) { m.supervise(cmd, time.Minute) }
	agent, err := launch(g.command("run", "--service"), g.path("agent.log"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(agent.kill)
	m.hears(1, "STATUS=cannot work until somebody has mended the configuration")
	select {
	case <-agent.ended:
		t.Fatal("it ends at once, and would be started again at once")
	case <-time.After(holdGlance / 2):
	}
	g.configure("no_such_key: 1\n", "")
	select {
	case <-agent.ended:
	case <-time.After(holdTime / 2):
		t.Fatal("it does not see that the configuration was mended")
	}
	if code := agent.cmd.ProcessState.ExitCode(); code != exitNeedsPerson {
		t.Errorf("it ends with %d, want %d", code, exitNeedsPerson)
	}
	if n := countLines(g.log(), "level=ERROR", "no_such_key"); n != 1 {
		t.Errorf("the log says %d times what is wrong", n)
	}
}
