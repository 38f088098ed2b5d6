package main

import (
	"os"

	"github.com/acs-agent/acs-agent/agent/health"
)

// host asks the kernel how the computer is doing.
func host() health.Host { return linuxHost(os.DirFS("/"), int64(os.Getpagesize())) }
