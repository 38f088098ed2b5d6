package broker

import (
	"context"
	"errors"
	"net"
	"net/url"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
)

const (
	// keepAlive is how long the line may be silent before either side asks whether the other is still there.
	keepAlive = 30 * time.Second
	// pingTimeout is how long the broker may take to answer that question.
	pingTimeout = 10 * time.Second
	// connectTimeout bounds opening the connection, TLS and the MQTT greeting together.
	connectTimeout = 10 * time.Second
	// writeTimeout bounds each write: a broker that takes nothing any more must not hold the agent.
	writeTimeout = 10 * time.Second
	// retryInterval is the pause between attempts to connect for the first time.
	retryInterval = 10 * time.Second
	// maxRetryInterval is the longest pause between attempts to connect again.
	maxRetryInterval = 30 * time.Second
)

// Options gives the options of a client that speaks MQTT 3.1.1 to the broker and connects again for ever: keep-alive 30 s,
// 10 s to connect and for each write, at most 30 s between attempts. Session, will and handlers are the caller's.
//
// A client with these options sleeps between attempts and cannot be woken: after its Disconnect a goroutine may stay for up
// to 30 s. Who cannot have that turns AutoReconnect and ConnectRetry off, connects in a loop of his own, and lets
// CustomOpenConnectionFn call Dial with his context.
func (a *Address) Options(clientID string) (*paho.ClientOptions, error) {
	u, err := a.parse()
	if err != nil {
		return nil, err
	}
	if clientID == "" {
		return nil, errors.New("an MQTT client without a name cannot keep its session: no client id is given")
	}
	server := *u
	server.Scheme = schemes[u.Scheme].client
	o := paho.NewClientOptions()
	o.Servers = []*url.URL{&server}
	o.SetClientID(clientID)
	o.SetUsername(a.Username)
	o.SetPassword(a.Password.Reveal())
	// An explicit version keeps the client from trying MQTT 3.1 after every refusal, and from staying with it.
	o.SetProtocolVersion(4)
	o.SetKeepAlive(keepAlive)
	o.SetPingTimeout(pingTimeout)
	o.SetConnectTimeout(connectTimeout)
	o.SetWriteTimeout(writeTimeout)
	o.SetAutoReconnect(true)
	o.SetMaxReconnectInterval(maxRetryInterval)
	o.SetConnectRetry(true)
	o.SetConnectRetryInterval(retryInterval)
	o.SetTLSConfig(a.TLS)
	o.SetCustomOpenConnectionFn(func(*url.URL, paho.ClientOptions) (net.Conn, error) {
		return a.Dial(context.Background())
	})
	return o, nil
}
