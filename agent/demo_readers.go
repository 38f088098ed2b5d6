package main

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/creack/pty"
	paho "github.com/eclipse/paho.mqtt.golang"

	"github.com/acs-agent/acs-agent/agent/broker"
)

const (
	// demoPause lies between two people at one reader. With eight people the same card comes back after seven seconds, which is
	// longer than the repeat time.
	demoPause = 900 * time.Millisecond
	// demoField is how often an RDM6300 repeats the number of a card that lies in its field.
	demoField = 60 * time.Millisecond
)

// demoReader is a simulated reader: the bytes are those of the real one.
type demoReader struct {
	index        int
	name, kind   string
	organization string
	note         string
	settings     string
	// dial makes the reader ready once the agent listens.
	dial func(context.Context) error
	// show sends what the reader would send for a card.
	show func(card) error
	ends []io.Closer

	mu    sync.Mutex
	count int
	last  string
	err   error
}

// openReaders makes the four readers. Those on MQTT connect later, to the broker inside the agent.
func openReaders(brokerAddress string) (all []*demoReader, err error) {
	rdm, err := newSerialReader("gate-1", "rdm6300", showRDM6300)
	if err != nil {
		return nil, err
	}
	iron, err := newSerialReader("gate-2", "ironlogic", showIronLogic)
	if err != nil {
		return []*demoReader{rdm}, err
	}
	esp := newMQTTReader("gate-3", "esp-rfid", brokerAddress, "rfid/gate-3", func(c card) string {
		return fmt.Sprintf(`{"type":"access","time":%d,"isKnown":"true","access":"Always","username":"demo","uid":"%08x","hostname":"gate-3"}`,
			time.Now().Unix(), c.number())
	})
	tasmota := newMQTTReader("gate-4", "tasmota", brokerAddress, "tele/gate-4/SENSOR", func(c card) string {
		return fmt.Sprintf(`{"Time":%q,"Wiegand":{"UID":%d,"Size":34}}`, time.Now().Format("2006-01-02T15:04:05"), c.number())
	})
	all = []*demoReader{rdm, iron, esp, tasmota}
	for i, r := range all {
		r.index = i
		r.note = fmt.Sprintf("Gate %d", i+1)
		r.organization = []string{"school", "hall"}[i/2]
	}
	return all, nil
}

func newSerialReader(name, kind string, show func(io.Writer, card) error) (*demoReader, error) {
	here, there, err := pty.Open()
	if err != nil {
		return nil, fmt.Errorf("open a pseudo-terminal: %w", err)
	}
	if err := there.Close(); err != nil { // the agent opens it by its name
		return nil, err
	}
	return &demoReader{
		name: name, kind: kind, settings: "type: " + kind + ", port: " + there.Name(),
		dial: func(context.Context) error { return nil },
		show: func(c card) error { return show(here, c) },
		ends: []io.Closer{here},
	}, nil
}

// showRDM6300 sends the frame of an RDM6300 as often as the module does while a card lies there for a moment.
func showRDM6300(w io.Writer, c card) error {
	sum := byte(0)
	for _, b := range c {
		sum ^= b
	}
	for range 4 {
		if _, err := fmt.Fprintf(w, "\x02%s%02X\x03", c.hex(), sum); err != nil {
			return err
		}
		time.Sleep(demoField) //nolint:forbidigo // a few of these are shorter than any wait for a context
	}
	return nil
}

// showIronLogic sends the two lines of a Z-2 USB: the card comes, the card goes.
func showIronLogic(w io.Writer, c card) error {
	_, err := fmt.Fprintf(w, "Em-Marine[%02X%02X] %s\r\nNo card\r\n", c[0], c[1], c.short())
	return err
}

func newMQTTReader(name, format, address, topic string, payload func(card) string) *demoReader {
	r := &demoReader{name: name, kind: "mqtt/" + format, settings: fmt.Sprintf("type: mqtt, topic: %s, format: %s", topic, format)}
	const patience = 10 * time.Second
	var client paho.Client
	r.dial = func(context.Context) error {
		o, err := (&broker.Address{URL: "mqtt://" + address}).Options("demo-" + name)
		if err != nil {
			return err
		}
		client = paho.NewClient(o)
		if t := client.Connect(); !t.WaitTimeout(patience) || t.Error() != nil {
			return fmt.Errorf("connect to the broker: %w", t.Error())
		}
		r.ends = append(r.ends, closer(func() { client.Disconnect(100) }))
		return nil
	}
	r.show = func(c card) error {
		// With QoS 1 the broker's acknowledgement can be waited for. The devices themselves are content with QoS 0.
		if t := client.Publish(topic, 1, false, payload(c)); !t.WaitTimeout(patience) || t.Error() != nil {
			return fmt.Errorf("publish: %w", t.Error())
		}
		return nil
	}
	return r
}

type closer func()

func (c closer) Close() error { c(); return nil }

// present shows one card after the other until ctx ends.
func (r *demoReader) present(ctx context.Context, c *crowd) {
	for n := 0; ctx.Err() == nil; n++ {
		shown := c.next(r.index, n)
		err := r.show(shown)
		r.mu.Lock()
		r.count, r.last, r.err = r.count+1, shown.short(), err
		r.mu.Unlock()
		if err != nil {
			return
		}
		c.count()
		select {
		case <-ctx.Done():
		case <-time.After(demoPause):
		}
	}
}

// seen is how many cards the reader was shown, and the last of them.
func (r *demoReader) seen() (count int, last string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.count, r.last
}

// close takes the reader away. An error that it had is told now.
func (r *demoReader) close() error {
	for _, e := range r.ends {
		_ = e.Close() // nothing is kept there
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err != nil {
		return fmt.Errorf("reader %s: %w", r.name, r.err)
	}
	return nil
}
