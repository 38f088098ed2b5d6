package main

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/acs-agent/acs-agent/agent/health"
	"github.com/acs-agent/acs-agent/drivers/drivertest"
)

// ticks is how much processor time a process has had, in hundredths of a second.
func ticks(t *testing.T, pid int) (n int64) {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), ") ")
	var user, system int64
	if f := strings.Fields(rest); len(f) > 12 {
		_, err = fmt.Sscan(f[11]+" "+f[12], &user, &system)
	}
	if err != nil {
		t.Fatal(err)
	}
	return user + system
}

// TestAReaderThatRavesHarmsNobodyElse has a reader that sends without end, or whose line breaks again and again. Meanwhile another reader's
// passes reach the portal within moments, memory and log stay small, and a line that only breaks costs next to no work.
func TestAReaderThatRavesHarmsNobodyElse(t *testing.T) {
	t.Parallel()
	frames := func() []byte { // valid ones, of different cards that nobody has
		var b []byte
		for n := range 4000 {
			b = append(b, rdmFrame(card{0x77, 0, byte(n >> 16), byte(n >> 8), byte(n)})...)
		}
		return b
	}()
	for what, raving := range map[string]struct {
		sends   []byte
		unplugs bool
	}{
		"rubbish":                {sends: bytes.Repeat([]byte("\x00\xff~!rubbish\r\n"), 500)},
		"a frame without an end": {sends: bytes.Repeat([]byte("\x02AAAAAAAAAAAAA"), 500)},
		"the same card":          {sends: bytes.Repeat(rdmFrame(card{0x77, 1, 2, 3, 4}), 500)},
		"a card after the other": {sends: frames},
		"a loose plug":           {unplugs: true},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			mad, good := drivertest.Serial(t), drivertest.Serial(t)
			g := newGateway(t, fmt.Sprintf(`readers:
  - {name: gate-1, type: rdm6300, port: %s, organization: school, repeat: 0s}
  - {name: gate-2, type: rdm6300, port: %s, organization: school}
`, good.Path, mad.Path))
			g.openPortal()
			g.start()
			g.works(health.Reader, "gate-1")
			g.works(health.Reader, "gate-2")
			stop := make(chan struct{})
			var raves sync.WaitGroup
			raves.Go(func() {
				for {
					select {
					case <-stop:
						return
					default:
					}
					if raving.unplugs {
						mad.Unplug()
						time.Sleep(20 * time.Millisecond)
						mad.Replug()
						time.Sleep(20 * time.Millisecond)
						continue
					}
					mad.Write(raving.sends[:min(len(raving.sends), 2048)])
					raving.sends = append(raving.sends[min(len(raving.sends), 2048):], raving.sends[:min(len(raving.sends), 2048)]...)
				}
			})
			end := sync.OnceFunc(func() { close(stop); raves.Wait() })
			defer end()
			worked, began := ticks(t, g.agent.cmd.Process.Pid), time.Now()
			for range 4 {
				g.show(good, len(g.shown))
				shown := time.Now()
				g.await("the pass of the other reader is delivered", func() bool { return len(g.rows()) >= len(g.shown) })
				if took := time.Since(shown); took > 20*time.Second {
					t.Errorf("a pass has waited %v", took)
				}
				time.Sleep(300 * time.Millisecond)
			}
			share := float64(ticks(t, g.agent.cmd.Process.Pid)-worked) / float64(time.Since(began)/(10*time.Millisecond))
			if raving.unplugs && share > 0.6 {
				t.Errorf("a line that breaks keeps %.0f %% of a processor busy", 100*share)
			}
			if had := mostEver(t, g.agent.cmd.Process.Pid); had > mostMemory {
				t.Errorf("the agent had %d MB in memory", had>>20)
			}
			lines := countLines(g.log(), "level=WARN") + countLines(g.log(), "level=INFO") + countLines(g.log(), "level=ERROR")
			if lines > 150 {
				t.Errorf("the log has %d lines", lines)
			}
			t.Logf("%d MB, %.0f %% of a processor, %d lines", mostEver(t, g.agent.cmd.Process.Pid)>>20, 100*share, lines)
			end()
			g.stop()
		})
	}
}
