package broker

import "syscall"

// What Winsock says when nothing listens at a port, and when the other side cut a connection.
const (
	errRefused = syscall.Errno(10061)
	errReset   = syscall.Errno(10054)
)
