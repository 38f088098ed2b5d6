// The FUSE library does not build for 32 bits.

//go:build amd64 || arm64

package buffer

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/acs-agent/acs-agent/buffer/powercut"
)

// A moment is when the power fails: after so many lines of a kind, and then so many requests to the disk.
type moment struct {
	phase   string
	line    rune // 0: the count of requests begins with the start
	lines   int
	matches func(powercut.Op) bool // which requests count; nil: all
	after   int
	verdict powercut.Verdict
}

// anyMoment chooses one: each phase of the journal's life has its share.
func anyMoment(r *rand.Rand) moment {
	m := []moment{
		{phase: "start-up", after: r.IntN(60)},
		{phase: "ingest", line: sayTaken, lines: 1 + r.IntN(1500), after: r.IntN(20)},
		{phase: "cursor", line: sayConfirmed, lines: 1 + r.IntN(6), after: r.IntN(5)},
		{phase: "compaction", line: sayOpened, lines: 1, matches: ofTables, after: r.IntN(40)},
		{phase: "manifest", line: sayOpened, lines: 1, matches: ofManifest, after: r.IntN(12)},
		{phase: "retention", line: sayRetain, lines: 1 + r.IntN(2), after: r.IntN(50)},
	}[r.IntN(6)]
	m.verdict = powercut.CutBefore
	if r.IntN(2) == 0 {
		m.verdict = powercut.CutAfter
	}
	return m
}

func ofTables(op powercut.Op) bool { return strings.HasSuffix(op.Name, ".sst") }

func ofManifest(op powercut.Op) bool { return strings.HasPrefix(op.Name, "MANIFEST") }

// trigger waits for a moment on behalf of a disk.
type trigger struct {
	moment
	mu    sync.Mutex
	armed bool
}

func (g *trigger) decide(op powercut.Op) powercut.Verdict {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.armed || g.matches != nil && !g.matches(op) {
		return powercut.GoOn
	}
	if g.after--; g.after >= 0 {
		return powercut.GoOn
	}
	return g.verdict
}

func (g *trigger) heard(kind rune) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if kind == g.line {
		g.lines--
		g.armed = g.lines <= 0
	}
}

// outage lets a process work on the disk, takes the power away from both, and gives the disk as it is found afterwards.
func outage(t *testing.T, d *powercut.Disk, l *ledger, run string, m moment, r *rand.Rand, traits ...trait) *powercut.Disk {
	t.Helper()
	const patience = 20 * time.Second // then the power fails whatever the process does
	dir := t.TempDir()
	mount, err := d.Mount(dir)
	if err != nil {
		t.Fatal(err)
	}
	g := &trigger{moment: m, armed: m.line == 0}
	d.Decide(g.decide)
	c := start(t, dir, run, traits...)
	latest := time.NewTimer(patience)
	defer latest.Stop()
	for alive := true; alive; {
		select {
		case line, more := <-c.lines:
			if alive = more; more {
				g.heard(l.hear(line))
				continue
			}
			if !isClosed(d.Dead()) {
				l.complain("the process ended by itself")
			}
		case <-d.Dead():
			alive = false
		case <-latest.C:
			d.Cut()
		}
	}
	_ = c.cmd.Process.Kill()
	d.Release()
	c.end(l)
	if err := mount.Unmount(); err != nil {
		t.Fatal(err)
	}
	return d.Survivor(r)
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// inspectDisk checks a copy of what is on the disk.
func inspectDisk(t *testing.T, d *powercut.Disk, l *ledger) {
	t.Helper()
	dir := t.TempDir()
	if err := d.Export(dir); err != nil {
		t.Fatal(err)
	}
	l.check(t, dir)
	if err := os.RemoveAll(dir); err != nil { // many cuts take much room
		t.Fatal(err)
	}
}

// needsMounts ends a test on a machine that does not let it mount; where everything has to be proven that is a failure.
func needsMounts(t *testing.T) {
	t.Helper()
	m, err := powercut.NewDisk(powercut.Faults{}).Mount(t.TempDir())
	switch {
	case err == nil:
		if err := m.Unmount(); err != nil {
			t.Fatal(err)
		}
	case os.Getenv("CI") == "true":
		t.Fatalf("file systems of our own cannot be mounted (needs root and /dev/fuse): %v", err)
	default:
		t.Skipf("file systems of our own cannot be mounted (needs root and /dev/fuse): %v", err)
	}
}

// seeded gives the generator of a round, and where to begin again.
func seeded(t *testing.T) func(round int) *rand.Rand {
	t.Helper()
	seed := rand.Uint64()
	if text := os.Getenv("JOURNAL_CUTS_SEED"); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("JOURNAL_CUTS_SEED=%d chooses the same moments and the same sectors", seed)
	return func(round int) *rand.Rand { return rand.New(rand.NewPCG(seed, uint64(round))) }
}

func TestNothingThatWasTakenIsLostWhenThePowerFails(t *testing.T) {
	needsMounts(t)
	n, generator := rounds(t, "JOURNAL_CUTS", 5), seeded(t)
	d, l := powercut.NewDisk(powercut.Faults{}), newLedger()
	phases, last := map[string]int{}, map[string]int{}
	for round := range n {
		r := generator(round)
		m := anyMoment(r)
		phases[m.phase]++
		next := outage(t, d, l, strconv.Itoa(round), m, r)
		last[fmt.Sprint(d.Last().Kind, " ", kindOf(d.Last().Name))]++
		inspectDisk(t, next, l)
		if len(l.wrong) > 0 {
			dir := filepath.Join(t.ArtifactDir(), "disk")
			t.Errorf("cut %d, %s, %d lines, %d requests:\n%s\nthe disk is in %s (kept with -artifacts): %v",
				round, m.phase, m.lines, m.after, strings.Join(l.wrong, "\n"), dir, next.Export(dir))
			return
		}
		d = next
	}
	t.Logf("%d cuts (%s), %d passes taken, lost 0, invented 0, sent again from the last batch %d, deletions %d, sectors lost %d, slowest start %v",
		n, counts(phases), l.passes, l.again, l.deletions, d.Lost(), l.slowest)
	t.Logf("the last request: %s", counts(last))
	if l.passes == 0 {
		t.Error("nothing was taken")
	}
}

// counts lists how often there was what.
func counts(of map[string]int) string {
	var list []string
	for what, n := range of {
		list = append(list, fmt.Sprintf("%s %d", what, n))
	}
	slices.Sort(list)
	return strings.Join(list, ", ")
}

// kindOf gives what files of a kind have in common.
func kindOf(name string) string {
	if ext := filepath.Ext(name); ext != "" {
		return "*" + ext
	}
	return name
}

// TestAPowerCutShowsWhatWasNotSynced proves that the test above is not blind.
func TestAPowerCutShowsWhatWasNotSynced(t *testing.T) {
	needsMounts(t)
	for name, control := range map[string]struct {
		faults powercut.Faults
		traits []trait
	}{
		"a store that does not sync": {traits: []trait{unsynced}},
		"a disk that is deaf to it":  {faults: powercut.Faults{DeafTo: func(name string) bool { return strings.HasSuffix(name, ".mem") }}},
	} {
		t.Run(name, func(t *testing.T) {
			generator := seeded(t)
			const enough = 20
			for round := range enough {
				d, l := powercut.NewDisk(control.faults), newLedger()
				r := generator(round)
				m := moment{phase: "ingest", line: sayTaken, lines: 300 + r.IntN(300), verdict: powercut.CutBefore}
				inspectDisk(t, outage(t, d, l, "control", m, r, control.traits...), l)
				if slices.ContainsFunc(l.wrong, func(s string) bool { return strings.HasPrefix(s, "the store was put aside") }) {
					continue // what is missing may be read back later
				}
				if i := slices.IndexFunc(l.wrong, func(s string) bool { return strings.HasSuffix(s, "taken are lost") }); i >= 0 {
					t.Logf("seen after %d cuts: %s", round+1, l.wrong[i])
					return
				}
			}
			t.Errorf("%d cuts and no loss was seen", enough)
		})
	}
}
