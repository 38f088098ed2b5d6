// Command acs-agent reads passes from access control readers, keeps each in a journal that survives power cuts, and carries them
// to the portals that the site reports to.
//
// To build an agent with a reader or portal of your own, add its line to modules.go.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/acs-agent/acs-agent/agent/lang"
)

// The exit statuses of all commands.
const (
	exitDone        = 0
	exitFailed      = 1
	exitUsage       = 2
	exitNeedsPerson = 3
)

func main() {
	keepMemoryPrivate()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	status := execute(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(status)
}

// needsPerson is an error that nothing but a person can mend; the command ends with exitNeedsPerson.
type needsPerson struct{ error }

func (n needsPerson) Unwrap() error { return n.error }

// usage is a mistake on the command line; the command ends with exitUsage.
type usage struct{ error }

// errSaid ends a command with exitFailed when it has told the user everything already.
var errSaid = errors.New("failed")

// execute runs one command line and returns its exit status.
func execute(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	p := lang.New(languageOf(args, os.Getenv))
	root := newRoot(p)
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	var (
		person needsPerson
		wrong  usage
	)
	switch {
	case err == nil:
		return exitDone
	case errors.As(err, &person):
		if !errors.Is(err, errSaid) {
			_, _ = p.Fprintf(stderr, "acs-agent: %v\n", err)
		}
		return exitNeedsPerson
	case errors.As(err, &wrong):
		_, _ = p.Fprintf(stderr, "acs-agent: %v\nRun the command with --help to see what can be written.\n", err)
		return exitUsage
	case errors.Is(err, errSaid):
		return exitFailed
	}
	_, _ = p.Fprintf(stderr, "acs-agent: %v\n", err)
	return exitFailed
}

// options are what all commands share.
type options struct {
	config string
	json   bool
	// lang says to people what the command prints, in their language.
	lang *lang.Printer
}

func newRoot(p *lang.Printer) *cobra.Command {
	o := &options{lang: p}
	root := &cobra.Command{
		Use:   "acs-agent",
		Short: "Carries passes from access control readers to the portals of the site",
		Long: "acs-agent reads passes from access control readers, keeps each in a journal that survives power cuts,\n" +
			"and carries them to the portals that the site reports to. No pass that was read is lost.",
		Example: "  acs-agent demo                      see it work on this machine\n" +
			"  acs-agent check                     is the configuration right?\n" +
			"  acs-agent run                       work until stopped\n" +
			"  acs-agent status                    how is it going?",
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          knownCommand,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.PersistentFlags().StringVarP(&o.config, "config", "c", "", "configuration file (default $ACS_AGENT_CONFIG, or /etc/acs-agent/config.yaml)")
	wantsLanguage(root)
	root.SuggestionsMinimumDistance = 2
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usage{err} })
	for _, c := range []func(*options) *cobra.Command{
		newRun, newCheck, newDemo, newSandbox, newStatus, newWatch, newQueue, newForget, newKey, newExam, newSubjects, newChecks, newCallbacks, newDrivers, newDoctor, newService, newFleet, newVersion, newExample, newCompletion,
	} {
		root.AddCommand(c(o))
	}
	completeFlags(root, o)
	translateHelp(root, p)
	return root
}

// knownCommand refuses what is left when no command below cmd has that name, and offers those that are spelt alike.
func knownCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	err := fmt.Errorf("%s has no command %q", cmd.CommandPath(), args[0])
	if alike := cmd.SuggestionsFor(args[0]); len(alike) > 0 {
		err = fmt.Errorf("%w; did you mean %s?", err, strings.Join(alike, " or "))
	}
	return usage{err}
}

// noArgs is cobra.NoArgs with our exit status.
func noArgs(cmd *cobra.Command, args []string) error {
	if err := cobra.NoArgs(cmd, args); err != nil {
		return usage{err}
	}
	return nil
}

// wantsJSON adds the flag --json to a command.
func (o *options) wantsJSON(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&o.json, "json", false, "print JSON for programs")
}
