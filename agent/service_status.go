package main

import (
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/acs-agent/acs-agent/agent/lang"
	"github.com/acs-agent/acs-agent/agent/service"
)

// serviceOrders are start, stop and restart.
func serviceOrders(o *options) []*cobra.Command {
	var all []*cobra.Command
	for _, order := range []struct {
		use, short string
		checks     bool
		do         func(service.Manager, *cobra.Command) error
	}{
		{"start", "Start the service", true, func(m service.Manager, cmd *cobra.Command) error { return m.Start(cmd.Context()) }},
		{"stop", "Stop the service until it is started again, or the machine is", false, func(m service.Manager, cmd *cobra.Command) error { return m.Stop(cmd.Context()) }},
		{"restart", "Stop the service and start it again", true, func(m service.Manager, cmd *cobra.Command) error { return m.Restart(cmd.Context()) }},
	} {
		force := false
		cmd := &cobra.Command{
			Use:     order.use,
			Short:   order.short,
			Example: "  sudo acs-agent service " + order.use,
			Args:    noArgs,
		}
		cmd.RunE = func(cmd *cobra.Command, _ []string) error {
			m, err := serviceManager(true)
			if err != nil {
				return err
			}
			if order.checks {
				if _, _, err := checkedConfig(cmd, o, force); err != nil {
					return err
				}
			}
			if err := order.do(m, cmd); err != nil {
				return fmt.Errorf("%s the service: %w", order.use, err)
			}
			return o.sayService(cmd, m)
		}
		if order.checks {
			cmd.Long = order.short + ". A configuration with mistakes is refused, and an agent that runs is left alone then."
			cmd.Flags().BoolVar(&force, "force", false, "also if the configuration has mistakes")
		}
		all = append(all, cmd)
	}
	return all
}

func newServiceStatus(o *options) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Say whether the service runs",
		Long: "Asks the service manager; `acs-agent status` asks the agent itself how its readers and uplinks do.\n\n" +
			"Exit status: 0 it runs, 1 it does not, 3 it has failed and a person has to look.",
		Example: "  acs-agent service status\n  acs-agent service status --json | jq .pid",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			m, err := serviceManager(false)
			if err != nil {
				return err
			}
			s, err := m.Status(cmd.Context())
			if err != nil {
				return fmt.Errorf("ask the service manager: %w", err)
			}
			needsMending(&s)
			if o.json {
				out := json.NewEncoder(cmd.OutOrStdout())
				out.SetIndent("", "  ")
				err = out.Encode(s)
			} else {
				printService(cmd.OutOrStdout(), o.lang, &s, time.Now())
			}
			if err != nil {
				return err
			}
			switch s.State {
			case service.Running:
				return nil
			case service.Failed:
				return needsPerson{errSaid}
			default:
				return errSaid
			}
		},
	}
	o.wantsJSON(cmd)
	return cmd
}

// sayService shows what has become of an order.
func (o *options) sayService(cmd *cobra.Command, m service.Manager) error {
	s, err := m.Status(cmd.Context())
	if err != nil {
		return fmt.Errorf("ask the service manager: %w", err)
	}
	needsMending(&s)
	printService(cmd.OutOrStdout(), o.lang, &s, time.Now())
	if s.State == service.Failed {
		return needsPerson{errSaid}
	}
	return nil
}

// needsMending sees an agent that is only there to wait for a person as what it is.
func needsMending(s *service.Status) {
	if s.Says == waitsForPerson {
		s.State = service.Failed
	}
}

func printService(w io.Writer, p *lang.Printer, s *service.Status, now time.Time) {
	_, _ = p.Fprintf(w, "the service is %s", p.Word(string(s.State)))
	if !s.Since.IsZero() {
		_, _ = p.Fprintf(w, " for %s", span(p, now.Sub(s.Since)))
	}
	if s.PID != 0 {
		_, _ = p.Fprintf(w, ", process %d", s.PID)
	}
	if s.Restarts > 0 {
		_, _ = p.Fprintf(w, ", started again %s", counted(s.Restarts, "time"))
	}
	_, _ = p.Fprintf(w, "\n")
	if s.State == service.NotInstalled {
		_, _ = p.Fprintf(w, "install it: sudo acs-agent service install\n")
		return
	}
	if s.Enabled != nil && !*s.Enabled {
		_, _ = p.Fprintf(w, "it does NOT start with the machine\n")
	}
	if s.Says != "" {
		_, _ = p.Fprintf(w, "it says: %s\n", s.Says)
	}
	if s.State == service.Failed || s.State == service.Stopped {
		switch {
		case s.ExitStatus == exitNeedsPerson:
			_, _ = p.Fprintf(w, "it ended because the configuration has to be mended: acs-agent check\n")
		case s.Result == "watchdog":
			_, _ = p.Fprintf(w, "it was ended because it made no progress; please report its log\n")
		case s.ExitStatus != 0:
			_, _ = p.Fprintf(w, "it ended with exit status %d\n", s.ExitStatus)
		}
	}
	_, _ = p.Fprintf(w, "what it has said: %s\n", s.Log)
}
