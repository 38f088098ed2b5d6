// Package broker reaches the MQTT broker: the address and credentials of the configuration turned into client options, and
// the broker that can be embedded in the agent where the site has none.
package broker

import (
	"crypto/tls"

	"github.com/acs-agent/acs-agent/agent/settings"
)

// Address says where the MQTT broker is and how to log in.
type Address struct {
	// URL has the scheme mqtt, mqtts, ws or wss; the port is 1883 or 8883 if none is given.
	URL      string
	Username string
	Password settings.Secret
	// TLS is used for mqtts and wss; nil means the system's roots.
	TLS *tls.Config
}
