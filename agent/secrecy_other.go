//go:build unix && !linux

package main

// undumpable has nothing to do here: the limit is all there is.
func undumpable() {}
