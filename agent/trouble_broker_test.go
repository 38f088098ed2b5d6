//go:build unix

package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"

	"github.com/acs-agent/acs-agent/agent/broker"
	"github.com/acs-agent/acs-agent/agent/health"
	"github.com/acs-agent/acs-agent/agent/settings"
)

const (
	doorUser, doorPassword   = "door", "password-of-the-door"
	agentUser, agentPassword = "trouble", "password-of-the-agent"
)

// mqttReader is a reader at the broker, to which the agent logs in.
func mqttReader(address string) string {
	return fmt.Sprintf(`mqtt: {broker: "mqtt://%s", username: %s, password_file: mqtt.password}
readers: [{name: gate-3, type: mqtt, topic: rfid/gate-3, format: esp-rfid, organization: school}]
`, address, agentUser)
}

func TestTheBrokerIsNotThere(t *testing.T) {
	t.Parallel()
	address := freeAddress(t)
	g := newGateway(t, mqttReader(address))
	g.write("mqtt.password", agentPassword)
	g.openPortal()
	g.start()
	g.troubled(health.Reader, "gate-3", exitFailed, "broker mqtt://"+address+": nothing listens there", "is the broker running, and is the port right?")
	g.warnedOnce(health.Reader, "gate-3")

	b := newTestBroker(t, address)
	b.start(agentPassword)
	g.works(health.Reader, "gate-3")
	g.publish(b, 1)
	g.arrived()
	g.fine()
}

// What readers publish while the broker does not let the agent in stays with the broker.
func TestTheBrokerRefusesThePassword(t *testing.T) {
	t.Parallel()
	b := newTestBroker(t, freeAddress(t))
	b.start(agentPassword)
	g := newGateway(t, mqttReader(b.address))
	g.write("mqtt.password", agentPassword)
	g.openPortal()
	g.start()
	g.works(health.Reader, "gate-3")
	g.publish(b, 1)
	g.arrived()

	b.setPassword("password-of-next-year")
	g.troubled(health.Reader, "gate-3", exitFailed, "broker mqtt://"+b.address+": not authorized", "check username and password_file")
	if b.program != "" { // the broker of our own forgets when it is started again
		g.publish(b, 2)
		g.publish(b, 3)
	}
	g.await("it is tried again", func() bool { return countLines(g.log(), "still does not work", "not authorized") > 0 })
	if n := countLines(g.log(), "level=WARN", "not authorized"); n != 1 {
		t.Errorf("%d warnings, want 1", n)
	}
	if strings.Contains(g.log(), agentPassword) {
		t.Error("the password is in the log")
	}

	b.setPassword(agentPassword)
	g.works(health.Reader, "gate-3")
	g.publish(b, 4)
	g.arrived()
	g.fine()
}

// publish shows the card of a person to the reader on MQTT, and waits until the broker has the message.
func (g *gateway) publish(b *testBroker, n int) {
	g.t.Helper()
	p := e2ePerson(n)
	b.publish("rfid/gate-3", fmt.Sprintf(`{"type":"access","time":%d,"isKnown":"true","access":"Always","username":"x","uid":"%08x"}`,
		time.Now().Unix(), p.card.number()))
	g.shown = append(g.shown, p)
}

// A testBroker asks for passwords. It is Mosquitto, or where there is none the broker that the agent brings along.
type testBroker struct {
	t       *testing.T
	address string
	program string // empty for the broker of our own
	dir     string
	child   *child
	own     *broker.Embedded
	shared  string // the password of the one user that our own knows
}

func newTestBroker(t *testing.T, address string) *testBroker {
	t.Helper()
	b := &testBroker{t: t, address: address, dir: shortFolder(t)}
	for _, name := range []string{"mosquitto", "/usr/sbin/mosquitto"} {
		if program, err := exec.LookPath(name); err == nil && b.program == "" {
			b.program = program
		}
	}
	if b.program == "" && os.Getenv("CI") == "true" {
		t.Fatal("Mosquitto is not installed, and in CI nothing may be left out")
	}
	return b
}

// start starts the broker; the agent has to log in with this password.
func (b *testBroker) start(password string) {
	b.t.Helper()
	if b.program == "" {
		b.startOwn(password)
		return
	}
	host, port, _ := net.SplitHostPort(b.address)
	config := filepath.Join(b.dir, "mosquitto.conf")
	// As root Mosquitto gives up its rights, and would not be able to read the passwords again.
	text := fmt.Sprintf("user root\nlistener %s %s\nallow_anonymous false\npassword_file %s\n", port, host, b.passwords())
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		b.t.Fatal(err)
	}
	b.writePasswords(password)
	child, err := launch(exec.Command(b.program, "-c", config), filepath.Join(b.dir, "mosquitto.log"))
	if err != nil {
		b.t.Fatal(err)
	}
	b.child = child
	b.t.Cleanup(child.kill)
	for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		if c, err := net.Dial("tcp", b.address); err == nil {
			_ = c.Close()
			return
		}
		if time.Now().After(deadline) {
			log, _ := os.ReadFile(filepath.Join(b.dir, "mosquitto.log"))
			b.t.Fatalf("Mosquitto does not listen:\n%s", log)
		}
	}
}

// setPassword changes the password of the agent.
func (b *testBroker) setPassword(password string) {
	b.t.Helper()
	if b.program == "" {
		if err := b.own.Close(); err != nil {
			b.t.Fatal(err)
		}
		b.startOwn(password)
		return
	}
	b.writePasswords(password)
	if err := b.child.cmd.Process.Signal(syscall.SIGHUP); err != nil { // read the passwords again
		b.t.Fatal(err)
	}
}

func (b *testBroker) passwords() string { return filepath.Join(b.dir, "passwords") }

func (b *testBroker) writePasswords(agent string) {
	b.t.Helper()
	if err := os.RemoveAll(b.passwords()); err != nil {
		b.t.Fatal(err)
	}
	for user, password := range map[string]string{doorUser: doorPassword, agentUser: agent} {
		args := []string{"-b", b.passwords(), user, password}
		if _, err := os.Stat(b.passwords()); err != nil {
			args = append([]string{"-c"}, args...)
		}
		if out, err := exec.Command("mosquitto_passwd", args...).CombinedOutput(); err != nil {
			b.t.Fatalf("mosquitto_passwd: %v\n%s", err, out)
		}
	}
}

// startOwn starts the broker that the agent brings along. It knows one user only, whom agent and door share.
func (b *testBroker) startOwn(password string) {
	b.t.Helper()
	own, err := broker.Listen(context.Background(), broker.ListenOptions{
		Address: b.address, Username: agentUser, Password: settings.NewSecret(password),
	})
	if err != nil {
		b.t.Fatal(err)
	}
	if b.own == nil {
		b.t.Cleanup(func() {
			if err := b.own.Close(); err != nil {
				b.t.Error(err)
			}
		})
	}
	b.own, b.shared = own, password
}

// publish sends a message as a reader does, and returns when the broker has taken it.
func (b *testBroker) publish(topic, payload string) {
	b.t.Helper()
	from := broker.Address{URL: "mqtt://" + b.address, Username: doorUser, Password: settings.NewSecret(doorPassword)}
	if b.own != nil {
		from.Username, from.Password = agentUser, settings.NewSecret(b.shared)
	}
	o, err := from.Options("door")
	if err != nil {
		b.t.Fatal(err)
	}
	client := paho.NewClient(o)
	if token := client.Connect(); !token.WaitTimeout(patience) || token.Error() != nil {
		b.t.Fatalf("the door cannot connect: %v", token.Error())
	}
	defer client.Disconnect(100)
	if token := client.Publish(topic, 1, false, payload); !token.WaitTimeout(patience) || token.Error() != nil {
		b.t.Fatalf("the door cannot publish: %v", token.Error())
	}
}
