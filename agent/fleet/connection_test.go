package fleet

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"

	"github.com/acs-agent/acs-agent/agent/broker"
	"github.com/acs-agent/acs-agent/agent/settings"
	"github.com/acs-agent/acs-agent/uplink/heartbeat"
)

// patience is how long a test waits for what takes moments; a busy machine may need it.
const patience = 40 * time.Second

// brokerAt starts a broker that runs until the test ends or end is called.
func brokerAt(t *testing.T, o broker.ListenOptions) (address *broker.Address, end func()) {
	t.Helper()
	e, err := broker.Listen(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	end = sync.OnceFunc(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(end)
	return e.Address(), end
}

// publish gives retained messages to a broker.
func publish(t *testing.T, to *broker.Address, messages map[string]any) {
	t.Helper()
	o, err := to.Options("publisher-of-the-test")
	if err != nil {
		t.Fatal(err)
	}
	client := paho.NewClient(o.SetConnectRetry(false))
	if token := client.Connect(); !token.WaitTimeout(patience) || token.Error() != nil {
		t.Fatalf("connect: %v", token.Error())
	}
	defer client.Disconnect(100)
	var tokens []paho.Token
	for topic, what := range messages {
		payload, err := json.Marshal(what)
		if err != nil {
			t.Fatal(err)
		}
		tokens = append(tokens, client.Publish(topic, 1, true, payload))
	}
	for _, token := range tokens {
		if !token.WaitTimeout(patience) || token.Error() != nil {
			t.Fatalf("publish: %v", token.Error())
		}
	}
}

// await polls until ok.
func await(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within %v: %s", patience, what)
		}
	}
}

// TestAThousandDevices measures what a fleet costs who looks at it. The limits are generous; what was measured is in the log.
func TestAThousandDevices(t *testing.T) {
	const devices = 1000
	address, _ := brokerAt(t, broker.ListenOptions{Address: "127.0.0.1:0"})
	messages := make(map[string]any)
	for i := range devices {
		name := fmt.Sprintf("gate-%04d", i)
		messages[heartbeat.StateTopic(name)] = state(name, heartbeat.Online, 7)
		messages[heartbeat.Topic(name)] = beatOf(name, 7, 1, time.Now(), func(b *heartbeat.Heartbeat) {
			for r := range 8 {
				b.Readers = append(b.Readers, heartbeat.Reader{Name: fmt.Sprintf("reader-%d", r), Part: heartbeat.Part{State: "ok"}})
			}
			if i%10 == 0 {
				b.Uplinks[0].Dead = 3
			}
		})
		if i%10 == 0 {
			messages[heartbeat.AlertTopic(name, heartbeat.DeadLetters)] = deadLetters(name)
		}
	}
	publish(t, address, messages)

	before := inUse()
	f := New(everybody)
	begin := time.Now()
	c, err := Connect(t.Context(), address, "+", f.Take)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	select {
	case <-c.Settled():
	case err := <-c.Lost():
		t.Fatal(err)
	case <-time.After(patience):
		t.Fatal("it does not settle")
	}
	came := time.Since(begin)
	begin = time.Now()
	all, left := f.Look(time.Now())
	looked, size := time.Since(begin), inUse()-before
	person, well := 0, 0
	for _, d := range all {
		switch d.Class {
		case NeedsPerson:
			person++
		case Well:
			well++
		default:
			t.Errorf("%s is %s", d.Name, d.Class)
		}
	}
	if person != devices/10 || well != devices-person || left != (Left{}) {
		t.Errorf("%d need a person and %d are well, %+v", person, well, left)
	}
	t.Logf("%d devices: all was there after %v, %v of which are the wait for more; a look takes %v; %d KiB, %d bytes a device",
		devices, came.Round(time.Millisecond), quiet, looked.Round(time.Microsecond), size>>10, size/devices)
	if size > 4<<20 {
		t.Errorf("%d devices take %d KiB", devices, size>>10)
	}
	runtime.KeepAlive(f)
}

// inUse is how much memory the objects of the program take.
func inUse() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

func TestAConnectionEndsWithItsContext(t *testing.T) {
	address, _ := brokerAt(t, broker.ListenOptions{Address: "127.0.0.1:0"})
	ctx, cancel := context.WithCancel(t.Context())
	c, err := Connect(ctx, address, "+", func(Message) {})
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	await(t, "nothing can be sent any more", func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.over && c.conn.SetReadDeadline(time.Time{}) != nil
	})
	c.Close()
	if _, err := Connect(ctx, address, "+", func(Message) {}); !errors.Is(err, context.Canceled) {
		t.Errorf("after the end: %v", err)
	}
}

func TestWhoMayNotLookIsTold(t *testing.T) {
	address, _ := brokerAt(t, broker.ListenOptions{Address: "127.0.0.1:0", Username: "centre", Password: settings.NewSecret("hush")})
	a := *address
	a.Password = settings.NewSecret("guess")
	if _, err := Connect(t.Context(), &a, "+", func(Message) {}); err == nil || a.Explain(err).Error() == "" {
		t.Errorf("a wrong password: %v", err)
	}
}

// TestTheWatcherComesBack takes the broker away and gives it back, and looks at what is said of the devices meanwhile.
func TestTheWatcherComesBack(t *testing.T) {
	address, end := brokerAt(t, broker.ListenOptions{Address: "127.0.0.1:0"})
	online := map[string]any{
		heartbeat.StateTopic("gate"): state("gate", heartbeat.Online, 7), heartbeat.Topic("gate"): beatOf("gate", 7, 1, time.Now()),
	}
	publish(t, address, online)
	w := &Watcher{Address: address, Device: "+", Fleet: New(everybody)}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); w.Run(ctx) }()
	defer func() { cancel(); <-ended }()

	await(t, "all is there", func() bool { return w.Link().Settled })
	if devices, _ := w.Fleet.Look(time.Now()); len(devices) != 1 || devices[0].Class != Well {
		t.Fatalf("%+v", devices)
	}
	end()
	await(t, "the loss is noticed, and why there is no connection", func() bool {
		l := w.Link()
		return !l.Settled && l.Problem != nil && !l.Lost.IsZero()
	})
	// However long the broker is away, nobody was silent meanwhile.
	if devices, _ := w.Fleet.Look(w.Moment(time.Now().Add(time.Hour))); devices[0].Class != Well {
		t.Errorf("while nobody could be heard, the device counts as %s", devices[0].Class)
	}
	second, _ := brokerAt(t, broker.ListenOptions{Address: address.URL[len("mqtt://"):]})
	online[heartbeat.StateTopic("gate")] = state("gate", heartbeat.Lost, 7)
	publish(t, second, online)
	await(t, "the news are there", func() bool {
		devices, _ := w.Fleet.Look(w.Moment(time.Now()))
		return w.Link().Settled && devices[0].Class == Offline
	})
}
