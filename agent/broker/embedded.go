package broker

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"log/slog"
	"net"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/listeners"
	"github.com/mochi-mqtt/server/v2/packets"

	"github.com/acs-agent/acs-agent/agent/settings"
)

const (
	// maxClients bounds the connections to the embedded broker: each costs some 100 KiB.
	maxClients = 200
	// maxInflight bounds the QoS 1 messages that are kept for one client, connected or away. Further ones are dropped.
	maxInflight = 8192
	// maxPacket bounds what a client may send at once.
	maxPacket = 256 << 10
	// sysInterval is the time in seconds between the broker's own $SYS messages.
	sysInterval = 60
)

// An Embedded is a small MQTT broker inside the agent, for a site that has none.
//
// It keeps everything in memory. When the agent ends, sessions, subscriptions, retained messages and the messages that were
// on their way to a client are gone; readers connect again by themselves, and what they publish with QoS 0 in between is
// lost. What was acknowledged to the agent's own driver is in the journal and safe. Also, a message that comes in the very
// moment in which its receiver takes up its session again can be lost: the library does not do that in one step. On this
// device, where the driver's connection does not break, that moment is the start of the agent. A site that wants more runs a
// broker of its own beside the agent.
type Embedded struct {
	server *mqtt.Server
	conns  *trackedListener
	given  ListenOptions
}

// ListenOptions say where the embedded broker listens and who may log in.
type ListenOptions struct {
	// Address is host and port. Default: 127.0.0.1:1883, so that only this device reaches it.
	Address string
	// Username and Password are asked of every client if they are set. Without them the broker serves this device only.
	Username string
	Password settings.Secret
	// Log gets what the broker says, all of it at debug level and without any payload or password. nil: nothing is logged.
	Log *slog.Logger
}

// Listen starts an embedded broker. ctx bounds the start only; the broker runs until Close.
func Listen(ctx context.Context, o ListenOptions) (*Embedded, error) {
	if o.Address == "" {
		o.Address = "127.0.0.1:1883"
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if err := o.check(); err != nil {
		return nil, err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", o.Address)
	if err != nil {
		return nil, fmt.Errorf("embedded broker: listening on %s: %w", o.Address, err)
	}
	limits := mqtt.NewDefaultServerCapabilities()
	limits.MaximumClients = maxClients
	limits.MaximumInflight = maxInflight
	limits.MaximumPacketSize = maxPacket
	limits.MaximumMessageExpiryInterval = 0 // nothing that waits for the journal may go by age
	e := &Embedded{
		given: o,
		conns: track(listener, maxClients),
		server: mqtt.New(&mqtt.Options{
			Capabilities:           limits,
			SysTopicResendInterval: sysInterval,
			Logger:                 slog.New(&debugHandler{o.Log.Handler()}),
		}),
	}
	if err := e.start(); err != nil {
		return nil, errors.Join(fmt.Errorf("embedded broker: starting: %w", err), e.Close())
	}
	return e, nil
}

func (e *Embedded) start() error {
	if err := e.server.AddHook(&login{username: e.given.Username, password: e.given.Password}, nil); err != nil {
		return err
	}
	if err := e.server.AddListener(listeners.NewNet("embedded", e.conns)); err != nil {
		return err
	}
	return e.server.Serve()
}

// Address tells a client in this process how to reach the broker.
func (e *Embedded) Address() *Address {
	host, port, err := net.SplitHostPort(e.conns.Addr().String())
	if err != nil {
		host, port = "127.0.0.1", "1883"
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return &Address{URL: "mqtt://" + net.JoinHostPort(host, port), Username: e.given.Username, Password: e.given.Password}
}

// Close ends the broker and every connection to it, and waits until all is over.
func (e *Embedded) Close() error {
	e.conns.closeAll() // first: a client that has not greeted yet would be waited for
	if err := e.server.Close(); err != nil {
		return fmt.Errorf("embedded broker: closing: %w", err)
	}
	return nil
}

func (o *ListenOptions) check() error {
	host, _, err := net.SplitHostPort(o.Address)
	if err != nil {
		return fmt.Errorf("embedded broker: %q is no address to listen on: write for example 127.0.0.1:1883 or 0.0.0.0:1883", o.Address)
	}
	if (o.Username == "") != o.Password.IsZero() {
		return errors.New("embedded broker: username and password belong together: only one of them is set")
	}
	ip := net.ParseIP(host)
	loopback := host == "localhost" || (ip != nil && ip.IsLoopback())
	if !loopback && o.Username == "" {
		return fmt.Errorf("embedded broker: %s is open to the network, where anybody could send passes: set username and password_file", o.Address)
	}
	return nil
}

// login lets in who has the name and the password, or everybody if there are none.
type login struct {
	mqtt.HookBase
	username string
	password settings.Secret
}

func (l *login) ID() string { return "login" }

func (l *login) Provides(b byte) bool {
	return b == mqtt.OnConnectAuthenticate || b == mqtt.OnACLCheck
}

func (l *login) OnConnectAuthenticate(_ *mqtt.Client, pk packets.Packet) bool {
	if l.username == "" {
		return true
	}
	name, password := same(pk.Connect.Username, l.username), same(pk.Connect.Password, l.password.Reveal())
	return name && password // both are compared whatever the first says
}

// OnACLCheck lets clients use every topic but the broker's own, which they may only read.
func (l *login) OnACLCheck(_ *mqtt.Client, topic string, write bool) bool {
	return !write || topic == "" || topic[0] != '$'
}

// same compares without telling by its duration where the difference is.
func same(given []byte, want string) bool {
	x, y := sha256.Sum256(given), sha256.Sum256([]byte(want))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}
