//go:build linux

package serialport_test

import (
	"context"
	"log/slog"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/acs-agent/acs-agent/agent/event"
	"github.com/acs-agent/acs-agent/agent/health"
	"github.com/acs-agent/acs-agent/drivers"
	"github.com/acs-agent/acs-agent/drivers/drivertest"
	"github.com/acs-agent/acs-agent/drivers/serialport"
)

// listener is a driver of one reader that hands on each chunk as a text.
type listener struct {
	line serialport.Line
}

func (l *listener) Run(ctx context.Context, take drivers.Take, board *health.Board) error {
	return l.line.Run(ctx, take, board, chunks{l.line.Readers[0]})
}

type chunks struct{ reader string }

func (chunks) Pending() int           { return 0 }
func (chunks) Silence(serialport.Out) {}
func (chunks) Reset()                 {}
func (c chunks) Decode(b []byte, out serialport.Out) {
	out.Pass(&event.Pass{Reader: c.reader, Credential: event.Credential{Text: string(b)}})
}

func listen(t *testing.T, name, path string, change func(*serialport.Settings)) (*drivertest.Running, *drivertest.Journal) {
	t.Helper()
	s := serialport.Defaults(9600)
	s.Port = path
	if change != nil {
		change(&s)
	}
	journal := drivertest.NewJournal()
	return drivertest.Start(t, &listener{serialport.Line{Settings: s, Readers: []string{name}}}, journal.Take), journal
}

func TestModesOfTheLine(t *testing.T) {
	for name, change := range map[string]func(*serialport.Settings){
		"8N1":                               nil,
		"7E2":                               func(s *serialport.Settings) { s.DataBits, s.Parity, s.StopBits = 7, serialport.Even, 2 },
		"8O1 at 115200":                     func(s *serialport.Settings) { s.Baud, s.Parity = 115200, serialport.Odd },
		"a speed that is not in the tables": func(s *serialport.Settings) { s.Baud = 12345 },
	} {
		t.Run(name, func(t *testing.T) {
			port := drivertest.Serial(t)
			running, journal := listen(t, "gate", port.Path, change)
			running.Await(t, "gate", health.Up)
			port.Write([]byte("\x02\x03\x11\x13\r\n"))
			if got := journal.Next(t).Credential.Text; got != "\x02\x03\x11\x13\r\n" {
				t.Errorf("read %q", got)
			}
		})
	}
}

func TestAPortBelongsToOneLine(t *testing.T) {
	port := drivertest.Serial(t)
	first, _ := listen(t, "gate", port.Path, nil)
	first.Await(t, "gate", health.Up)
	second, journal := listen(t, "yard", port.Path, nil)
	have := second.Await(t, "yard", health.Down)
	if !strings.Contains(have.Problem, "is held by another reader of this agent") {
		t.Errorf("problem: %s", have.Problem)
	}
	first.Stop(t)
	second.Await(t, "yard", health.Up)
	port.Write([]byte("A1"))
	if got := journal.Next(t).Credential.Text; got != "A1" {
		t.Errorf("read %q", got)
	}
}

// An idle line shall not wake the machine: the goroutine sleeps in the runtime's poller until a byte comes.
func TestAnIdleLineSleepsAndStopsAtOnce(t *testing.T) {
	port := drivertest.Serial(t)
	running, _ := listen(t, "gate", port.Path, nil)
	running.Await(t, "gate", health.Up)
	before := usage(t)
	time.Sleep(time.Second)
	if used := usage(t) - before; used > 100*time.Millisecond {
		t.Errorf("a second of silence took %v of processor time", used)
	}
	began := time.Now()
	running.Stop(t)
	if took := time.Since(began); took > 500*time.Millisecond {
		t.Errorf("stopping took %v", took)
	}
}

func usage(t *testing.T) time.Duration {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkLine measures the way of a frame from the port to Take.
func BenchmarkLine(b *testing.B) {
	port := drivertest.Serial(b)
	s := serialport.Defaults(115200)
	s.Port = port.Path
	l := &listener{serialport.Line{Settings: s, Readers: []string{"gate"}}}
	got := make(chan int, 1024)
	ctx, cancel := context.WithCancel(b.Context())
	done := make(chan error, 1)
	go func() {
		done <- l.Run(ctx, func(_ context.Context, p *event.Pass) error {
			got <- len(p.Credential.Text)
			return nil
		}, health.NewBoard(slog.New(slog.DiscardHandler)))
	}()
	frame := []byte("\x0214008EC793CE\x03")
	b.ReportAllocs()
	for b.Loop() {
		port.Write(frame)
		for n := 0; n < len(frame); {
			n += <-got
		}
	}
	cancel()
	<-done
}
