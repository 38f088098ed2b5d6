package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
)

// described is a module as people see it.
type described struct {
	Kind    string `json:"kind"`
	Type    string `json:"type"`
	Summary string `json:"summary"`
	Example string `json:"example"`
}

func allModules() (all []described) {
	for _, m := range driverModules() {
		all = append(all, described{"reader", m.Type, m.Summary, m.Example})
	}
	for _, m := range uplinkModules() {
		all = append(all, described{"uplink", m.Type, m.Summary, m.Example})
	}
	return all
}

func newDrivers(o *options) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "drivers [TYPE]",
		Short: "List the types of readers and uplinks, or print an example of one",
		Example: "  acs-agent drivers                   list them\n" +
			"  acs-agent drivers ironlogic         print a piece of configuration to paste",
		Args: func(cmd *cobra.Command, args []string) error {
			if err := cobra.MaximumNArgs(1)(cmd, args); err != nil {
				return usage{err}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			all := allModules()
			if len(args) == 1 {
				for _, m := range all {
					if m.Type == args[0] {
						_, err := fmt.Fprint(cmd.OutOrStdout(), m.Example)
						return err
					}
				}
				return usage{fmt.Errorf("there is no type %q; `acs-agent drivers` lists them", args[0])}
			}
			if o.json {
				return json.NewEncoder(cmd.OutOrStdout()).Encode(all)
			}
			table := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			for _, m := range all {
				_, _ = fmt.Fprintf(table, "%s\t%s\t%s\n", o.lang.Word(m.Kind), m.Type, o.lang.Text(m.Summary))
			}
			return table.Flush()
		},
	}
	o.wantsJSON(cmd)
	return cmd
}

// typesOf lists the types of a kind, for the advice to somebody who wrote another.
func typesOf(kind string) string {
	var names []string
	for _, m := range allModules() {
		if m.Kind == kind {
			names = append(names, m.Type)
		}
	}
	return strings.Join(names, ", ")
}
