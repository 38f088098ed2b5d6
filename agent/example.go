package main

import (
	_ "embed"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
)

//go:embed example_head.yaml
var exampleHead string

// writeExample writes a whole configuration made from the modules' own examples. The reader and the uplink of the types that
// are asked for stand in it as they are, all others as comments.
func writeExample(w io.Writer, reader, uplink string) error {
	var b strings.Builder
	b.WriteString(exampleHead)
	b.WriteString("readers:                           # one entry for each reader; take the # away from the kind that you have\n")
	entries := func(kind, active string) {
		for _, m := range allModules() {
			if m.Kind != kind {
				continue
			}
			fmt.Fprintf(&b, "\n  # %s: %s\n", m.Type, m.Summary)
			for line := range strings.Lines(m.Example) {
				switch m.Type {
				case active:
					b.WriteString(strings.TrimRight("  "+line, " \n") + "\n")
				default:
					b.WriteString(strings.TrimRight("  # "+line, " \n") + "\n")
				}
			}
		}
	}
	entries("reader", reader)
	b.WriteString("\nuplinks:                           # one entry for each portal\n")
	entries("uplink", uplink)
	_, err := io.WriteString(w, b.String())
	return err
}

func newExample(*options) *cobra.Command {
	return &cobra.Command{
		Use:     "example",
		Short:   "Print a whole configuration with comments, to begin from",
		Example: "  acs-agent example > config.yaml",
		Args:    noArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return writeExample(cmd.OutOrStdout(), "ironlogic", "acs") },
	}
}
