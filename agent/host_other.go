//go:build !linux

package main

import "github.com/acs-agent/acs-agent/agent/health"

// host tells nothing on this system.
func host() health.Host { return health.Host{} }
