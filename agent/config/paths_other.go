//go:build !windows

package config

func systemConfig() string { return "/etc/acs-agent/config.yaml" }

func systemData() string { return "/var/lib/acs-agent" }
