package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"

	"github.com/spf13/cobra"

	"github.com/acs-agent/acs-agent/uplink/sandbox"
)

// sandboxFlags are what the command line says of the sandbox.
type sandboxFlags struct {
	listen, key, dir, certificate string
	tls                           bool
	faults                        []string
}

func newSandbox(*options) *cobra.Command {
	f := sandboxFlags{listen: "127.0.0.1:8381", key: "sandbox"}
	cmd := &cobra.Command{
		Use:   "sandbox",
		Short: "Play the portal, to rehearse with",
		Long: "Serves the visits portal on this machine, as strict as its document, and keeps what it gets. It can be told to fail.\n" +
			"Rehearse with people who do not exist.\n\n" +
			"While it runs: GET /sandbox/status and /sandbox/rows show what came; PUT /sandbox/faults changes the faults.\n\n" +
			"Faults, each with options behind a colon, for example 500:next=3 or hang:share=0.1:\n\n" + sandbox.FaultForms(),
		Example: "  acs-agent sandbox\n  acs-agent sandbox --tls --write-certificate portal-ca.pem\n" +
			"  acs-agent sandbox --fault 503:share=0.2 --fault cut-answer:next=1",
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.serve(cmd) },
	}
	cmd.Flags().StringVar(&f.listen, "listen", f.listen, "address to serve on")
	cmd.Flags().StringVar(&f.key, "key", f.key, "the access key that is right")
	cmd.Flags().BoolVar(&f.tls, "tls", false, "serve https, with a certificate made for the occasion")
	cmd.Flags().StringVar(&f.certificate, "write-certificate", "", "with --tls: write the certificate for ca_file to this file")
	cmd.Flags().StringVar(&f.dir, "dir", "", "keep the rows in this folder across restarts (default: in memory)")
	cmd.Flags().StringArrayVar(&f.faults, "fault", nil, "misbehave like this; may be given several times")
	return cmd
}

func (f *sandboxFlags) serve(cmd *cobra.Command) error {
	out := cmd.OutOrStdout()
	portal := sandbox.New(sandbox.Options{Key: f.key, Log: slog.New(slog.NewTextHandler(out, nil))})
	defer portal.Close() //nolint:errcheck // told below, where there is something to lose
	if f.dir != "" {
		if err := portal.KeepIn(f.dir); err != nil {
			return err
		}
	}
	var faults sandbox.Faults
	for _, text := range f.faults {
		fault, err := sandbox.ParseFault(text)
		if err != nil {
			return usage{fmt.Errorf("--fault: %w", err)}
		}
		faults = append(faults, fault)
	}
	if err := portal.SetFaults(faults); err != nil {
		return usage{fmt.Errorf("--fault: %w", err)}
	}
	listener, err := new(net.ListenConfig).Listen(cmd.Context(), "tcp", f.listen)
	if err != nil {
		return err
	}
	serve, scheme := portal.Serve, "http"
	if f.tls {
		serve, scheme = portal.ServeTLS, "https"
		if f.certificate != "" {
			if err := os.WriteFile(f.certificate, portal.CertificatePEM(), 0o644); err != nil { //nolint:gosec // a certificate is public
				return err
			}
		}
	}
	_, _ = fmt.Fprintf(out, "the sandbox portal listens; write into the configuration:\n\n    url: %s://%s%s\n    api_key_file: a file that holds: %s\n",
		scheme, listener.Addr(), sandbox.ACSPath, f.key)
	if f.certificate != "" {
		_, _ = fmt.Fprintf(out, "    ca_file: %s\n", f.certificate)
	}
	_, _ = fmt.Fprintln(out)
	return f.run(cmd.Context(), out, portal, listener, serve)
}

func (f *sandboxFlags) run(
	ctx context.Context, out interface{ Write([]byte) (int, error) }, portal *sandbox.Portal, l net.Listener,
	serve func(context.Context, net.Listener) error,
) error {
	err := serve(ctx, l)
	s := portal.Stats()
	_, _ = fmt.Fprintf(out, "%d requests, %d rows, %d repeated, %d requests faster than allowed\n", s.Requests, s.Rows, s.Repeats, s.TooFast)
	if err != nil {
		return err
	}
	return portal.Close()
}
