package config

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"strings"

	"github.com/acs-agent/acs-agent/agent/settings"
)

type documentMQTT struct {
	Broker   string          `yaml:"broker"`
	Listen   string          `yaml:"listen"`
	Username string          `yaml:"username"`
	Password settings.Secret `yaml:"password"`
	CAFile   string          `yaml:"ca_file"`
}

const adviceBroker = "write for example mqtts://broker.example:8883, or embedded where there is no broker"

func (ck *checker) mqtt(n *node) *MQTT {
	d := documentMQTT{Listen: "127.0.0.1:1883"}
	ck.decode(n, "mqtt", "mqtt", &d, shape{})
	m := &MQTT{
		Broker: d.Broker, Listen: d.Listen, Username: d.Username, Password: d.Password, CAFile: ck.file.absolute(d.CAFile),
		Section: &Section{file: ck.file, node: n, field: "mqtt", name: "mqtt"},
	}
	switch d.Broker {
	case "":
		ck.missing("mqtt", "broker", "the address of the broker is missing", adviceBroker)
	case Embedded:
		if problem := listenProblem(d.Listen); problem != "" {
			ck.wrong("mqtt.listen", problem, "write host and port: 127.0.0.1:1883")
		}
		if d.CAFile != "" {
			ck.wrong("mqtt.ca_file", "the embedded broker is reached without TLS", "delete the line")
		}
	default:
		problem, advice := brokerProblem(d.Broker)
		if problem != "" {
			ck.wrong("mqtt.broker", problem, advice)
		}
		if n.get("listen") != nil {
			ck.wrong("mqtt.listen", "only the embedded broker listens", "delete the line, or write broker: embedded")
		}
		ck.certificates(d.CAFile, m.CAFile)
	}
	if d.Username == "" && !d.Password.IsZero() {
		ck.wrong("mqtt.username", "there is a password but no user name", "write username: with the name that the broker knows")
	}
	return m
}

func (ck *checker) certificates(name, path string) {
	if name == "" {
		return
	}
	const advice = "write the name of a file with certificates in PEM; a relative name counts from the folder of the configuration"
	switch info, err := os.Stat(path); {
	case errors.Is(err, fs.ErrNotExist):
		ck.wrong("mqtt.ca_file", "there is no file "+name, advice)
	case err != nil:
		ck.wrong("mqtt.ca_file", fmt.Sprintf("the file %s cannot be read: %v", name, reason(err)), advice)
	case info.IsDir():
		ck.wrong("mqtt.ca_file", name+" is a folder", advice)
	}
}

// instead are the schemes that other programs use for ours.
var instead = map[string]string{"tcp": "mqtt", "ssl": "mqtts", "tls": "mqtts", "http": "ws", "https": "wss"}

// brokerProblem says what is wrong with the address of a broker. It never quotes a password.
func brokerProblem(address string) (problem, advice string) {
	scheme, rest, found := strings.Cut(address, "://")
	if strings.Contains(address, "@") {
		return "user name and password do not belong into the address", "write username: and password_file: below it"
	}
	if !found {
		return fmt.Sprintf("%q does not begin with mqtt:// or mqtts://", address), "write mqtt://" + address
	}
	switch ours, known := instead[scheme]; {
	case known:
		return fmt.Sprintf("%s:// is not known here", scheme), fmt.Sprintf("write %s://%s", ours, rest)
	case scheme != "mqtt" && scheme != "mqtts" && scheme != "ws" && scheme != "wss":
		return fmt.Sprintf("%s:// is not known here", scheme), adviceBroker
	}
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Hostname() == "":
		return "the address names no host", adviceBroker
	case u.Port() != "" && listenProblem(net.JoinHostPort("x", u.Port())) != "":
		return fmt.Sprintf("%q is no port: ports go from 1 to 65535", u.Port()), adviceBroker
	case strings.HasPrefix(scheme, "mqtt") && (u.Path != "" && u.Path != "/" || u.RawQuery != ""):
		return "there is something behind the host", adviceBroker
	}
	return "", ""
}
