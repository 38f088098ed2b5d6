package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/acs-agent/acs-agent/agent/lang"
	"github.com/acs-agent/acs-agent/uplink"
	"github.com/acs-agent/acs-agent/uplink/exam"
)

const (
	// examWait is how long a command waits for the agent to do what it was told.
	examWait = 90 * time.Second
	examPoll = 300 * time.Millisecond
)

func newExam(o *options) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "exam",
		Short: "Look after the weekly reports of the exam site",
		Long: "The report of a week is drafted when the week is over and goes out at its time if nothing is open. What changes later is\n" +
			"sent as a replacement. A report of which nobody knows whether it arrived is uncertain: a person asks the portal's operator\n" +
			"and then says `mark-sent` or `resend`.\n\n" +
			"WEEK is 2026-W47, any date in it, `last` (the last week that is over) or `this`.",
		Example: "  acs-agent exam status\n  acs-agent exam preview\n  acs-agent exam send last",
		Args:    knownCommand,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },

		SuggestionsMinimumDistance: 2,
	}
	cmd.AddCommand(newExamStatus(o), newExamPreview(o), newExamMark(o),
		newExamOrder(o, "send", "Send the report of a week now, also if something is open"),
		newExamOrder(o, "correct", "Replace a report that was sent by what the roster and the configuration say now"),
		newExamOrder(o, "resend", "Send an uncertain report once more, because the portal does not have it"))
	return cmd
}

// weekOf reads the week of a command line: the first argument, or last.
func weekOf(args []string) (string, error) {
	if len(args) == 0 {
		return "last", nil
	}
	if _, err := exam.ParseWeek(args[0], time.Now()); err != nil {
		return "", usage{err}
	}
	return args[0], nil
}

// examArgs is cobra.ExactArgs with our exit status.
func examArgs(n int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if err := cobra.ExactArgs(n)(cmd, args); err != nil {
			return usage{err}
		}
		return nil
	}
}

func newExamStatus(o *options) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Say how far the reports of all weeks have come",
		Long: "Exit status: 0 nothing waits for a person, 3 a report is uncertain or refused, or something in it is open after its time,\n" +
			"or the roster cannot be read.",
		Example: "  acs-agent exam status\n  acs-agent exam status --json | jq '.weeks[] | select(.state == \"uncertain\")'",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return o.withUplink(cmd, "exam", func(u *uplinkClient) error {
				var s exam.Status
				if err := u.get("/status", nil, &s); err != nil {
					return err
				}
				if err := o.printExam(cmd, &s, printExamStatus); err != nil {
					return err
				}
				needs := s.Problem != ""
				for i := range s.Weeks {
					needs = needs || s.Weeks[i].NeedsPerson(time.Now())
				}
				if needs {
					return needsPerson{errSaid}
				}
				return nil
			})
		},
	}
	o.wantsJSON(cmd)
	wantsUplink(cmd)
	return cmd
}

// printExam prints an answer as JSON or for people.
func (o *options) printExam(cmd *cobra.Command, s *exam.Status, forPeople func(io.Writer, *lang.Printer, *exam.Status) error) error {
	if !o.json {
		return forPeople(cmd.OutOrStdout(), o.lang, s)
	}
	out := json.NewEncoder(cmd.OutOrStdout())
	out.SetIndent("", "  ")
	return out.Encode(s)
}

func printExamStatus(w io.Writer, p *lang.Printer, s *exam.Status) error {
	if !s.Running {
		_, _ = p.Fprintf(w, "acs-agent is NOT RUNNING: nothing is sent\n")
	}
	switch {
	case s.Problem != "":
		_, _ = p.Fprintf(w, "roster: %s\n", s.Problem)
	case s.Refused > 0:
		_, _ = p.Fprintf(w, "%s: %s, and %s that cannot be used: see %s\n", s.Roster, counted(s.Rows, "row"), counted(s.Refused, "row"), s.Rejected)
	default:
		_, _ = p.Fprintf(w, "%s: %s\n", s.Roster, counted(s.Rows, "row"))
	}
	_, _ = p.Fprintf(w, "sent: %s\n\n", s.Send)
	if len(s.Weeks) == 0 {
		_, err := p.Fprintf(w, "no reports yet\n")
		return err
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	_, _ = p.Fprintf(table, "WEEK\tFROM\tTO\tSTATE\tREPORT\tREPORTED\tOPEN\tDUE\tREASON\n")
	for i := range s.Weeks {
		k := &s.Weeks[i]
		report, due := "-", "-"
		if k.ReportID != 0 {
			report = strconv.FormatInt(k.ReportID, 10)
		}
		if k.State == exam.Draft || k.State == exam.Ready || k.State == exam.Running {
			due = k.Due.Format("2006-01-02 15:04")
		}
		state := examWord(p, string(k.State))
		if k.Ordered != "" {
			state = p.Sprintf("%s (%s ordered)", state, p.Word(k.Ordered))
		}
		_, _ = fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%d\t%d\t%s\t%s\n", k.Week, k.Start, k.End, state, report, k.Reported, k.Open, due, p.Text(k.Reason))
	}
	return table.Flush()
}

// examWord is a word that can mean something else elsewhere: a week that is running, an exam that was failed.
func examWord(p *lang.Printer, word string) string {
	if key := word + " (exam)"; p.Word(key) != key {
		return p.Word(key)
	}
	return p.Word(word)
}

func newExamPreview(o *options) *cobra.Command {
	reveal := false
	cmd := &cobra.Command{
		Use:   "preview [WEEK]",
		Short: "Show what the report of a week would say, and what should be looked at first",
		Long: "Shows the rows of the roster in that week, who was there, and what is open. With --json it prints the body of the request;\n" +
			"hashes of documents are covered unless they are revealed.",
		Example: "  acs-agent exam preview\n  acs-agent exam preview 2026-W47\n  acs-agent exam preview 2026-11-18 --json --reveal",
		Args:    maxArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			week, err := weekOf(args)
			if err != nil {
				return err
			}
			return o.withUplink(cmd, "exam", func(u *uplinkClient) error {
				query := url.Values{"week": {week}}
				if reveal {
					query.Set("reveal", "")
				}
				var p exam.Preview
				if err := u.get("/preview", query, &p); err != nil {
					return err
				}
				if !o.json {
					return o.printPreview(cmd.OutOrStdout(), &p)
				}
				var body bytes.Buffer
				if err := json.Indent(&body, p.Body, "", "  "); err != nil {
					return err
				}
				_, err := fmt.Fprintln(cmd.OutOrStdout(), body.String())
				return err
			})
		},
	}
	cmd.Flags().BoolVar(&reveal, "reveal", false, "show hashes of documents in full")
	o.wantsJSON(cmd)
	wantsUplink(cmd)
	return cmd
}

func newExamOrder(o *options, do, short string) *cobra.Command {
	empty := false
	cmd := &cobra.Command{
		Use:   do + " WEEK",
		Short: short,
		Long: "Waits until the agent has done it. If no agent runs the order is kept, and done when it runs.\n\n" +
			"Exit status: 0 the portal has the report, or the order is kept; 1 not done; 3 the report is uncertain or was refused.",
		Example: fmt.Sprintf("  acs-agent exam %s 2026-W47\n  acs-agent exam %s last", do, do),
		Args:    examArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			week, err := weekOf(args)
			if err != nil {
				return err
			}
			return o.withUplink(cmd, "exam", func(u *uplinkClient) error {
				query := url.Values{"week": {week}}
				if empty {
					query.Set("empty", "")
				}
				var s exam.WeekStatus
				if err := u.post("/"+do, query, nil, &s); err != nil {
					return err
				}
				return o.followExam(cmd, u, &s)
			})
		},
	}
	cmd.Flags().BoolVar(&empty, "empty", false, "also if the report would say that there was no exam, and something speaks against that")
	o.wantsJSON(cmd)
	wantsUplink(cmd)
	return cmd
}

// followExam waits until an order is done and says what came of it.
func (o *options) followExam(cmd *cobra.Command, u *uplinkClient, s *exam.WeekStatus) error {
	ctx := cmd.Context()
	query := url.Values{"week": {s.Week.String()}}
	before := s.Since
	tried := func() bool { return !s.Since.Equal(before) && s.State != exam.Sending && s.Reason != "" }
	for end := time.Now().Add(examWait); s.Running && s.Ordered != "" && !tried() && time.Now().Before(end); {
		if err := uplink.Sleep(ctx, examPoll); err != nil {
			return err
		}
		*s = exam.WeekStatus{}
		if err := u.get("/week", query, s); err != nil {
			return err
		}
	}
	w := cmd.OutOrStdout()
	if o.json {
		if err := json.NewEncoder(w).Encode(s); err != nil {
			return err
		}
	}
	switch said := o.json; {
	case s.Ordered != "" && !s.Running:
		if !said {
			_, _ = o.lang.Fprintf(w, "%s: %s is ordered; the agent does not run, and does it when it is started\n", s.Week, o.lang.Word(s.Ordered))
		}
	case s.Ordered != "":
		return fmt.Errorf("%s: not done yet, and tried again: %s", s.Week, s.Reason)
	case s.State == exam.Sent && s.Reason == "":
		if !said {
			_, _ = o.lang.Fprintf(w, "%s: the portal has it as report %d, with %s\n", s.Week, s.ReportID, counted(s.Reported, "exam"))
		}
	case s.State == exam.Uncertain, s.State == exam.Rejected:
		return needsPerson{fmt.Errorf("%s is %s: %s", s.Week, s.State, s.Reason)}
	default:
		return errors.New(s.Week.String() + ": " + s.Reason)
	}
	return nil
}

func newExamMark(o *options) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "mark-sent WEEK ID",
		Short:   "Say that the portal has an uncertain report, and under which number",
		Long:    "For a report whose answer was lost: the portal's operator knows the number. Later corrections replace that report.",
		Example: "  acs-agent exam mark-sent 2026-W47 1042",
		Args:    examArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			week, err := weekOf(args)
			if err != nil {
				return err
			}
			if id, err := strconv.ParseInt(args[1], 10, 64); err != nil || id <= 0 {
				return usage{fmt.Errorf("%q is no number of a report", args[1])}
			}
			return o.withUplink(cmd, "exam", func(u *uplinkClient) error {
				var s exam.WeekStatus
				if err := u.post("/mark-sent", url.Values{"week": {week}, "id": {args[1]}}, nil, &s); err != nil {
					return err
				}
				return o.followExam(cmd, u, &s)
			})
		},
	}
	o.wantsJSON(cmd)
	wantsUplink(cmd)
	return cmd
}
