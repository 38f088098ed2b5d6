//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/acs-agent/acs-agent/agent/health"
	"github.com/acs-agent/acs-agent/drivers/drivertest"
	"github.com/acs-agent/acs-agent/uplink/sandbox"
)

const (
	// patience is how long a test waits for what takes moments; a busy machine may need it.
	patience    = 40 * time.Second
	gatewayKey  = "key-of-the-test"
	gatewayName = "trouble"
	// known is how many people are in the list of a gateway.
	known = 10
)

// A gateway is a folder with a configuration, an agent that works there as a process of its own, and the portal to which it
// reports. People 0 to known-1 are in its list.
type gateway struct {
	t       *testing.T
	dir     string
	address string // of the portal
	portal  *sandbox.Portal
	agent   *child
	// change is done to each command of the agent before it is started.
	change func(*exec.Cmd)
	// shown are the people whose cards the readers were shown.
	shown []person
}

// newGateway writes the files of a gateway; settings are the sections of the configuration that matter to the test. Nothing is
// started.
func newGateway(t *testing.T, settings string) *gateway {
	t.Helper()
	g := &gateway{t: t, dir: shortFolder(t), address: freeAddress(t)}
	g.portal = sandbox.New(sandbox.Options{Key: gatewayKey})
	g.write("cardholders.csv", listOf(known))
	g.write("acs.key", gatewayKey)
	g.write("config.yaml", fmt.Sprintf(`device: %s
timezone: Asia/Almaty
data_dir: data
listen: off
organizations: [{id: school, bin: "010140000014", name: Test school}]
cardholders: {file: cardholders.csv}
uplinks:
  - {name: visits, type: acs, url: "http://%s%s", api_key_file: acs.key, max_delay: 100ms, retry_max: 1s, probe: 1s}
`, gatewayName, g.address, sandbox.ACSPath)+settings)
	return g
}

// shortFolder makes a folder that is removed at the end. The path of a socket may have no more than some hundred characters,
// and those of t.TempDir are long.
func shortFolder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "acs") //nolint:usetesting // see above
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// listOf is a list of so many people.
func listOf(n int) string {
	var b strings.Builder
	b.WriteString("card;iin;full_name\n")
	for i := range n {
		p := e2ePerson(i)
		fmt.Fprintf(&b, "%s;%s;%s\n", p.written, p.iin, p.name)
	}
	return b.String()
}

func (g *gateway) path(name string) string { return filepath.Join(g.dir, name) }

func (g *gateway) write(name, text string) {
	g.t.Helper()
	if err := os.WriteFile(g.path(name), []byte(text), 0o600); err != nil {
		g.t.Fatal(err)
	}
}

// command is a command of the agent for this gateway.
func (g *gateway) command(args ...string) *exec.Cmd {
	cmd := agentCommand(g.t, append(args, "--config", g.path("config.yaml"))...)
	if g.change != nil {
		g.change(cmd)
	}
	return cmd
}

// launch starts the agent.
func (g *gateway) launch() {
	g.t.Helper()
	agent, err := launch(g.command("run", "--log-level", "debug"), g.path("agent.log"))
	if err != nil {
		g.t.Fatal(err)
	}
	g.agent = agent
	g.t.Cleanup(func() {
		agent.kill()
		if g.t.Failed() && g.agent == agent {
			g.t.Logf("the log of the agent ends with:\n%s", lastLines(g.log(), 60))
		}
	})
}

// start starts the agent and waits until it answers.
func (g *gateway) start() {
	g.t.Helper()
	g.launch()
	g.await("the agent answers", func() bool {
		select {
		case <-g.agent.ended:
			g.t.Fatalf("the agent has ended by itself: %v", g.agent.err)
		default:
		}
		_, err := statusOf(g.path("data"))
		return err == nil
	})
}

// stop ends the agent in order.
func (g *gateway) stop() {
	g.t.Helper()
	if err := g.agent.terminate(2 * stopTime); err != nil {
		g.t.Fatalf("the agent ended with %v", err)
	}
}

// openPortal lets the portal answer from now on, until the test ends or the returned function is called.
func (g *gateway) openPortal() (closePortal func()) {
	g.t.Helper()
	l, err := net.Listen("tcp", g.address)
	if err != nil {
		g.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var serving sync.WaitGroup
	serving.Go(func() {
		if err := g.portal.Serve(ctx, l); err != nil {
			g.t.Error(err)
		}
	})
	closePortal = func() { cancel(); serving.Wait() }
	g.t.Cleanup(closePortal)
	return closePortal
}

// await polls until ok.
func (g *gateway) await(what string, ok func() bool) {
	g.t.Helper()
	for deadline := time.Now().Add(patience); !ok(); time.Sleep(25 * time.Millisecond) {
		if time.Now().After(deadline) {
			g.t.Fatalf("not within %v: %s", patience, what)
		}
	}
}

// works waits until a part is in order.
func (g *gateway) works(kind health.Kind, name string) {
	g.t.Helper()
	g.await(fmt.Sprintf("%s %s works", kind, name), func() bool {
		s, err := statusOf(g.path("data"))
		return err == nil && find(s.Parts, kind, name).State == health.Up
	})
}

// troubled waits until `acs-agent status` says of a part what is wrong with it, in one line with all these words, and ends with
// the exit status.
func (g *gateway) troubled(kind health.Kind, name string, exit int, words ...string) {
	g.t.Helper()
	start := fmt.Sprintf("%s %s: ", kind, name)
	var out []byte
	var got int
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(25 * time.Millisecond) {
		var err error
		out, err = g.command("status").CombinedOutput()
		got = 0
		if exited, ok := errors.AsType[*exec.ExitError](err); ok {
			got = exited.ExitCode()
		} else if err != nil {
			g.t.Fatal(err)
		}
		for line := range strings.Lines(string(out)) {
			if got == exit && strings.HasPrefix(line, start) && !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(line, w) }) {
				return
			}
		}
	}
	g.t.Fatalf("no status that ends with %d and has a line %q with the words %q; the last ended with %d:\n%s", exit, start, words, got, out)
}

// warnedOnce waits until the trouble of a part was met again, and checks that the log has one warning of it.
func (g *gateway) warnedOnce(kind health.Kind, name string) {
	g.t.Helper()
	part := fmt.Sprintf("%s=%s ", kind, name)
	g.await("the trouble is met again", func() bool { return countLines(g.log(), "still does not work", part) > 1 })
	g.warned(kind, name, 1)
}

// warned checks that the log has so many warnings of a part.
func (g *gateway) warned(kind health.Kind, name string, want int) {
	g.t.Helper()
	if n := countLines(g.log(), "level=WARN", fmt.Sprintf("%s=%s ", kind, name)); n != want {
		g.t.Errorf("%d warnings of %s %s, want %d", n, kind, name, want)
	}
	if n := countLines(g.log(), "level=ERROR"); n > 0 {
		g.t.Errorf("%d errors in the log", n)
	}
}

// show shows the card of a person to an RDM6300 at the port.
func (g *gateway) show(port *drivertest.Port, n int) {
	g.t.Helper()
	p := e2ePerson(n)
	port.Write(rdmFrame(p.card))
	g.shown = append(g.shown, p)
}

// arrived waits until the portal has everybody who was shown, each once, and nobody else, and nothing is left behind.
func (g *gateway) arrived() {
	g.t.Helper()
	g.await(fmt.Sprintf("%d passes are delivered", len(g.shown)), func() bool { return g.portal.Stats().Rows >= len(g.shown) })
	want := make(map[string]int)
	for _, p := range g.shown {
		want[p.iin]++
	}
	g.portal.Rows(func(r sandbox.Row) bool {
		want[r.IIN]--
		return true
	})
	for iin, n := range want {
		if n != 0 {
			g.t.Errorf("%s: %d passes are missing at the portal", iin, n)
		}
	}
	g.await("nothing waits", func() bool {
		s, err := statusOf(g.path("data"))
		return err == nil && len(s.Uplinks) == 1 && s.Uplinks[0].Waiting == 0 && s.Uplinks[0].Held == 0 && s.Uplinks[0].Dead == 0
	})
	if log := g.log(); strings.Contains(log, "Пробный") || strings.Contains(log, g.shown[0].iin) {
		g.t.Error("the log names people")
	}
}

// fine checks that `acs-agent status` has nothing to complain of any more.
func (g *gateway) fine() {
	g.t.Helper()
	var out []byte
	g.await("all is well", func() (ok bool) {
		var err error
		out, err = g.command("status").CombinedOutput()
		return err == nil
	})
	// The test itself holds the other end of each serial port, which the agent notices.
	if n := countLines(string(out), ": ") - countLines(string(out), "is also held by", fmt.Sprintf("(pid %d)", os.Getpid())); n > 0 {
		g.t.Errorf("the status ends with 0 and complains:\n%s", out)
	}
}

func (g *gateway) log() string {
	log, err := os.ReadFile(g.path("agent.log"))
	if err != nil {
		g.t.Error(err)
	}
	return string(log)
}

// countLines counts the lines that have all these words in them.
func countLines(text string, words ...string) (n int) {
	for line := range strings.Lines(text) {
		if !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(line, w) }) {
			n++
		}
	}
	return n
}

func lastLines(text string, n int) string {
	lines := strings.SplitAfter(text, "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "")
}

// rows are all that the portal has.
func (g *gateway) rows() (all []sandbox.Row) {
	g.portal.Rows(func(r sandbox.Row) bool {
		all = append(all, r)
		return true
	})
	return all
}
