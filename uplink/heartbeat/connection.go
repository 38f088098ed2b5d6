package heartbeat

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/url"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
)

const (
	// acknowledge is how long the broker may take to confirm messages; then the connection is given up, long before the
	// keep-alive would notice.
	acknowledge = 10 * time.Second
	// handOver is how long the client may take to begin sending a message. It is busy only if the line is.
	handOver = 500 * time.Millisecond
	// farewell is how long the last message may take, handOver included, and quiesce, in milliseconds, the leaving after it.
	// Together they stay below the second in which Run has to end.
	farewell = 650 * time.Millisecond
	quiesce  = 150
)

// A message is one retained message to be; an empty payload takes the one away that is there.
type message struct {
	topic   string
	payload []byte
}

// says is a message with v as JSON.
func says(topic string, v any) (message, error) {
	payload, err := json.Marshal(v)
	if err != nil {
		return message{}, fmt.Errorf("message for %s: %w", topic, err)
	}
	return message{topic, payload}, nil
}

// A link takes messages to the broker. In tests it is none.
type link interface {
	// send returns nil when the broker has confirmed all messages, and the error of ctx when that ends before.
	send(ctx context.Context, messages ...message) error
	// lost gives why the connection broke.
	lost() <-chan error
}

// A connection is one connection to the broker with a client of its own. The library's own reconnecting is not used: it sleeps
// where nothing can wake it, and would keep messages that are old by the time they can be sent.
type connection struct {
	client paho.Client
	conn   net.Conn
	broken chan error
}

// greet logs in over conn, with the last will. It owns conn.
func (h *heartbeat) greet(ctx context.Context, conn net.Conn, will message) (*connection, error) {
	c := &connection{conn: conn, broken: make(chan error, 1)}
	o, err := h.broker.Options(h.device + "-heartbeat")
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	o.SetCleanSession(true).SetAutoReconnect(false).SetConnectRetry(false)
	o.SetWriteTimeout(handOver) // that is what the library means by it; each write to the line is bounded by the connection
	o.SetBinaryWill(will.topic, will.payload, 1, true)
	o.SetConnectionLostHandler(func(_ paho.Client, err error) { c.broken <- err })
	o.SetCustomOpenConnectionFn(func(*url.URL, paho.ClientOptions) (net.Conn, error) { return conn, nil })
	c.client = paho.NewClient(o)
	defer context.AfterFunc(ctx, c.cut)()
	token := c.client.Connect()
	<-token.Done() // the library bounds the greeting, and it ends with the connection
	if err := token.Error(); err != nil {
		c.cut()
		return nil, err
	}
	return c, nil
}

func (c *connection) lost() <-chan error { return c.broken }

func (c *connection) send(ctx context.Context, messages ...message) error {
	tokens := make([]paho.Token, 0, len(messages))
	for _, m := range messages {
		token := c.client.Publish(m.topic, 1, true, m.payload)
		if token.Error() != nil {
			return c.why(token.Error())
		}
		tokens = append(tokens, token)
	}
	limit := time.NewTimer(acknowledge)
	defer limit.Stop()
	for _, token := range tokens {
		select {
		case <-token.Done():
			if token.Error() != nil {
				return c.why(token.Error())
			}
		case err := <-c.broken:
			return err
		case <-limit.C:
			return fmt.Errorf("messages are not confirmed: %w", context.DeadlineExceeded)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// why gives the reason for which the connection broke, if the client is about to tell; otherwise what it said of a message.
func (c *connection) why(said error) error {
	timer := time.NewTimer(quiesce * time.Millisecond)
	defer timer.Stop()
	select {
	case err := <-c.broken:
		return err
	case <-timer.C:
		return said
	}
}

// leave publishes the last message and says good-bye. If the broker does not confirm it in time the connection is cut, so that
// the will speaks.
func (c *connection) leave(last message) {
	ctx, cancel := context.WithTimeout(context.Background(), farewell)
	defer cancel()
	if c.send(ctx, last) == nil {
		c.client.Disconnect(quiesce)
	}
	c.cut()
}

// cut ends the connection without a word.
func (c *connection) cut() { _ = c.conn.Close() }
