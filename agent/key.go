package main

import (
	"encoding/json"
	"time"

	"github.com/spf13/cobra"

	"github.com/acs-agent/acs-agent/buffer"
)

func newKey(o *options) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "key",
		Short:   "Look after the key with which the journal is sealed",
		Example: "  acs-agent key status\n  acs-agent key rotate",
		Args:    knownCommand,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },

		SuggestionsMinimumDistance: 2,
	}
	status := &cobra.Command{
		Use:     "status",
		Short:   "Tell the key's fingerprint and age; the key itself is never shown",
		Example: "  acs-agent key status --json",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return o.withAgent(cmd.Context(), func(a *connection) error {
				s, err := a.Key(cmd.Context())
				if err != nil {
					return err
				}
				return o.showKey(cmd, s)
			})
		},
	}
	rotate := &cobra.Command{
		Use:   "rotate",
		Short: "Make a new key and destroy the old one",
		Long: "Makes a new key, seals the data keys of the journal with it and overwrites the old key file. Passes are taken meanwhile. When\n" +
			"the power fails in between, the next start finishes it. Copies of the old key file open nothing any more: make a new one, and\n" +
			"keep it in a safe place.",
		Example: "  acs-agent key rotate",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return o.withAgent(cmd.Context(), func(a *connection) error {
				s, err := a.Rotate(cmd.Context())
				if err != nil {
					return err
				}
				return o.showKey(cmd, s)
			})
		},
	}
	o.wantsJSON(status)
	o.wantsJSON(rotate)
	cmd.AddCommand(status, rotate)
	return cmd
}

func (o *options) showKey(cmd *cobra.Command, s buffer.KeyStatus) error {
	if o.json {
		return json.NewEncoder(cmd.OutOrStdout()).Encode(s)
	}
	_, err := o.lang.Fprintf(cmd.OutOrStdout(), "journal key %s since %s, for %d data keys\n",
		s.Fingerprint, s.Since.Format(time.DateTime), s.DataKeys)
	return err
}
