//go:build !linux && !windows

package service

// Open returns ErrNoManager: on this system the agent is started by what the system has for it.
func Open() (Manager, error) { return nil, ErrNoManager }

// Found says that there is none.
func Found() (init Init, ok bool) { return "", false }
