package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/acs-agent/acs-agent/agent/health"
)

func newStatus(o *options) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Say how the agent, its readers and its uplinks are doing",
		Long: "Asks the running agent; if none runs, looks into the journal itself.\n\n" +
			"Exit status: 0 all is well, 1 the agent does not run or something fails at the moment, 3 something needs a person.",
		Example: "  acs-agent status\n  acs-agent status --json | jq .uplinks",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return o.withAgent(cmd.Context(), func(a *connection) error {
				s, err := a.Status(cmd.Context())
				if err != nil {
					return err
				}
				if o.json {
					out := json.NewEncoder(cmd.OutOrStdout())
					out.SetIndent("", "  ")
					err = out.Encode(s)
				} else {
					err = printStatus(cmd.OutOrStdout(), &s)
				}
				return cmp.Or(err, statusError(&s))
			})
		},
	}
	o.wantsJSON(cmd)
	return cmd
}

// statusError turns a status into the end of the command.
func statusError(s *health.Status) error {
	if s.NeedsPerson() {
		return needsPerson{errSaid}
	}
	if !s.Running {
		return errSaid
	}
	for _, p := range s.Parts {
		if p.State == health.Down {
			return errSaid
		}
	}
	return nil
}

func printStatus(w io.Writer, s *health.Status) error {
	if s.Running {
		_, _ = fmt.Fprintf(w, "%s  acs-agent %s, running for %s\n", s.Device, s.Version, span(s.Now.Sub(s.StartedAt)))
	} else {
		_, _ = fmt.Fprintf(w, "%s  acs-agent is NOT RUNNING; this is what the journal holds\n", s.Device)
	}
	if !s.ClockTrusted {
		_, _ = fmt.Fprintf(w, "the clock of this device is not set (it says %s): passes are held until it is\n", s.Now.Format(time.DateTime))
	}
	_, _ = fmt.Fprintf(w, "journal  %s, %s of %s, disk has %s left\n\n",
		counted(s.Journal.Passes, "pass"), size(s.Journal.Bytes), size(s.Journal.Limit), size(s.Journal.FreeDisk))

	if err := printReaders(w, s); err != nil {
		return err
	}
	if err := printUplinks(w, s); err != nil {
		return err
	}
	if problems := problemsOf(s); len(problems) > 0 {
		_, _ = fmt.Fprintf(w, "\n%s\n", strings.Join(problems, "\n"))
	}
	return nil
}

func printReaders(w io.Writer, s *health.Status) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "READER\tTYPE\tSTATE\tPASSES\tLAST\tNOT UNDERSTOOD")
	for _, p := range s.Parts {
		if p.Kind == health.Reader {
			_, _ = fmt.Fprintf(table, "%s\t%s\t%s\t%d\t%s\t%d\n",
				p.Name, p.Type, stateOf(s, p.State), p.Count, ago(s.Now, p.LastAt), p.Oddities)
		}
	}
	return table.Flush()
}

func printUplinks(w io.Writer, s *health.Status) error {
	if len(s.Uplinks) == 0 {
		return nil
	}
	_, _ = fmt.Fprintln(w)
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "UPLINK\tTYPE\tSTATE\tWAITING\tOLDEST\tHELD\tDEAD\tUNCERTAIN\tDELIVERED\tLAST")
	for _, q := range s.Uplinks {
		p := find(s.Parts, health.Uplink, q.Name)
		state := stateOf(s, p.State)
		if q.Orphaned {
			state = "gone"
		}
		oldest := "-"
		if q.Waiting > 0 {
			oldest = span(time.Duration(q.OldestSeconds) * time.Second)
		}
		_, _ = fmt.Fprintf(table, "%s\t%s\t%s\t%d\t%s\t%d\t%d\t%d\t%d\t%s\n",
			q.Name, cmp.Or(p.Type, "-"), state, q.Waiting, oldest, q.Held, q.Dead, q.Uncertain, p.Count, ago(s.Now, p.LastAt))
	}
	return table.Flush()
}

// stateOf is the state of a part in a word; without an agent no part has one.
func stateOf(s *health.Status, state health.State) string {
	if !s.Running {
		return "-"
	}
	return string(state)
}

// problemsOf are the lines that tell a person what is wrong and what to do.
func problemsOf(s *health.Status) (problems []string) {
	for _, p := range s.Parts {
		if p.Problem != "" {
			problems = append(problems, fmt.Sprintf("%s %s: %s", p.Kind, p.Name, p.Problem))
		}
		if p.LastOddity != "" {
			problems = append(problems, fmt.Sprintf("%s %s: not understood: %s", p.Kind, p.Name, p.LastOddity))
		}
	}
	for _, q := range s.Uplinks {
		if q.Orphaned && q.Waiting > 0 {
			problems = append(problems, fmt.Sprintf("uplink %s: it is not in the configuration any more, but %d passes wait for it: "+
				"put it back", q.Name, q.Waiting))
		}
		if q.Dead > 0 {
			problems = append(problems, fmt.Sprintf("uplink %s: the portal refused %s; see `acs-agent queue list --state dead`",
				q.Name, counted(q.Dead, "pass")))
		}
		if q.Uncertain > 0 {
			problems = append(problems, fmt.Sprintf("uplink %s: nobody knows whether %d passes arrived; see `acs-agent queue list --state uncertain`",
				q.Name, q.Uncertain))
		}
	}
	if s.Journal.Holes > 0 {
		problems = append(problems, fmt.Sprintf("journal: %d passes cannot be read any more; see `acs-agent queue verify`", s.Journal.Holes))
	}
	return problems
}

func find(parts []health.Report, kind health.Kind, name string) health.Report {
	for _, p := range parts {
		if p.Kind == kind && p.Name == name {
			return p
		}
	}
	return health.Report{}
}

// ago says how long ago something was, in words for a table.
func ago(now, then time.Time) string {
	if then.IsZero() {
		return "never"
	}
	return span(now.Sub(then)) + " ago"
}

// span prints a duration with the precision that a person wants.
func span(d time.Duration) string {
	switch d = max(0, d); {
	case d < time.Minute:
		return fmt.Sprintf("%ds", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%dm", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh%02dm", int(d.Hours()), int(d.Minutes())%60)
	}
	return fmt.Sprintf("%dd", int(d.Hours())/24)
}

// size prints a number of bytes for people.
func size(n int64) string {
	const unit = 1024
	switch {
	case n < unit:
		return fmt.Sprintf("%d B", n)
	case n < unit*unit:
		return fmt.Sprintf("%d KiB", n/unit)
	case n < unit*unit*unit:
		return fmt.Sprintf("%d MiB", n/unit/unit)
	}
	return fmt.Sprintf("%.1f GiB", float64(n)/unit/unit/unit)
}

func newWatch(o *options) *cobra.Command {
	reveal := false
	cmd := &cobra.Command{
		Use:   "watch",
		Short: "Show passes as they are read",
		Long:  "Shows each pass as soon as it is on disk, until Ctrl-C. Card numbers are cut to the last four digits and names to initials.",
		Example: "  acs-agent watch\n" +
			"  acs-agent watch --json | jq .reader",
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			a, err := o.dial(cmd.Context())
			if err != nil {
				return err
			}
			out := json.NewEncoder(cmd.OutOrStdout())
			err = a.Watch(cmd.Context(), reveal, func(s sight) {
				if o.json {
					_ = out.Encode(s)
					return
				}
				who := s.Name
				if s.Pending.String() != "none" {
					who = "held: " + s.Pending.String()
				}
				_, _ = fmt.Fprintf(cmd.OutOrStdout(), "%s  %-20s %-8s %-20s %s\n",
					s.At.Format(time.TimeOnly), s.Reader, s.Direction, s.Card, who)
			})
			if errors.Is(err, context.Canceled) {
				return nil
			}
			return err
		},
	}
	cmd.Flags().BoolVar(&reveal, "reveal", false, "show card numbers and names in full")
	o.wantsJSON(cmd)
	return cmd
}
