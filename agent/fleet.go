package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"regexp"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/acs-agent/acs-agent/agent/broker"
	"github.com/acs-agent/acs-agent/agent/fleet"
	"github.com/acs-agent/acs-agent/agent/settings"
	"github.com/acs-agent/acs-agent/uplink"
)

// fleetOptions are what the command line and the environment say.
type fleetOptions struct {
	*options
	broker, username, passwordFile, caFile string
	pattern                                string
	once                                   bool
	wait                                   time.Duration
}

func newFleet(o *options) *cobra.Command {
	f := &fleetOptions{options: o, pattern: "*", wait: 15 * time.Second}
	cmd := &cobra.Command{
		Use:   "fleet",
		Short: "Watch how all devices are doing, over the broker that they report to",
		Long: "Shows all devices that send heartbeats to a broker, those with trouble on top. It runs on any computer and needs no\n" +
			"configuration of the agent, only a user of the broker who may read acs/#. The broker can also be named once and for\n" +
			"all by ACS_FLEET_BROKER, ACS_FLEET_USERNAME, ACS_FLEET_PASSWORD_FILE and ACS_FLEET_CA_FILE.\n\n" +
			"On a terminal the table goes on until Ctrl-C. With --once, or where the output goes elsewhere, it is printed once, as\n" +
			"soon as all that the broker has kept is there. With --json alone each change is a line.\n\n" +
			"Exit status with --once: 0 all is well, 1 a device is away or something fails, 3 something needs a person.",
		Example: "  acs-agent fleet --broker mqtts://broker.example:8883 --username centre --password-file centre.password\n" +
			"  acs-agent fleet --once --device 'almaty-*'\n" +
			"  acs-agent fleet --once --json | jq '.devices[] | select(.class == \"offline\").device'",
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			address, err := f.address()
			if err != nil {
				return err
			}
			wanted, err := f.wanted()
			if err != nil {
				return err
			}
			w := &fleet.Watcher{Address: address, Device: f.subscribed(), Fleet: fleet.New(wanted)}
			out := cmd.OutOrStdout()
			switch screen, terminal := screenOf(out); {
			case f.once || !f.json && !terminal:
				return f.printOnce(cmd.Context(), out, w)
			case f.json:
				return f.printChanges(cmd.Context(), out, cmd.ErrOrStderr(), w)
			default:
				return f.showLive(cmd.Context(), screen, w)
			}
		},
	}
	cmd.Flags().StringVar(&f.broker, "broker", "", "address of the broker: mqtts://broker.example:8883 (default $ACS_FLEET_BROKER)")
	cmd.Flags().StringVar(&f.username, "username", "", "user of the broker (default $ACS_FLEET_USERNAME)")
	cmd.Flags().StringVar(&f.passwordFile, "password-file", "", "file with the user's password (default $ACS_FLEET_PASSWORD_FILE)")
	cmd.Flags().StringVar(&f.caFile, "ca-file", "", "certificates in PEM, for a broker with its own authority (default $ACS_FLEET_CA_FILE)")
	cmd.Flags().StringVar(&f.pattern, "device", f.pattern, "only devices with such names; * stands for any letters, ? for one")
	cmd.Flags().BoolVar(&f.once, "once", false, "print once and end")
	cmd.Flags().DurationVar(&f.wait, "wait", f.wait, "print then at the latest, with --once")
	o.wantsJSON(cmd)
	return cmd
}

// address is where the broker is.
func (f *fleetOptions) address() (*broker.Address, error) {
	a := &broker.Address{
		URL:      cmp.Or(f.broker, os.Getenv("ACS_FLEET_BROKER")),
		Username: cmp.Or(f.username, os.Getenv("ACS_FLEET_USERNAME")),
	}
	if a.URL == "" {
		return nil, usage{errors.New("say where the broker is: --broker mqtts://broker.example:8883, or ACS_FLEET_BROKER")}
	}
	if file := cmp.Or(f.passwordFile, os.Getenv("ACS_FLEET_PASSWORD_FILE")); file != "" {
		password, err := passwordFrom(file)
		if err != nil {
			return nil, fmt.Errorf("--password-file: %w", err)
		}
		a.Password = password
	}
	if file := cmp.Or(f.caFile, os.Getenv("ACS_FLEET_CA_FILE")); file != "" {
		roots, err := uplink.RootsWith(file)
		if err != nil {
			return nil, fmt.Errorf("--ca-file: %w", err)
		}
		a.TLS = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	}
	if err := a.Check(); err != nil {
		return nil, usage{err}
	}
	return a, nil
}

// passwordFrom reads the password that stands in a file, without the end of its line.
func passwordFrom(file string) (none settings.Secret, err error) {
	const most = 4 << 10
	from, err := os.Open(file) //nolint:gosec // the operator names it
	if err != nil {
		return none, err
	}
	defer from.Close() //nolint:errcheck // only read
	text, err := io.ReadAll(io.LimitReader(from, most+1))
	if err != nil {
		return none, err
	}
	password := strings.TrimRight(strings.TrimPrefix(string(text), "\uFEFF"), "\r\n")
	if password == "" || len(text) > most || strings.ContainsAny(password, "\r\n") {
		return none, fmt.Errorf("%s holds no password (write it into the file, on one line)", file)
	}
	return settings.NewSecret(password), nil
}

var (
	patternForm = regexp.MustCompile(`^[a-z0-9*?-]+$`)
	adviceNames = "device names have small letters, digits and hyphens; * stands for any, ? for one"
)

// wanted says which devices are meant.
func (f *fleetOptions) wanted() (func(device string) bool, error) {
	if !patternForm.MatchString(f.pattern) {
		return nil, usage{fmt.Errorf("--device %q: %s", f.pattern, adviceNames)}
	}
	return func(device string) bool {
		is, _ := path.Match(f.pattern, device) // the form leaves nothing that could be wrong
		return is
	}, nil
}

// subscribed is the device that the broker is asked about: that one, or all.
func (f *fleetOptions) subscribed() string {
	if strings.ContainsAny(f.pattern, "*?") {
		return "+"
	}
	return f.pattern
}

// printOnce prints how the fleet is when all that the broker has kept has come.
func (f *fleetOptions) printOnce(ctx context.Context, out io.Writer, w *fleet.Watcher) error {
	c, err := fleet.Connect(ctx, w.Address, w.Device, w.Fleet.Take)
	if err != nil {
		return w.Address.Explain(err)
	}
	defer c.Close()
	timer := time.NewTimer(f.wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case err := <-c.Lost():
		return w.Address.Explain(err)
	case <-c.Settled():
	case <-timer.C:
	}
	now := time.Now()
	devices, left := w.Fleet.Look(now)
	if f.json {
		err = printIndented(out, fleetDocument(w.Address.String(), now, devices, left))
	} else {
		err = (&fleetPicture{broker: w.Address.String(), now: now, devices: devices, left: left}).write(out, f.lang)
	}
	return cmp.Or(err, f.verdict(devices))
}

// verdict turns the state of the fleet into the end of the command.
func (f *fleetOptions) verdict(devices []fleet.Device) error {
	if len(devices) == 0 {
		return fmt.Errorf("no device named like %s has told the broker anything (do their configurations have an uplink of type heartbeat, "+
			"and may this user read acs/#?)", f.pattern)
	}
	trouble := false
	for i := range devices {
		if devices[i].NeedsPerson() {
			return needsPerson{errSaid}
		}
		trouble = trouble || devices[i].Class < fleet.Stopped
	}
	if trouble {
		return errSaid
	}
	return nil
}
