package serialport

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.bug.st/serial"

	"github.com/acs-agent/acs-agent/agent/event"
	"github.com/acs-agent/acs-agent/agent/health"
	"github.com/acs-agent/acs-agent/drivers"
)

// words is a Decoder: a pass for every line, a fault for every "?".
type words struct{ lines Lines }

func (w *words) Pending() int    { return w.lines.Pending() }
func (w *words) Reset()          { w.lines.Reset() }
func (w *words) Silence(out Out) { w.lines.Flush(func(b []byte, _ int) { w.line(b, out) }) }
func (w *words) Decode(chunk []byte, out Out) {
	w.lines.Feed(chunk, func(b []byte, _ int) { w.line(b, out) })
}

func (w *words) line(b []byte, out Out) {
	if b[0] == '?' {
		out.Odd("gate", fmt.Errorf("fault %s", b))
		return
	}
	out.Pass(&event.Pass{Reader: "gate", Credential: event.Credential{Text: string(b)}})
}

// stub is a port whose reads give what the test sends: a []byte or an error. A closed channel is the end that some systems
// show: nothing, at once, for ever.
type stub struct {
	sent   chan any
	closed chan struct{}
}

func newStub() *stub { return &stub{sent: make(chan any, 4096), closed: make(chan struct{}, 9)} }

func (s *stub) close() { s.closed <- struct{}{} }

func (s *stub) read(b []byte, wait time.Duration) (int, error) {
	var timeout <-chan time.Time
	if wait > 0 {
		timeout = time.After(wait)
	}
	select {
	case v := <-s.sent:
		switch v := v.(type) {
		case string:
			return copy(b, v), nil
		case error:
			return 0, v
		}
		return 0, nil
	case <-s.closed:
		return 0, io.ErrClosedPipe
	case <-timeout:
		return 0, nil
	}
}

// rig is a line with stubs for ports, in a bubble of its own time.
type rig struct {
	board  *health.Board
	cancel context.CancelFunc
	done   chan struct{}
	began  time.Time
	opened []time.Duration // when the port was opened, since the beginning
	open   func() (port, error)
}

func newRig(take drivers.Take, gap time.Duration, open func() (port, error)) *rig {
	ctx, cancel := context.WithCancel(context.Background())
	r := &rig{
		board: health.NewBoard(slog.New(slog.DiscardHandler)), cancel: cancel,
		done: make(chan struct{}), began: time.Now(), open: open,
	}
	line := Line{
		Settings: Settings{Port: "/dev/none"}, Readers: []string{"gate", "yard"}, Gap: gap,
		open: func(string, *serial.Mode) (port, error) {
			r.opened = append(r.opened, time.Since(r.began))
			return r.open()
		},
	}
	go func() {
		defer close(r.done)
		_ = line.Run(ctx, take, r.board, &words{})
	}()
	synctest.Wait()
	return r
}

func (r *rig) report(name string) health.Report {
	for _, have := range r.board.Snapshot() {
		if have.Name == name {
			return have
		}
	}
	return health.Report{}
}

func (r *rig) expect(t *testing.T, state health.State, problem string) {
	t.Helper()
	for _, name := range []string{"gate", "yard"} {
		if have := r.report(name); have.State != state || !strings.Contains(have.Problem, problem) {
			t.Errorf("after %v %s is %s: %s; want %s: %s", time.Since(r.began), name, have.State, have.Problem, state, problem)
		}
	}
}

// expectCode compares what the board says for machines.
func (r *rig) expectCode(t *testing.T, code health.Code) {
	t.Helper()
	if have := r.report("gate"); have.Code != string(code) {
		t.Errorf("after %v the code is %q, want %q", time.Since(r.began), have.Code, code)
	}
}

// stop ends the line and says how long that took.
func (r *rig) stop() time.Duration {
	began := time.Now()
	r.cancel()
	<-r.done
	return time.Since(began)
}

// taken is a Take that remembers.
type taken struct {
	mu     sync.Mutex
	passes []string
	times  []time.Time
	fail   func(n int) error // for the call of that number
	calls  int
}

func (k *taken) take(_ context.Context, p *event.Pass) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.calls++
	if k.fail != nil {
		if err := k.fail(k.calls); err != nil {
			return err
		}
	}
	k.passes, k.times = append(k.passes, p.Credential.Text), append(k.times, p.At.Wall)
	return nil
}

func (k *taken) count() (calls, passes int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.calls, len(k.passes)
}

func TestAPortIsOpenedAgainWithGrowingPauses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig((&taken{}).take, 0, func() (port, error) { return nil, errors.New("not today") })
		time.Sleep(2 * time.Minute)
		r.expect(t, health.Down, "not today")
		if took := r.stop(); took != 0 {
			t.Errorf("stopping took %v", took)
		}
		for i := 1; i < len(r.opened); i++ {
			want := min(firstPause<<min(i-1, 10), lastPause)
			if got := r.opened[i] - r.opened[i-1]; got < want*4/5 || got > want*6/5 {
				t.Errorf("pause %d was %v, want %v, a fifth more or less", i, got, want)
			}
		}
		if len(r.opened) < 14 {
			t.Errorf("opened %d times in two minutes", len(r.opened))
		}
	})
}

func TestALostPortIsOpenedAgainSoon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, again, k := newStub(), newStub(), &taken{}
		ports := make(chan port, 2)
		ports <- p
		ports <- again
		r := newRig(k.take, 0, func() (port, error) { return <-ports, nil })
		r.expect(t, health.Up, "")
		p.sent <- "A1\rA2"
		time.Sleep(time.Second)
		p.sent <- "\r"
		time.Sleep(time.Minute)
		p.sent <- "half a li"
		p.sent <- io.EOF
		synctest.Wait()
		r.expect(t, health.Down, "/dev/none was lost (EOF): is the plug out or loose")
		r.expectCode(t, health.Unplugged)
		if have := r.report("yard"); have.LastOddity != "the port was lost in the middle of a frame, after 9 bytes" {
			t.Errorf("oddity %q", have.LastOddity)
		}
		time.Sleep(firstPause * 6 / 5)
		r.expect(t, health.Up, "")
		again.sent <- "A3\r"
		time.Sleep(time.Second)
		r.stop()
		if got := strings.Join(k.passes, " "); got != "A1 A2 A3" {
			t.Errorf("taken: %s", got)
		}
	})
}

func TestAPortThatGivesNothingForEverIsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newStub()
		for range maxEmpty {
			p.sent <- nil
		}
		r := newRig((&taken{}).take, 0, func() (port, error) { return p, nil })
		r.expect(t, health.Down, errNothing.Error())
		r.expectCode(t, health.Unplugged)
		r.stop()
	})
}

func TestTheTimeIsThatOfTheLastByte(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, k := newStub(), &taken{}
		r := newRig(k.take, 80*time.Millisecond, func() (port, error) { return p, nil })
		p.sent <- "A"
		time.Sleep(50 * time.Millisecond)
		p.sent <- "1"
		time.Sleep(50 * time.Millisecond)
		p.sent <- "2" // ended by silence, 80 ms later
		last := time.Now()
		time.Sleep(time.Second)
		r.stop()
		if len(k.passes) != 1 || k.passes[0] != "A12" || !k.times[0].Equal(last) {
			t.Errorf("taken %v at %v, want A12 at %v", k.passes, k.times, last)
		}
	})
}

func TestARefusedPassIsOfferedEachSecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newStub()
		k := &taken{fail: func(n int) error {
			if n <= 5 {
				return fmt.Errorf("disk: %w", drivers.ErrFull)
			}
			return nil
		}}
		r := newRig(k.take, 0, func() (port, error) { return p, nil })
		p.sent <- "A1\rA2\rA3\r"
		time.Sleep(4500 * time.Millisecond)
		r.expect(t, health.Down, "passes wait in memory because the journal does not take them (disk: the journal takes no more passes)")
		r.expectCode(t, health.JournalFull)
		if calls, passes := k.count(); calls != 5 || passes != 0 {
			t.Errorf("offered %d times in 4.5 s, %d taken", calls, passes)
		}
		time.Sleep(time.Second)
		r.expect(t, health.Up, "")
		r.stop()
		if got := strings.Join(k.passes, " "); got != "A1 A2 A3" || k.times[0] != k.times[2] {
			t.Errorf("taken: %s at %v", got, k.times)
		}
	})
}

func TestWhatIsQueuedIsOfferedOnceMoreAtTheEnd(t *testing.T) {
	for name, c := range map[string]struct {
		fails  int
		taken  string
		oddity string
	}{
		"and taken":       {1, "A1 A2 A3", ""},
		"and refused":     {9, "", "3 passes are lost"},
		"and taken later": {2, "A2 A3", "1 passes are lost"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newStub()
				k := &taken{fail: func(n int) error {
					if n <= c.fails {
						return drivers.ErrFull
					}
					return nil
				}}
				r := newRig(k.take, 0, func() (port, error) { return p, nil })
				p.sent <- "A1\rA2\rA3\r"
				time.Sleep(500 * time.Millisecond)
				if took := r.stop(); took != 0 {
					t.Errorf("stopping took %v", took)
				}
				if got := strings.Join(k.passes, " "); got != c.taken {
					t.Errorf("taken: %s", got)
				}
				if have := r.report("gate"); !strings.HasPrefix(have.LastOddity, c.oddity) || (c.oddity == "") != (have.Oddities == 0) {
					t.Errorf("oddity %q", have.LastOddity)
				}
			})
		})
	}
}

// A Take that hangs has what is left of the grace to finish, and no more.
func TestATakeThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newStub()
		hang := func(ctx context.Context, _ *event.Pass) error {
			<-ctx.Done()
			return ctx.Err()
		}
		r := newRig(hang, 0, func() (port, error) { return p, nil })
		for i := range queueLength + 4 { // one is with Take, 1024 wait
			p.sent <- fmt.Sprintf("A%d\r", i)
		}
		time.Sleep(time.Second)
		r.expect(t, health.Down, "passes are being lost: 1024 wait already")
		if have := r.report("gate"); have.Oddities != 3 || !strings.HasPrefix(have.LastOddity, "a pass is lost") {
			t.Errorf("%d oddities, the last: %s", have.Oddities, have.LastOddity)
		}
		if have := r.report("yard"); have.Oddities != 0 {
			t.Errorf("the other reader has lost nothing: %+v", have)
		}
		if took := r.stop(); took != grace {
			t.Errorf("stopping took %v, want %v", took, grace)
		}
		if have := r.report("yard"); !strings.HasPrefix(have.LastOddity, "1025 passes are lost") && have.Oddities != 1 {
			t.Errorf("%d oddities, the last: %s", have.Oddities, have.LastOddity)
		}
	})
}

func TestNoiseDoesNotFloodTheLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		p := newStub()
		r := newRig((&taken{}).take, 0, func() (port, error) { return p, nil })
		r.stop()
		board := health.NewBoard(slog.New(slog.NewTextHandler(&log, nil)))
		v := newVoice(board, []string{"gate"})
		for i := range 1000 {
			v.odd("gate", fmt.Errorf("fault %d", i))
			time.Sleep(20 * time.Millisecond)
		}
		reports := board.Snapshot()
		if got := strings.Count(log.String(), "\n"); got != 2 || reports[0].Oddities != 1000 {
			t.Errorf("%d lines in the log for %d faults in 20 s, want 2 for 1000", got, reports[0].Oddities)
		}
	})
}

func TestLines(t *testing.T) {
	for name, c := range map[string]struct {
		lines Lines
		sent  string
		want  []string
	}{
		"runs of CR and LF":   {Lines{}, "\r\na\r\n\r\nb\n\rc", []string{"a", "b"}},
		"one end":             {Lines{Ends: [][]byte{{3}}}, "\ra\r\x03\x03b\x03", []string{"\ra\r", "b"}},
		"rest of CR LF":       {Lines{Ends: [][]byte{{'\r'}}}, "a\r\nb\r\n", []string{"a", "b"}},
		"two ends":            {Lines{Ends: [][]byte{{3}, []byte("##")}}, "a#b##c\x03", []string{"a#b", "c"}},
		"no end":              {Lines{Endless: true}, "a\r\n", nil},
		"as long as can be":   {Lines{}, strings.Repeat("x", MaxFrame-1) + "\r", []string{strings.Repeat("x", MaxFrame-1)}},
		"the end of too much": {Lines{}, strings.Repeat("y", 4*MaxFrame) + "tail\r", []string{"cut tail"}},
	} {
		var got []string
		for i := range len(c.sent) {
			c.lines.Feed([]byte(c.sent[i:i+1]), func(text []byte, cut int) {
				if cut > 0 {
					if cut+len(text) != 4*MaxFrame+4 {
						t.Errorf("%s: %d bytes were cut and %d kept", name, cut, len(text))
					}
					text = append([]byte("cut "), text[len(text)-4:]...)
				}
				got = append(got, string(text))
			})
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
