// Package web is the local HTTP server of the agent: for collectors of metrics, for those who watch whether it works, and for
// controllers that report over HTTP. What it serves is mounted by the agent; here is what protects all of it: bounds on time,
// size and number, and the refusal of pages from elsewhere that reach for it through somebody's browser.
package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"syscall"
	"time"

	"github.com/acs-agent/acs-agent/agent/health"
)

const (
	// maxConnections bounds how many are served at a time; further ones wait in the kernel's queue.
	maxConnections = 64
	// maxHeader bounds the header of a request in bytes; the library allows 4 KiB more.
	maxHeader = 8 << 10
	// headerTime, readTime and writeTime bound the parts of one exchange, idleTime the silence between two.
	headerTime = 5 * time.Second
	readTime   = 15 * time.Second
	writeTime  = 30 * time.Second
	idleTime   = 30 * time.Second
	// farewell is how long requests under way may take to end.
	farewell = 500 * time.Millisecond
	// retryPause is the wait before a port that was taken is tried again.
	retryPause = 10 * time.Second
)

// A Server serves one address as long as it runs.
type Server struct {
	// Address is the host and port to listen at.
	Address string
	Handler http.Handler
	// Say is told whether the server works.
	Say *health.Part
	Log *slog.Logger

	// listen is replaced by tests, which have a network of their own.
	listen func(context.Context) (net.Listener, error)
}

// Run serves until ctx ends. A port that another program has, or an address that the device does not have yet, is reported and
// tried again: readers and portals do not depend on this server.
func (s *Server) Run(ctx context.Context) error {
	if s.listen == nil {
		s.listen = func(ctx context.Context) (net.Listener, error) {
			return new(net.ListenConfig).Listen(ctx, "tcp", s.Address)
		}
	}
	for {
		err := s.serve(ctx)
		if ctx.Err() != nil {
			return nil
		}
		s.Say.Down(s.explain(err))
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(retryPause):
		}
	}
}

func (s *Server) serve(ctx context.Context) error {
	listener, err := s.listen(ctx)
	if err != nil {
		return err
	}
	server := &http.Server{
		Handler:           protect(s.Handler),
		ReadHeaderTimeout: headerTime,
		ReadTimeout:       readTime,
		WriteTimeout:      writeTime,
		IdleTimeout:       idleTime,
		MaxHeaderBytes:    maxHeader,
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ErrorLog:          slog.NewLogLogger(s.Log.Handler(), slog.LevelDebug),
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(bound(listener, maxConnections)) }()
	s.Log.Info("web server listens", "address", listener.Addr().String())
	s.Say.Up()
	select {
	case err := <-ended:
		_ = server.Close() // the connections that are left
		return err
	case <-ctx.Done():
	}
	moment, cancel := context.WithTimeout(context.WithoutCancel(ctx), farewell)
	defer cancel()
	if server.Shutdown(moment) != nil {
		_ = server.Close()
	}
	return <-ended
}

// explain says what a technician can do about a server that does not come up.
func (s *Server) explain(err error) error {
	switch {
	case errors.Is(err, errInUse):
		return health.Coded(health.Busy, fmt.Errorf("%w (another program has this port: write another one under listen, or listen: off)", err))
	case errors.Is(err, errNoAddress):
		return health.Coded(health.Missing, fmt.Errorf("%w (this device has no such address: check listen and the network)", err))
	case errors.Is(err, syscall.EACCES):
		return fmt.Errorf("%w (ports below 1024 are for the administrator: write another one under listen)", err)
	}
	return fmt.Errorf("%w (check listen)", err)
}
