module github.com/acs-agent/acs-agent

go 1.26.0
