package config

import (
	"cmp"
	"os"
)

// Environment is the variable that names the configuration file where no flag does.
const Environment = "ACS_AGENT_CONFIG"

// Find says which configuration file is meant: the one of the --config flag, else the one that ACS_AGENT_CONFIG names, else
// /etc/acs-agent/config.yaml (%ProgramData%\acs-agent\config.yaml on Windows). Whether the file exists is for Load to say.
func Find(flag string) string {
	return cmp.Or(flag, os.Getenv(Environment), systemConfig())
}
