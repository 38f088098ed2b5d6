//go:build linux && (386 || arm || mipsle)

package buffer

import (
	"math/rand/v2"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestNothingThatWasTakenIsLostWhenAddressesRunOut: the store maps all its files into memory, and what it cannot map it cannot
// write. The process may refuse passes, may fail and may end; what it has taken has to be there.
func TestNothingThatWasTakenIsLostWhenAddressesRunOut(t *testing.T) {
	const least, most = 250 << 20, 300 << 20
	n := rounds(t, "JOURNAL_CRAMPED", 1)
	patience := 5 * time.Second // then it is killed
	if n > 1 {
		patience = 15 * time.Second
	}
	dir, l := t.TempDir(), newLedger()
	passes, ended := 0, 0
	for round := range n {
		t.Setenv(childSpace, strconv.Itoa(least+rand.IntN(most-least)))
		before := l.passes
		c := start(t, dir, strconv.Itoa(round), hoarding, cramped)
		kill := time.NewTimer(patience)
		for running := true; running; {
			select {
			case line, more := <-c.lines:
				if running = more; more {
					l.hear(line)
				} else {
					ended++
				}
			case <-kill.C:
				_ = c.cmd.Process.Kill()
				running = false
			}
		}
		kill.Stop()
		c.end(l)
		l.check(t, dir)
		if len(l.wrong) > 0 {
			t.Fatalf("round %d: %s", round, strings.Join(l.wrong, "\n"))
		}
		if l.passes == before { // there is no room for more: begin anew
			passes += l.passes
			dir, l = filepath.Join(t.TempDir(), strconv.Itoa(round)), newLedger()
		}
	}
	passes += l.passes
	t.Logf("%d rounds, %d of them ended by themselves, %d passes taken, lost 0, invented 0", n, ended, passes)
	if passes == 0 {
		t.Error("nothing was taken")
	}
}
