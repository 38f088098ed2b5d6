// Package broker reaches the MQTT broker: the address and credentials of the configuration turned into client options, and
// the broker that can be embedded in the agent where the site has none.
package broker

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"

	"github.com/acs-agent/acs-agent/agent/settings"
)

// Address says where the MQTT broker is and how to log in.
type Address struct {
	// URL has the scheme mqtt, mqtts, ws or wss. The port is 1883, 8883, 80 or 443 if none is given, and the path of ws and
	// wss is /mqtt.
	URL      string
	Username string
	Password settings.Secret
	// TLS is used for mqtts and wss; nil means the system's roots.
	TLS *tls.Config
}

// example ends every refusal of an address.
const example = "write for example mqtts://broker.example:8883"

// schemes are those of the configuration, with what the MQTT client calls them and the port that belongs to them.
var schemes = map[string]struct {
	client, port string
	web          bool
}{
	"mqtt":  {client: "tcp", port: "1883"},
	"mqtts": {client: "ssl", port: "8883"},
	"ws":    {client: "ws", port: "80", web: true},
	"wss":   {client: "wss", port: "443", web: true},
}

// String is the URL without anything secret.
func (a *Address) String() string {
	u, err := url.Parse(a.URL)
	if err != nil || u.Host == "" { // what stands there instead may be a password
		return "(unreadable address)"
	}
	u.User = nil
	return u.String()
}

// Check says what is wrong with the address. It opens no connection.
func (a *Address) Check() error {
	_, err := a.parse()
	return err
}

// parse gives the URL with port and path filled in, its scheme as the configuration has it.
func (a *Address) parse() (*url.URL, error) {
	if strings.TrimSpace(a.URL) == "" {
		return nil, errors.New("no broker address is given: " + example)
	}
	if !strings.Contains(a.URL, "://") {
		return nil, errors.New("the broker address does not begin with mqtt://, mqtts://, ws:// or wss://: " + example)
	}
	u, err := url.Parse(a.URL)
	if err != nil { // its text would repeat the address, and with it a password that somebody wrote there
		return nil, errors.New("the broker address is no URL: " + example)
	}
	scheme, known := schemes[u.Scheme]
	switch {
	case !known:
		return nil, fmt.Errorf("the broker address begins with %s://, but must begin with mqtt://, mqtts://, ws:// or wss://", u.Scheme)
	case u.User != nil:
		return nil, errors.New("the broker address holds a user name: write it under username and the password into password_file")
	case u.Hostname() == "":
		return nil, errors.New("the broker address names no host: " + example)
	case !scheme.web && strings.Trim(u.Path, "/") != "":
		return nil, fmt.Errorf("the broker address ends with %s, but only ws:// and wss:// addresses have a path", u.Path)
	case u.RawQuery != "" || u.Fragment != "":
		return nil, errors.New("the broker address has something behind ? or #, which means nothing here: " + example)
	case a.Username == "" && !a.Password.IsZero():
		return nil, errors.New("a password is given for the broker, but no username")
	}
	if u.Port() == "" {
		u.Host = net.JoinHostPort(u.Hostname(), scheme.port)
	}
	if scheme.web && u.Path == "" {
		u.Path = "/mqtt"
	}
	return u, nil
}
