//go:build !linux

package serialport

// holders is empty: this system does not tell who has a port open.
func holders(string, bool) string { return "" }
