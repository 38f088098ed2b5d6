package serialport

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"go.bug.st/serial"

	"github.com/acs-agent/acs-agent/agent/health"
	"github.com/acs-agent/acs-agent/drivers"
)

const (
	// firstPause and lastPause bound the time between two attempts to open a port; it doubles from one to the other.
	firstPause = 500 * time.Millisecond
	lastPause  = 10 * time.Second
	// settled is how long a port must have worked for the pause to begin anew.
	settled = 10 * time.Second
	// giveUp is the silence after which an unfinished frame is given up where the Line has no Gap of its own. No reader
	// stops for so long within a frame; without it, a stray byte would spoil the next card, hours later.
	giveUp = 2 * time.Second
	// maxEmpty is how often in a row a port may give nothing at once before it counts as lost: some systems keep an
	// unplugged port readable and give no bytes for ever.
	maxEmpty = 16
)

// A Line is a serial port and the readers that hang on it.
type Line struct {
	Settings Settings
	// Readers are the names under which the board knows the readers.
	Readers []string
	// Gap is the silence after which an unfinished frame is ended (Decoder.Silence); 0 means two seconds.
	Gap time.Duration

	// open replaces the opening of the port in tests.
	open func(path string, mode *serial.Mode) (port, error)
}

// A port is an open serial port. Only one goroutine reads; close may be called at any time, any number of times, and makes a
// read in progress return.
type port interface {
	// read waits for bytes, at most for wait, or for ever if wait is 0. It returns 0 and no error if none came in time.
	read(b []byte, wait time.Duration) (int, error)
	close()
}

// Run opens the port, reads, hands what decoder finds to take, and opens the port again whenever it is lost, until ctx ends. It
// returns nil within a second after that. Passes that take refuses are offered again each second; those that are still refused
// when ctx ends are offered once more and then reported as lost.
func (l *Line) Run(ctx context.Context, take drivers.Take, board *health.Board, decoder Decoder) error {
	voice := newVoice(board, l.Readers)
	q := newQueue(voice)
	var taker sync.WaitGroup
	taker.Go(func() { q.serve(ctx, take) })
	l.read(ctx, decoder, voice, &intake{queue: q, voice: voice})
	q.close()
	taker.Wait()
	return nil
}

// read is the life of the reading goroutine.
func (l *Line) read(ctx context.Context, decoder Decoder, voice *voice, in *intake) {
	pause := firstPause
	for ctx.Err() == nil {
		began := time.Now()
		err := l.session(ctx, decoder, voice, in)
		if ctx.Err() != nil {
			return
		}
		voice.port(err)
		if n := decoder.Pending(); n > 0 {
			decoder.Reset()
			voice.odd("", fmt.Errorf("the port was lost in the middle of a frame, after %d bytes", n))
		}
		if time.Since(began) >= settled {
			pause = firstPause
		}
		// A fifth more or less, so that the lines of one hub do not all try at the same moment.
		jittered := pause*4/5 + rand.N(pause*2/5) //nolint:gosec // no secret
		pause = min(2*pause, lastPause)
		select {
		case <-ctx.Done():
		case <-time.After(jittered):
		}
	}
}

// session opens the port and reads until it is lost or ctx ends. It never returns nil.
func (l *Line) session(ctx context.Context, decoder Decoder, voice *voice, in *intake) error {
	path, err := l.Settings.find()
	if err != nil {
		return err
	}
	open := l.open
	if open == nil {
		open = openPort
	}
	p, err := open(path, l.Settings.mode())
	if err != nil {
		return explain(path, err)
	}
	defer p.close()
	defer context.AfterFunc(ctx, p.close)()
	voice.port(nil)
	if who := holders(path, false); who != "" {
		voice.odd("", fmt.Errorf("%s is also held by %s, which may take away a part of what the reader sends: stop that program", path, who))
	}
	if err := l.listen(p, decoder, in); err != nil {
		return health.Coded(health.Unplugged, fmt.Errorf("%s was lost (%w): is the plug out or loose, or the reader without power?", path, err))
	}
	return nil
}

var errNothing = errors.New("it gives no bytes any more")

// listen reads from p until it fails.
func (l *Line) listen(p port, decoder Decoder, in *intake) error {
	gap := l.Gap
	if gap == 0 {
		gap = giveUp
	}
	buf := make([]byte, 4096)
	for empty := 0; empty < maxEmpty; {
		var wait time.Duration
		if decoder.Pending() > 0 {
			wait = gap
		}
		asked := time.Now()
		n, err := p.read(buf, wait)
		if n > 0 {
			in.at = time.Now()
			empty = 0
			decoder.Decode(buf[:n], in)
		}
		switch {
		case err != nil:
			return err
		case n > 0:
		case wait > 0 && time.Since(asked) >= wait:
			decoder.Silence(in)
		default:
			empty++
		}
	}
	return errNothing
}
