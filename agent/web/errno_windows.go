package web

import "golang.org/x/sys/windows"

const (
	errInUse     = windows.WSAEADDRINUSE
	errNoAddress = windows.WSAEADDRNOTAVAIL
)
