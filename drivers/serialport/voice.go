package serialport

import (
	"fmt"
	"sync"
	"time"

	"github.com/acs-agent/acs-agent/agent/health"
)

// calm is the time for which a new kind of fault is counted under the words of the one before it. A line that is full of
// noise has a new fault many times a second, and each new wording is a line in the log.
const calm = 10 * time.Second

// A voice speaks on the board for all readers of a line. The reading goroutine knows of the port and the taking goroutine of
// the journal: a reader is up when both are content.
type voice struct {
	mu       sync.Mutex
	readers  []speaker
	portErr  error
	unopened bool
	takeErr  error
	// lost counts the passes that found the queue full since Take last worked.
	lost int
}

type speaker struct {
	name  string
	part  *health.Part
	fault error
	since time.Time
}

func newVoice(board *health.Board, names []string) *voice {
	v := &voice{unopened: true}
	for _, name := range names {
		v.readers = append(v.readers, speaker{name: name, part: board.Reader(name)})
	}
	return v
}

// port says that the port is open (nil) or why it is not.
func (v *voice) port(err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.portErr, v.unopened = err, false
	v.speak()
}

// taken says what became of an offer while that many passes waited, this one included.
func (v *voice) taken(err error, waiting int) {
	if n := v.offered(err, waiting); n > 0 {
		v.odd("", fmt.Errorf("%d passes were lost: they came while %d waited in memory and the journal took none", n, queueLength))
	}
}

// offered notes the outcome of an offer, and gives how many passes were lost if it is the one with which that is over.
func (v *voice) offered(err error, waiting int) (lost int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.takeErr = nil
	if err != nil {
		v.takeErr = health.Fallback(health.JournalFailing,
			fmt.Errorf("passes wait in memory because the journal does not take them (%w): see to the journal before the agent stops", err))
	} else if waiting == 1 {
		lost, v.lost = v.lost, 0
		for i := range v.readers {
			if lost > 0 {
				v.readers[i].fault = nil // how many it were in all is said whatever was said last
			}
		}
	}
	v.speak()
	return lost
}

// overflow says that a pass of the reader is lost.
func (v *voice) overflow(reader string) {
	v.mu.Lock()
	v.lost++
	v.speak()
	v.mu.Unlock()
	v.odd(reader, fmt.Errorf("a pass is lost: %d wait already and the journal does not take them", queueLength))
}

// speak puts the state on the board; mu is held.
func (v *voice) speak() {
	for i := range v.readers {
		part := v.readers[i].part
		switch {
		case v.lost > 0:
			part.Down(health.Coded(health.PassesLost,
				fmt.Errorf("passes are being lost: %d wait already and the journal does not take them", queueLength)))
		case v.portErr != nil:
			part.Down(v.portErr)
		case v.takeErr != nil:
			part.Down(v.takeErr)
		case !v.unopened:
			part.Up()
		}
	}
}

// odd reports a fault of the named reader, or of all if the name is empty or strange.
func (v *voice) odd(reader string, fault error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	known := false
	for i := range v.readers {
		known = known || v.readers[i].name == reader
	}
	now := time.Now()
	for i := range v.readers {
		s := &v.readers[i]
		if known && s.name != reader {
			continue
		}
		if s.fault == nil || now.Sub(s.since) >= calm {
			s.fault, s.since = fault, now
		}
		s.part.Odd(s.fault)
	}
}
