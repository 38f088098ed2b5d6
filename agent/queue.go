package main

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/acs-agent/acs-agent/agent/lang"
	"github.com/acs-agent/acs-agent/agent/localapi"
	"github.com/acs-agent/acs-agent/agent/queue"
)

// pick holds the flags that choose passes.
type pick struct {
	queue.Query
	all   bool
	limit int
}

func newQueue(o *options) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "queue",
		Short: "Look after the passes in the journal: those that wait, are held or were refused",
		Long: "A pass waits until its portal has it. Aside are: held passes, which lack something (most often the card is unknown)\n" +
			"and go out by themselves when it is known; dead ones, which the portal refused; and uncertain ones, of which nobody\n" +
			"knows whether they arrived.",
		Example: "  acs-agent queue list\n  acs-agent queue list --state dead --uplink visits\n  acs-agent queue retry --state dead --all",
		Args:    knownCommand,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },

		SuggestionsMinimumDistance: 2,
	}
	cmd.AddCommand(newQueueList(o), newQueueShow(o), newQueueExport(o), newQueueVerify(o),
		newQueueAct(o, queue.Retry, "Send dead or uncertain passes once more",
			"  acs-agent queue retry 1742\n  acs-agent queue retry --state dead --all", queue.Dead),
		newQueueAct(o, queue.Release, "Send on the held passes that are complete by now, and say what the others lack",
			"  acs-agent queue release --all\n  acs-agent queue release --all --approximate-time", queue.Held),
		newQueueAct(o, queue.Drop, "Forget passes: they will never be sent",
			"  acs-agent queue drop --state dead 1742", ""))
	return cmd
}

// flags adds what chooses passes.
func (p *pick) flags(cmd *cobra.Command, states ...queue.State) {
	cmd.Flags().StringVar(&p.Uplink, "uplink", "", "only this uplink")
	if len(states) > 0 {
		words := make([]string, len(states))
		for i, s := range states {
			words[i] = string(s)
		}
		cmd.Flags().Func("state", "one of "+strings.Join(words, ", "), func(word string) error {
			if !slices.Contains(words, word) {
				return fmt.Errorf("want one of %s", strings.Join(words, ", "))
			}
			p.State = queue.State(word)
			return nil
		})
	}
}

// number takes the number of a pass from the command line.
func (p *pick) number(args []string) (err error) {
	if len(args) == 0 {
		return nil
	}
	if p.Number, err = strconv.ParseUint(args[0], 10, 64); err != nil || p.Number == 0 {
		return usage{fmt.Errorf("%q is no number of a pass; `acs-agent queue list` shows them", args[0])}
	}
	return nil
}

func maxArgs(n int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if err := cobra.MaximumNArgs(n)(cmd, args); err != nil {
			return usage{err}
		}
		return nil
	}
}

func newQueueList(o *options) *cobra.Command {
	p := pick{limit: 100}
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List passes; without --state those that are aside",
		Example: "  acs-agent queue list\n  acs-agent queue list --state waiting --limit 20\n" +
			"  acs-agent queue list --state held --json",
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return o.withAgent(cmd.Context(), func(a *connection) error {
				out := newListing(cmd.OutOrStdout(), o.lang, o.json)
				if err := a.Items(cmd.Context(), p.Query, p.limit, out.add); err != nil {
					return err
				}
				return out.end(p.limit)
			})
		},
	}
	p.flags(cmd, queue.Waiting, queue.Held, queue.Dead, queue.Uncertain, queue.Delivered)
	cmd.Flags().IntVar(&p.limit, "limit", p.limit, "at most so many; 0 for all")
	cmd.Flags().BoolVar(&p.Reveal, "reveal", false, "show card numbers, IINs and names in full")
	o.wantsJSON(cmd)
	return cmd
}

// listing prints items as a table or as JSON lines, one by one, however many there are.
type listing struct {
	json  *json.Encoder
	w     io.Writer
	lang  *lang.Printer
	table *tabwriter.Writer
	count int
}

// page is how many rows of a table are aligned with each other: no more are kept in memory.
const page = 100

func newListing(w io.Writer, p *lang.Printer, asJSON bool) *listing {
	l := &listing{w: w, lang: p, table: tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)}
	if asJSON {
		l.json = json.NewEncoder(w)
	}
	return l
}

func (l *listing) add(item queue.Item) error {
	l.count++
	if l.json != nil {
		return l.json.Encode(item)
	}
	if l.count%page == 1 {
		if err := l.table.Flush(); err != nil {
			return err
		}
		_, _ = l.lang.Fprintf(l.table, "NUMBER\tUPLINK\tSTATE\tREADER\tTIME\tCARD\tWHO\tREASON\n")
	}
	_, err := fmt.Fprintf(l.table, "%d\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", item.Number, item.Uplink, l.lang.Word(string(item.State)), item.Reader,
		item.At.Format(time.DateTime), item.Card, strings.TrimSpace(item.IIN+" "+item.Name), l.reason(&item))
	return err
}

func (l *listing) end(limit int) error {
	if l.json != nil {
		return nil
	}
	if err := l.table.Flush(); err != nil {
		return err
	}
	switch {
	case l.count == 0:
		_, _ = fmt.Fprintln(l.w, l.lang.Word("none"))
	case limit > 0 && l.count == limit:
		_, _ = l.lang.Fprintf(l.w, "(the first %d; --limit 0 shows all)\n", limit)
	}
	return nil
}

func newQueueShow(o *options) *cobra.Command {
	p := pick{}
	cmd := &cobra.Command{
		Use:     "show NUMBER",
		Short:   "Show all that is known of a pass",
		Example: "  acs-agent queue show 1742 --reveal",
		Args: func(cmd *cobra.Command, args []string) error {
			if err := cobra.ExactArgs(1)(cmd, args); err != nil {
				return usage{err}
			}
			return p.number(args)
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			return o.withAgent(cmd.Context(), func(a *connection) error {
				found := 0
				out := json.NewEncoder(cmd.OutOrStdout())
				out.SetIndent("", "  ")
				err := a.Items(cmd.Context(), p.Query, 0, func(item queue.Item) error {
					found++
					return out.Encode(item)
				})
				if err == nil && found == 0 {
					return fmt.Errorf("no pass has the number %d; it may have been delivered and removed after `keep`", p.Number)
				}
				return err
			})
		},
	}
	p.flags(cmd)
	cmd.Flags().BoolVar(&p.Reveal, "reveal", false, "show card number, IIN and name in full")
	return cmd
}

func newQueueAct(o *options, action queue.Action, short, example string, state queue.State) *cobra.Command {
	p := pick{Query: queue.Query{State: state}}
	cmd := &cobra.Command{
		Use:     string(action) + " [NUMBER]",
		Short:   short,
		Example: example,
		Args:    maxArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := p.number(args); err != nil {
				return err
			}
			switch {
			case p.Number == 0 && !p.all:
				return usage{errors.New("give the number of a pass, or --all")}
			case p.Number != 0 && p.all:
				return usage{errors.New("give a number or --all, not both")}
			case p.State == "":
				return usage{errors.New("say which passes with --state: held, dead or uncertain")}
			}
			return o.withAgent(cmd.Context(), func(a *connection) error {
				done, err := a.Act(cmd.Context(), action, p.Query)
				if err != nil {
					return err
				}
				if o.json {
					return json.NewEncoder(cmd.OutOrStdout()).Encode(done)
				}
				_, _ = o.lang.Fprintf(cmd.OutOrStdout(), "%s: %s\n", o.lang.Word(string(action)), counted(done.Count, "pass"))
				for _, reason := range slices.Sorted(maps.Keys(done.Left)) {
					_, _ = o.lang.Fprintf(cmd.OutOrStdout(), "still held: %s: %s\n", counted(done.Left[reason], "pass"), o.lang.Word(reason))
				}
				if done.Count == 0 && p.Number != 0 && len(done.Left) == 0 {
					return fmt.Errorf("no %s pass has the number %d", p.State, p.Number)
				}
				return nil
			})
		},
	}
	switch action {
	case queue.Retry:
		p.flags(cmd, queue.Dead, queue.Uncertain)
	case queue.Drop:
		p.flags(cmd, queue.Held, queue.Dead, queue.Uncertain)
	case queue.Release:
		p.flags(cmd)
		cmd.Flags().BoolVar(&p.Approximate, "approximate-time", false,
			"also those whose time cannot be known: with an estimate, and the note says so")
	}
	cmd.Flags().BoolVar(&p.all, "all", false, "all passes in that state")
	o.wantsJSON(cmd)
	return cmd
}

func newQueueExport(o *options) *cobra.Command {
	p := pick{}
	var file string
	cmd := &cobra.Command{
		Use:   "export",
		Short: "Write passes to a CSV file",
		Long: "Writes the chosen passes as CSV (UTF-8, semicolons), for a portal's operator or as evidence. With --reveal the file\n" +
			"holds personal data: it is made with rights for its owner alone.",
		Example: "  acs-agent queue export --state dead --reveal --output refused.csv\n  acs-agent queue export --state held",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return o.withAgent(cmd.Context(), func(a *connection) error {
				if file != "" {
					return exportTo(cmd.Context(), a, p.Query, file)
				}
				return export(cmd.Context(), a, p.Query, cmd.OutOrStdout())
			})
		},
	}
	p.flags(cmd, queue.Waiting, queue.Held, queue.Dead, queue.Uncertain, queue.Delivered)
	cmd.Flags().BoolVar(&p.Reveal, "reveal", false, "write card numbers, IINs and names in full")
	cmd.Flags().StringVarP(&file, "output", "o", "", "the file to make (default: print)")
	return cmd
}

// exportTo makes the file, complete or not at all: half of one would look like all there is.
func exportTo(ctx context.Context, a *connection, q queue.Query, file string) error {
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) //nolint:gosec // named by the user
	if err != nil {
		return fmt.Errorf("make the file: %w", err)
	}
	if err := errors.Join(export(ctx, a, q, f), f.Close()); err != nil {
		return errors.Join(err, os.Remove(file))
	}
	return nil
}

func export(ctx context.Context, a *connection, q queue.Query, w io.Writer) error {
	out := csv.NewWriter(w)
	out.Comma = ';'
	_ = out.Write([]string{
		"number", "uplink", "state", "reason", "id", "reader", "time", "direction", "outcome", "card", "format", "iin", "full_name",
		"organization", "bin", "note",
	})
	err := a.Items(ctx, q, 0, func(i queue.Item) error {
		return out.Write([]string{
			strconv.FormatUint(i.Number, 10), i.Uplink, string(i.State), i.Reason, i.ID.String(), i.Reader, i.At.Format(time.RFC3339),
			i.Direction.String(), i.Outcome.String(), i.Card, i.CardFormat, i.IIN, i.Name, i.Organization, i.BIN, i.Note,
		})
	})
	out.Flush()
	return errors.Join(err, out.Error())
}

func newQueueVerify(o *options) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "verify",
		Short:   "Read the whole journal and check every pass in it",
		Example: "  acs-agent queue verify",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return o.withAgent(cmd.Context(), func(a *connection) error {
				show, verified := progressLine(cmd.ErrOrStderr(), o.lang), o.lang.Word("verified")
				report, err := a.Verify(cmd.Context(), func(p localapi.Progress) { show(verified, p.Done, p.Total) })
				show("", 0, 0)
				if err != nil {
					return err
				}
				if o.json {
					err = json.NewEncoder(cmd.OutOrStdout()).Encode(report)
				} else {
					_, err = o.lang.Fprintf(cmd.OutOrStdout(), "%s and %d aside can be read; %d are missing, %d are damaged\n",
						counted(report.Passes, "pass"), report.Asides, report.Missing, report.Unreadable+report.UnreadableAsides)
					for _, problem := range report.Problems {
						_, _ = fmt.Fprintln(cmd.OutOrStdout(), o.lang.Text(problem))
					}
				}
				if err == nil && !report.OK() {
					return needsPerson{errSaid}
				}
				return err
			})
		},
	}
	o.wantsJSON(cmd)
	return cmd
}
