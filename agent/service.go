package main

import (
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/acs-agent/acs-agent/agent/config"
	"github.com/acs-agent/acs-agent/agent/service"
)

func newService(o *options) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "service",
		Short: "Make the agent a service of this machine, and look after it",
		Long: "Makes the agent a service that starts with the machine, is started again when it fails or hangs, and may touch nothing\n" +
			"but what it needs.",
		Example: "  sudo acs-agent service install\n  acs-agent service status\n  acs-agent service unit --init openrc",
		Args:    knownCommand,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newServiceInstall(o), newServiceUninstall(o), newServiceStatus(o), newServiceUnit(o))
	cmd.AddCommand(serviceOrders(o)...)
	return cmd
}

func newServiceUnit(o *options) *cobra.Command {
	unit := service.Unit{Binary: "/usr/bin/acs-agent", DataDir: "/var/lib/acs-agent", User: service.User}
	manager := string(service.Systemd)
	cmd := &cobra.Command{
		Use:   "unit",
		Short: "Print the file by which a service manager knows the agent",
		Long: "Prints the file that starts the agent as a service: for packages, and to see what install would write. Nothing is\n" +
			"changed, and neither the configuration nor the program need to be there.",
		Example: "  acs-agent service unit\n  acs-agent service unit --init openrc --binary /usr/local/bin/acs-agent",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			init, err := service.ParseInit(manager)
			if err != nil {
				return usage{err}
			}
			unit.Config = filepath.ToSlash(config.Find(o.config))
			text, err := service.Render(init, unit)
			if err != nil {
				return usage{err}
			}
			_, err = fmt.Fprint(cmd.OutOrStdout(), text)
			return err
		},
	}
	cmd.Flags().StringVar(&manager, "init", manager, "service manager: systemd, openrc, procd or sysv")
	cmd.Flags().StringVar(&unit.Binary, "binary", unit.Binary, "the program")
	cmd.Flags().StringVar(&unit.DataDir, "data-dir", unit.DataDir, "folder of the journal, as in the configuration")
	cmd.Flags().StringVar(&unit.User, "user", unit.User, "user and group that the agent runs as")
	return cmd
}
