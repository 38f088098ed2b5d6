package mqtt

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"

	"github.com/acs-agent/acs-agent/agent/broker"
	"github.com/acs-agent/acs-agent/agent/event"
	"github.com/acs-agent/acs-agent/drivers"
)

const (
	// maxWork is how many messages are worked on at once; their passes share syncs of the journal.
	maxWork = 64
	// maxWaiting is how many messages of QoS 0 may wait for a place. Those of QoS 1 are as many as the broker lets be
	// unacknowledged: 20 with Mosquitto's defaults.
	maxWaiting = 256
	// mostHeld is how many bytes of messages may be in hand, with headHeld for each message besides its payload. Beyond that, which
	// takes a broker that leaves thousands unacknowledged, nothing is read from it until some are stored.
	mostHeld, headHeld = 4 << 20, 4 << 10
)

var (
	errTooLong = fmt.Errorf("a message of more than %d KiB", broker.MaxMessage>>10)
	errDropped = errors.New("a message of QoS 0 was lost: too many came while none could be stored (let the reader publish with QoS 1)")
)

// An intake takes messages from the client, whatever connection they came through, and sees them into the journal.
type intake struct {
	ctx    context.Context //nolint:containedctx // that of Run, for handlers that the client calls without one
	take   drivers.Take
	pace   pace
	voices []*voice
	places chan struct{}
	log    *slog.Logger

	waiting atomic.Int32
	unknown sync.Once
	// held is what the messages in hand take, and freed tells that it has become less.
	held  atomic.Int64
	freed chan struct{}

	mu      sync.Mutex
	closed  bool
	running sync.WaitGroup
	working map[string]*job
}

// A job is a message of QoS 1 that is being stored.
type job struct {
	// ack acknowledges the latest delivery of the message. One that came through a lost connection cannot be acknowledged any
	// more; the redelivery can.
	ack func()
}

// handle is called by the client, in a goroutine of its own for each message.
func (in *intake) handle(_ paho.Client, m paho.Message) {
	at := time.Now()
	if !in.enter() {
		return
	}
	defer in.running.Done()
	size := int64(len(m.Payload()) + headHeld)
	in.held.Add(size)
	defer in.release(size)
	if m.Retained() {
		m.Ack()
		return
	}
	id := deliveryID(m)
	j := in.begin(id, m)
	if j == nil {
		return // a redelivery of what is being stored: acknowledged when that is
	}
	in.end(id, j, in.work(id, m, at))
}

func (in *intake) release(size int64) {
	in.held.Add(-size)
	select {
	case in.freed <- struct{}{}:
	default: // somebody is told already
	}
}

// gated is a connection from which nothing is read while too much is in hand: the broker has to wait then, and not the memory.
type gated struct {
	net.Conn
	in     *intake
	once   sync.Once
	closed chan struct{}
}

func (g *gated) Read(p []byte) (int, error) {
	for g.in.held.Load() > mostHeld {
		select {
		case <-g.in.freed:
		case <-g.closed:
			return 0, net.ErrClosed
		case <-g.in.ctx.Done():
			return 0, g.in.ctx.Err()
		}
	}
	return g.Conn.Read(p)
}

func (g *gated) Close() error {
	g.once.Do(func() { close(g.closed) })
	return g.Conn.Close()
}

// work says whether the message may be acknowledged.
func (in *intake) work(id string, m paho.Message, at time.Time) bool {
	if !in.place(m) {
		return false
	}
	defer func() { <-in.places }()
	if len(m.Payload()) > broker.MaxMessage {
		in.oddOn(m.Topic(), errTooLong)
		return true
	}
	msg := newMessage(m.Topic(), m.Payload())
	v := in.owner(msg)
	if v == nil {
		in.stranger(m.Topic())
		return true
	}
	passes, err := v.reader.read(msg)
	if err != nil {
		v.part.Odd(err)
	}
	for i := range passes {
		p := &passes[i]
		p.At.Wall = at
		p.Redelivered = m.Duplicate()
		if p.EventID == "" && id != "" {
			p.EventID = id
			if i > 0 {
				p.EventID = fmt.Sprintf("%s-%d", id, i)
			}
		}
		if !in.store(v, p) {
			return false
		}
	}
	return true
}

// store offers the pass until it is on disk, and returns false only when the driver ends.
func (in *intake) store(v *voice, p *event.Pass) bool {
	for pause := in.pace.store; ; pause = min(2*pause, in.pace.maxStore) {
		offered := *p // what the agent adds to a pass that it then refuses is not offered again
		err := in.take(in.ctx, &offered)
		if err == nil {
			v.stored(nil)
			return true
		}
		if in.ctx.Err() != nil {
			return false
		}
		p.ID = offered.ID // but by its ID the agent knows it again
		v.stored(err)
		if !sleep(in.ctx, pause) {
			return false
		}
	}
}

// place waits until the message may be worked on. A message of QoS 0, which nobody sends again, waits a little and is then
// dropped, and the reader's oddities say so.
func (in *intake) place(m paho.Message) bool {
	select {
	case in.places <- struct{}{}:
		return true
	default:
	}
	if m.Qos() > 0 {
		select {
		case in.places <- struct{}{}:
			return true
		case <-in.ctx.Done():
			return false
		}
	}
	defer in.waiting.Add(-1)
	if in.waiting.Add(1) <= maxWaiting {
		patience := time.NewTimer(in.pace.patience)
		defer patience.Stop()
		select {
		case in.places <- struct{}{}:
			return true
		case <-patience.C:
		case <-in.ctx.Done():
		}
	}
	in.oddOn(m.Topic(), errDropped)
	return false
}

func (in *intake) enter() bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.closed {
		return false
	}
	in.running.Add(1)
	return true
}

// close takes no more messages. The channel is closed when those at work have ended.
func (in *intake) close() <-chan struct{} {
	in.mu.Lock()
	in.closed = true
	in.mu.Unlock()
	done := make(chan struct{})
	go func() {
		defer close(done)
		in.running.Wait()
	}()
	return done
}

// begin notes that the message is being stored, or returns nil if it is so already.
func (in *intake) begin(id string, m paho.Message) *job {
	j := &job{ack: m.Ack}
	if id == "" {
		return j
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	if earlier := in.working[id]; earlier != nil && m.Duplicate() {
		earlier.ack = m.Ack
		return nil
	}
	in.working[id] = j
	return j
}

func (in *intake) end(id string, j *job, acknowledge bool) {
	in.mu.Lock()
	if in.working[id] == j {
		delete(in.working, id)
	}
	ack := j.ack
	in.mu.Unlock()
	if acknowledge {
		ack()
	}
}

func (in *intake) owner(m *message) *voice {
	for _, v := range in.voices {
		if v.reader.owns(m) {
			return v
		}
	}
	return nil
}

// oddOn reports to the readers of a topic what happened to a message that nobody looked into.
func (in *intake) oddOn(topic string, what error) {
	for _, v := range in.voices {
		if v.reader.filter.matches(topic) {
			v.part.Odd(what)
		}
	}
}

// stranger notes a message that no reader owns: because of its match, or because the session still has a topic that is no
// longer in the configuration. The first is worth a line; the rest would be noise.
func (in *intake) stranger(topic string) {
	level := slog.LevelDebug
	in.unknown.Do(func() { level = slog.LevelWarn })
	in.log.Log(in.ctx, level, "a message fits no reader (check match, or a topic that was removed)", "topic", topic)
}

// deliveryID names a message of QoS 1 as long as it is not acknowledged; a message of QoS 0 has no name.
func deliveryID(m paho.Message) string {
	if m.Qos() == 0 {
		return ""
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte(m.Topic()))
	_, _ = h.Write([]byte{0})
	_, _ = h.Write(m.Payload())
	return fmt.Sprintf("%d-%016x", m.MessageID(), h.Sum64())
}

// sleep waits, and returns false if ctx ends before.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
