package main

import (
	"encoding/json"
	"runtime"

	"github.com/spf13/cobra"

	"github.com/acs-agent/acs-agent/buffer"
)

// version is set when the binary is linked.
var version = "devel"

func newVersion(o *options) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "version",
		Short:   "Print the version and what the binary was built for",
		Example: "  acs-agent version --json",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			v := thisBuild()
			if o.json {
				return json.NewEncoder(cmd.OutOrStdout()).Encode(v)
			}
			corrections := "with the journal's corrections"
			if !v.Corrected {
				corrections = "without the journal's corrections; build with make for devices"
			}
			_, err := o.lang.Fprintf(cmd.OutOrStdout(), "acs-agent %s for %s (%s), %s\n", v.Version, v.System, v.Go, corrections)
			return err
		},
	}
	o.wantsJSON(cmd)
	return cmd
}

// A build is what `version --json` prints.
type build struct {
	Version string `json:"version"`
	Go      string `json:"go"`
	System  string `json:"system"`
	// Corrected: the journal's database has its corrections built in. A 32-bit agent does not work without.
	Corrected bool `json:"journal_corrections"`
}

func thisBuild() build {
	return build{version, runtime.Version(), runtime.GOOS + "/" + runtime.GOARCH, buffer.Corrected()}
}
