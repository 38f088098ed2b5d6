//go:build unix

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/acs-agent/acs-agent/agent/health"
	"github.com/acs-agent/acs-agent/drivers/drivertest"
)

// TestAStoreThatEndsTheRunningAgentIsPutAside: the disk loses a file of the store under the running agent, long after the start. The
// process cannot survive that; the next one says so, and after the second time in a boot the store is put aside.
func TestAStoreThatEndsTheRunningAgentIsPutAside(t *testing.T) {
	t.Parallel()
	port := drivertest.Serial(t)
	g := newGateway(t, serialReader(port.Path))
	g.start()
	g.works(health.Reader, "gate-1")
	for n := range 4 {
		g.show(port, n)
	}
	g.await("four passes are stored", func() bool {
		s, err := statusOf(g.path("data"))
		return err == nil && s.Journal.Passes == 4
	})
	g.stop()
	port.Released()
	if _, err := os.Stat(g.path("data/crash.txt")); !os.IsNotExist(err) {
		t.Errorf("a report of a crash after an orderly end: %v", err)
	}
	for crashes := range 2 {
		if ends := g.startAgain(); ends != 0 {
			t.Fatalf("start %d: the agent ended %d times", crashes, ends)
		}
		g.works(health.Reader, "gate-1")
		logs, err := filepath.Glob(g.path("data/journal/*.mem"))
		if err != nil || len(logs) == 0 {
			t.Fatalf("logs %v, %v", logs, err)
		}
		for _, path := range logs {
			if err := os.Truncate(path, 0); err != nil {
				t.Fatal(err)
			}
		}
		g.show(port, 4)
		g.await("the agent ends by itself", func() bool {
			select {
			case <-g.agent.ended:
				return true
			default:
				return false
			}
		})
		port.Released()
		info, err := os.Stat(g.path("data/crash.txt"))
		if err != nil || info.Mode().Perm() != 0o600 || info.Size() == 0 {
			t.Fatalf("the report: %v, %v", info, err)
		}
		broken, err := filepath.Glob(g.path("data/journal.broken-*"))
		if err != nil || len(broken) != 0 {
			t.Fatalf("put aside after %d crashes: %v, %v", crashes, broken, err)
		}
	}
	if ends := g.startAgain(); ends != 0 {
		t.Fatalf("the agent ended %d times", ends)
	}
	g.works(health.Reader, "gate-1")
	g.show(port, 5)
	g.troubled(health.Journal, salvagePart, exitNeedsPerson, "the journal was damaged: 4 passes", "journal.broken-20")
	g.openPortal()
	g.await("the passes of before arrive", func() bool { return len(g.rows()) >= 5 })
	if log := g.log(); strings.Count(log, "the agent was ended by a fault that cannot be caught") != 2 || !strings.Contains(log, "in_store=true") {
		t.Errorf("the log says\n%s", lastLines(log, 40))
	}
}
