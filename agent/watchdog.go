package main

import "context"

// watchdog tells the service manager that the agent is ready, and feeds its watchdog as long as the agent makes progress.
func (s *site) watchdog(ctx context.Context) error {
	<-ctx.Done()
	return nil
}
