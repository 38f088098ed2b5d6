//go:build unix

package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"

	"github.com/acs-agent/acs-agent/agent/broker"
	"github.com/acs-agent/acs-agent/agent/health"
)

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
	publish, end := s.publisher(topic, payload)
	defer end()
	pause := e2eFeed / time.Duration(to-from)
	next := time.Now()
	for n := from; n < to && publish(n); n++ {
		next = next.Add(pause)
		time.Sleep(time.Until(next))
	}
}

// publisher gives a function that publishes the n-th person to a topic, and one for the end. The former says whether the broker
// has taken it.
func (s *e2e) publisher(topic string, payload func(person) string) (publish func(n int) bool, end func()) {
	id := fmt.Sprintf("test-%s-%d", strings.ReplaceAll(topic, "/", "-"), s.clients.Add(1))
	o, err := (&broker.Address{URL: "mqtt://" + s.broker}).Options(id)
	if err != nil {
		s.t.Error(err)
		return func(int) bool { return false }, func() {}
	}
	client := paho.NewClient(o)
	if t := client.Connect(); !t.WaitTimeout(10*time.Second) || t.Error() != nil {
		s.t.Errorf("connect: %v", t.Error())
		return func(int) bool { return false }, func() {}
	}
	return func(n int) bool {
		t := client.Publish(topic, 1, false, payload(e2ePerson(n)))
		if !t.WaitTimeout(30*time.Second) || t.Error() != nil {
			s.t.Errorf("publish: %v", t.Error())
			return false
		}
		return true
	}, func() { client.Disconnect(250) }
}

// espRFID and tasmota are what these readers publish of a person.
func espRFID(p person) string {
	return fmt.Sprintf(`{"type":"access","time":%d,"isKnown":"true","access":"Always","username":"x","uid":"%08x"}`, time.Now().Unix(), p.card.number())
}

func tasmota(p person) string {
	return fmt.Sprintf(`{"Time":"2026-11-22T08:00:00","Wiegand":{"UID":%d,"Size":34}}`, p.card.number())
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
