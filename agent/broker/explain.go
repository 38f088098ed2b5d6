package broker

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"

	"github.com/eclipse/paho.mqtt.golang/packets"

	"github.com/acs-agent/acs-agent/agent/health"
)

// Explain puts into words for a technician why the broker could not be reached or the connection was lost, with what to look
// at: "broker mqtts://broker.example:8883: not authorized (check username and password_file)". The error wraps err and has a code.
func (a *Address) Explain(err error) error {
	if err == nil {
		return nil
	}
	problem, advice := a.diagnose(err)
	if problem == "" {
		return coded(&explained{text: fmt.Sprintf("broker %s: %v", a, err), cause: err})
	}
	return coded(&explained{text: fmt.Sprintf("broker %s: %s (%s)", a, problem, advice), cause: err})
}

// coded gives an error the code that its cause does not tell by itself.
func coded(err error) error {
	switch {
	case errors.Is(err, packets.ErrorRefusedNotAuthorised), errors.Is(err, packets.ErrorRefusedBadUsernameOrPassword):
		return health.Coded(health.KeyRefused, err)
	case errors.Is(err, packets.ErrorRefusedIDRejected), errors.Is(err, packets.ErrorRefusedServerUnavailable),
		errors.Is(err, packets.ErrorRefusedBadProtocolVersion):
		return health.Coded(health.BrokerRefused, err)
	case errors.Is(err, errFrame):
		return health.Coded(health.BrokerStrange, err)
	case errors.Is(err, errRefused):
		return health.Coded(health.Refused, err)
	case errors.Is(err, errReset):
		return health.Coded(health.Cut, err)
	}
	return err
}

// explained says one thing and stays recognisable as another.
type explained struct {
	text  string
	cause error
}

func (e *explained) Error() string { return e.text }
func (e *explained) Unwrap() error { return e.cause }

func (a *Address) diagnose(err error) (problem, advice string) {
	if problem, advice = diagnoseGreeting(err); problem != "" {
		return problem, advice
	}
	if problem, advice = diagnoseTLS(err); problem != "" {
		return problem, advice
	}
	var (
		dns     *net.DNSError
		timeout net.Error
	)
	switch {
	case errors.As(err, &dns) && dns.IsNotFound:
		return "the name of the host is not known", "check the spelling of the address and the name server"
	case errors.As(err, &dns):
		return "the name server does not answer", "check the network and the name server"
	case errors.Is(err, errRefused):
		return "nothing listens there", "is the broker running, and is the port right?"
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return "there is no way to the host", "check cable, address and gateway of the network"
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return "no answer", "check the address, and whether a firewall is in between"
	case errors.Is(err, errFrame):
		return "what answers there does not speak MQTT", "check the port"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, errReset):
		return "the broker closed the connection",
			"its log says why; usual reasons: it was restarted, another agent has the same device name, or the port wants TLS"
	}
	return "", ""
}

// diagnoseGreeting knows what the broker says when it does not accept a client.
func diagnoseGreeting(err error) (problem, advice string) {
	switch {
	case errors.Is(err, packets.ErrorRefusedNotAuthorised), errors.Is(err, packets.ErrorRefusedBadUsernameOrPassword):
		return "not authorized", "check username and password_file"
	case errors.Is(err, packets.ErrorRefusedIDRejected):
		return "the broker refuses the client id", "check device and the broker's rules for client ids"
	case errors.Is(err, packets.ErrorRefusedServerUnavailable):
		return "the broker takes no clients at present", "look at the broker's log"
	case errors.Is(err, packets.ErrorRefusedBadProtocolVersion):
		return "the broker refuses MQTT 3.1.1", "switch it on in the broker"
	}
	return "", ""
}

func diagnoseTLS(err error) (problem, advice string) {
	var (
		authority x509.UnknownAuthorityError
		host      x509.HostnameError
		invalid   x509.CertificateInvalidError
		record    tls.RecordHeaderError
		alert     tls.AlertError
	)
	switch {
	case errors.As(err, &host):
		return "the certificate of the broker is for another name", "write the name that stands in the certificate into the address"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "the certificate of the broker is not valid today", "check the clock of this device, then the certificate"
	case errors.As(err, &authority), errors.As(err, &invalid):
		return "the certificate of the broker is not trusted", "give the certificate of its authority under ca_file"
	case errors.As(err, &record):
		return "what answers there does not speak TLS", "use mqtt:// or ws:// for a port without TLS"
	case errors.As(err, &alert):
		return "the broker refused the TLS handshake", "check whether it wants a client certificate"
	}
	return "", ""
}
