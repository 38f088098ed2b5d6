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
	"github.com/acs-agent/acs-agent/agent/lang"
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
					err = printStatus(cmd.OutOrStdout(), o.lang, &s)
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

func printStatus(w io.Writer, p *lang.Printer, s *health.Status) error {
	if s.Running {
		_, _ = p.Fprintf(w, "%s  acs-agent %s, running for %s\n", s.Device, s.Version, span(p, s.Now.Sub(s.StartedAt)))
	} else {
		_, _ = p.Fprintf(w, "%s  acs-agent is NOT RUNNING; this is what the journal holds\n", s.Device)
	}
	if !s.ClockTrusted {
		_, _ = p.Fprintf(w, "the clock of this device is not trusted (it says %s): %s; passes are held until it is right\n",
			s.Now.Format(time.DateTime), p.Text(s.ClockProblem))
	}
	_, _ = p.Fprintf(w, "journal  %s, %s of %s, disk has %s left\n\n",
		counted(s.Journal.Passes, "pass"), size(p, s.Journal.Bytes), size(p, s.Journal.Limit), size(p, s.Journal.FreeDisk))

	if err := printReaders(w, p, s); err != nil {
		return err
	}
	if err := printUplinks(w, p, s); err != nil {
		return err
	}
	if problems := problemsOf(p, s); len(problems) > 0 {
		_, _ = fmt.Fprintf(w, "\n%s\n", strings.Join(problems, "\n"))
	}
	return nil
}

func printReaders(w io.Writer, p *lang.Printer, s *health.Status) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	_, _ = p.Fprintf(table, "READER\tTYPE\tSTATE\tPASSES\tLAST\tNOT UNDERSTOOD\n")
	for _, r := range s.Parts {
		if r.Kind == health.Reader {
			_, _ = fmt.Fprintf(table, "%s\t%s\t%s\t%d\t%s\t%d\n",
				r.Name, r.Type, p.Word(stateOf(s, r.State)), r.Count, ago(p, s.Now, r.LastAt), r.Oddities)
		}
	}
	return table.Flush()
}

func printUplinks(w io.Writer, p *lang.Printer, s *health.Status) error {
	if len(s.Uplinks) == 0 {
		return nil
	}
	_, _ = fmt.Fprintln(w)
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	_, _ = p.Fprintf(table, "UPLINK\tTYPE\tSTATE\tWAITING\tOLDEST\tHELD\tDEAD\tUNCERTAIN\tDELIVERED\tLAST\n")
	for _, q := range s.Uplinks {
		u := find(s.Parts, health.Uplink, q.Name)
		state := stateOf(s, u.State)
		if q.Orphaned {
			state = "gone"
		}
		oldest := "-"
		if q.Waiting > 0 {
			oldest = span(p, time.Duration(q.OldestSeconds)*time.Second)
		}
		_, _ = fmt.Fprintf(table, "%s\t%s\t%s\t%d\t%s\t%d\t%d\t%d\t%d\t%s\n",
			q.Name, cmp.Or(u.Type, "-"), p.Word(state), q.Waiting, oldest, q.Held, q.Dead, q.Uncertain, u.Count, ago(p, s.Now, u.LastAt))
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
func problemsOf(p *lang.Printer, s *health.Status) (problems []string) {
	for _, r := range s.Parts {
		kind := p.Word(string(r.Kind))
		if r.Problem != "" {
			problems = append(problems, p.Sprintf("%s %s: %s", kind, r.Name, r.Problem))
		}
		if r.LastOddity != "" {
			problems = append(problems, p.Sprintf("%s %s: not understood: %s", kind, r.Name, r.LastOddity))
		}
	}
	for _, q := range s.Uplinks {
		if q.Orphaned && q.Waiting > 0 {
			problems = append(problems, p.Sprintf("uplink %s: it is not in the configuration any more, but %d passes wait for it: "+
				"put it back", q.Name, q.Waiting))
		}
		if q.Dead > 0 {
			problems = append(problems, p.Sprintf("uplink %s: the portal refused %s; see `acs-agent queue list --state dead`",
				q.Name, counted(q.Dead, "pass")))
		}
		if q.Uncertain > 0 {
			problems = append(problems, p.Sprintf("uplink %s: nobody knows whether %d passes arrived; see `acs-agent queue list --state uncertain`",
				q.Name, q.Uncertain))
		}
	}
	if s.Journal.Holes > 0 {
		problems = append(problems, p.Sprintf("journal: %d passes cannot be read any more; see `acs-agent queue verify`", s.Journal.Holes))
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
func ago(p *lang.Printer, now, then time.Time) string {
	if then.IsZero() {
		return p.Word("never")
	}
	return p.Sprintf("%s ago", span(p, now.Sub(then)))
}

// span prints a duration with the precision that a person wants.
func span(p *lang.Printer, d time.Duration) string {
	switch d = max(0, d); {
	case d < time.Minute:
		return p.Sprintf("%ds", int(d.Seconds()))
	case d < time.Hour:
		return p.Sprintf("%dm", int(d.Minutes()))
	case d < 48*time.Hour:
		return p.Sprintf("%dh%02dm", int(d.Hours()), int(d.Minutes())%60)
	}
	return p.Sprintf("%dd", int(d.Hours())/24)
}

// size prints a number of bytes for people.
func size(p *lang.Printer, n int64) string {
	const unit = 1024
	switch {
	case n < unit:
		return p.Sprintf("%d B", n)
	case n < unit*unit:
		return p.Sprintf("%d KiB", n/unit)
	case n < unit*unit*unit:
		return p.Sprintf("%d MiB", n/unit/unit)
	}
	return p.Sprintf("%.1f GiB", float64(n)/unit/unit/unit)
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
					who = o.lang.Sprintf("held: %s", o.lang.Word(s.Pending.String()))
				}
				_, _ = fmt.Fprintf(cmd.OutOrStdout(), "%s  %-20s %-8s %-20s %s\n",
					s.At.Format(time.TimeOnly), s.Reader, o.lang.Word(s.Direction.String()), s.Card, who)
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
