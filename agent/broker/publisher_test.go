package broker

import (
	"context"
	"log/slog"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
)

func TestAPublisherSendsWhatWaitedForTheBrokerAndForgetsTheOldest(t *testing.T) {
	e := listen(t, ListenOptions{Address: "127.0.0.1:0"})
	p := NewPublisher(e.Address(), "publisher", slog.New(slog.DiscardHandler))
	for n := range publisherQueue + 10 {
		p.Publish("acs/test/event/x", map[string]int{"n": n})
	}
	got := make(chan string, 2*publisherQueue)
	client, err := once(t, e.Address(), "listener")
	if err != nil {
		t.Fatal(err)
	}
	if token := client.Subscribe("acs/#", 1, func(_ paho.Client, m paho.Message) { got <- string(m.Payload()) }); !token.WaitTimeout(5*time.Second) || token.Error() != nil {
		t.Fatal(token.Error())
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()
	for n := range publisherQueue {
		select {
		case text := <-got:
			if n == 0 && text != `{"n":10}` {
				t.Errorf("the first message is %s, want that after the ten oldest", text)
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("only %d messages came", n)
		}
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
