//go:build unix

package drivertest

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/acs-agent/acs-agent/agent/event"
	"github.com/acs-agent/acs-agent/agent/health"
	"github.com/acs-agent/acs-agent/drivers"
)

// A Case is a serial driver with one reader, for Run.
type Case struct {
	Module drivers.Module
	// Settings are the reader's keys in YAML, without `port:`; each on a line of its own.
	Settings string
	// Frame is what the reader sends for one card.
	Frame []byte
	// Want is the card in it: Format, Number, Bits and Text are compared, and Short if it is set.
	Want event.Credential
	// Noise is something that can precede a frame on a bad line and must not spoil it; nil means a few bytes that no
	// protocol uses, and an end of line.
	Noise []byte
}

const reader = "conformance"

// Run checks that a serial driver keeps the promises of package drivers. The test may not be parallel: goroutines are counted.
func Run(t *testing.T, c Case) {
	if c.Noise == nil {
		c.Noise = []byte{0x00, 0xFF, 0x80, '\r', '\n'}
	}
	for _, sub := range []struct {
		name string
		run  func(*testing.T, Case)
	}{
		{"the module is complete", complete},
		{"an unknown key is refused", unknownKey},
		{"a frame in one piece", onePiece},
		{"a frame byte by byte", byteByByte},
		{"a frame after noise", afterNoise},
		{"two frames in one piece", twoFrames},
		{"the time of receipt", timeOfReceipt},
		{"unplugged and plugged in again", replugged},
		{"not there at the start", missingAtFirst},
		{"the journal is full for a while", refused},
		{"the journal is full at the end", refusedAtTheEnd},
		{"nothing is left behind", nothingLeft},
	} {
		t.Run(sub.name, func(t *testing.T) { sub.run(t, c) })
	}
}

func (c Case) driver(t *testing.T, path, more string) (drivers.Driver, error) {
	return c.Module.New(Env(), []drivers.Reader{Reader(t, reader, fmt.Sprintf("port: %s\n%s\n%s", path, c.Settings, more))})
}

// plugged starts the driver on a new port and waits until it has it open.
func (c Case) plugged(t *testing.T) (*Port, *Journal, *Running) {
	t.Helper()
	port, journal := Serial(t), NewJournal()
	driver, err := c.driver(t, port.Path, "")
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	running := Start(t, driver, journal.Take)
	running.Await(t, reader, health.Up)
	return port, journal, running
}

// expect waits for one pass of the wanted card.
func (c Case) expect(t *testing.T, journal *Journal) *event.Pass {
	t.Helper()
	p := journal.Next(t)
	if p.Reader != reader {
		t.Errorf("the pass is of the reader %q, want %q", p.Reader, reader)
	}
	got, want := p.Credential, c.Want
	if got.Format != want.Format || got.Bits != want.Bits || got.Text != want.Text || !bytes.Equal(got.Number, want.Number) {
		t.Errorf("read %+v, want %+v", got, want)
	}
	if want.Short != nil && !bytes.Equal(got.Short, want.Short) {
		t.Errorf("short number %X, want %X", got.Short, want.Short)
	}
	if len(got.Raw) == 0 || len(got.Raw) > event.MaxRaw {
		t.Errorf("%d raw bytes were kept, want 1 to %d", len(got.Raw), event.MaxRaw)
	}
	return p
}

func complete(t *testing.T, c Case) {
	m := c.Module
	if m.Type == "" || m.Summary == "" || m.Example == "" || m.New == nil {
		t.Errorf("Type, Summary, Example and New have to be set: %+v", m)
	}
	if m.Line == nil {
		t.Fatal("Line has to name the port, so that two readers at one port are noticed")
	}
	one, other := Section(t, "port: /dev/ttyUSB0"), Section(t, "port: /dev/ttyUSB1")
	if m.Line(one) == "" || m.Line(one) == m.Line(other) {
		t.Errorf("Line says %q and %q for two ports", m.Line(one), m.Line(other))
	}
	example := exampleReader(t, m)
	if _, err := m.New(Env(), []drivers.Reader{example}); err != nil {
		t.Errorf("New refuses the module's own example: %v", err)
	}
}

func unknownKey(t *testing.T, c Case) {
	if _, err := c.driver(t, "/dev/null", "no_such_key: 1"); err == nil {
		t.Error("New took a section with a key that does not exist")
	}
	if _, err := c.driver(t, "/dev/null", ""); err != nil {
		t.Errorf("New refused good settings: %v", err)
	}
}

func onePiece(t *testing.T, c Case) {
	port, journal, running := c.plugged(t)
	port.Write(c.Frame)
	c.expect(t, journal)
	journal.Empty(t)
	if have := report(running.Board, reader); have.Oddities != 0 {
		t.Errorf("a good frame was reported as odd: %s", have.LastOddity)
	}
}

func byteByByte(t *testing.T, c Case) {
	port, journal, _ := c.plugged(t)
	for i := range c.Frame {
		port.Write(c.Frame[i : i+1])
		runtime.Gosched()
	}
	c.expect(t, journal)
	journal.Empty(t)
}

func afterNoise(t *testing.T, c Case) {
	port, journal, _ := c.plugged(t)
	port.Write(append(bytes.Clone(c.Noise), c.Frame...))
	c.expect(t, journal)
	half := append(bytes.Clone(c.Frame[:len(c.Frame)/2]), c.Noise...)
	port.Write(append(half, c.Frame...))
	c.expect(t, journal)
	// Ten thousand bytes of it are no different.
	port.Write(append(bytes.Repeat(c.Noise, 10_000/len(c.Noise)), c.Frame...))
	c.expect(t, journal)
	journal.Empty(t)
}

func twoFrames(t *testing.T, c Case) {
	port, journal, _ := c.plugged(t)
	port.Write(bytes.Repeat(c.Frame, 2))
	c.expect(t, journal)
	c.expect(t, journal)
	journal.Empty(t)
}

func timeOfReceipt(t *testing.T, c Case) {
	port, journal, _ := c.plugged(t)
	before := time.Now()
	port.Write(c.Frame)
	p := c.expect(t, journal)
	if after := time.Now(); p.At.Wall.Before(before) || p.At.Wall.After(after) {
		t.Errorf("received at %v, but sent between %v and %v", p.At.Wall, before, after)
	}
	if !strings.Contains(p.At.Wall.String(), " m=") {
		t.Error("the time has lost its monotonic reading: repetitions could not be told when the clock is set")
	}
}

func replugged(t *testing.T, c Case) {
	port, journal, running := c.plugged(t)
	port.Write(c.Frame)
	c.expect(t, journal)
	port.Write(c.Frame[:len(c.Frame)/2]) // whatever comes of this half, it may not spoil the next frame
	port.Unplug()
	if have := running.Await(t, reader, health.Down); have.Problem == "" {
		t.Error("nothing on the board says what is wrong")
	}
	port.Replug()
	running.Await(t, reader, health.Up)
	port.Write(c.Frame)
	c.expect(t, journal)
	journal.Empty(t)
}

func missingAtFirst(t *testing.T, c Case) {
	port, journal := Serial(t), NewJournal()
	port.Unplug()
	driver, err := c.driver(t, port.Path, "")
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	running := Start(t, driver, journal.Take)
	running.Await(t, reader, health.Down)
	port.Replug()
	running.Await(t, reader, health.Up)
	port.Write(c.Frame)
	c.expect(t, journal)
}

func refused(t *testing.T, c Case) {
	port, journal, running := c.plugged(t)
	journal.Refuse(3, fmt.Errorf("test: %w", drivers.ErrFull))
	port.Write(c.Frame)
	running.Await(t, reader, health.Down)
	port.Write(c.Frame) // the line is read while the first pass waits
	c.expect(t, journal)
	c.expect(t, journal)
	if n := journal.Refused(); n != 3 {
		t.Errorf("the pass was refused %d times, want 3", n)
	}
	running.Await(t, reader, health.Up)
}

func refusedAtTheEnd(t *testing.T, c Case) {
	port, journal, running := c.plugged(t)
	journal.Refuse(1, drivers.ErrFull)
	port.Write(c.Frame)
	running.Await(t, reader, health.Down)
	running.Stop(t)
	c.expect(t, journal)
}

func nothingLeft(t *testing.T, c Case) {
	port := Serial(t)
	before, files := runtime.NumGoroutine(), openFiles()
	driver, err := c.driver(t, port.Path, "")
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	journal := NewJournal()
	for range 3 {
		running := Start(t, driver, journal.Take)
		running.Await(t, reader, health.Up)
		port.Write(c.Frame)
		c.expect(t, journal)
		running.Stop(t)
	}
	for end := time.Now().Add(time.Second); runtime.NumGoroutine() > before; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			stacks := make([]byte, 1<<16)
			t.Fatalf("%d goroutines before and %d after:\n%s", before, runtime.NumGoroutine(), stacks[:runtime.Stack(stacks, true)])
		}
	}
	if after := openFiles(); after > files {
		t.Errorf("%d files were open before and %d after", files, after)
	}
}

// openFiles counts the open files of this process where the system tells.
func openFiles() int {
	names, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return 0
	}
	return len(names)
}
