package main

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/acs-agent/acs-agent/agent/localapi"
	"github.com/acs-agent/acs-agent/uplink"
)

const (
	// probeRoute is where the running agent probes a portal for the doctor, below the uplink's own routes: so the portal's pace is
	// kept by the one process that knows it, and a refused log-in is counted once.
	probeRoute = "/doctor/probe"
	// probeLimit is how long a portal may keep a probe waiting; uplink.Probing promises less.
	probeLimit = 30 * time.Second
)

// probed is a finding on its way through the local socket.
type probed struct {
	What    string `json:"what"`
	Seen    string `json:"seen,omitempty"`
	Err     string `json:"err,omitempty"`
	Unsure  bool   `json:"unsure,omitempty"`
	Warning bool   `json:"warning,omitempty"`
}

// handler is what people and the doctor can ask an uplink on the local socket; nil if it answers nobody.
func handler(u uplink.Uplink) http.Handler {
	var commands http.Handler
	if c, ok := u.(uplink.Commanded); ok {
		commands = c.Commands()
	}
	p, ok := u.(uplink.Probing)
	if !ok {
		return commands
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+probeRoute, func(w http.ResponseWriter, r *http.Request) {
		findings := p.Probe(r.Context())
		answer := make([]probed, 0, len(findings))
		for _, f := range findings {
			one := probed{What: f.What, Seen: f.Seen, Unsure: f.Unsure, Warning: f.Warning}
			if f.Err != nil {
				one.Err = f.Err.Error()
			}
			answer = append(answer, one)
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(answer) // the reader is gone: nobody to tell
	})
	if commands != nil {
		mux.Handle("/", commands)
	}
	return mux
}

// probeThrough has the running agent probe the portal of an uplink.
func probeThrough(agent *localapi.Client, uplinkName string) func(context.Context) ([]uplink.Finding, error) {
	return func(ctx context.Context) ([]uplink.Finding, error) {
		var answer []probed
		if err := agent.Command(ctx, uplinkName, http.MethodPost, probeRoute, nil, nil, &answer); err != nil {
			return nil, err
		}
		findings := make([]uplink.Finding, 0, len(answer))
		for _, one := range answer {
			f := uplink.Finding{What: one.What, Seen: one.Seen, Unsure: one.Unsure, Warning: one.Warning}
			if one.Err != "" {
				f.Err = errors.New(one.Err)
			}
			findings = append(findings, f)
		}
		return findings, nil
	}
}
