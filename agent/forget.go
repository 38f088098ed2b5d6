package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/acs-agent/acs-agent/agent/event"
	"github.com/acs-agent/acs-agent/agent/localapi"
	"github.com/acs-agent/acs-agent/uplink"
)

// showAfter is how long something may take before it is shown how far it has come.
const showAfter = 2 * time.Second

func newForget(o *options) *cobra.Command {
	var yes, also bool
	cmd := &cobra.Command{
		Use:   "forget NUMBER | -",
		Short: "Make everything of one person in the journal unreadable",
		Long: "Finds a person by the IIN, or by the INN or SNILS in the records of a portal, and makes the passes and records unreadable\n" +
			"for good, delivered ones too: they are emptied, and the keys with which they were sealed are destroyed. With - the number is\n" +
			"read from the standard input, so that it does not stand in the history of the shell.\n\n" +
			"What is not reported yet is not touched without --also-waiting: the site owes these reports. Not found are passes whose card\n" +
			"was never matched to the person, and what the portals themselves have. The list of cardholders is yours: take the person\n" +
			"out of it first.\n\n" +
			"Exit status: 0 done, 1 failed, 2 wrong usage, 3 something is not reported yet, or a damaged journal that was put aside still\n" +
			"has to be deleted.",
		Example: "  acs-agent forget -\n  acs-agent forget - --also-waiting --yes < number.txt",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 { // without repeating any of them
				return usage{errors.New("give one number, or - to have it read from the standard input")}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			number, err := personNumber(cmd.InOrStdin(), args[0])
			if err != nil {
				return err
			}
			if args[0] == "-" && !yes && !isTerminalInput(cmd) {
				return usage{errors.New("what is forgotten cannot be had back: add --yes where nobody can be asked")}
			}
			return o.withAgent(cmd.Context(), func(a *connection) error { return o.forget(cmd, a, number, also, yes) })
		},
	}
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	cmd.Flags().BoolVar(&also, "also-waiting", false, "also what the portals have not got yet; it will never be reported")
	o.wantsJSON(cmd)
	return cmd
}

// personNumber takes the number from the command line, or from the input for "-". Its errors repeat nothing of it.
func personNumber(in io.Reader, arg string) (string, error) {
	if arg == "-" {
		line, err := bufio.NewReader(io.LimitReader(in, 256)).ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return "", err
		}
		arg = line
	}
	number := strings.NewReplacer(" ", "", "-", "").Replace(strings.TrimSpace(arg))
	if (len(number) != 11 && len(number) != 12) || strings.Trim(number, "0123456789") != "" {
		return "", usage{errors.New("want an IIN or INN of 12 digits, or a SNILS of 11")}
	}
	return number, nil
}

func isTerminalInput(cmd *cobra.Command) bool {
	in, ok := cmd.InOrStdin().(*os.File)
	return ok && isTerminal(in)
}

func (o *options) forget(cmd *cobra.Command, a *connection, number string, also, yes bool) error {
	out := cmd.OutOrStdout()
	if o.json {
		out = cmd.ErrOrStderr() // what is asked
	}
	order := localapi.ForgetOrder{Number: number, AlsoWaiting: also, Count: true}
	there, err := a.Forget(cmd.Context(), order, func(localapi.Progress) {})
	if err != nil {
		return err
	}
	if !o.json {
		_, _ = o.lang.Fprintf(out, "%s: %d passes delivered, %d waiting, %d aside; %d records of portals\n",
			event.MaskIIN(number), there.Delivered, there.Waiting, there.Aside, there.Records)
	}
	switch {
	case there.Owed() > 0 && !also:
		return needsPerson{fmt.Errorf("%d of them have not reached their portals, and the site owes these reports: nothing was changed "+
			"(wait until they are delivered, see `acs-agent queue list`; or add --also-waiting, and they will never be reported)", there.Owed())}
	case !there.Empty() && !yes:
		if err := o.confirmForgetting(cmd, out); err != nil {
			return err
		}
	}
	// Also if nothing is found: an attempt before this one may have been interrupted.
	show, word, began := progressLine(cmd.ErrOrStderr(), o.lang), o.lang.Word("sealed anew"), time.Now()
	order.Count = false
	done, err := a.Forget(cmd.Context(), order, func(p localapi.Progress) {
		if time.Since(began) > showAfter {
			show(word, p.Done, p.Total)
		}
	})
	show("", 0, 0)
	if err != nil {
		return fmt.Errorf("%w (run the command again: it goes on where it was)", err)
	}
	if o.json {
		if err := json.NewEncoder(cmd.OutOrStdout()).Encode(done); err != nil {
			return err
		}
	} else {
		o.sayForgotten(out, &done)
	}
	if len(done.Damaged) > 0 {
		return needsPerson{fmt.Errorf("damaged journals that were put aside may still hold this person, and can be read with the key of the "+
			"device: delete them (%s)", strings.Join(done.Damaged, ", "))}
	}
	return nil
}

func (o *options) sayForgotten(out io.Writer, done *localapi.ForgetReport) {
	switch {
	case done.Empty():
		_, _ = o.lang.Fprintf(out, "nothing was found\n")
	case len(done.Damaged) > 0:
		_, _ = o.lang.Fprintf(out, "forgotten in the journal that is in use\n")
	default:
		_, _ = o.lang.Fprintf(out, "forgotten: nobody can read this any more\n")
	}
	if done.Listed {
		_, _ = o.lang.Fprintf(out, "the list of cardholders still has this person, and the next pass will be stored as ever: take the row out\n")
	}
}

func (o *options) confirmForgetting(cmd *cobra.Command, out io.Writer) error {
	if !isTerminalInput(cmd) {
		return usage{errors.New("what is forgotten cannot be had back: add --yes where nobody can be asked")}
	}
	_, _ = o.lang.Fprintf(out, "This cannot be undone. Type yes to go on: ")
	answer, err := bufio.NewReader(cmd.InOrStdin()).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if strings.TrimSpace(answer) != "yes" {
		return errors.New("nothing was changed")
	}
	return nil
}

// privacy is what the local API needs to forget a person.
func (s *site) privacy() localapi.Privacy {
	return localapi.Privacy{
		Forgetting: func() map[string]localapi.Forgetting {
			all := make(map[string]localapi.Forgetting)
			for _, u := range s.current().uplinks {
				if f, ok := u.Uplink.(uplink.Forgetting); ok {
					all[u.name] = f
				}
			}
			return all
		},
		Listed: func(iin string) bool { return s.keeper != nil && s.keeper.Book().Lists(iin) },
	}
}
