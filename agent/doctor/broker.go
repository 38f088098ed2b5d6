package doctor

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/url"
	"sync"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
	"github.com/eclipse/paho.mqtt.golang/packets"

	"github.com/acs-agent/acs-agent/agent/broker"
	"github.com/acs-agent/acs-agent/uplink"
)

// A BrokerVisit logs in to the MQTT broker and out again. It subscribes to nothing and publishes nothing, and its client id is none
// of the agent's, whose connections would be cut otherwise.
type BrokerVisit struct {
	Address *broker.Address
	// ClientID is the name that is told to the broker.
	ClientID string
	// Own: the broker is the agent's, which does not run.
	Own bool
}

// Look takes down whether the broker lets us in.
func (b *BrokerVisit) Look(ctx context.Context, s *Sheet) {
	const subject = "broker"
	if b.Own {
		s.Unseen(subject, "start the agent", "it is a part of the agent, which does not run")
		return
	}
	address := *b.Address
	var seen seenTLS
	address.TLS = seen.watch(address.TLS)
	began := time.Now()
	err := login(ctx, &address, b.ClientID)
	if state := seen.state(); state != nil {
		take(s, subject, uplink.Certificates(state, time.Now()))
	}
	switch {
	case err == nil:
		s.Good(subject, "%s lets us in, after %s", b.Address, time.Since(began).Round(time.Millisecond))
	case errors.Is(err, packets.ErrorRefusedIDRejected):
		s.Unseen(subject, "see what the running agent says of its readers", "it answers, but does not know the client id %s, which only the doctor has", b.ClientID)
	default:
		person := errors.Is(err, packets.ErrorRefusedNotAuthorised) || errors.Is(err, packets.ErrorRefusedBadUsernameOrPassword) ||
			errors.Is(err, packets.ErrorRefusedBadProtocolVersion)
		s.Failed(subject, Wrong, person || isCertificate(err), b.Address.Explain(err))
	}
}

func isCertificate(err error) bool {
	var checked *tls.CertificateVerificationError
	return errors.As(err, &checked)
}

// login connects with a session that ends with the connection.
func login(ctx context.Context, a *broker.Address, clientID string) error {
	o, err := a.Options(clientID)
	if err != nil {
		return err
	}
	o.SetCleanSession(true)
	o.SetAutoReconnect(false)
	o.SetConnectRetry(false)
	// The client tells what the broker refuses, but not why it could not be reached.
	var mu sync.Mutex
	var dialled error
	o.SetCustomOpenConnectionFn(func(*url.URL, paho.ClientOptions) (net.Conn, error) {
		conn, err := a.Dial(ctx)
		mu.Lock()
		defer mu.Unlock()
		dialled = err
		return conn, err
	})
	client := paho.NewClient(o)
	token := client.Connect()
	defer client.Disconnect(100)
	select {
	case <-token.Done():
	case <-ctx.Done():
		return ctx.Err()
	}
	mu.Lock()
	defer mu.Unlock()
	if dialled != nil {
		return dialled
	}
	return token.Error()
}

// seenTLS keeps what a handshake has shown.
type seenTLS struct {
	mu   sync.Mutex
	seen *tls.ConnectionState
}

// watch gives the settings of TLS with an eye on them.
func (s *seenTLS) watch(c *tls.Config) *tls.Config {
	if c == nil {
		c = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	c = c.Clone()
	c.VerifyConnection = func(state tls.ConnectionState) error {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.seen = &state
		return nil
	}
	return c
}

func (s *seenTLS) state() *tls.ConnectionState {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seen
}
