//go:build !windows

package main

import (
	"context"
	"io"
	"log/slog"
)

// output is where the agent's log goes: to the standard error, which every service manager here hands on to the system's log.
func (*managed) output(_ string, stderr io.Writer) io.Writer { return stderr }

// underManager runs work as a service: here a service is a process like any other.
func underManager(ctx context.Context, _ *slog.Logger, work func(context.Context) error) error {
	return work(ctx)
}
