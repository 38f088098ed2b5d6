package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/acs-agent/acs-agent/agent/cardholders"
	"github.com/acs-agent/acs-agent/agent/config"
	"github.com/acs-agent/acs-agent/agent/lang"
)

// checked is what `check --json` prints.
type checked struct {
	File        string              `json:"file"`
	Mistakes    config.Mistakes     `json:"mistakes"`
	Warnings    config.Mistakes     `json:"warnings"`
	Cardholders *cardholders.Report `json:"cardholders,omitempty"`
	// CardholdersError says why the list cannot be used at all.
	CardholdersError string `json:"cardholders_error,omitempty"`
}

func newCheck(o *options) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Check the configuration and the list of cardholders",
		Long: "Reads the configuration and the list of cardholders and says of every mistake where it is and what to write instead.\n" +
			"It touches no reader and no network.\n\nExit status: 0 no mistakes, 3 there is something to mend.",
		Example: "  acs-agent check\n  acs-agent check --config ./config.yaml --json",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, cfg := check(config.Find(o.config))
			w := cmd.OutOrStdout()
			if o.json {
				if err := json.NewEncoder(w).Encode(c); err != nil {
					return err
				}
			} else {
				c.print(cmd.OutOrStdout(), o.lang, cfg)
			}
			if len(c.Mistakes) > 0 || c.CardholdersError != "" || c.Cardholders != nil && c.Cardholders.Refused > 0 {
				return needsPerson{errSaid}
			}
			return nil
		},
	}
	o.wantsJSON(cmd)
	return cmd
}

// check reads everything that the agent would read at its start. cfg is nil if the file itself is wrong.
func check(path string) (c checked, cfg *config.Config) {
	c = checked{File: path, Mistakes: config.Mistakes{}, Warnings: config.Mistakes{}} // [] in JSON, and not null
	note := func(err error) {
		if wrong, ok := errors.AsType[*config.Mistakes](err); ok {
			c.Mistakes.Add(*wrong...)
		}
	}
	cfg, err := config.Load(path)
	note(err)
	if cfg == nil {
		return c, nil
	}
	_, err = makePlan(cfg, discardLog(), noServices()) // also if there are mistakes already: all are told at once
	note(err)
	c.Warnings.Add(cfg.Warnings()...)
	if cfg.Cardholders.File == "" || cfg.Zone == nil {
		return c, cfg
	}
	_, report, err := cardholders.Load(cfg.Cardholders.File, cfg.Zone)
	if err != nil {
		c.CardholdersError = strings.TrimPrefix(err.Error(), "cardholders: ")
	} else {
		c.Cardholders = &report
	}
	return c, cfg
}

func (c *checked) print(w io.Writer, p *lang.Printer, cfg *config.Config) {
	said := func(m config.Mistake) config.Mistake {
		m.Problem, m.Advice = p.Text(m.Problem), p.Text(m.Advice)
		return m
	}
	for _, m := range c.Mistakes {
		_, _ = fmt.Fprintln(w, said(m))
	}
	for _, m := range c.Warnings {
		_, _ = p.Fprintf(w, "warning: %s\n", said(m))
	}
	switch {
	case c.CardholdersError != "":
		_, _ = p.Fprintf(w, "cardholders: %s\n", c.CardholdersError)
	case c.Cardholders != nil:
		_, _ = fmt.Fprint(w, p.Text(c.Cardholders.String()))
	case cfg != nil && len(c.Mistakes) == 0:
		_, _ = p.Fprintf(w, "warning: no cardholders.file is given, so every pass will be held as unknown\n")
	}
	if len(c.Mistakes) > 0 {
		_, _ = p.Fprintf(w, "%s in %s\n", counted(len(c.Mistakes), "mistake"), c.File)
		return
	}
	_, _ = p.Fprintf(w, "%s: %s, %s, no mistakes\n", c.File, counted(len(cfg.Readers), "reader"), counted(len(cfg.Uplinks), "uplink"))
	if _, err := os.Stat(cfg.DataDir); errors.Is(err, os.ErrNotExist) {
		_, _ = p.Fprintf(w, "%s does not exist yet; the agent makes it when it starts\n", cfg.DataDir)
	}
}

// counted is a number of things: 1 reader, 2 readers.
func counted[N int | uint64](n N, thing string) string {
	switch {
	case n == 1:
	case strings.HasSuffix(thing, "s"):
		thing += "es"
	default:
		thing += "s"
	}
	return fmt.Sprintf("%d %s", n, thing)
}
