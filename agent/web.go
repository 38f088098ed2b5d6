package main

import "context"

// web serves the local HTTP server of the configuration.
func (s *site) web(ctx context.Context) error {
	<-ctx.Done()
	return nil
}
