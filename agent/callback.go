package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/acs-agent/acs-agent/agent/lang"
	"github.com/acs-agent/acs-agent/uplink/callback"
)

func newCallbacks(o *options) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "callbacks",
		Short: "Look after the call-back requests and say what became of them",
		Long: "A request is registered with the platform by itself when it comes. Somebody calls back, and then says rendered, or\n" +
			"rejected with the reason. Both are stored at once and go out when the platform can be reached, however long that takes.",
		Example: "  acs-agent callbacks list --state open --reveal\n  acs-agent callbacks set 17 rendered\n" +
			"  acs-agent callbacks set 17 rejected --comment 'номер не существует'",
		Args: knownCommand,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },

		SuggestionsMinimumDistance: 2,
	}
	cmd.AddCommand(newCallbacksList(o), newCallbacksShow(o), newCallbacksSet(o))
	return cmd
}

// callbackStates are the words that --state takes.
func callbackStates() []string {
	return []string{"open", "registered", "rendered", "rejected", "waiting", "refused"}
}

func newCallbacksList(o *options) *cobra.Command {
	state, limit, reveal := "", 100, false
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List requests, oldest first",
		Long: "States: open requests are those that nobody has dealt with; registered, rendered and rejected is what was said last;\n" +
			"waiting means that the platform has not been told everything yet, refused that it did not want what was said last.\n\n" +
			"CREATED is the platform's date. If nobody can tell whether it means day or month first, it stands there as it came, with ?.",
		Example: "  acs-agent callbacks list --state open --reveal\n  acs-agent callbacks list --state refused\n" +
			"  acs-agent callbacks list --json | jq '.requests[].id'",
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if limit < 1 || limit > 1000 {
				return usage{errors.New("--limit: write 1 to 1000")}
			}
			return o.withUplink(cmd, callback.Module.Type, func(u *uplinkClient) error {
				query := revealing(reveal)
				query.Set("state", state)
				query.Set("limit", strconv.Itoa(limit))
				var found callback.List
				if err := u.get("/requests", query, &found); err != nil {
					return err
				}
				if o.json {
					return printIndented(cmd.OutOrStdout(), found)
				}
				return printCallbacks(cmd.OutOrStdout(), o.lang, &found)
			})
		},
	}
	cmd.Flags().Func("state", "one of "+strings.Join(callbackStates(), ", "), func(word string) error {
		if !slices.Contains(callbackStates(), word) {
			return fmt.Errorf("want one of %s", strings.Join(callbackStates(), ", "))
		}
		state = word
		return nil
	})
	cmd.Flags().IntVar(&limit, "limit", limit, "at most so many, 1 to 1000")
	cmd.Flags().BoolVar(&reveal, "reveal", false, "show names and numbers in full")
	o.wantsJSON(cmd)
	wantsUplink(cmd)
	return cmd
}

// revealing is the query that asks for what is masked, or not.
func revealing(reveal bool) url.Values {
	query := url.Values{}
	if reveal {
		query.Set("reveal", "")
	}
	return query
}

func printIndented(w io.Writer, v any) error {
	out := json.NewEncoder(w)
	out.SetIndent("", "  ")
	return out.Encode(v)
}

func printCallbacks(w io.Writer, p *lang.Printer, found *callback.List) error {
	if len(found.Requests) == 0 {
		_, err := fmt.Fprintln(w, p.Word("none"))
		return err
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	_, _ = p.Fprintf(table, "ID\tSTATE\tRECEIVED\tCREATED\tPLATFORM ID\tWHO\tPHONE\tFORM\tORGANIZATION\n")
	for i := range found.Requests {
		v := &found.Requests[i]
		_, _ = fmt.Fprintf(table, "%d\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", v.ID, p.Word(callbackState(v)), v.ReceivedAt.Format("2006-01-02 15:04"),
			callbackCreated(v), oneLine(v.ApplicationID), oneLine(v.Name), oneLine(v.Phone), oneLine(v.OPF), oneLine(v.Organization))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if found.More {
		_, _ = p.Fprintf(w, "(the first %d; --limit shows more)\n", len(found.Requests))
	}
	return nil
}

// callbackState is the state in words: what was said last, and whether it has arrived if it has not.
func callbackState(v *callback.View) string {
	switch {
	case v.Problem != "" && v.Outcome == "":
		return "not usable"
	case v.Outcome == "sent":
		return v.State
	default:
		return fmt.Sprintf("%s, %s", v.State, v.Outcome)
	}
}

// callbackCreated is the platform's date: the day if there is one reading, else what came.
func callbackCreated(v *callback.View) string {
	switch {
	case len(v.CreatedAs) == 1:
		return v.CreatedAs[0]
	case v.Created == "":
		return "-"
	default:
		return oneLine(v.Created) + "?"
	}
}

// oneLine is what somebody else has written in a form that cannot break a table or a terminal; - for nothing.
func oneLine(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || 0x7f <= r && r < 0xa0 {
			return ' '
		}
		return r
	}, s)
	if s = strings.Join(strings.Fields(s), " "); s == "" {
		return "-"
	}
	return s
}

// callbackID takes the number of a request from the command line.
func callbackID(args []string) (string, error) {
	if n, err := strconv.ParseUint(args[0], 10, 64); err != nil || n == 0 {
		return "", usage{fmt.Errorf("%q is no number of a request; `acs-agent callbacks list` shows them in the column ID", args[0])}
	}
	return args[0], nil
}

// exactly is cobra.ExactArgs with our exit status and words.
func exactly(n int, what string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) != n {
			return usage{fmt.Errorf("write %s", what)}
		}
		return nil
	}
}

func newCallbacksShow(o *options) *cobra.Command {
	reveal := false
	cmd := &cobra.Command{
		Use:     "show ID",
		Short:   "Show all that is known of a request",
		Example: "  acs-agent callbacks show 17 --reveal",
		Args:    exactly(1, "the number of one request"),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := callbackID(args)
			if err != nil {
				return err
			}
			return o.withUplink(cmd, callback.Module.Type, func(u *uplinkClient) error {
				var v callback.View
				if err := u.get("/requests/"+id, revealing(reveal), &v); err != nil {
					return err
				}
				if o.json {
					return printIndented(cmd.OutOrStdout(), v)
				}
				return printCallback(cmd.OutOrStdout(), o.lang, &v)
			})
		},
	}
	cmd.Flags().BoolVar(&reveal, "reveal", false, "show names, numbers and comments in full")
	o.wantsJSON(cmd)
	wantsUplink(cmd)
	return cmd
}

// printCallback prints a request line by line, and what was said about it.
func printCallback(w io.Writer, p *lang.Printer, v *callback.View) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	line := func(name, value string) {
		if value = oneLine(value); value != "-" {
			_, _ = fmt.Fprintf(table, "%s\t%s\n", p.Word(name), value)
		}
	}
	line("id", strconv.FormatUint(v.ID, 10))
	line("state", p.Word(callbackState(v)))
	line("problem", p.Text(v.Problem))
	line("received", v.ReceivedAt.Format(time.DateTime))
	if !v.ChangedAt.IsZero() {
		line("changed", v.ChangedAt.Format(time.DateTime))
	}
	if !v.ClosedAt.IsZero() {
		line("closed", v.ClosedAt.Format(time.DateTime))
	}
	line("platform id", v.ApplicationID)
	line("created", v.Created)
	if len(v.CreatedAs) > 0 && v.CreatedAs[0] != v.Created || len(v.CreatedAs) > 1 {
		line("which means", strings.Join(v.CreatedAs, " or "))
	}
	line("who", v.Name)
	line("phone", v.Phone)
	line("phone as it came", v.PhoneRaw)
	form := v.OPF
	if v.OPFUnknown {
		form = p.Sprintf("%q, which the platform's document does not list", v.OPF)
	}
	line("form", form)
	line("organization", v.Organization)
	line("inn", v.INN)
	line("as it came", v.Raw)
	for _, s := range v.Statuses {
		text := fmt.Sprintf("%s %s, %s", s.At.Format(time.DateTime), s.Code, s.Outcome)
		if s.Comment != "" {
			text += ": " + s.Comment
		}
		if s.Lost && s.Outcome == "waiting" {
			text = p.Sprintf("%s (an answer was lost; it is sent again)", text)
		}
		line("status", text)
		line("the platform says", s.Reason)
	}
	return table.Flush()
}

func newCallbacksSet(o *options) *cobra.Command {
	comment := ""
	cmd := &cobra.Command{
		Use:   "set ID rendered|rejected",
		Short: "Say what became of a request: the call took place, or it did not",
		Long: "rendered closes the request: the call took place. rejected says that it could not, and needs a comment with the reason.\n" +
			"What is said is stored at once and sent as soon as the platform can be reached. A mistake is put right by saying the other.",
		Example: "  acs-agent callbacks set 17 rendered\n  acs-agent callbacks set 17 rejected --comment 'номер не существует'",
		Args:    exactly(2, "the number of a request, and rendered or rejected"),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := callbackID(args)
			switch {
			case err != nil:
				return err
			case args[1] != "rendered" && args[1] != "rejected":
				return usage{fmt.Errorf("%q is no status that people set; write rendered or rejected", args[1])}
			case args[1] == "rejected" && strings.TrimSpace(comment) == "":
				return usage{errors.New("rejected needs the reason: --comment 'номер не существует'")}
			}
			return o.withUplink(cmd, callback.Module.Type, func(u *uplinkClient) error {
				var v callback.View
				if err := u.post("/requests/"+id+"/status", nil, callback.Setting{Status: args[1], Comment: comment}, &v); err != nil {
					return err
				}
				if o.json {
					return printIndented(cmd.OutOrStdout(), v)
				}
				_, err := o.lang.Fprintf(cmd.OutOrStdout(), "request %d: %s\n", v.ID, callbackState(&v))
				return err
			})
		},
	}
	cmd.Flags().StringVar(&comment, "comment", "", "goes to the platform with the status; needed for rejected")
	o.wantsJSON(cmd)
	wantsUplink(cmd)
	return cmd
}
