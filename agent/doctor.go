package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/acs-agent/acs-agent/agent/config"
	"github.com/acs-agent/acs-agent/agent/doctor"
	"github.com/acs-agent/acs-agent/agent/doctor/bundle"
	"github.com/acs-agent/acs-agent/agent/lang"
)

func newDoctor(o *options) *cobra.Command {
	archive := ""
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Look at everything that the site needs, and say what to do",
		Long: "Looks at the configuration, rights of files, ports of readers, the MQTT broker, portals, the clock, the disk, the journal,\n" +
			"memory and the service, all at once and in at most a minute, and says of each whether it is right, and what to do if it is\n" +
			"not. It leaves nothing behind at the portals, publishes nothing, and tries no password again that was refused. As root it\n" +
			"sees more.\n\n" +
			"Exit status: 0 nothing is wrong, 1 something fails that may come back by itself, 3 something needs a person.",
		Example: "  sudo acs-agent doctor\n  acs-agent doctor --json | jq '.findings[] | select(.level == \"wrong\")'\n" +
			"  sudo acs-agent doctor --bundle support.zip",
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if archive != "" && !strings.HasSuffix(archive, ".zip") && !strings.HasSuffix(archive, ".tar.gz") && !strings.HasSuffix(archive, ".tgz") {
				return usage{fmt.Errorf("--bundle %s: %w", archive, bundle.ErrName)}
			}
			s := gather(cmd.Context(), config.Find(o.config))
			found := doctor.Examine(cmd.Context(), s.checks(), doctorProgress(cmd.ErrOrStderr(), o.lang))
			if err := cmd.Context().Err(); err != nil {
				return err
			}
			d := diagnosis{Version: version, At: time.Now().UTC().Truncate(time.Second), Findings: found, Summary: doctor.Sum(found)}
			if err := d.print(cmd.OutOrStdout(), o); err != nil {
				return err
			}
			if archive != "" {
				if err := s.pack(cmd.Context(), archive, &d); err != nil {
					return err
				}
				_, _ = o.lang.Fprintf(cmd.ErrOrStderr(), "%s is written; look into it before you send it\n", archive)
			}
			return d.err()
		},
	}
	o.wantsJSON(cmd)
	cmd.Flags().StringVar(&archive, "bundle", "", "also write an archive for whoever helps you, without personal data and secrets: FILE.zip or FILE.tar.gz")
	return cmd
}

// A diagnosis is what `doctor --json` prints.
type diagnosis struct {
	Version  string           `json:"version"`
	At       time.Time        `json:"at"`
	Findings []doctor.Finding `json:"findings"`
	Summary  doctor.Summary   `json:"summary"`
}

func (d *diagnosis) print(w io.Writer, o *options) error {
	if !o.json {
		return doctor.Print(w, d.Findings, func(text string) string {
			if said := o.lang.Text(text); said != text {
				return said
			}
			return o.lang.Word(text) // a subject can be a single word
		})
	}
	out := json.NewEncoder(w)
	out.SetIndent("", "  ")
	return out.Encode(d)
}

// err turns the diagnosis into the end of the command.
func (d *diagnosis) err() error {
	switch {
	case d.Summary.NeedsPerson > 0:
		return needsPerson{errSaid}
	case d.Summary.Wrong > 0:
		return errSaid
	}
	return nil
}

// doctorProgress shows on a terminal what is still being looked at; nil for anything else.
func doctorProgress(w io.Writer, p *lang.Printer) func([]string) {
	if !isTerminal(w) {
		return nil
	}
	return func(names []string) {
		_, _ = fmt.Fprint(w, "\r\x1b[K")
		if len(names) > 0 {
			shown := make([]string, 0, 4)
			for _, n := range names[:min(len(names), cap(shown))] {
				shown = append(shown, p.Text(n))
			}
			_, _ = p.Fprintf(w, "still looking at: %s", strings.Join(shown, ", "))
		}
	}
}

// errNotAsked says why something that the running agent knows stays unknown.
func errNotAsked(why error) error {
	return fmt.Errorf("the running agent could not be asked: %w", why)
}

// errNoAnswer is the running agent that takes calls and does not answer.
var errNoAnswer = errors.New("the agent runs, but does not answer (wait a moment; if it stays so, restart it: systemctl restart acs-agent)")

// withTime is a context that ends early.
func withTime(ctx context.Context, limit time.Duration, do func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	return do(ctx)
}
