//go:build unix

package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"net"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/acs-agent/acs-agent/agent/health"
	"github.com/acs-agent/acs-agent/drivers/drivertest"
)

// A damaged journal keeps nobody from passing: the agent starts, as often as a service manager starts it, takes passes, and
// delivers what was stored before the damage, once each.
func TestADamagedJournal(t *testing.T) {
	for name, c := range map[string]struct {
		damage func(t *testing.T, journal string)
		ends   int // how often the store ends the agent before it is put aside
	}{
		"the list of tables is damaged": {func(t *testing.T, journal string) {
			rewriteFile(t, filepath.Join(journal, "MANIFEST"), func(text []byte) []byte { text[len(text)/2] ^= 1; return text })
		}, 0},
		"the store panics": {func(t *testing.T, journal string) {
			tables, err := filepath.Glob(filepath.Join(journal, "*.sst"))
			if err != nil || len(tables) == 0 {
				t.Fatalf("tables %v, %v", tables, err)
			}
			rewriteFile(t, tables[0], nonsensicalIndex)
		}, 2},
	} {
		t.Run(name, func(t *testing.T) {
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
			c.damage(t, g.path("data/journal"))
			began := time.Now()
			if ends := g.startAgain(); ends != c.ends {
				t.Errorf("the agent ended %d times before it worked, want %d", ends, c.ends)
			}
			t.Logf("the agent worked after %v", time.Since(began))
			g.works(health.Reader, "gate-1")
			g.show(port, 4)
			g.troubled(health.Journal, salvagePart, exitNeedsPerson, "the journal was damaged: 4 passes and 1 records read back, 0 and 0 lost",
				"delete the damaged store", "journal.broken-20")
			g.openPortal()
			g.arrived()
			broken, err := filepath.Glob(g.path("data/journal.broken-*"))
			if err != nil || len(broken) != 1 {
				t.Fatalf("put aside: %v, %v", broken, err)
			}
			if err := os.RemoveAll(broken[0]); err != nil {
				t.Fatal(err)
			}
			g.fine()
		})
	}
}

// What a damaged journal may have forgotten, a portal may have got: an uplink whose portal would take it twice stands still until a
// person has looked, says so, and goes on by itself then. The visits go on at once.
func TestAnUplinkThatMayHaveForgottenWaitsForAPerson(t *testing.T) {
	t.Parallel()
	port := drivertest.Serial(t)
	platform, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var asked atomic.Int64
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := platform.Accept()
			if err != nil {
				return
			}
			asked.Add(1)
			_ = conn.Close() // the platform is not well, which is another matter
		}
	})
	t.Cleanup(func() { _ = platform.Close(); serving.Wait() })
	g := newGateway(t, fmt.Sprintf(`  - {name: reception, type: callback, url: "http://%s", login: l, password_file: callback.password, retry_max: 1s,
     paths: {login: /l, list: "/a?limit={limit}", commit: "/c/{code}", status: /s}}
`, platform.Addr())+serialReader(port.Path))
	g.write("callback.password", "password-of-the-test")
	g.start()
	g.works(health.Reader, "gate-1")
	g.await("the platform is asked", func() bool { return asked.Load() > 0 })
	for n := range 4 {
		g.show(port, n)
	}
	g.await("four passes are stored", func() bool {
		s, err := statusOf(g.path("data"))
		return err == nil && s.Journal.Passes == 4
	})
	g.agent.kill()
	port.Released()
	logs, err := filepath.Glob(g.path("data/journal/*.mem"))
	if err != nil || len(logs) == 0 {
		t.Fatalf("logs %v, %v", logs, err)
	}
	rewriteFile(t, logs[len(logs)-1], func(text []byte) []byte {
		text[len(bytes.TrimRight(text, "\x00"))/2] ^= 1
		return text
	})
	before := asked.Load()
	g.startAgain()
	g.openPortal()
	g.works(health.Reader, "gate-1")
	g.show(port, 5)
	g.troubled(health.Uplink, "reception", exitNeedsPerson, "compare with the portal", "delete the damaged store")
	g.await("the visits go on", func() bool { return len(g.rows()) > 0 })
	if n := asked.Load(); n != before {
		t.Errorf("the platform is asked %d times before a person has looked", n-before)
	}
	broken, err := filepath.Glob(g.path("data/journal.broken-*"))
	if err != nil || len(broken) != 1 {
		t.Fatalf("put aside: %v, %v", broken, err)
	}
	if err := os.RemoveAll(broken[0]); err != nil {
		t.Fatal(err)
	}
	g.await("the platform is asked again", func() bool { return asked.Load() > before })
}

// startAgain starts the agent until it answers, and gives the number of times that it ended before.
func (g *gateway) startAgain() (ends int) {
	g.t.Helper()
	for ; ends < 5; ends++ {
		agent, err := launch(g.command("run", "--log-level", "debug"), g.path("agent.log"))
		if err != nil {
			g.t.Fatal(err)
		}
		g.t.Cleanup(agent.kill)
		g.agent = agent
		answers, ended := false, false
		g.await("the agent answers or ends", func() bool {
			select {
			case <-agent.ended:
				ended = true
			default:
				_, err := statusOf(g.path("data"))
				answers = err == nil
			}
			return answers || ended
		})
		if answers {
			return ends
		}
	}
	g.t.Fatalf("the agent does not come up:\n%s", lastLines(g.log(), 60))
	return ends
}

func rewriteFile(t *testing.T, path string, how func([]byte) []byte) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err == nil {
		err = os.WriteFile(path, how(text), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// nonsensicalIndex puts nonsense in the place of a table's index, with the right checksum: the store trusts it, and ends the process in a
// goroutine where nobody can catch that.
func nonsensicalIndex(table []byte) []byte {
	size := int(binary.BigEndian.Uint32(table[len(table)-4:]))
	end := len(table) - 4 - size - 4
	index := table[end-int(binary.BigEndian.Uint32(table[end:])) : end]
	for i := range index {
		index[i] = 0xEE
	}
	sum := binary.AppendUvarint([]byte{0x10}, uint64(crc32.Checksum(index, crc32.MakeTable(crc32.Castagnoli))))
	return append(append(table[:end+4], sum...), 0, 0, 0, byte(len(sum)))
}
