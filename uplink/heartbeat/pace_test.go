package heartbeat

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"
	"testing"
	"time"

	"github.com/eclipse/paho.mqtt.golang/packets"
)

func TestHowLongIsWaitedAfterWhat(t *testing.T) {
	dial := func(err error) error {
		return fmt.Errorf("connecting: %w", &net.OpError{Op: "dial", Net: "tcp", Err: err})
	}
	for name, c := range map[string]struct {
		err  error
		want setback
	}{
		"nobody listens":           {dial(syscall.ECONNREFUSED), away},
		"no way to the host":       {dial(syscall.EHOSTUNREACH), away},
		"no network":               {dial(syscall.ENETUNREACH), away},
		"no answer":                {dial(context.DeadlineExceeded), away},
		"no name":                  {dial(&net.DNSError{Err: "no such host", IsNotFound: true}), away},
		"wrong password":           {packets.ErrorRefusedBadUsernameOrPassword, refused},
		"not authorised":           {packets.ErrorRefusedNotAuthorised, refused},
		"wrong client id":          {packets.ErrorRefusedIDRejected, refused},
		"another MQTT":             {packets.ErrorRefusedBadProtocolVersion, refused},
		"the broker is busy":       {packets.ErrorRefusedServerUnavailable, troubled},
		"the greeting is cut":      {fmt.Errorf("network error: %w", io.EOF), troubled},
		"the line breaks":          {&net.OpError{Op: "read", Err: syscall.ECONNRESET}, troubled},
		"messages not confirmed":   {fmt.Errorf("messages are not confirmed: %w", context.DeadlineExceeded), troubled},
		"an unknown authority":     {&tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}, refused},
		"another name":             {&tls.CertificateVerificationError{Err: x509.HostnameError{}}, refused},
		"a clock that is not set":  {&tls.CertificateVerificationError{Err: x509.CertificateInvalidError{Reason: x509.Expired}}, troubled},
		"our certificate is wrong": {&net.OpError{Op: "remote error", Err: errors.New("tls: bad certificate")}, refused},
	} {
		t.Run(name, func(t *testing.T) {
			if got := setbackOf(c.err); got != c.want {
				t.Errorf("it is %d, want %d", got, c.want)
			}
		})
	}
	for s, most := range map[setback]time.Duration{away: 700 * time.Millisecond, troubled: 15 * time.Second, refused: time.Minute} {
		for n := range 100 {
			got := normalPace.wait(s, n)
			if got < 600*time.Millisecond || got > most*8/7+time.Millisecond {
				t.Errorf("setback %d, for the time %d: %v", s, n, got)
			}
			if first := n == 0 || s == away; first && got > 801*time.Millisecond {
				t.Errorf("setback %d: %v, and the broker may be back at once", s, got)
			}
		}
	}
}
