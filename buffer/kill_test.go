package buffer

import (
	"bufio"
	"context"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"
)

// rounds gives how often a test does what it does: as often as the variable says, else as often as it does in passing.
func rounds(t *testing.T, variable string, otherwise int) int {
	t.Helper()
	text := os.Getenv(variable)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("%s: %v", variable, err)
	}
	return n
}

// A child is a process that works on a journal.
type child struct {
	cmd   *exec.Cmd
	lines chan string
}

// start starts a child; it is killed at the latest when the test ends.
func start(t *testing.T, dir, run string, traits ...trait) *child {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	words := make([]string, len(traits))
	for i, tr := range traits {
		words[i] = string(tr)
	}
	ctx, cancel := context.WithCancel(context.Background())
	c := &child{cmd: exec.CommandContext(ctx, exe), lines: make(chan string, 64)}
	c.cmd.Env = append(os.Environ(), childDir+"="+dir, childRun+"="+run, childTraits+"="+strings.Join(words, " "))
	c.cmd.Stderr = t.Output()
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	read := make(chan struct{})
	go func() {
		defer close(read)
		defer close(c.lines)
		for s := bufio.NewScanner(out); s.Scan(); {
			c.lines <- s.Text()
		}
	}()
	t.Cleanup(func() {
		cancel()
		for range c.lines { // nobody else listens any more
		}
		<-read
		_ = c.cmd.Wait() // for the second time, as a rule
	})
	return c
}

// end waits until the child is gone and notes its last lines.
func (c *child) end(l *ledger) {
	for line := range c.lines {
		l.hear(line)
	}
	_ = c.cmd.Wait() // it was killed
}

func TestNothingThatWasTakenIsLostWhenTheProcessIsKilled(t *testing.T) {
	const life = 40 // kills; then another journal begins, or what is aside would take longer to compare each time
	n := rounds(t, "JOURNAL_KILLS", 10)
	var dir string
	var l *ledger
	passes, again, deletions, slowest := 0, 0, 0, time.Duration(0)
	for round := range n {
		if round%life == 0 {
			dir, l = t.TempDir(), newLedger()
		}
		killed(t, l, dir, strconv.Itoa(round))
		l.check(t, dir)
		if len(l.wrong) > 0 {
			t.Fatalf("round %d: %s", round, strings.Join(l.wrong, "\n"))
		}
		if round%life == life-1 || round == n-1 {
			passes, again, deletions = passes+l.passes, again+l.again, deletions+l.deletions
			slowest = max(slowest, l.slowest)
		}
	}
	t.Logf("%d kills, %d passes taken, lost 0, invented 0, sent again from the last batch %d, deletions %d, slowest start %v",
		n, passes, again, deletions, slowest)
	if passes == 0 || deletions == 0 {
		t.Error("nothing was taken, or nothing deleted")
	}
}

// killed runs a child and kills it after a while, one time in five while it starts.
func killed(t *testing.T, l *ledger, dir, run string) {
	t.Helper()
	c := start(t, dir, run)
	after := time.Duration(50+rand.IntN(300)) * time.Millisecond
	var kill <-chan time.Time
	if rand.IntN(5) == 0 {
		kill = time.After(time.Duration(rand.IntN(60)) * time.Millisecond)
	}
	for {
		select {
		case line, more := <-c.lines:
			if !more {
				t.Fatalf("run %s ended by itself", run)
			}
			if l.hear(line) == sayTaken && kill == nil { // so that a slow start does not make an empty round
				kill = time.After(after)
			}
		case <-kill:
			_ = c.cmd.Process.Kill()
			c.end(l)
			return
		}
	}
}
