package broker

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"

	"github.com/acs-agent/acs-agent/agent/settings"
)

func listen(t *testing.T, o ListenOptions) *Embedded {
	t.Helper()
	o.Address = "127.0.0.1:0"
	e, err := Listen(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}

// once connects without trying again.
func once(t *testing.T, a *Address, id string) (paho.Client, error) {
	t.Helper()
	o, err := a.Options(id)
	if err != nil {
		t.Fatal(err)
	}
	c := paho.NewClient(o.SetAutoReconnect(false).SetConnectRetry(false))
	token := c.Connect()
	<-token.Done()
	if token.Error() == nil {
		t.Cleanup(func() { c.Disconnect(250) })
	}
	return c, token.Error()
}

func TestEmbeddedBrokerCarriesMessages(t *testing.T) {
	var logged bytes.Buffer
	e := listen(t, ListenOptions{
		Username: "gate", Password: settings.NewSecret("hush"),
		Log: slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{Level: slog.LevelInfo})),
	})
	c, err := once(t, e.Address(), "one")
	if err != nil {
		t.Fatal(err)
	}
	got := make(chan string, 1)
	if token := c.Subscribe("gate/+", 1, func(_ paho.Client, m paho.Message) { got <- string(m.Payload()) }); token.Wait() && token.Error() != nil {
		t.Fatal(token.Error())
	}
	c.Publish("gate/1", 1, false, "5500000001")
	select {
	case payload := <-got:
		if payload != "5500000001" {
			t.Errorf("payload %q", payload)
		}
	case <-time.After(5 * time.Second):
		t.Fatal("no message arrived")
	}
	if logged.Len() > 0 {
		t.Errorf("the broker logs above debug: %s", logged.String())
	}
}

func TestEmbeddedBrokerAsksForThePassword(t *testing.T) {
	e := listen(t, ListenOptions{Username: "gate", Password: settings.NewSecret("hush")})
	for _, wrong := range []*Address{
		{URL: e.Address().URL},
		{URL: e.Address().URL, Username: "gate", Password: settings.NewSecret("hash")},
		{URL: e.Address().URL, Username: "gat", Password: settings.NewSecret("hush")},
	} {
		_, err := once(t, wrong, "one")
		if err == nil {
			t.Fatalf("user %q gets in", wrong.Username)
		}
		want := "broker " + wrong.URL + ": not authorized (check username and password_file)"
		if got := wrong.Explain(err).Error(); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

func TestEmbeddedBrokerRefusesToStandOpen(t *testing.T) {
	for _, o := range []ListenOptions{
		{Address: "0.0.0.0:0"},
		{Address: ":0"},
		{Address: "127.0.0.1"},
		{Address: "127.0.0.1:0", Username: "gate"},
		{Address: "127.0.0.1:0", Password: settings.NewSecret("hush")},
	} {
		if e, err := Listen(t.Context(), o); err == nil {
			_ = e.Close()
			t.Errorf("%+v is let through", o)
		}
	}
}

func TestCloseDoesNotWaitForClientsThatSayNothing(t *testing.T) {
	e, err := Listen(t.Context(), ListenOptions{Address: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", strings.TrimPrefix(e.Address().URL, "mqtt://"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	time.Sleep(20 * time.Millisecond)
	start := time.Now()
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(start); took > 3*time.Second {
		t.Errorf("closing took %v", took)
	}
}

func TestDebugHandlerKeepsPayloadsOut(t *testing.T) {
	var out bytes.Buffer
	log := slog.New(&debugHandler{slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug})})
	log.With("username", "somebody").Warn("error processing packet", "client", "gate-1", "pk", "5500000001", "username", "somebody")
	line := out.String()
	if !strings.Contains(line, "level=DEBUG") || !strings.Contains(line, "client=gate-1") {
		t.Errorf("logged %s", line)
	}
	if strings.Contains(line, "55000") || strings.Contains(line, "somebody") {
		t.Errorf("too much is logged: %s", line)
	}
	if (&debugHandler{slog.NewTextHandler(&out, nil)}).Enabled(context.Background(), slog.LevelError) {
		t.Error("enabled although nobody listens at debug level")
	}
}
