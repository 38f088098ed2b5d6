package mqtt

import (
	"crypto/pbkdf2"
	"crypto/sha512"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"

	"github.com/acs-agent/acs-agent/agent/broker"
	"github.com/acs-agent/acs-agent/agent/settings"
)

const (
	username = "gate"
	password = "not a secret"
	patience = 10 * time.Second
)

// A site is a broker that can be stopped and started again at the same address.
type site struct {
	address string // host and port
	start   func(t *testing.T) (stop func())
	stop    func()
}

// onEachBroker runs the test on the embedded broker and on Mosquitto.
func onEachBroker(t *testing.T, test func(*testing.T, *site)) {
	for name, build := range map[string]func(*testing.T) *site{"embedded": embedded, "mosquitto": mosquitto} {
		t.Run(name, func(t *testing.T) {
			s := build(t)
			s.restart(t)
			t.Cleanup(func() { s.stop() })
			test(t, s)
		})
	}
}

func (s *site) restart(t *testing.T) {
	t.Helper()
	if s.stop != nil {
		s.stop()
	}
	stop := s.start(t)
	s.stop = sync.OnceFunc(stop)
}

// at gives the address with credentials; through is a line to the broker, or empty for the broker itself.
func (s *site) at(through string) *broker.Address {
	if through == "" {
		through = s.address
	}
	return &broker.Address{URL: "mqtt://" + through, Username: username, Password: settings.NewSecret(password)}
}

func embedded(t *testing.T) *site {
	s := &site{address: freePort(t)}
	s.start = func(t *testing.T) func() {
		e, err := broker.Listen(t.Context(), broker.ListenOptions{
			Address: s.address, Username: username, Password: settings.NewSecret(password),
		})
		if err != nil {
			t.Fatal(err)
		}
		return func() { _ = e.Close() }
	}
	return s
}

// mosquitto runs the real thing, with its sessions on disk. It is skipped where it is not installed, but not in CI.
func mosquitto(t *testing.T) *site {
	program, err := exec.LookPath("mosquitto")
	if err != nil {
		program = "/usr/sbin/mosquitto"
	}
	if _, err := os.Stat(program); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("mosquitto is not installed, and CI is to test with it")
		}
		t.Skip("mosquitto is not installed: only the embedded broker is tested")
	}
	s := &site{address: freePort(t)}
	folder := t.TempDir()
	write := func(name, content string) string {
		file := filepath.Join(folder, name)
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	_, port, _ := net.SplitHostPort(s.address)
	passwords := write("passwords", username+":"+hashed(t)+"\n")
	config := write("mosquitto.conf", fmt.Sprintf(`user root
listener %s 127.0.0.1
allow_anonymous false
password_file %s
persistence true
persistence_location %s/
`, port, passwords, folder))
	s.start = func(t *testing.T) func() {
		var said syncBuffer
		c := exec.CommandContext(t.Context(), program, "-c", config)
		c.Stdout, c.Stderr = &said, &said
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan struct{})
		go func() { defer close(ended); _ = c.Wait() }()
		for end := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
			if conn, err := net.Dial("tcp", s.address); err == nil {
				_ = conn.Close()
				break
			}
			if time.Now().After(end) {
				t.Fatalf("mosquitto does not listen: %s", said.String())
			}
		}
		return func() {
			_ = c.Process.Signal(syscall.SIGTERM) // an orderly end: it saves its sessions
			<-ended
		}
	}
	return s
}

// hashed is the password as Mosquitto keeps it.
func hashed(t *testing.T) string {
	salt := []byte("salt of test") // 12 bytes, as Mosquitto wants it
	key, err := pbkdf2.Key(sha512.New, password, salt, 101, 64)
	if err != nil {
		t.Fatal(err)
	}
	return "$7$101$" + base64.StdEncoding.EncodeToString(salt) + "$" + base64.StdEncoding.EncodeToString(key)
}

type syncBuffer struct {
	mu   sync.Mutex
	text []byte
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.text = append(b.text, p...)
	return len(p), nil
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return string(b.text)
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// A cable leads to a broker and can be pulled out.
type cable struct {
	net.Listener
	to string

	mu    sync.Mutex
	ends  []net.Conn
	all   sync.WaitGroup
	apart bool
}

func newCable(t *testing.T, to string) *cable {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &cable{Listener: l, to: to}
	c.all.Go(c.run)
	t.Cleanup(func() { _ = l.Close(); c.pull(); c.all.Wait() })
	return c
}

func (c *cable) run() {
	for {
		near, err := c.Accept()
		if err != nil {
			return
		}
		far, err := net.Dial("tcp", c.to)
		if err != nil || !c.join(near, far) {
			_ = near.Close()
			if far != nil {
				_ = far.Close()
			}
		}
	}
}

func (c *cable) join(near, far net.Conn) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.apart {
		return false
	}
	c.ends = append(c.ends, near, far)
	for _, way := range [][2]net.Conn{{near, far}, {far, near}} {
		c.all.Go(func() { _, _ = io.Copy(way[0], way[1]); _ = way[0].Close(); _ = way[1].Close() })
	}
	return true
}

// pull cuts the connections and lets none through until plug.
func (c *cable) pull() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.apart = true
	for _, end := range c.ends {
		_ = end.Close()
	}
	c.ends = nil
}

func (c *cable) plug() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.apart = false
}

// publisher is a reader's side of the broker.
type publisher struct {
	t *testing.T
	c paho.Client
}

func publish(t *testing.T, s *site) *publisher {
	t.Helper()
	o, err := s.at("").Options("publisher")
	if err != nil {
		t.Fatal(err)
	}
	c := paho.NewClient(o.SetAutoReconnect(false).SetConnectRetry(false))
	token := c.Connect()
	if <-token.Done(); token.Error() != nil {
		t.Fatal(token.Error())
	}
	t.Cleanup(func() { c.Disconnect(100) })
	return &publisher{t, c}
}

func (p *publisher) send(topic string, qos byte, retained bool, payload string) {
	p.t.Helper()
	token := p.c.Publish(topic, qos, retained, payload)
	select {
	case <-token.Done():
	case <-time.After(patience):
		p.t.Fatal("the broker does not take a message")
	}
	if token.Error() != nil {
		p.t.Fatal(token.Error())
	}
}
