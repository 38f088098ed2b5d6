package broker

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
)

const (
	// publisherQueue is how many messages wait for a broker that is away; then the oldest go. What they tell can be asked of the
	// agent at any time.
	publisherQueue = 256
	publishTime    = 10 * time.Second
)

// A Publisher sends small messages to the broker with QoS 1, one after the other, and never makes anybody wait.
type Publisher struct {
	address  *Address
	clientID string
	log      *slog.Logger
	queue    chan outgoing
}

type outgoing struct {
	topic   string
	payload []byte
}

// NewPublisher makes a publisher; Run sends.
func NewPublisher(address *Address, clientID string, log *slog.Logger) *Publisher {
	return &Publisher{address: address, clientID: clientID, log: log, queue: make(chan outgoing, publisherQueue)}
}

// Publish queues v as JSON.
func (p *Publisher) Publish(topic string, v any) {
	payload, err := json.Marshal(v)
	if err != nil {
		p.log.Error("event cannot be published", "topic", topic, "error", err)
		return
	}
	for {
		select {
		case p.queue <- outgoing{topic, payload}:
			return
		default:
		}
		select {
		case <-p.queue: // the oldest makes room
		default:
		}
	}
}

// Run connects and sends until ctx ends.
func (p *Publisher) Run(ctx context.Context) error {
	o, err := p.address.Options(p.clientID)
	if err != nil {
		return fmt.Errorf("publish over MQTT: %w", err)
	}
	client := paho.NewClient(o)
	client.Connect() // tried again and again by the library, until Disconnect
	defer client.Disconnect(uint(250))
	for {
		select {
		case <-ctx.Done():
			return nil
		case m := <-p.queue:
			if !p.send(ctx, client, m) {
				return nil
			}
		}
	}
}

// send publishes one message as soon as there is a connection; it reports false when ctx ends before.
func (p *Publisher) send(ctx context.Context, client paho.Client, m outgoing) bool {
	const pause = time.Second
	for {
		if client.IsConnectionOpen() {
			token := client.Publish(m.topic, 1, false, m.payload)
			select {
			case <-token.Done():
				if token.Error() == nil {
					return true
				}
			case <-time.After(publishTime):
			case <-ctx.Done():
				return false
			}
		}
		select {
		case <-ctx.Done():
			return false
		case <-time.After(pause):
		}
	}
}
