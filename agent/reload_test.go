//go:build unix

package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/acs-agent/acs-agent/agent/health"
	"github.com/acs-agent/acs-agent/drivers/drivertest"
)

// takenOver is what the log says of each configuration that was taken over.
const takenOver = "configuration taken over"

// config reads and changes the configuration; it is replaced in one step, as editors do.
func (g *gateway) configure(replacements ...string) {
	g.t.Helper()
	before, err := os.ReadFile(g.path("config.yaml"))
	if err != nil {
		g.t.Fatal(err)
	}
	after := strings.NewReplacer(replacements...).Replace(string(before))
	if after == string(before) {
		g.t.Fatalf("nothing to replace in:\n%s", before)
	}
	g.write("config.new", after)
	if err := os.Rename(g.path("config.new"), g.path("config.yaml")); err != nil {
		g.t.Fatal(err)
	}
}

// lineOf is the line of the configuration, from 1, in which a word stands.
func (g *gateway) lineOf(word string) int {
	g.t.Helper()
	text, err := os.ReadFile(g.path("config.yaml"))
	if err != nil {
		g.t.Fatal(err)
	}
	before, _, found := strings.Cut(string(text), word)
	if !found {
		g.t.Fatalf("%s stands nowhere", word)
	}
	return strings.Count(before, "\n") + 1
}

// hangUp asks the agent to read its configuration again.
func (g *gateway) hangUp() {
	g.t.Helper()
	if err := g.agent.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		g.t.Fatal(err)
	}
}

// logged waits until the log has so many lines with all the words.
func (g *gateway) logged(want int, words ...string) {
	g.t.Helper()
	g.await(fmt.Sprintf("%d lines of the log have %q", want, words), func() bool { return countLines(g.log(), words...) >= want })
	if n := countLines(g.log(), words...); n != want {
		g.t.Errorf("%d lines of the log have %q, want %d", n, words, want)
	}
}

// reader is the state of a reader.
func (g *gateway) part(kind health.Kind, name string) health.Report {
	g.t.Helper()
	s, err := statusOf(g.path("data"))
	if err != nil {
		g.t.Fatal(err)
	}
	return find(s.Parts, kind, name)
}

func twoReaders(first, second string) string {
	return fmt.Sprintf(`readers:
  - {name: gate-1, type: rdm6300, port: %s, organization: school, note: Entrance, repeat: 0s}
  - {name: gate-2, type: rdm6300, port: %s, organization: school}
`, first, second)
}

func TestAChangedFileIsTakenOverWithoutTouchingWhatIsTheSame(t *testing.T) {
	t.Parallel()
	untouched, gone, fresh := drivertest.Serial(t), drivertest.Serial(t), drivertest.Serial(t)
	g := newGateway(t, twoReaders(untouched.Path, gone.Path))
	g.openPortal()
	g.start()
	g.works(health.Reader, "gate-1")
	g.works(health.Reader, "gate-2")
	since := g.part(health.Reader, "gate-1").Since
	visits := g.part(health.Uplink, "visits").Since

	// Cards come all the time while the configuration changes; the same one not twice in a second, which the portal takes for one.
	stop, done := make(chan struct{}), make(chan int)
	go func() {
		n := 0
		for {
			select {
			case <-stop:
				done <- n
				return
			case <-time.After(1200 * time.Millisecond / known):
				untouched.Write(rdmFrame(e2ePerson(n % known).card))
				n++
			}
		}
	}()
	g.configure(
		"name: gate-2", "name: gate-3",
		gone.Path, fresh.Path,
		"note: Entrance", "note: The other entrance")
	g.logged(1, takenOver, "started=1", "stopped=1", "untouched=3")
	g.works(health.Reader, "gate-3")
	read := g.part(health.Reader, "gate-1").Count
	g.await("cards are read as before", func() bool { return g.part(health.Reader, "gate-1").Count > read+1 })
	close(stop)
	n := <-done
	for i := range n {
		g.shown = append(g.shown, e2ePerson(i%known))
	}
	g.show(fresh, 3)
	g.arrived()
	if p := g.part(health.Reader, "gate-1"); p.Since != since || p.Count != uint64(n) {
		t.Errorf("the reader that is the same: %d passes since %v, want %d since %v", p.Count, p.Since, n, since)
	}
	if p := g.part(health.Uplink, "visits"); p.Since != visits {
		t.Errorf("the uplink that is the same works since %v, want %v", p.Since, visits)
	}
	if p := g.part(health.Reader, "gate-2"); p.State != "" {
		t.Errorf("the reader that is gone still shows: %+v", p)
	}
	notes := make(map[string]bool)
	for _, row := range g.rows() {
		notes[row.Note] = true
	}
	if !notes["Entrance"] || !notes["The other entrance"] || !notes["gate-3"] {
		t.Errorf("notes at the portal: %v, want those of before and after", notes)
	}
	g.fine()
}

func TestAnInvalidFileIsRefusedAndTheOldOneStays(t *testing.T) {
	t.Parallel()
	port, other := drivertest.Serial(t), drivertest.Serial(t)
	g := newGateway(t, twoReaders(port.Path, other.Path))
	const oldNote, newNote = "note: Entrance", "note: The other entrance" // there is nothing wrong with that part of the file
	g.openPortal()
	g.start()
	g.works(health.Reader, "gate-1")
	for _, asked := range []bool{false, true} {
		g.configure("repeat: 0s", "repeet: 0s", "name: visits", "name: visitors", oldNote, newNote)
		if asked {
			g.hangUp()
		}
		line := g.lineOf("repeet")
		g.troubled(health.Config, "config.yaml", exitNeedsPerson, "is refused", "stays in use", fmt.Sprintf("line %d", line), "readers[0].repeet", "acs-agent check")
		if code := g.part(health.Config, "config.yaml").Code; code != fmt.Sprintf("config-refused-line-%d", line) {
			t.Errorf("code %q", code)
		}
		g.show(port, 1)
		g.arrived()
		for _, row := range g.rows() {
			if row.Note != "Entrance" {
				t.Errorf("a part of the refused file is in use: the note %q", row.Note)
			}
		}
		g.configure("repeet: 0s", "repeat: 0s", "name: visitors", "name: visits", newNote, oldNote)
		g.works(health.Config, "config.yaml")
		g.show(port, 2)
		g.arrived()
		g.fine()
	}
	if n := countLines(g.log(), "the changed configuration is refused", "field=readers[0].repeet"); n < 2 {
		t.Errorf("%d lines of the log say why, want one each time", n)
	}
}

func TestAHalfSavedFileIsLeftAlone(t *testing.T) {
	t.Parallel()
	port, other := drivertest.Serial(t), drivertest.Serial(t)
	g := newGateway(t, twoReaders(port.Path, other.Path))
	g.openPortal()
	g.start()
	g.works(health.Reader, "gate-1")
	whole, err := os.ReadFile(g.path("config.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	whole = append(whole, "buffer: {keep: 20d}\n"...)
	// Slowly, as over a bad line: now without readers, now in the middle of a word.
	for _, upto := range []int{len(whole) / 3, len(whole) / 2, len(whole) - 20, len(whole)} {
		g.write("config.yaml", string(whole[:upto]))
		time.Sleep(configSettled / 4)
	}
	g.logged(1, "from the ground up")
	if n := countLines(g.log(), "is refused"); n != 0 {
		t.Errorf("%d times something was refused", n)
	}
	g.works(health.Reader, "gate-1")
	g.show(port, 1)
	g.arrived()
	g.fine()
}

func TestANewSecretIsTakenOverWhenAskedFor(t *testing.T) {
	t.Parallel()
	port, other := drivertest.Serial(t), drivertest.Serial(t)
	g := newGateway(t, twoReaders(port.Path, other.Path))
	g.openPortal()
	g.write("acs.key", "a wrong key")
	g.start()
	g.show(port, 1)
	g.await("the portal refuses the key", func() bool { return g.part(health.Uplink, "visits").State == health.Stopped })
	since := g.part(health.Reader, "gate-1").Since
	g.write("acs.key", gatewayKey)
	g.hangUp()
	g.logged(1, takenOver, "started=1", "stopped=1", "untouched=3")
	g.arrived()
	if p := g.part(health.Reader, "gate-1"); p.Since != since {
		t.Errorf("the reader works since %v, want %v: it had nothing to do with it", p.Since, since)
	}
	g.fine()
}

func TestAnotherFoundationIsTakenOverByTheSameProcess(t *testing.T) {
	t.Parallel()
	port, other := drivertest.Serial(t), drivertest.Serial(t)
	g := newGateway(t, twoReaders(port.Path, other.Path))
	g.openPortal()
	g.start()
	g.works(health.Reader, "gate-1")
	g.show(port, 1)
	g.arrived()
	pid := g.agent.cmd.Process.Pid
	g.configure("device: "+gatewayName, "device: renamed")
	g.await("the new name shows", func() bool {
		s, err := statusOf(g.path("data"))
		return err == nil && s.Device == "renamed" && s.PID == pid
	})
	g.works(health.Reader, "gate-1")
	g.show(port, 2)
	g.arrived()

	// What cannot be used is given up for what could.
	g.configure("data_dir: data", "mqtt: {broker: embedded, listen: \""+g.address+"\"}\ndata_dir: data")
	g.troubled(health.Config, "config.yaml", exitNeedsPerson, "is refused", "stays in use", g.address, "in use")
	g.show(port, 3)
	g.arrived()
	g.configure("mqtt: {broker: embedded, listen: \""+g.address+"\"}\n", "")
	g.works(health.Config, "config.yaml")
	g.stop()
}

func TestUplinksComeAndGoWithTheConfiguration(t *testing.T) {
	t.Parallel()
	port, other := drivertest.Serial(t), drivertest.Serial(t)
	g := newGateway(t, twoReaders(port.Path, other.Path))
	g.openPortal()
	g.start()
	g.works(health.Reader, "gate-1")
	g.show(port, 1)
	g.arrived()
	second := fmt.Sprintf("uplinks:\n  - {name: copy, type: acs, url: \"http://%s/nowhere\", api_key_file: acs.key, max_delay: 100ms}\n", g.address)
	g.configure("uplinks:\n", second)
	g.logged(1, takenOver, "started=1", "stopped=0")
	g.show(port, 2)
	g.await("the pass waits for the new one alone", func() bool {
		s, err := statusOf(g.path("data"))
		return err == nil && len(s.Uplinks) == 2 && s.Uplinks[0].Waiting+uint64(s.Uplinks[0].Dead) == 1 && s.Uplinks[1].Waiting == 0
	})
	g.configure(second, "uplinks:\n")
	g.logged(1, takenOver, "started=0", "stopped=1")
	g.await("what waits for it is not forgotten", func() bool {
		s, err := statusOf(g.path("data"))
		return err == nil && len(s.Uplinks) == 2 && s.Uplinks[0].Orphaned
	})
	status := g.command("status")
	out, err := status.CombinedOutput()
	if exited, ok := errors.AsType[*exec.ExitError](err); !ok || exited.ExitCode() != exitNeedsPerson {
		t.Errorf("status ends with %v:\n%s", err, out)
	}
}
