package sandbox

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

const (
	headerTime = 10 * time.Second
	// requestTime bounds the reading of a request.
	requestTime = 10 * time.Minute
	idleTime    = 2 * time.Minute
	// grace is what requests get to end by themselves when the server ends.
	grace = 500 * time.Millisecond
)

// Serve answers over plain HTTP/1.1 until ctx ends, and then returns nil; requests that hang are cut. It closes the listener.
func (p *Portal) Serve(ctx context.Context, l net.Listener) error {
	return p.serve(ctx, l, func(srv *http.Server) error { return srv.Serve(l) })
}

// ServeTLS is Serve over TLS, with a certificate of the authority that CertificatePEM gives. Connections are not resumed, so
// that each shows its certificate.
func (p *Portal) ServeTLS(ctx context.Context, l net.Listener) error {
	identity, err := p.identity()
	if err != nil {
		_ = l.Close() // the first error is the one to tell
		return fmt.Errorf("sandbox: make a certificate: %w", err)
	}
	return p.serve(ctx, l, func(srv *http.Server) error {
		srv.TLSConfig = &tls.Config{
			MinVersion:             tls.VersionTLS12,
			SessionTicketsDisabled: true,
			GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
				return identity.certificate(p.faults.pickConnection()), nil
			},
		}
		return srv.ServeTLS(l, "", "")
	})
}

func (p *Portal) serve(ctx context.Context, l net.Listener, start func(*http.Server) error) error {
	var plain http.Protocols
	plain.SetHTTP1(true) // a stream of HTTP/2 cannot be cut as connections are
	srv := &http.Server{
		Handler:           p,
		Protocols:         &plain,
		ReadHeaderTimeout: headerTime,
		ReadTimeout:       requestTime,
		IdleTimeout:       idleTime,
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ErrorLog:          slog.NewLogLogger(p.log.Handler(), slog.LevelDebug),
	}
	p.servers.add(srv)
	defer p.servers.remove(srv)
	ended := make(chan error, 1)
	go func() { ended <- start(srv) }()
	select {
	case err := <-ended:
		return fmt.Errorf("sandbox: serve %s: %w", l.Addr(), err)
	case <-ctx.Done():
	}
	patience, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	err := srv.Shutdown(patience)
	if err != nil {
		err = srv.Close()
	}
	if ended := <-ended; !errors.Is(ended, http.ErrServerClosed) {
		return fmt.Errorf("sandbox: serve %s: %w", l.Addr(), ended)
	}
	if err != nil {
		return fmt.Errorf("sandbox: stop serving %s: %w", l.Addr(), err)
	}
	return nil
}

// servers are those that run. The zero value is none.
type servers struct {
	mu      sync.Mutex
	running map[*http.Server]struct{}
	// single is set when each request has to come over a connection of its own.
	single bool
}

func (s *servers) add(srv *http.Server) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running == nil {
		s.running = make(map[*http.Server]struct{})
	}
	s.running[srv] = struct{}{}
	srv.SetKeepAlivesEnabled(!s.single)
}

func (s *servers) remove(srv *http.Server) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.running, srv)
}

// serveSingly closes connections after one request, and those that wait for one at once, or leaves them open again.
func (s *servers) serveSingly(single bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.single = single
	for srv := range s.running {
		srv.SetKeepAlivesEnabled(!single)
	}
}
