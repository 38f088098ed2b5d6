package doctor

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/acs-agent/acs-agent/agent/broker"
	"github.com/acs-agent/acs-agent/agent/settings"
)

func visit(t *testing.T, b *BrokerVisit) string {
	t.Helper()
	return told(t, func(s *Sheet) { b.Look(t.Context(), s) })
}

func TestBrokers(t *testing.T) {
	e, err := broker.Listen(t.Context(), broker.ListenOptions{Address: "127.0.0.1:0", Username: "door", Password: settings.NewSecret("right")})
	if err != nil {
		t.Fatal(err)
	}
	address := e.Address()
	expect(t, visit(t, &BrokerVisit{Address: address, ClientID: "box-doctor"}), "ok broker: mqtt://127.0.0.1:", "lets us in, after ")

	address.Password = settings.NewSecret("wrong-password")
	got := visit(t, &BrokerVisit{Address: address, ClientID: "box-doctor"})
	expect(t, got, "wrong broker: ", "not authorized")
	if strings.Contains(got, "wrong-password") {
		t.Error("the password is told")
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	expect(t, visit(t, &BrokerVisit{Address: address, ClientID: "box-doctor"}), "wrong broker: ", "nothing listens there")
	expect(t, visit(t, &BrokerVisit{Address: address, Own: true}), "unsure broker: it is a part of the agent")
}

func TestTheCertificateOfABroker(t *testing.T) {
	now := time.Now()
	for want, ends := range map[string]time.Time{
		"the certificate of the broker is not valid today": now.Add(-time.Hour),
		"warning broker: the certificate ends in 2 days":   now.Add(3*24*time.Hour - time.Minute),
		"ok broker: TLS 1.3, the certificate is from ":     now.Add(90 * 24 * time.Hour),
	} {
		certificate, roots := selfMade(t, ends)
		l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS13})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		go func() { // until l is closed
			for {
				conn, err := l.Accept()
				if err != nil {
					return
				}
				_ = conn.(*tls.Conn).HandshakeContext(ctx)
				_ = conn.Close()
			}
		}()
		a := &broker.Address{URL: "mqtts://" + l.Addr().String(), TLS: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}}
		got := told(t, func(s *Sheet) { (&BrokerVisit{Address: a, ClientID: "box-doctor"}).Look(ctx, s) })
		expect(t, got, want)
		cancel()
		_ = l.Close()
	}
}

// selfMade is a certificate for 127.0.0.1 that is its own authority.
func selfMade(t *testing.T, ends time.Time) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: ends.Add(-10_000 * time.Hour), NotAfter: ends, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, roots
}
