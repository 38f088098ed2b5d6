package mqtt

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"sync"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
)

const (
	// subscribeTimeout is how long the broker may take to answer a subscription.
	subscribeTimeout = 10 * time.Second
	// handOver is how long the client may take to begin sending one. It is busy only if the line is.
	handOver = 700 * time.Millisecond
	// quiesce is how long the client may take to say good-bye, in milliseconds.
	quiesce = 200
	// refusedSubscription is the broker's answer to a subscription that it does not grant.
	refusedSubscription = 0x80
)

// A connection is one connection to the broker with a client of its own. The library's own reconnecting is not used: it
// sleeps up to half a minute where nothing can wake it, and drops acknowledgements of messages that came before.
type connection struct {
	client paho.Client
	lost   chan error

	mu   sync.Mutex
	conn net.Conn
	over bool
}

// connect opens a connection; what the persistent session holds arrives at once, before any subscription.
func (d *driver) connect(ctx context.Context, in *intake) (*connection, error) {
	o, err := d.env.Broker.Options(d.env.Device + "-readers")
	if err != nil {
		return nil, err
	}
	c := &connection{lost: make(chan error, 1)}
	o.SetCleanSession(false).SetAutoReconnect(false).SetConnectRetry(false)
	o.SetOrderMatters(false).SetAutoAckDisabled(true)
	o.SetWriteTimeout(handOver) // nothing is published; the library waits this long to hand over a subscription
	o.SetDefaultPublishHandler(in.handle)
	o.SetConnectionLostHandler(func(_ paho.Client, err error) { c.lost <- err })
	o.SetCustomOpenConnectionFn(func(*url.URL, paho.ClientOptions) (net.Conn, error) {
		conn, err := d.env.Broker.Dial(ctx)
		if err != nil {
			return nil, err
		}
		conn = &gated{Conn: conn, in: in, closed: make(chan struct{})}
		return conn, c.hold(conn)
	})
	c.client = paho.NewClient(o)
	defer context.AfterFunc(ctx, c.cut)()
	token := c.client.Connect()
	<-token.Done() // ends with ctx: Dial does, and the greeting ends with the connection
	if err := token.Error(); err != nil {
		c.cut()
		return nil, err
	}
	return c, nil
}

// hold keeps the network connection, so that it can be cut.
func (c *connection) hold(conn net.Conn) error {
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
func (c *connection) cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.over = true
	if c.conn != nil {
		_ = c.conn.Close()
	}
}

// close says good-bye, so that acknowledgements on their way arrive, and ends everything that belongs to the connection.
func (c *connection) close() {
	c.client.Disconnect(quiesce)
	c.cut()
}

// subscribe gives the QoS granted for each filter, or refusedSubscription.
func (c *connection) subscribe(ctx context.Context, filters []filter) (map[string]byte, error) {
	defer context.AfterFunc(ctx, c.cut)()
	wanted := make(map[string]byte, len(filters))
	for _, f := range filters {
		wanted[f.String()] = 1
	}
	token := c.client.SubscribeMultiple(wanted, nil)
	timeout := time.NewTimer(subscribeTimeout)
	defer timeout.Stop()
	select {
	case <-token.Done():
	case err := <-c.lost:
		return nil, err
	case <-timeout.C:
		return nil, fmt.Errorf("subscribing: %w", context.DeadlineExceeded)
	}
	if err := token.Error(); err != nil {
		return nil, errors.Join(fmt.Errorf("subscribing: %w", err), c.whyLost())
	}
	granted, ok := token.(*paho.SubscribeToken)
	if !ok {
		return nil, errors.New("subscribing: the client gives no answer")
	}
	return granted.Result(), nil
}

// whyLost gives the reason for which the connection is lost, if the client is about to tell.
func (c *connection) whyLost() error {
	timer := time.NewTimer(quiesce * time.Millisecond)
	defer timer.Stop()
	select {
	case err := <-c.lost:
		return err
	case <-timer.C:
		return nil
	}
}
