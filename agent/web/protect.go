package web

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// protect keeps browsers from being used as a way in. A page from elsewhere may let the name of its own server point to this
// device and would then be allowed to read what comes from here; but it cannot hide that name. Whoever connects from this very
// device therefore has to ask for it by address or as localhost. From the network other names are fine: the device has some,
// and what it serves there is open to everybody there anyway.
func protect(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cache-Control", "no-store")
		if local, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr); ok && onLoopback(local) && !nameless(r.Host) {
			http.Error(w, "ask for this device by its address or as localhost, not by another name", http.StatusMisdirectedRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func onLoopback(a net.Addr) bool {
	tcp, ok := a.(*net.TCPAddr)
	return ok && tcp.IP.IsLoopback()
}

// nameless says whether the Host of a request is an address or localhost: nothing that anybody can register.
func nameless(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	if strings.EqualFold(strings.TrimSuffix(host, "."), "localhost") {
		return true
	}
	_, err := netip.ParseAddr(host)
	return err == nil
}
