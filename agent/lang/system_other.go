//go:build !windows

package lang

// ofSystem is the language where no variable names one.
func ofSystem() string { return English }
