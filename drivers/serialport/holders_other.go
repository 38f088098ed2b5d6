//go:build !linux

package serialport

// holders is empty: this system does not tell who has a port open.
func holders(string, bool) string { return "" }

// holdersOf finds nobody, and says that there is more to see than it can.
func holdersOf(string, string) (found []Holder, hidden bool) { return nil, true }
