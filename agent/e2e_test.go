//go:build unix

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"

	"github.com/acs-agent/acs-agent/agent/broker"
	"github.com/acs-agent/acs-agent/agent/event"
	"github.com/acs-agent/acs-agent/agent/health"
	"github.com/acs-agent/acs-agent/agent/localapi"
	"github.com/acs-agent/acs-agent/agent/queue"
	"github.com/acs-agent/acs-agent/drivers/drivertest"
	"github.com/acs-agent/acs-agent/uplink/sandbox"
)

const (
	e2ePasses = 20_000 // from four readers
	e2eKills  = 10
	e2eKey    = demoKey
)

// e2e is a whole site: four readers, a broker, an agent that is killed again and again, and a portal that fails in every way.
//
// Each pass is another person with another card, so that the portal's rows tell exactly which passes arrived.
type e2e struct {
	t      *testing.T
	dir    string
	portal *sandbox.Portal
	broker string

	mu    sync.Mutex // guards agent
	agent *exec.Cmd
	ended chan struct{}
	kills int
	ports []*drivertest.Port

	// failed is closed when the portal has failed in every way.
	failed chan struct{}

	// quiet is held for reading while bytes are on a serial line: what a serial reader has sent into a process that is killed
	// was read by nobody, and no agent can bring it back.
	quiet sync.RWMutex
	// lives counts the starts of the agent; a reader's count begins anew with each.
	lives atomic.Int64
}

// TestEveryPassArrivesWhateverHappens is the promise of the product: 20,000 passes from four readers, a portal that fails in
// every way it can, an agent that is killed ten times. Every pass arrives, none is invented, and the portal is never asked more
// often than it allows.
func TestEveryPassArrivesWhateverHappens(t *testing.T) {
	s := &e2e{t: t, dir: t.TempDir(), failed: make(chan struct{})}
	s.startPortal()
	s.broker = startTestBroker(t)
	rdm, iron := drivertest.Serial(t), drivertest.Serial(t)
	s.ports = []*drivertest.Port{rdm, iron}
	s.writeFiles(rdm.Path, iron.Path)
	s.startAgent()
	t.Cleanup(s.stopAgent)
	s.await("all readers are up", func(st *health.Status) bool { // a broker keeps messages only for those who have subscribed once
		for n := 1; n <= 4; n++ {
			if find(st.Parts, health.Reader, fmt.Sprintf("gate-%d", n)).State != health.Up {
				return false
			}
		}
		return true
	})

	started := time.Now()
	var readers sync.WaitGroup
	quarter := e2ePasses / 4
	readers.Go(func() {
		s.serial("gate-1", 0, quarter, func(p person) { rdm.Write(rdmFrame(p.card)) })
	})
	readers.Go(func() {
		s.serial("gate-2", quarter, 2*quarter, func(p person) { _ = showIronLogic(writer(iron.Write), p.card) })
	})
	readers.Go(func() {
		s.mqtt("rfid/gate-3", 2*quarter, 3*quarter, func(p person) string {
			return fmt.Sprintf(`{"type":"access","time":%d,"isKnown":"true","access":"Always","username":"x","uid":"%08x"}`, time.Now().Unix(), p.card.number())
		})
	})
	readers.Go(func() {
		s.mqtt("tele/gate-4/SENSOR", 3*quarter, 4*quarter, func(p person) string {
			return fmt.Sprintf(`{"Time":"2026-11-22T08:00:00","Wiegand":{"UID":%d,"Size":34}}`, p.card.number())
		})
	})
	troubled, calm := context.WithCancel(t.Context())
	var trouble sync.WaitGroup
	trouble.Go(func() { s.fail(troubled) })
	trouble.Go(func() { s.kill(troubled) })

	readers.Wait()
	for s.killed() < e2eKills && time.Since(started) < 2*time.Minute {
		time.Sleep(50 * time.Millisecond)
	}
	select {
	case <-s.failed:
	case <-time.After(time.Minute):
		t.Error("the portal did not come to fail in every way")
	}
	calm()
	trouble.Wait()
	if err := s.portal.SetFaults(nil); err != nil {
		t.Fatal(err)
	}
	s.awaitArrival()
	s.check()
	t.Logf("%d passes in %.0f s with %d kills; the portal: %+v", e2ePasses, time.Since(started).Seconds(), s.killed(), s.portal.Stats())
}

func (s *e2e) startPortal() {
	s.portal = sandbox.New(demoOptions())
	ctx, cancel := context.WithCancel(context.Background())
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		s.t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		if err := s.portal.ServeTLS(ctx, l); err != nil {
			s.t.Error(err)
		}
	})
	s.t.Cleanup(func() { cancel(); serving.Wait() })
	s.write("portal-ca.pem", string(s.portal.CertificatePEM()))
	s.write("config.yaml", l.Addr().String()) // its address, until writeFiles
}

func (s *e2e) write(name, text string) {
	s.t.Helper()
	if err := os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

// e2ePerson makes the n-th person. The cards differ in their lower 24 bits, which is what the poorest reader delivers.
func e2ePerson(n int) person {
	c := card{0x55, 0x00, byte(1 + n>>16), byte(n >> 8), byte(n)} //nolint:gosec // meant
	return person{name: "Пробный " + words(n), iin: syntheticIIN(n), card: c, written: c.hex()}
}

// words spells a number in letters, since names have no digits.
func words(n int) string {
	out := []rune{}
	for _, d := range fmt.Sprint(n) {
		out = append(out, 'а'+(d-'0'))
	}
	return string(out)
}

func (s *e2e) writeFiles(rdm, iron string) {
	portal, err := os.ReadFile(filepath.Join(s.dir, "config.yaml"))
	if err != nil {
		s.t.Fatal(err)
	}
	var list strings.Builder
	list.WriteString("card;iin;full_name\n")
	for n := range e2ePasses {
		p := e2ePerson(n)
		if !event.ValidIIN(p.iin) {
			s.t.Fatalf("person %d has no valid IIN", n)
		}
		fmt.Fprintf(&list, "%s;%s;%s\n", p.written, p.iin, p.name)
	}
	s.write("cardholders.csv", list.String())
	s.write("acs.key", e2eKey)
	s.write("config.yaml", fmt.Sprintf(`device: e2e
timezone: Asia/Almaty
data_dir: data
organizations: [{id: school, bin: "010140000014", name: Test school}]
cardholders: {file: cardholders.csv}
mqtt: {broker: "mqtt://%s"}
readers:
  - {name: gate-1, type: rdm6300, port: %s, organization: school}
  - {name: gate-2, type: ironlogic, port: %s, organization: school}
  - {name: gate-3, type: mqtt, topic: rfid/gate-3, format: esp-rfid, organization: school}
  - {name: gate-4, type: mqtt, topic: tele/gate-4/SENSOR, format: tasmota, organization: school}
uplinks:
  - {name: visits, type: acs, url: "https://%s%s", ca_file: portal-ca.pem, api_key_file: acs.key, max_delay: 500ms, retry_max: 1s, probe: 1s}
`, s.broker, rdm, iron, portal, sandbox.ACSPath))
}

// startAgent starts the agent and returns when it answers.
func (s *e2e) startAgent() {
	s.mu.Lock()
	defer s.mu.Unlock()
	log, err := os.OpenFile(filepath.Join(s.dir, "agent.log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		s.t.Error(err)
		return
	}
	defer log.Close() //nolint:errcheck // the child has its own
	s.agent = agentCommand(s.t, "run", "--config", filepath.Join(s.dir, "config.yaml"))
	s.agent.Stdout, s.agent.Stderr = log, log
	if err := s.agent.Start(); err != nil {
		s.t.Error(err)
		return
	}
	ended := make(chan struct{})
	s.ended = ended
	agent := s.agent
	go func() {
		_ = agent.Wait() // how it ends is what the test decides
		close(ended)
	}()
	s.lives.Add(1)
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if _, err := s.status(); err == nil {
			return
		}
		select {
		case <-ended:
			s.t.Errorf("the agent has ended by itself:\n%s", s.log())
			return
		default:
		}
	}
	s.t.Errorf("the agent does not answer:\n%s", s.log())
}

func (s *e2e) log() string {
	log, _ := os.ReadFile(filepath.Join(s.dir, "agent.log"))
	return string(log[max(0, len(log)-4000):])
}

func (s *e2e) client() (*localapi.Client, error) {
	return localapi.Dial(context.Background(), filepath.Join(s.dir, "data"))
}

func (s *e2e) status() (status health.Status, err error) {
	c, err := s.client()
	if err != nil {
		return status, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return c.Status(ctx)
}

// kill kills the agent without warning and starts it again, until it has done so often enough.
func (s *e2e) kill(ctx context.Context) {
	for s.killed() < e2eKills {
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Second + rand.N(2*time.Second)):
		}
		s.quiet.Lock()
		s.mu.Lock()
		if err := s.agent.Process.Signal(syscall.SIGKILL); err != nil {
			s.t.Error(err)
		}
		<-s.ended
		for _, p := range s.ports {
			p.Released()
		}
		s.kills++
		s.mu.Unlock()
		s.startAgent()
		s.quiet.Unlock()
	}
}

func (s *e2e) killed() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.kills
}

// stopAgent ends the agent as a service manager would.
func (s *e2e) stopAgent() {
	s.mu.Lock()
	defer s.mu.Unlock()
	asked := time.Now()
	_ = s.agent.Process.Signal(syscall.SIGTERM)
	select {
	case <-s.ended:
	case <-time.After(20 * time.Second):
		_ = s.agent.Process.Kill()
		<-s.ended
	}
	if d := time.Since(asked); d > stopTime {
		s.t.Errorf("the agent took %v to end", d)
	}
}

// fail makes the portal fail in one way after the other, each until a request has met it, but for two seconds at most.
func (s *e2e) fail(ctx context.Context) {
	faults := []string{
		"500", "429:retry-after=1", "cut-before", "hang", "503:retry-after-date=1", "cut-answer", "truncated", "captive", "401", "empty",
		"other-json", "wrong-type", "cut-body", "302:location=https://elsewhere.example/", "413:above=400", "hang:stored", "500:stored",
		"endless", "403", "slow=300ms", "cut-before", "tls-not-yet-valid",
		"refuse-iin=" + e2ePerson(7).iin + "," + e2ePerson(e2ePasses-7).iin,
	}
	for i := 0; ctx.Err() == nil; i++ {
		f, err := sandbox.ParseFault(faults[i%len(faults)])
		if err != nil {
			s.t.Error(err)
			return
		}
		before := s.portal.Stats().Faulted
		if err := s.portal.SetFaults(sandbox.Faults{f}); err != nil {
			s.t.Error(err)
			return
		}
		for range 40 {
			if s.portal.Stats().Faulted > before {
				break
			}
			pause(ctx, 50*time.Millisecond)
		}
		pause(ctx, 100*time.Millisecond)
		if err := s.portal.SetFaults(nil); err != nil { // a moment in which all is well
			s.t.Error(err)
		}
		pause(ctx, 200*time.Millisecond)
		if s.portal.Stats().Faulted == before && ctx.Err() == nil { // one that hangs is counted when it is let go, a TLS fault never
			s.t.Logf("no request was counted that met the fault %q", faults[i%len(faults)])
		}
		if i == len(faults)-1 {
			close(s.failed)
		}
	}
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// e2eFeed is how long the readers take for all their passes.
const e2eFeed = 25 * time.Second

// serial shows people to a serial reader, some at a time, and waits until the agent has read them.
func (s *e2e) serial(reader string, from, to int, show func(person)) {
	const group = 50
	pause := e2eFeed / time.Duration((to-from)/group)
	read, life := 0, int64(0)
	for n := from; n < to; n += group {
		s.quiet.RLock()
		if now := s.lives.Load(); now != life {
			read, life = 0, now
			s.await(reader+" is open", func(st *health.Status) bool { return find(st.Parts, health.Reader, reader).State == health.Up })
		}
		for i := n; i < min(n+group, to); i++ {
			show(e2ePerson(i))
			read++
		}
		s.await(fmt.Sprintf("%s has read %d", reader, read), func(st *health.Status) bool {
			return find(st.Parts, health.Reader, reader).Count >= uint64(read) //nolint:gosec // not negative
		})
		s.quiet.RUnlock()
		time.Sleep(pause)
	}
}

// mqtt publishes people to a topic without regard to anything.
func (s *e2e) mqtt(topic string, from, to int, payload func(person) string) {
	o, err := (&broker.Address{URL: "mqtt://" + s.broker}).Options("test-" + strings.ReplaceAll(topic, "/", "-"))
	if err != nil {
		s.t.Error(err)
		return
	}
	client := paho.NewClient(o)
	if t := client.Connect(); !t.WaitTimeout(10*time.Second) || t.Error() != nil {
		s.t.Errorf("connect: %v", t.Error())
		return
	}
	defer client.Disconnect(250)
	pause := e2eFeed / time.Duration(to-from)
	next := time.Now()
	for n := from; n < to; n++ {
		if t := client.Publish(topic, 1, false, payload(e2ePerson(n))); !t.WaitTimeout(30*time.Second) || t.Error() != nil {
			s.t.Errorf("publish: %v", t.Error())
			return
		}
		next = next.Add(pause)
		time.Sleep(time.Until(next))
	}
}

// await polls the agent until it is as it should be.
func (s *e2e) await(what string, ok func(*health.Status) bool) {
	var last health.Status
	for deadline := time.Now().Add(60 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if st, err := s.status(); err == nil {
			if ok(&st) {
				return
			}
			last = st
		}
	}
	text, _ := json.MarshalIndent(last, "", " ")
	s.t.Errorf("not after a minute: %s\n%s\n%s", what, text, s.log())
}

// awaitArrival waits until the portal has everything. What it refused while it was told to is sent again by a person.
func (s *e2e) awaitArrival() {
	deadline := time.Now().Add(90 * time.Second)
	for s.portal.Stats().Rows < e2ePasses && time.Now().Before(deadline) {
		time.Sleep(100 * time.Millisecond)
		st, err := s.status()
		if err != nil || len(st.Uplinks) == 0 || st.Uplinks[0].Dead == 0 {
			continue
		}
		c, err := s.client()
		if err != nil {
			continue
		}
		if _, err := c.Act(context.Background(), queue.Retry, queue.Query{State: queue.Dead}); err != nil {
			s.t.Error(err)
		}
	}
	s.await("nothing waits", func(st *health.Status) bool {
		return len(st.Uplinks) == 1 && st.Uplinks[0].Waiting == 0 && st.Uplinks[0].Held == 0 && st.Uplinks[0].Dead == 0
	})
}

// check compares what the portal has with what was shown to the readers.
func (s *e2e) check() {
	t := s.t
	stats := s.portal.Stats()
	if stats.TooFast != 0 {
		t.Errorf("%d requests came faster than the portal allows", stats.TooFast)
	}
	got := make(map[string]int, e2ePasses)
	s.portal.Rows(func(r sandbox.Row) bool {
		got[r.IIN+r.Name+r.Note]++
		return true
	})
	missing, wrong := 0, 0
	for n := range e2ePasses {
		p := e2ePerson(n)
		key := p.iin + p.name + fmt.Sprintf("gate-%d", 1+n/(e2ePasses/4))
		switch got[key] {
		case 0:
			missing++
			if missing < 5 {
				t.Errorf("pass %d never arrived", n)
			}
		case 1:
		default:
			wrong++
			if wrong < 5 {
				t.Errorf("pass %d arrived as %d different rows", n, got[key])
			}
		}
		delete(got, key)
	}
	if missing+wrong+len(got) > 0 {
		t.Errorf("%d passes are missing, %d came as several, %d rows were invented", missing, wrong, len(got))
	}
	if log := s.log(); strings.Contains(log, "Пробный") || strings.Contains(log, e2ePerson(7).iin) {
		t.Error("the log names people")
	}
}

func rdmFrame(c card) []byte {
	var b strings.Builder
	sum := byte(0)
	for _, d := range c {
		sum ^= d
	}
	_, _ = fmt.Fprintf(&b, "\x02%s%02X\x03", c.hex(), sum)
	return []byte(b.String())
}

// writer makes a function an io.Writer.
type writer func([]byte)

func (w writer) Write(b []byte) (int, error) { w(b); return len(b), nil }

var _ io.Writer = writer(nil)

// startTestBroker starts Mosquitto where there is one, and otherwise the broker that the agent itself brings along.
func startTestBroker(t *testing.T) string {
	t.Helper()
	address := freeAddress(t)
	program, err := exec.LookPath("mosquitto")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("Mosquitto is not installed, and in CI nothing may be left out")
		}
		t.Log("without Mosquitto: the embedded broker takes its place")
		e, err := broker.Listen(t.Context(), broker.ListenOptions{Address: address})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = e.Close() })
		return address
	}
	host, port, _ := net.SplitHostPort(address)
	file := filepath.Join(t.TempDir(), "mosquitto.conf")
	text := fmt.Sprintf("listener %s %s\nallow_anonymous true\nmax_queued_messages 0\nmax_inflight_messages 40\n", port, host)
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil { //nolint:gosec // the broker gives up its rights
		t.Fatal(err)
	}
	cmd := exec.Command(program, "-c", file)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	for range 200 {
		if c, err := net.Dial("tcp", address); err == nil {
			_ = c.Close()
			return address
		}
		time.Sleep(25 * time.Millisecond)
	}
	t.Fatal("Mosquitto does not listen")
	return ""
}
