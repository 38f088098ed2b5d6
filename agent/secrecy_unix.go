//go:build unix

package main

import "golang.org/x/sys/unix"

// keepMemoryPrivate sees to it that the memory of this process, in which there are names, numbers and keys, is never written to a
// file when the process dies, whatever the system, the environment (GOTRACEBACK=crash) or who started it have in mind.
func keepMemoryPrivate() {
	// A pipe to a program takes a core whatever the limit; what is not dumpable is not even begun.
	undumpable()
	_ = unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}) // lowering it is always allowed
}
