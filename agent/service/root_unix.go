//go:build !windows

package service

import "os"

// Privileged says whether this process may make services.
func Privileged() bool { return os.Geteuid() == 0 }

// Advice is what to do where it may not.
const Advice = "run this with sudo"
