package service

import "golang.org/x/sys/windows"

// Privileged says whether this process may make services.
func Privileged() bool { return windows.GetCurrentProcessToken().IsElevated() }

// Advice is what to do where it may not.
const Advice = "run this in a window that was opened as administrator"
