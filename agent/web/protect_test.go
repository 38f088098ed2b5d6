package web

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestOnThisDeviceOnlyAddressesAndLocalhostAreAnswered(t *testing.T) {
	const answered, refused = http.StatusOK, http.StatusMisdirectedRequest
	loopback, network := net.IPv4(127, 0, 0, 1), net.IPv4(192, 0, 2, 7)
	for _, test := range []struct {
		arrived net.IP
		host    string
		want    int
	}{
		{loopback, "127.0.0.1:8380", answered},
		{loopback, "127.0.0.1", answered},
		{loopback, "[::1]:8380", answered},
		{loopback, "[::1]", answered},
		{loopback, "localhost:9000", answered}, // the near end of a tunnel
		{loopback, "LOCALHOST", answered},
		{loopback, "localhost.:8380", answered},
		{loopback, "192.0.2.7:8380", answered},
		{net.IPv6loopback, "[::1]:8380", answered},
		{loopback, "evil.example:8380", refused},
		{loopback, "evil.example", refused},
		{loopback, "localhost.evil.example", refused},
		{loopback, "127.0.0.1.evil.example:8380", refused},
		{loopback, "", refused},
		{loopback, "127.1", refused},
		{loopback, "2130706433", refused},
		{net.IPv6loopback, "evil.example", refused},
		{network, "gate-1.lan:8380", answered},
		{network, "192.0.2.7", answered},
	} {
		r := httptest.NewRequest(http.MethodGet, "/metrics", nil)
		r.Host = test.host
		r = r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, &net.TCPAddr{IP: test.arrived, Port: 8380}))
		w := httptest.NewRecorder()
		protect(hello()).ServeHTTP(w, r)
		if w.Code != test.want {
			t.Errorf("Host %q at %v: %d, want %d", test.host, test.arrived, w.Code, test.want)
		}
		if w.Header().Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("Host %q: the type of the answer may be guessed", test.host)
		}
	}
}
