//go:build !windows

package web

import "syscall"

const (
	errInUse     = syscall.EADDRINUSE
	errNoAddress = syscall.EADDRNOTAVAIL
)
