package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/spf13/cobra"

	"github.com/acs-agent/acs-agent/agent/config"
	"github.com/acs-agent/acs-agent/agent/service"
)

func newServiceInstall(o *options) *cobra.Command {
	var noStart, force bool
	user := service.User
	cmd := &cobra.Command{
		Use:   "install",
		Short: "Make the agent a service, or replace the one that there is",
		Long: "Checks the configuration, makes a user for the service, puts the program and the file for the service manager in place,\n" +
			"and starts the agent, now and with the machine. Done again, it is an upgrade: data, key, configuration and whether it\n" +
			"starts with the machine stay as they are.\n\n" +
			"Exit status: 0 done, 1 failed, 3 the configuration has to be mended first.",
		Example: "  sudo ./acs-agent service install\n  sudo ./acs-agent service install --config /srv/acs/config.yaml --no-start",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			m, err := serviceManager(true)
			if err != nil {
				return err
			}
			path, cfg, err := checkedConfig(cmd, o, force)
			if err != nil {
				return err
			}
			install, err := installOptions(path, cfg)
			if err != nil {
				return err
			}
			install.User, install.Start = user, !noStart
			if err := m.Install(cmd.Context(), install); err != nil {
				return fmt.Errorf("install the service: %w", err)
			}
			_, _ = o.lang.Fprintf(cmd.OutOrStdout(), "%s is installed as a service, with %s\n", install.Binary, install.Config)
			return o.sayService(cmd, m)
		},
	}
	cmd.Flags().StringVar(&user, "user", user, "user and group that the agent runs as; made if they are not there")
	cmd.Flags().BoolVar(&noStart, "no-start", false, "do not start it now")
	cmd.Flags().BoolVar(&force, "force", false, "install also if the configuration has mistakes")
	return cmd
}

// serviceManager gives the service manager of this machine, to one who may change it if need be.
func serviceManager(change bool) (service.Manager, error) {
	m, err := service.Open()
	if err == nil && change && !service.Privileged() {
		err = errors.New("only an administrator can do that: " + service.Advice)
	}
	return m, err
}

// checkedConfig reads the configuration, and refuses one with mistakes unless it is forced to take it; cfg may be nil then.
func checkedConfig(cmd *cobra.Command, o *options, force bool) (path string, cfg *config.Config, err error) {
	path, err = filepath.Abs(config.Find(o.config))
	if err != nil {
		return "", nil, err
	}
	c, cfg := check(path)
	if len(c.Mistakes) == 0 || force {
		return path, cfg, nil
	}
	for _, m := range c.Mistakes {
		_, _ = o.lang.Fprintf(cmd.ErrOrStderr(), "%s\n", m)
	}
	return "", nil, needsPerson{fmt.Errorf("%s: %s; nothing was changed (mend the file until `acs-agent check` finds nothing)",
		path, counted(len(c.Mistakes), "mistake"))}
}

// installOptions say where everything is and goes. A program outside the folders of the system is copied there.
func installOptions(path string, cfg *config.Config) (o service.Options, err error) {
	if o.Source, err = os.Executable(); err != nil {
		return o, err
	}
	if o.Source, err = filepath.EvalSymlinks(o.Source); err != nil {
		return o, err
	}
	o.Binary, o.Config = systemProgram(o.Source), path
	if cfg == nil || cfg.DataDir == "" { // forced: as if nothing was said
		o.DataDir = "/var/lib/acs-agent"
		if runtime.GOOS == "windows" {
			o.DataDir = filepath.Join(filepath.Dir(path), "data")
		}
		return o, nil
	}
	o.DataDir, o.KeyDir = cfg.DataDir, filepath.Dir(cfg.Buffer.KeyFile)
	if cfg.Cardholders.File != "" {
		o.Lists = []string{cfg.Cardholders.File}
	}
	return o, nil
}

// systemProgram is where the program goes that lies at source now.
func systemProgram(source string) string {
	if runtime.GOOS == "windows" {
		return filepath.Join(os.Getenv("ProgramFiles"), "acs-agent", "acs-agent.exe")
	}
	for _, dir := range []string{"/usr/", "/opt/", "/bin/", "/sbin/"} {
		if strings.HasPrefix(source, dir) {
			return source
		}
	}
	if init, ok := service.Found(); ok && init == service.Procd { // OpenWrt has no /usr/local
		return "/usr/bin/acs-agent"
	}
	return "/usr/local/bin/acs-agent"
}

func newServiceUninstall(o *options) *cobra.Command {
	var purge, yes bool
	cmd := &cobra.Command{
		Use:   "uninstall",
		Short: "Stop the service and remove it; passes, key and configuration stay",
		Long: "Stops the agent and makes the machine forget the service. The journal with the passes that are not delivered, its key and\n" +
			"the configuration stay where they are, and so does the program.\n\n" +
			"With --purge-data they are deleted, too, for ever.",
		Example: "  sudo acs-agent service uninstall\n  sudo acs-agent service uninstall --purge-data",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			m, err := serviceManager(true)
			if err != nil {
				return err
			}
			cfg, err := config.Load(config.Find(o.config))
			if purge {
				if err != nil {
					return needsPerson{fmt.Errorf("what to delete stands in the configuration: %w", err)}
				}
				if err := o.confirm(cmd, cfg, yes); err != nil {
					return err
				}
			}
			if err := m.Uninstall(cmd.Context()); err != nil && (!purge || !errors.Is(err, service.ErrNotInstalled)) {
				return fmt.Errorf("uninstall the service: %w", err)
			}
			w := cmd.OutOrStdout()
			if !purge {
				_, _ = o.lang.Fprintf(w, "the service is removed; passes, key and configuration are where they were\n")
				return nil
			}
			if err := purgeData(cfg); err != nil {
				return fmt.Errorf("delete the data: %w", err)
			}
			_, _ = o.lang.Fprintf(w, "the service is removed, and so are passes, key and configuration\n")
			return nil
		},
	}
	cmd.Flags().BoolVar(&purge, "purge-data", false, "also delete the passes, the key and the configuration")
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return cmd
}

// confirm asks before anything is deleted that cannot be had back.
func (o *options) confirm(cmd *cobra.Command, cfg *config.Config, yes bool) error {
	if yes {
		return nil
	}
	in, ok := cmd.InOrStdin().(*os.File)
	if !ok || !isTerminal(in) {
		return usage{errors.New("--purge-data deletes passes for ever: add --yes where nobody can be asked")}
	}
	_, _ = o.lang.Fprintf(cmd.OutOrStdout(), "All passes in %s, also those that no portal has got yet, the key %s and the configuration %s\n"+
		"will be deleted for ever. Type yes to go on: ", cfg.DataDir, cfg.Buffer.KeyFile, cfg.Path)
	answer, err := bufio.NewReader(in).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if strings.TrimSpace(answer) != "yes" {
		return errors.New("nothing was changed")
	}
	return nil
}

// purgeData deletes what the agent has made, and the configuration; and the folders of these if nothing else is in them.
func purgeData(cfg *config.Config) error {
	journal := filepath.Join(cfg.DataDir, journalDir)
	files := []string{journal, journal + ".numbers", cfg.Buffer.KeyFile, cfg.Path}
	if dir := filepath.Dir(cfg.Path); filepath.Base(dir) == service.Name {
		files = append(files, dir) // a folder of our own, with secrets and lists in it
	}
	if filepath.Base(cfg.DataDir) == service.Name {
		files = append(files, cfg.DataDir)
	}
	var errs []error
	for _, f := range files {
		errs = append(errs, os.RemoveAll(f))
	}
	if err := os.Remove(cfg.DataDir); err != nil && !errors.Is(err, fs.ErrNotExist) {
		if left, _ := os.ReadDir(cfg.DataDir); len(left) == 0 {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
