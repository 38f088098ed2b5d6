package sandbox

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"time"
)

const day = 24 * time.Hour

// An identity is an authority made for this run and the certificates that it has signed. All share one key, which exists in
// memory only.
type identity struct {
	authority   []byte // DER
	valid       *tls.Certificate
	expired     *tls.Certificate
	notYetValid *tls.Certificate
	otherHost   *tls.Certificate
}

// certificate is the one that a fault asks for, or the valid one.
func (i *identity) certificate(fault Kind) *tls.Certificate {
	switch fault {
	case TLSExpired:
		return i.expired
	case TLSNotYetValid:
		return i.notYetValid
	case TLSOtherHost:
		return i.otherHost
	default:
		return i.valid
	}
}

// newIdentity makes certificates for hosts, which are names or IP addresses.
func newIdentity(hosts []string, now time.Time) (*identity, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	// It spans more than any certificate below, so that one thing alone is wrong with each of the wrong ones.
	root := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		Subject:               pkix.Name{CommonName: "acs-agent sandbox"},
		NotBefore:             now.Add(-100 * day),
		NotAfter:              now.Add(500 * day),
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageCertSign,
	}
	authority, err := x509.CreateCertificate(rand.Reader, root, root, key.Public(), key)
	if err != nil {
		return nil, err
	}
	made := &identity{authority: authority}
	for n, leaf := range []struct {
		into        **tls.Certificate
		hosts       []string
		from, until time.Duration
	}{
		{&made.valid, hosts, -time.Hour, 365 * day},
		{&made.expired, hosts, -90 * day, -day},
		{&made.notYetValid, hosts, 30 * day, 395 * day},
		{&made.otherHost, []string{"elsewhere.invalid"}, -time.Hour, 365 * day},
	} {
		template := &x509.Certificate{
			SerialNumber: big.NewInt(int64(n) + 2),
			Subject:      pkix.Name{CommonName: "acs-agent sandbox, portal"},
			NotBefore:    now.Add(leaf.from),
			NotAfter:     now.Add(leaf.until),
			KeyUsage:     x509.KeyUsageDigitalSignature,
			ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		}
		for _, host := range leaf.hosts {
			if ip := net.ParseIP(host); ip != nil {
				template.IPAddresses = append(template.IPAddresses, ip)
			} else {
				template.DNSNames = append(template.DNSNames, host)
			}
		}
		der, err := x509.CreateCertificate(rand.Reader, template, root, key.Public(), key)
		if err != nil {
			return nil, err
		}
		*leaf.into = &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
	}
	return made, nil
}

// CertificatePEM is the certificate of the authority that clients of ServeTLS have to trust: a private one, made anew in each
// run. It is nil if none can be made, in which case ServeTLS tells why.
func (p *Portal) CertificatePEM() []byte {
	identity, err := p.identity()
	if err != nil {
		return nil
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: identity.authority})
}
