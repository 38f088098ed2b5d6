package main

import (
	"context"
	"net/http"

	"github.com/acs-agent/acs-agent/agent/health"
	"github.com/acs-agent/acs-agent/agent/metrics"
	"github.com/acs-agent/acs-agent/agent/web"
)

// web serves the local HTTP server of the configuration.
func (s *site) web(ctx context.Context) error {
	address := s.cfg.Listen
	if address == "" {
		return nil
	}
	server := &web.Server{Address: address, Handler: s.routes(), Say: s.board.Part(health.Web, address), Log: s.log}
	return server.Run(ctx)
}

// routes are what the local HTTP server serves.
func (s *site) routes() *http.ServeMux {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", metrics.Handler(s.Status))
	mux.Handle("GET /healthz", web.Alive())
	mux.Handle("GET /readyz", web.Ready(s.Status))
	return mux
}
