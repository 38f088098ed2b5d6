//go:build !windows

package main

import (
	"context"
	"log/slog"
)

// underManager runs work as a service: here a service is a process like any other.
func underManager(ctx context.Context, _ *slog.Logger, work func(context.Context) error) error {
	return work(ctx)
}
