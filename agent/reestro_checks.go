package main

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/acs-agent/acs-agent/agent/lang"
	"github.com/acs-agent/acs-agent/uplink/reestro"
)

func newChecks(o *options) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "checks",
		Short:   "Look at the checks of subjects and their states",
		Example: "  acs-agent checks list --state Processing",
		Args:    knownCommand,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },

		SuggestionsMinimumDistance: 2,
	}
	cmd.AddCommand(newChecksList(o))
	return cmd
}

func newChecksList(o *options) *cobra.Command {
	var types, states []string
	var from, to, subject, external, correlation string
	live, asCSV, limit := false, false, 100
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List checks, newest first",
		Long: "Shows what the agent knows of the checks from its last look at them, or with --live what the portal says now. --from and --to\n" +
			"are days of the site, both included, or moments.",
		Example: "  acs-agent checks list --state Processing\n  acs-agent checks list --from 2026-11-01 --to 2026-11-30 --csv --limit 0 > november.csv\n" +
			"  acs-agent checks list --subject 3f813a2f-958b-499b-90c7-a038d98955c0 --live",
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.json && asCSV {
				return usage{errors.New("give --json or --csv, not both")}
			}
			q := url.Values{"type": types, "state": states, "limit": {strconv.Itoa(limit)}}
			for name, value := range map[string]string{
				"from": from, "to": to, "subject": subject, "external-id": external, "correlation-id": correlation,
			} {
				if value != "" {
					q.Set(name, value)
				}
			}
			if live {
				q.Set("live", "")
			}
			return o.withUplink(cmd, reestro.Module.Type, func(u *uplinkClient) error {
				var all []reestro.Check
				if err := u.get("/checks", q, &all); err != nil {
					return err
				}
				switch {
				case o.json:
					return json.NewEncoder(cmd.OutOrStdout()).Encode(all)
				case asCSV:
					return writeChecks(cmd.OutOrStdout(), all)
				}
				return printChecks(cmd.OutOrStdout(), o.lang, all, limit)
			})
		},
	}
	cmd.Flags().StringSliceVar(&types, "type", nil, "only these types of checks, for example Fssp")
	cmd.Flags().StringSliceVar(&states, "state", nil, "only these states, for example Processing")
	cmd.Flags().StringVar(&from, "from", "", "made on this day or later, 2026-11-01")
	cmd.Flags().StringVar(&to, "to", "", "made on this day or earlier")
	cmd.Flags().StringVar(&subject, "subject", "", "only of the subject with this id of the portal")
	cmd.Flags().StringVar(&external, "external-id", "", "only with this external id")
	cmd.Flags().StringVar(&correlation, "correlation-id", "", "only of this group")
	cmd.Flags().IntVar(&limit, "limit", limit, "at most so many; 0 for all")
	cmd.Flags().BoolVar(&live, "live", false, "ask the portal now")
	cmd.Flags().BoolVar(&asCSV, "csv", false, "print a table for spreadsheets")
	o.wantsJSON(cmd)
	wantsUplink(cmd)
	return cmd
}

// checkColumns are what is shown of a check, to people and to spreadsheets.
func checkColumns() []string {
	return []string{"check_id", "created", "type", "state", "subject_id", "external_id", "correlation_id"}
}

func checkRow(c *reestro.Check) []string {
	return []string{c.ID, c.Created, c.Type, c.State, c.SubjectID, c.ExternalID, c.CorrelationID}
}

func writeChecks(w io.Writer, all []reestro.Check) error {
	out := csv.NewWriter(w)
	rows := [][]string{checkColumns()}
	for i := range all {
		rows = append(rows, checkRow(&all[i]))
	}
	return out.WriteAll(rows)
}

func printChecks(w io.Writer, p *lang.Printer, all []reestro.Check, limit int) error {
	if len(all) == 0 {
		_, err := fmt.Fprintln(w, p.Word("none"))
		return err
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	_, _ = p.Fprintf(table, "CHECK ID\tCREATED\tTYPE\tSTATE\tSUBJECT ID\tEXTERNAL ID\tCORRELATION ID\n")
	for i := range all {
		_, _ = fmt.Fprintln(table, strings.Join(checkRow(&all[i]), "\t"))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if limit > 0 && len(all) == limit {
		_, _ = p.Fprintf(w, "(the first %d; --limit 0 shows all)\n", limit)
	}
	return nil
}
