//go:build !windows

package broker

import "syscall"

// What the system says when nothing listens at a port, and when the other side cut a connection.
const (
	errRefused = syscall.ECONNREFUSED
	errReset   = syscall.ECONNRESET
)
