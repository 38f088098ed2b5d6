package web

import (
	"net"
	"net/netip"
	"strings"
	"testing"
)

// FuzzHost holds that no name that somebody can register is taken for an address or for localhost.
func FuzzHost(f *testing.F) {
	for _, seed := range []string{"127.0.0.1:8380", "[::1]", "localhost.", "localhost.evil.example", "127.1", "0x7f.1", "[fe80::1%eth0]:80", "::ffff:127.0.0.1", "[localhost]", "localhost:80:90", ""} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, host string) {
		if !nameless(host) {
			return
		}
		name := host
		if h, _, err := net.SplitHostPort(host); err == nil {
			name = h
		}
		name = strings.ToLower(strings.TrimSuffix(strings.Trim(name, "[]"), "."))
		if _, err := netip.ParseAddr(name); err != nil && name != "localhost" && !strings.Contains(name, "%") {
			t.Fatalf("%q is answered", host)
		}
	})
}
