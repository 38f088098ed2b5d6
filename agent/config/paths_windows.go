package config

import (
	"cmp"
	"os"
	"path/filepath"
)

func programData() string {
	return filepath.Join(cmp.Or(os.Getenv("ProgramData"), `C:\ProgramData`), "acs-agent")
}

func systemConfig() string { return filepath.Join(programData(), "config.yaml") }

func systemData() string { return filepath.Join(programData(), "data") }
