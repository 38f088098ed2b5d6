package fleet

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/url"
	"sync"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"

	"github.com/acs-agent/acs-agent/agent/broker"
	"github.com/acs-agent/acs-agent/uplink/heartbeat"
)

const (
	// subscribeTime is how long the broker may take to answer the subscription.
	subscribeTime = 10 * time.Second
	// quiesce is how long the client may take to say good-bye, in milliseconds.
	quiesce = 100
	// quiet is how long nothing that the broker had kept has to come until all of it has.
	quiet = time.Second
	// notGranted is the broker's answer to a subscription that it does not grant.
	notGranted = 0x80
)

// ErrNotGranted is the broker's refusal to tell this user about the devices.
var ErrNotGranted = errors.New("the broker does not let this user read what devices say (allow the user to read acs/#)")

// A Connection hears what devices say until it is lost or closed.
type Connection struct {
	client  paho.Client
	lost    chan error
	settled chan struct{}

	mu   sync.Mutex
	conn net.Conn
	over bool
	// calm closes settled when nothing has come for a while; nil before the subscription.
	calm *time.Timer
}

// Connect connects to the broker and asks for all that the device says; "+" stands for all devices. take is called for one
// message after the other, in the order in which they come, and must not wait for long. ctx bounds the making of the
// connection and its life.
func Connect(ctx context.Context, to *broker.Address, device string, take func(Message)) (*Connection, error) {
	o, err := to.Options("acs-fleet-" + rand.Text()) // several people may look at a time
	if err != nil {
		return nil, err
	}
	c := &Connection{lost: make(chan error, 1), settled: make(chan struct{})}
	o.SetCleanSession(true).SetAutoReconnect(false).SetConnectRetry(false)
	o.SetConnectionLostHandler(func(_ paho.Client, err error) { c.lost <- err })
	o.SetCustomOpenConnectionFn(func(*url.URL, paho.ClientOptions) (net.Conn, error) {
		conn, err := to.Dial(ctx)
		if err != nil {
			return nil, err
		}
		return conn, c.hold(conn)
	})
	o.SetDefaultPublishHandler(func(_ paho.Client, m paho.Message) {
		take(Message{Topic: m.Topic(), Payload: m.Payload(), Retained: m.Retained(), At: time.Now()})
		if m.Retained() {
			c.stir()
		}
	})
	c.client = paho.NewClient(o)
	stop := context.AfterFunc(ctx, c.cut)
	token := c.client.Connect()
	<-token.Done() // ends with ctx: Dial does, and the greeting ends with the connection
	err = token.Error()
	if err == nil {
		err = c.subscribe(device)
	}
	if err != nil {
		stop()
		c.Close()
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, err
	}
	return c, nil
}

// subscribe asks for what is retained and for what comes. With QoS 0, because that is what brokers do not count: of the retained
// messages of 10,000 devices Mosquitto sends 1,020 with QoS 1, which is as many as it keeps waiting for a client, and drops the
// rest without a word. What QoS 0 loses on a connection that breaks comes anew after it.
func (c *Connection) subscribe(device string) error {
	filters := map[string]byte{heartbeat.StateTopic(device): 0, heartbeat.Topic(device): 0, heartbeat.AlertTopic(device, "+"): 0}
	token := c.client.SubscribeMultiple(filters, nil)
	timeout := time.NewTimer(subscribeTime)
	defer timeout.Stop()
	select {
	case <-token.Done():
	case err := <-c.lost:
		return err
	case <-timeout.C:
		return fmt.Errorf("subscribing: %w", context.DeadlineExceeded)
	}
	if err := token.Error(); err != nil {
		return fmt.Errorf("subscribing: %w", err)
	}
	if granted, ok := token.(*paho.SubscribeToken); ok {
		for _, answer := range granted.Result() {
			if answer == notGranted {
				return ErrNotGranted
			}
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calm = time.AfterFunc(quiet, func() { close(c.settled) })
	return nil
}

// stir notes that the broker is not yet done with what it had kept.
func (c *Connection) stir() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.calm != nil && c.calm.Stop() {
		c.calm.Reset(quiet)
	}
}

// Settled is closed when all that the broker had kept has come, as far as can be seen: for a second there was no more of it.
func (c *Connection) Settled() <-chan struct{} { return c.settled }

// Lost gives the reason when the connection breaks; at the end of its context it says nothing.
func (c *Connection) Lost() <-chan error { return c.lost }

// Close ends the connection; take is not called any more afterwards.
func (c *Connection) Close() {
	c.client.Disconnect(quiesce)
	c.cut()
}

// hold keeps the network connection, so that it can be cut.
func (c *Connection) hold(conn net.Conn) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.over {
		_ = conn.Close()
		return context.Canceled
	}
	c.conn = conn
	return nil
}

// cut ends the connection without a word.
func (c *Connection) cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.over = true
	if c.calm != nil {
		c.calm.Stop()
	}
	if c.conn != nil {
		_ = c.conn.Close()
	}
}
