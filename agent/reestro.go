package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/acs-agent/acs-agent/agent/lang"
	"github.com/acs-agent/acs-agent/uplink/reestro"
)

func newSubjects(o *options) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "subjects",
		Short: "Look after the persons and organizations that are registered to be checked",
		Long: "A subject is new, then sending, and then registered; refused, if the portal does not want it as it is; or it exists, which\n" +
			"means that the portal has it and the answer with its id was lost. What exists is never sent again: its id is found in the\n" +
			"checks, or a person looks for it at the portal and tells it.",
		Example: "  acs-agent subjects list --state refused --state exists\n  acs-agent subjects add < subject.json\n" +
			"  acs-agent subjects retry 17 --inn 500100732259",
		Args: knownCommand,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },

		SuggestionsMinimumDistance: 2,
	}
	cmd.AddCommand(newSubjectsAdd(o), newSubjectsList(o), newSubjectsShow(o), newSubjectsRetry(o), newSubjectsResolve(o))
	return cmd
}

func newSubjectsList(o *options) *cobra.Command {
	var states []string
	limit, reveal := 100, false
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List subjects and how far they have come",
		Example: "  acs-agent subjects list\n  acs-agent subjects list --state refused --state exists\n  acs-agent subjects list --limit 0 --json",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return o.withUplink(cmd, reestro.Module.Type, func(u *uplinkClient) error {
				var all []reestro.SubjectView
				if err := u.get("/subjects", revealed(url.Values{"state": states, "limit": {strconv.Itoa(limit)}}, reveal), &all); err != nil {
					return err
				}
				if o.json {
					return json.NewEncoder(cmd.OutOrStdout()).Encode(all)
				}
				return printSubjects(cmd.OutOrStdout(), o.lang, all, limit)
			})
		},
	}
	cmd.Flags().StringSliceVar(&states, "state", nil, "only these: new, sending, registered, exists, refused")
	cmd.Flags().IntVar(&limit, "limit", limit, "at most so many; 0 for all")
	cmd.Flags().BoolVar(&reveal, "reveal", false, "show names and numbers in full")
	o.wantsJSON(cmd)
	wantsUplink(cmd)
	return cmd
}

func revealed(q url.Values, reveal bool) url.Values {
	if reveal {
		q.Set("reveal", "")
	}
	return q
}

func printSubjects(w io.Writer, p *lang.Printer, all []reestro.SubjectView, limit int) error {
	if len(all) == 0 {
		_, err := fmt.Fprintln(w, p.Word("none"))
		return err
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	_, _ = p.Fprintf(table, "NUMBER\tSTATE\tWHO\tCHANGED\tSUBJECT ID\tREASON\n")
	for i := range all {
		s := &all[i]
		_, _ = fmt.Fprintf(table, "%d\t%s\t%s\t%s\t%s\t%s\n", s.Number, p.Word(s.State), whoIs(p, s),
			s.Changed.Format(time.DateTime), s.SubjectID, p.Text(why(s)))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if limit > 0 && len(all) == limit {
		_, _ = p.Fprintf(w, "(the first %d; --limit 0 shows all)\n", limit)
	}
	return nil
}

func whoIs(p *lang.Printer, s *reestro.SubjectView) string {
	if s.Name == "" {
		return p.Sprintf("OGRN %s", s.OGRN)
	}
	return s.Name
}

func why(s *reestro.SubjectView) string {
	return strings.TrimPrefix(strings.TrimSuffix(strings.Join(s.Codes, ", ")+": "+s.Reason, ": "), ": ")
}

// subjectArgs wants so many arguments, of which the first is the number of a subject.
func subjectArgs(n int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if err := cobra.ExactArgs(n)(cmd, args); err != nil {
			return usage{err}
		}
		if number, err := strconv.ParseUint(args[0], 10, 32); err != nil || number == 0 {
			return usage{fmt.Errorf("%q is no number of a subject; `acs-agent subjects list` shows them", args[0])}
		}
		return nil
	}
}

// subjectCommand is a command for one subject, after which the subject is printed.
func (o *options) subjectCommand(cmd *cobra.Command, do func(u *uplinkClient, query url.Values, into *reestro.SubjectView) error) *cobra.Command {
	reveal := false
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return o.withUplink(cmd, reestro.Module.Type, func(u *uplinkClient) error {
			var s reestro.SubjectView
			if err := do(u, revealed(url.Values{}, reveal), &s); err != nil {
				return err
			}
			out := json.NewEncoder(cmd.OutOrStdout())
			out.SetIndent("", "  ")
			return out.Encode(s)
		})
	}
	cmd.Flags().BoolVar(&reveal, "reveal", false, "show names and numbers in full")
	wantsUplink(cmd)
	return cmd
}

func newSubjectsShow(o *options) *cobra.Command {
	var number string
	return o.subjectCommand(&cobra.Command{
		Use:     "show NUMBER",
		Short:   "Show all that is known of a subject",
		Example: "  acs-agent subjects show 17\n  acs-agent subjects show 17 --reveal",
		Args:    keepFirst(&number, subjectArgs(1)),
	}, func(u *uplinkClient, query url.Values, into *reestro.SubjectView) error {
		return u.get("/subjects/"+number, query, into)
	})
}

// keepFirst notes the first argument when the arguments are right.
func keepFirst(into *string, args cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, given []string) error {
		err := args(cmd, given)
		if err == nil {
			*into = given[0]
		}
		return err
	}
}

func newSubjectsRetry(o *options) *cobra.Command {
	var number string
	var corrected reestro.Fields
	cmd := o.subjectCommand(&cobra.Command{
		Use:   "retry NUMBER",
		Short: "Send a refused subject again, with what has been corrected",
		Long: "Flags replace what was wrong; the rest stays as it is.\n\n" +
			"Exit status: 0 it will be sent, 1 it cannot be, 3 the portal has it already and a person has to tell its id.",
		Example: "  acs-agent subjects retry 17 --inn 500100732259\n  acs-agent subjects retry 17",
		Args:    keepFirst(&number, subjectArgs(1)),
	}, func(u *uplinkClient, query url.Values, into *reestro.SubjectView) error {
		err := u.post("/subjects/"+number+"/retry", query, corrected, into)
		var s reestro.SubjectView
		if err != nil && u.get("/subjects/"+number, nil, &s) == nil && s.State == "exists" {
			return needsPerson{err}
		}
		return err
	})
	subjectFlags(cmd, &corrected)
	return cmd
}

func newSubjectsResolve(o *options) *cobra.Command {
	var number, id string
	return o.subjectCommand(&cobra.Command{
		Use:     "resolve NUMBER SUBJECT_ID",
		Short:   "Tell the portal's id of a subject that exists there and whose id is not known",
		Long:    "Look for the subject at the portal, by its external id (see `acs-agent subjects show`), and give the id that it has there.",
		Example: "  acs-agent subjects resolve 17 3f813a2f-958b-499b-90c7-a038d98955c0",
		Args: func(cmd *cobra.Command, args []string) error {
			err := keepFirst(&number, subjectArgs(2))(cmd, args)
			if err == nil {
				id = args[1]
			}
			return err
		},
	}, func(u *uplinkClient, query url.Values, into *reestro.SubjectView) error {
		query.Set("subject_id", id)
		return u.post("/subjects/"+number+"/resolve", query, nil, into)
	})
}
