package heartbeat

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"

	"github.com/acs-agent/acs-agent/agent/broker"
	"github.com/acs-agent/acs-agent/agent/health"
	"github.com/acs-agent/acs-agent/agent/settings"
	"github.com/acs-agent/acs-agent/uplink"
	"github.com/acs-agent/acs-agent/uplink/uplinktest"
)

// patience is how long a test waits for what takes moments; a busy machine may need it.
const patience = 30 * time.Second

func listen(t *testing.T, address, password string) *broker.Embedded {
	t.Helper()
	o := broker.ListenOptions{Address: address}
	if password != "" {
		o.Username, o.Password = "gate-1", settings.NewSecret(password)
	}
	b, err := broker.Listen(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func end(t *testing.T, b *broker.Embedded) {
	t.Helper()
	if err := b.Close(); err != nil {
		t.Error(err)
	}
}

// A centre hears everything, and holds it against its documentation.
type centre struct {
	t          *testing.T
	documented schemas
	client     paho.Client

	mu    sync.Mutex
	heard []heard
}

type heard struct {
	at       time.Time
	topic    string
	payload  string
	retained bool
}

func newCentre(t *testing.T, at *broker.Address) *centre {
	t.Helper()
	c := &centre{t: t, documented: loadSchemas(t)}
	o, err := at.Options("centre")
	if err != nil {
		t.Fatal(err)
	}
	o.SetAutoReconnect(false).SetConnectRetry(false)
	c.client = paho.NewClient(o)
	if token := c.client.Connect(); !token.WaitTimeout(patience) || token.Error() != nil {
		t.Fatalf("the centre cannot connect: %v", token.Error())
	}
	t.Cleanup(func() { c.client.Disconnect(100) })
	if token := c.client.Subscribe("#", 1, c.hear); !token.WaitTimeout(patience) || token.Error() != nil {
		t.Fatalf("the centre cannot subscribe: %v", token.Error())
	}
	return c
}

func (c *centre) hear(_ paho.Client, m paho.Message) {
	if strings.HasPrefix(m.Topic(), Root+"/") {
		c.documented.check(c.t, m.Topic(), m.Payload())
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.heard = append(c.heard, heard{time.Now(), m.Topic(), string(m.Payload()), m.Retained()})
}

// await waits for a message after the first n, and gives it and how many messages came up to it.
func (c *centre) await(n int, what string, is func(heard) bool) (heard, int) {
	c.t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		c.mu.Lock()
		all := slices.Clone(c.heard)
		c.mu.Unlock()
		for i := n; i < len(all); i++ {
			if is(all[i]) {
				return all[i], i + 1
			}
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t.Fatalf("the centre does not hear: %s; but %+v", what, c.heard[min(n, len(c.heard)):])
	return heard{}, 0
}

func (c *centre) awaitState(n int, state Presence, session uint64) (heard, int) {
	c.t.Helper()
	want := fmt.Sprintf(`{"v":1,"device":"gate-1","state":%q,"session":%d}`, state, session)
	return c.await(n, want, func(h heard) bool { return h.topic == "acs/gate-1/state" && h.payload == want })
}

func (c *centre) awaitBeat(n int, what string, is func(*Heartbeat) bool) (b Heartbeat, upto int) {
	c.t.Helper()
	_, upto = c.await(n, what, func(h heard) bool {
		b = Heartbeat{}
		return h.topic == "acs/gate-1/heartbeat" && json.Unmarshal([]byte(h.payload), &b) == nil && is(&b)
	})
	return b, upto
}

// start runs a heartbeat until stop is called or the test ends.
func start(t *testing.T, h *heartbeat, a *agent) (stop func() time.Duration) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- h.Run(ctx, nil, a.own()) }()
	var once sync.Once
	stop = func() (took time.Duration) {
		once.Do(func() {
			began := time.Now()
			cancel()
			if err := <-ended; err != nil {
				t.Errorf("Run returned %v", err)
			}
			took = time.Since(began)
		})
		return took
	}
	t.Cleanup(func() { stop() })
	return stop
}

func TestBirthChangeAndOrderlyEnd(t *testing.T) {
	b := listen(t, "127.0.0.1:0", "")
	defer end(t, b)
	c := newCentre(t, b.Address())
	a, store := newAgent(), &uplinktest.Store{}
	n := 0
	for session := range uint64(2) {
		session++
		stop := start(t, a.heartbeat(t, b.Address(), store, "interval: 1h"), a)
		_, n = c.awaitState(n, Online, session)
		beat, upto := c.awaitBeat(n, "the first heartbeat", func(b *Heartbeat) bool { return b.Session == session && b.Seq == 1 })
		if beat.Uplinks[0].State != "ok" || beat.Agent != "1.2.3" || beat.Boot == "" || *beat.Host.Temperature != 48.5 {
			t.Errorf("the heartbeat is %+v", beat)
		}
		a.board.Reader("gate-1-in").Down(errGone)
		_, upto = c.awaitBeat(upto, "that the reader fails", func(b *Heartbeat) bool { return b.Seq == 2 && b.Readers[0].State == "failing" })
		if alert, _ := c.await(0, "the alert", func(h heard) bool { return h.topic == "acs/gate-1/alert/reader-failing" && h.payload != "" }); alert.retained {
			t.Error("the alert was there before")
		}
		a.board.Reader("gate-1-in").Up()
		_, upto = c.await(upto, "the end of the alert", func(h heard) bool { return h.topic == "acs/gate-1/alert/reader-failing" && h.payload == "" })
		_, n = c.awaitBeat(upto, "that the reader works", func(b *Heartbeat) bool { return b.Readers[0].State == "ok" && len(b.Alerts) == 0 })
		if took := stop(); took > time.Second {
			t.Errorf("the orderly end took %v", took)
		}
		_, n = c.awaitState(n, Stopped, session)
	}
	late := newCentre(t, &broker.Address{URL: b.Address().URL})
	if h, _ := late.awaitState(0, Stopped, 2); !h.retained {
		t.Error("the state is not retained")
	}
	late.await(0, "the heartbeat", func(h heard) bool { return h.topic == "acs/gate-1/heartbeat" && h.retained })
	for _, h := range late.heard {
		if _, kind, _, _ := ParseTopic(h.topic); kind == KindAlert {
			t.Errorf("an alert is left: %+v", h)
		}
	}
}

// A cable is a way to a broker that can be cut, as a cable is.
type cable struct {
	net.Listener
	to string
	// stuck: nothing gets through any more, and nobody is told.
	stuck atomic.Bool

	mu   sync.Mutex
	ends []net.Conn
}

func newCable(t *testing.T, to *broker.Address) *cable {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &cable{Listener: l, to: strings.TrimPrefix(to.URL, "mqtt://")}
	var running sync.WaitGroup
	running.Go(func() {
		for {
			near, err := l.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial("tcp", c.to)
			if err != nil {
				_ = near.Close()
				continue
			}
			c.mu.Lock()
			c.ends = append(c.ends, near, far)
			c.mu.Unlock()
			running.Go(func() { c.pour(near, far) })
			running.Go(func() { c.pour(far, near) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		c.cut()
		running.Wait()
	})
	return c
}

// pour carries one direction. An end that is closed closes the other.
func (c *cable) pour(from, to net.Conn) {
	defer func() { _ = to.Close() }()
	buf := make([]byte, 4096)
	for {
		n, err := from.Read(buf)
		if n > 0 && !c.stuck.Load() {
			if _, err := to.Write(buf[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

func (c *cable) cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, end := range c.ends {
		_ = end.Close()
	}
	c.ends = nil
}

func TestACutConnectionIsTheLastWillAndComesBack(t *testing.T) {
	b := listen(t, "127.0.0.1:0", "")
	defer end(t, b)
	c := newCentre(t, b.Address())
	way := newCable(t, b.Address())
	a := newAgent()
	start(t, a.heartbeat(t, &broker.Address{URL: "mqtt://" + way.Addr().String()}, &uplinktest.Store{}, "interval: 1h"), a)
	n := 0
	for session := uint64(1); session <= 2; session++ {
		_, n = c.awaitBeat(n, "a heartbeat", func(b *Heartbeat) bool { return b.Session == session && b.Seq == 1 })
		way.cut()
		_, n = c.awaitState(n, Lost, session)
	}
	_, n = c.awaitState(n, Online, 3)
	c.awaitBeat(n, "a heartbeat", func(b *Heartbeat) bool { return b.Session == 3 && b.Seq == 1 && b.Uplinks[0].State == "ok" })
}

func TestTheEndDoesNotWaitForABrokerThatDoesNotAnswer(t *testing.T) {
	b := listen(t, "127.0.0.1:0", "")
	defer end(t, b)
	c := newCentre(t, b.Address())
	way := newCable(t, b.Address())
	a := newAgent()
	stop := start(t, a.heartbeat(t, &broker.Address{URL: "mqtt://" + way.Addr().String()}, &uplinktest.Store{}, "interval: 1h"), a)
	_, n := c.awaitBeat(0, "a heartbeat", func(b *Heartbeat) bool { return b.Seq == 1 })
	way.stuck.Store(true)
	a.board.Reader("gate-1-in").Down(errGone) // so that a message is on its way
	if took := stop(); took > time.Second {
		t.Errorf("the end took %v", took)
	}
	c.awaitState(n, Lost, 1) // it has not heard the good-bye
}

// TestABrokerThatIsAwayCostsNothing lets some 40 attempts fail, and the broker come back.
func TestABrokerThatIsAwayCostsNothing(t *testing.T) {
	b := listen(t, "127.0.0.1:0", "")
	address := b.Address()
	a, store := newAgent(), &counting{}
	h := a.heartbeat(t, address, store, "interval: 1h")
	h.pace.away = 100 * time.Millisecond
	c := newCentre(t, address)
	start(t, h, a)
	c.awaitBeat(0, "a heartbeat", func(b *Heartbeat) bool { return b.Session == 1 })
	c.client.Disconnect(0)
	end(t, b)
	awaitPart(t, a, health.Down, "refused")
	writes, goroutines := store.writes(), runtime.NumGoroutine()
	most := goroutines
	for deadline := time.Now().Add(40 * h.pace.away); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		most = max(most, runtime.NumGoroutine())
	}
	if most > goroutines+3 { // a dial has one or two
		t.Errorf("%d goroutines became %d", goroutines, most)
	}
	if n := store.writes() - writes; n > 0 {
		t.Errorf("it wrote %d times to the disk while nobody was there", n)
	}
	b = listen(t, strings.TrimPrefix(address.URL, "mqtt://"), "")
	defer end(t, b)
	back := time.Now()
	c = newCentre(t, address)
	h2, _ := c.awaitState(0, Online, 2)
	c.awaitBeat(0, "a heartbeat", func(b *Heartbeat) bool { return b.Session == 2 && b.Seq == 1 })
	took := h2.at.Sub(back)
	t.Logf("the broker is back, and %v later the state is right", took)
	if took > time.Second {
		t.Errorf("the state is right after %v", took)
	}
}

// counting counts changes of records.
type counting struct {
	uplinktest.Store
	mu sync.Mutex
	n  int
}

func (c *counting) writes() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.n
}

func (c *counting) Apply(ctx context.Context, changes ...uplink.Change) error {
	c.mu.Lock()
	c.n++
	c.mu.Unlock()
	return c.Store.Apply(ctx, changes...)
}

func awaitPart(t *testing.T, a *agent, state health.State, code string) health.Report {
	t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		r := a.own().Report()
		if r.State == state && r.Code == code {
			return r
		}
		if time.Now().After(deadline) {
			t.Fatalf("the heartbeat says %+v, want %s %s", r, state, code)
		}
	}
}

func TestARefusedPasswordNeedsAPersonAndNoNumber(t *testing.T) {
	b := listen(t, "127.0.0.1:0", "right")
	defer end(t, b)
	a, store := newAgent(), &counting{}
	address := &broker.Address{URL: b.Address().URL, Username: "gate-1", Password: settings.NewSecret("wrong")}
	h := a.heartbeat(t, address, store, "interval: 1h")
	h.pace.away = 10 * time.Millisecond // and so the back-off begins with 10 ms
	stop := start(t, h, a)
	r := awaitPart(t, a, health.Stopped, string(health.KeyRefused))
	if !strings.Contains(r.Problem, "check username and password_file") {
		t.Errorf("it says %s", r.Problem)
	}
	said := r.SaidAt
	for deadline := time.Now().Add(patience); a.own().Report().SaidAt.Equal(said); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it is not tried again")
		}
	}
	stop()
	if n := store.writes(); n != 1 {
		t.Errorf("%d numbers of sessions were used, and none came about", n)
	}
}

func TestWithoutANumberOnDiskThereIsNoSession(t *testing.T) {
	b := listen(t, "127.0.0.1:0", "")
	defer end(t, b)
	c := newCentre(t, b.Address())
	a := newAgent()
	var mu sync.Mutex
	full := errors.New("the journal is full")
	store := &uplinktest.Store{Fail: func() error { mu.Lock(); defer mu.Unlock(); return full }}
	h := a.heartbeat(t, b.Address(), store, "interval: 1h")
	h.pace.away = 10 * time.Millisecond
	start(t, h, a)
	if r := awaitPart(t, a, health.Down, "failing"); !strings.Contains(r.Problem, "store the number of the session: the journal is full") {
		t.Errorf("it says %s", r.Problem)
	}
	mu.Lock()
	full = nil
	mu.Unlock()
	c.awaitState(0, Online, 1)
}

func TestHomeAssistantIsToldAndToldToForget(t *testing.T) {
	b := listen(t, "127.0.0.1:0", "")
	defer end(t, b)
	a, store := newAgent(), &uplinktest.Store{}
	c := newCentre(t, b.Address())
	n := 0
	for _, step := range []struct {
		settings string
		topics   map[string]bool // of discovery: whether something is said there
	}{
		{"home_assistant: true", map[string]bool{"homeassistant/device/acs-agent-gate-1/config": true}},
		{"home_assistant: ha/site", map[string]bool{"homeassistant/device/acs-agent-gate-1/config": false, "ha/site/device/acs-agent-gate-1/config": true}},
		{"home_assistant: false", map[string]bool{"ha/site/device/acs-agent-gate-1/config": false}},
	} {
		stop := start(t, a.heartbeat(t, b.Address(), store, step.settings), a)
		for topic, said := range step.topics {
			h, _ := c.await(n, step.settings+": "+topic, func(h heard) bool { return h.topic == topic })
			if (h.payload != "") != said {
				t.Errorf("%s: %s says %q", step.settings, topic, h.payload)
			}
			if said {
				checkEntry(t, h.payload)
			}
		}
		stop()
		c.mu.Lock()
		n = len(c.heard)
		c.mu.Unlock()
	}
	if topics, err := (ledger{store}).discovery(); err != nil || len(topics) > 0 {
		t.Errorf("in the end it is known at %v, %v", topics, err)
	}
}

// checkEntry holds an entry to what Home Assistant demands of it.
func checkEntry(t *testing.T, payload string) {
	t.Helper()
	var e struct {
		Device struct {
			Identifiers []string `json:"identifiers"`
			Name        string   `json:"name"`
		} `json:"device"`
		Origin struct {
			Name string `json:"name"`
		} `json:"origin"`
		Components map[string]map[string]string `json:"components"`
	}
	if err := json.Unmarshal([]byte(payload), &e); err != nil {
		t.Fatal(err)
	}
	if e.Device.Name != "gate-1" || len(e.Device.Identifiers) != 1 || e.Origin.Name == "" || len(e.Components) != 5 {
		t.Errorf("the entry is %s", payload)
	}
	ids := make(map[string]bool)
	for id, c := range e.Components {
		if c["platform"] == "" || c["unique_id"] == "" || ids[c["unique_id"]] || !strings.HasPrefix(c["state_topic"], "acs/gate-1/") || c["value_template"] == "" {
			t.Errorf("%s is %v", id, c)
		}
		ids[c["unique_id"]] = true
	}
}
