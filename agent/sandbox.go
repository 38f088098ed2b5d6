package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/acs-agent/acs-agent/uplink/sandbox"
)

// sandboxFlags are what the command line says of the sandbox.
type sandboxFlags struct {
	listen, dir, certificate string
	tls, demoData            bool
	faults                   []string
	portals                  sandbox.Options
}

func newSandbox(*options) *cobra.Command {
	f := sandboxFlags{
		listen: "127.0.0.1:8381",
		portals: sandbox.Options{
			Key: "sandbox",
			Reestro: sandbox.ReestroOptions{
				Key: "5a0dbc00-0000-4000-8000-000000000001", Org: "5a0dbc00-0000-4000-8000-000000000002",
				// Right by their control digits, and of nobody.
				Dissolved: []string{"1000000000010"}, Unknown: []string{"1000000000021"},
			},
			Callback: sandbox.CallbackOptions{Login: "sandbox@example", Password: "sandbox"},
		},
	}
	cmd := &cobra.Command{
		Use:   "sandbox",
		Short: "Play the portals, to rehearse with",
		Long: "Serves the five portals on this machine, as strict as their documents, and keeps what it gets. It can be told to fail.\n" +
			"Rehearse with people who do not exist.\n\n" +
			"While it runs: GET /sandbox/status and /sandbox/rows show what came; PUT /sandbox/faults changes the faults;\n" +
			"PUT /sandbox/check and /sandbox/application give the agent something to find. /sandbox/ lists all.\n\n" +
			"Faults, each with options behind a colon, for example 500:next=3 or hang:portal=exam,share=0.1:\n\n" + sandbox.FaultForms(),
		Example: "  acs-agent sandbox --demo-data\n  acs-agent sandbox --tls --write-certificate portal-ca.pem\n" +
			"  acs-agent sandbox --fault 503:share=0.2 --fault cut-answer:portal=exam,next=1",
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.serve(cmd) },
	}
	flags, o := cmd.Flags(), &f.portals
	flags.StringVar(&f.listen, "listen", f.listen, "address to serve on")
	flags.StringVar(&o.Key, "key", o.Key, "visits: the access key that is right")
	flags.StringVar(&o.Reestro.Key, "reestro-key", o.Reestro.Key, "subjects and checks: the access key that is right")
	flags.StringVar(&o.Reestro.Org, "org-id", o.Reestro.Org, "subjects and checks: the organization that is right")
	flags.StringVar(&o.Callback.Login, "login", o.Callback.Login, "call-back requests: the name that is right")
	flags.StringVar(&o.Callback.Password, "password", o.Callback.Password, "call-back requests: the password that is right")
	flags.DurationVar(&o.Callback.TokenLife, "token-life", 0, "call-back requests: how long a log-in is good for (default: without end)")
	flags.BoolVar(&o.Exam.Literal, "literal", false, "exam: forbid the nearest dates by the flags that the document names")
	flags.BoolVar(&f.demoData, "demo-data", false, "begin with a few made-up checks and call-back requests")
	flags.BoolVar(&f.tls, "tls", false, "serve https, with a certificate made for the occasion")
	flags.StringVar(&f.certificate, "write-certificate", "", "with --tls: write the certificate for ca_file to this file")
	flags.StringVar(&f.dir, "dir", "", "keep the passes in this folder across restarts (default: in memory)")
	flags.StringArrayVar(&f.faults, "fault", nil, "misbehave like this; may be given several times")
	return cmd
}

func (f *sandboxFlags) serve(cmd *cobra.Command) error {
	out := cmd.OutOrStdout()
	f.portals.Log = slog.New(slog.NewTextHandler(out, nil))
	portal := sandbox.New(f.portals)
	defer portal.Close() //nolint:errcheck // told below, where there is something to lose
	if err := f.prepare(portal); err != nil {
		return err
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
	_, _ = fmt.Fprintf(out, "the sandbox listens; write of this into the configuration what you rehearse with:\n\n%s\n",
		f.settings(scheme+"://"+listener.Addr().String()))
	return f.run(cmd.Context(), out, portal, listener, serve)
}

// prepare gives the portal what the command line has for it.
func (f *sandboxFlags) prepare(portal *sandbox.Portal) error {
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
	if f.demoData {
		return portal.AddDemoData()
	}
	return nil
}

// sandboxSettings is what the configuration needs for each portal. Secrets stand there in the open: they are of a rehearsal.
const sandboxSettings = `    uplinks:
      - name: visits
        type: acs
        url: %[1]s%[2]s
        api_key: %[3]q%[12]s
      - name: exam
        type: exam
        url: %[1]s%[4]s
        area_id: 17%[12]s
      - name: vetting
        type: reestro
        url: %[1]s%[5]s
        api_key: %[6]q
        org_id: %[7]q%[12]s
      - name: reception
        type: callback
        url: %[1]s
        login: %[8]q
        password: %[9]q
        paths: {login: %[10]s, list: %[11]q, commit: %[13]q, status: %[14]s}%[12]s
`

func (f *sandboxFlags) settings(base string) string {
	ca := ""
	if f.tls && f.certificate != "" {
		ca = fmt.Sprintf("\n        ca_file: %q", f.certificate)
	}
	o, paths := &f.portals, sandbox.DefaultCallbackPaths()
	return fmt.Sprintf(sandboxSettings, base, sandbox.ACSPath, o.Key, sandbox.ExamPath,
		strings.TrimSuffix(sandbox.SubjectsPath, "/subjects"), o.Reestro.Key, o.Reestro.Org,
		o.Callback.Login, o.Callback.Password, paths.Login, paths.List, ca, paths.Commit, paths.Status)
}

func (f *sandboxFlags) run(
	ctx context.Context, out io.Writer, portal *sandbox.Portal, l net.Listener, serve func(context.Context, net.Listener) error,
) error {
	err := serve(ctx, l)
	s := portal.Stats()
	_, _ = fmt.Fprintf(out, "%d requests, %d rows, %d repeated, %d requests faster than allowed\n", s.Requests, s.Rows, s.Repeats, s.TooFast)
	_, _ = fmt.Fprintf(out, "%d exam reports, %d subjects, %d call-back requests confirmed\n",
		len(portal.Reports()), len(portal.Subjects()), len(portal.Committed()))
	if err != nil {
		return err
	}
	return portal.Close()
}
