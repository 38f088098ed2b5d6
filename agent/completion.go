package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/acs-agent/acs-agent/agent/config"
)

func newCompletion(*options) *cobra.Command {
	shells := []string{"bash", "zsh", "fish", "powershell"}
	return &cobra.Command{
		Use:   "completion bash|zsh|fish|powershell",
		Short: "Print what a shell needs to complete command lines",
		Long: "Prints the script that lets a shell complete commands, flags, and names from the configuration. The packages bring\n" +
			"it along; after another kind of installation put it where the shell looks for it. bash needs the package bash-completion.",
		Example: "  acs-agent completion bash | sudo tee /usr/share/bash-completion/completions/acs-agent >/dev/null\n" +
			"  acs-agent completion fish > ~/.config/fish/completions/acs-agent.fish",
		ValidArgs: shells,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usage{fmt.Errorf("name one shell: %s", strings.Join(shells, ", "))}
			}
			root, w := cmd.Root(), cmd.OutOrStdout()
			switch args[0] {
			case "bash":
				return root.GenBashCompletionV2(w, true)
			case "zsh":
				return root.GenZshCompletion(w)
			case "fish":
				return root.GenFishCompletion(w, true)
			case "powershell":
				return root.GenPowerShellCompletionWithDesc(w)
			}
			return usage{fmt.Errorf("%q is no shell that can be helped; name one of %s", args[0], strings.Join(shells, ", "))}
		},
	}
}

// completeFlags tells the shell what can stand behind the flags of cmd and of all commands below it.
func completeFlags(cmd *cobra.Command, o *options) {
	for flag, complete := range map[string]cobra.CompletionFunc{
		"config":     configFiles,
		"lang":       oneOf("ru", "en"),
		"log-level":  oneOf("debug", "info", "warn", "error"),
		"log-format": oneOf("text", "json"),
		"init":       oneOf("systemd", "openrc", "procd", "sysv"),
		"uplink":     o.completeUplinks,
	} {
		if cmd.LocalNonPersistentFlags().Lookup(flag) == nil && cmd.PersistentFlags().Lookup(flag) == nil {
			continue
		}
		_ = cmd.RegisterFlagCompletionFunc(flag, complete) // it refuses flags that are not there, or that it knows already
	}
	for _, sub := range cmd.Commands() {
		completeFlags(sub, o)
	}
}

// configFiles completes with the names of YAML files.
func configFiles(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return []cobra.Completion{"yaml", "yml"}, cobra.ShellCompDirectiveFilterFileExt
}

// oneOf completes with a fixed list.
func oneOf(all ...cobra.Completion) cobra.CompletionFunc {
	return cobra.FixedCompletions(all, cobra.ShellCompDirectiveNoFileComp)
}

// completeUplinks completes with the names in the configuration, if that can be read.
func (o *options) completeUplinks(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	cfg, err := config.Load(config.Find(o.config))
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	names := make([]cobra.Completion, 0, len(cfg.Uplinks))
	for i := range cfg.Uplinks {
		names = append(names, cobra.CompletionWithDesc(cfg.Uplinks[i].Name, cfg.Uplinks[i].Type))
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}
