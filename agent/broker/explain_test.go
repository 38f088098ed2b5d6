package broker

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/eclipse/paho.mqtt.golang/packets"

	"github.com/acs-agent/acs-agent/agent/health"
)

// saying connects to url and gives what Explain makes of the failure.
func saying(t *testing.T, a *Address) string {
	t.Helper()
	_, err := once(t, a, "gate-1")
	if err == nil {
		t.Fatalf("%s can be reached", a)
	}
	told := a.Explain(err)
	if !errors.Is(told, err) {
		t.Errorf("%v no longer wraps %v", told, err)
	}
	return told.Error()
}

func TestExplainRefusedPort(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	_ = l.Close()
	got := saying(t, &Address{URL: "mqtt://" + address})
	if want := "broker mqtt://" + address + ": nothing listens there (is the broker running, and is the port right?)"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestExplainTLS(t *testing.T) {
	server := httptest.NewTLSServer(http.NotFoundHandler())
	defer server.Close()
	server.Config.ErrorLog = nil
	address := strings.TrimPrefix(server.URL, "https://")
	plain := listen(t, ListenOptions{}).Address().URL
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	trusting := func() *tls.Config { return &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12} }
	named := trusting()
	named.ServerName = "broker.invalid"
	unset, ahead := trusting(), trusting()
	unset.Time = func() time.Time { return server.Certificate().NotBefore.Add(-time.Hour) }
	ahead.Time = func() time.Time { return server.Certificate().NotAfter.Add(time.Hour) }
	for name, c := range map[string]struct {
		address Address
		want    string
	}{
		"not trusted":      {Address{URL: "mqtts://" + address}, "is not trusted"},
		"clock behind":     {Address{URL: "mqtts://" + address, TLS: unset}, "is not valid today (check the clock of this device"},
		"clock ahead":      {Address{URL: "mqtts://" + address, TLS: ahead}, "is not valid today (check the clock of this device"},
		"other name":       {Address{URL: "mqtts://" + address, TLS: named}, "is for another name"},
		"port without TLS": {Address{URL: "mqtts://" + strings.TrimPrefix(plain, "mqtt://")}, "closed the connection"},
		"web, no socket":   {Address{URL: "wss://" + address, TLS: trusting()}, "404 Not Found"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := saying(t, &c.address); !strings.Contains(got, c.want) {
				t.Errorf("%s: want %q in it", got, c.want)
			}
		})
	}
}

func TestExplainNamesAndSilence(t *testing.T) {
	a := Address{URL: "mqtt://broker.invalid"}
	codes := map[string]health.Code{
		"not authorized":                       health.KeyRefused,
		"refuses the client id":                health.BrokerRefused,
		"does not speak MQTT":                  health.BrokerStrange,
		"nothing listens there":                health.Refused,
		"closed the connection":                health.Cut,
		"the name of the host is not known":    health.NoName,
		"the name server does not answer":      health.NoName,
		"no answer":                            health.Timeout,
		"what answers there does not speak TL": health.TLS,
		"is not valid today":                   health.ClockWrong,
		"something else":                       health.Failing,
	}
	for want, err := range map[string]error{
		"not authorized":                       packets.ErrorRefusedNotAuthorised,
		"refuses the client id":                packets.ErrorRefusedIDRejected,
		"does not speak MQTT":                  errFrame,
		"nothing listens there":                errRefused,
		"closed the connection":                errReset,
		"the name of the host is not known":    &net.DNSError{Err: "no such host", Name: "broker.invalid", IsNotFound: true},
		"the name server does not answer":      &net.DNSError{Err: "server misbehaving", Name: "broker.invalid"},
		"no answer":                            context.DeadlineExceeded,
		"what answers there does not speak TL": tls.RecordHeaderError{Msg: "first record does not look like a TLS handshake"},
		"is not valid today":                   x509.CertificateInvalidError{Reason: x509.Expired},
		"something else":                       errors.New("something else"),
	} {
		if got := a.Explain(err).Error(); !strings.Contains(got, want) || !strings.HasPrefix(got, "broker mqtt://broker.invalid: ") {
			t.Errorf("got %s, want %q in it", got, want)
		}
		if code := health.CodeOf(a.Explain(err)); code != string(codes[want]) {
			t.Errorf("%s: code %q, want %q", want, code, codes[want])
		}
	}
	if a.Explain(nil) != nil {
		t.Error("nothing to explain, and yet an explanation")
	}
}

func TestDialEndsWithItsContext(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	a := Address{URL: "mqtts://" + l.Addr().String()} // nobody answers the TLS greeting
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	start := time.Now()
	if _, err := a.Dial(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v", err)
	}
	if took := time.Since(start); took > 3*time.Second {
		t.Errorf("took %v", took)
	}
}
