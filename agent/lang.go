package main

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/acs-agent/acs-agent/agent/config"
	"github.com/acs-agent/acs-agent/agent/lang"
)

// languageOf decides in which language a command line is answered: by --lang, ACS_AGENT_LANG, lang: of the configuration, or the
// system. It is decided before anything else, so that what is wrong with the command line or the configuration is said in it too.
func languageOf(args []string, getenv func(string) string) string {
	asked := flagValue(args, "--lang", "")
	if !lang.Known(asked) {
		asked = ""
	}
	return cmp.Or(asked, lang.Environment(getenv), configuredLanguage(flagValue(args, "--config", "-c")), lang.System(getenv))
}

// flagValue finds what a command line gives to a flag, without knowing the command.
func flagValue(args []string, long, short string) string {
	for i, arg := range args {
		switch {
		case arg == "--":
			return ""
		case arg == long || short != "" && arg == short:
			if i+1 < len(args) {
				return args[i+1]
			}
		case strings.HasPrefix(arg, long+"="):
			return arg[len(long)+1:]
		case short != "" && strings.HasPrefix(arg, short) && !strings.HasPrefix(arg, "--"):
			return strings.TrimPrefix(arg[len(short):], "=")
		}
	}
	return ""
}

// configuredLanguage is the language that the configuration asks for, however much else in it is wrong.
func configuredLanguage(named string) string {
	const enough = 64 << 10
	f, err := os.Open(config.Find(named)) //nolint:gosec // the file that the user names
	if err != nil {
		return "" // the command says so if it needs the file
	}
	defer func() { _ = f.Close() }()
	text, err := io.ReadAll(io.LimitReader(f, enough))
	if err != nil {
		return ""
	}
	return lang.InFile(string(text))
}

// wantsLanguage adds the flag --lang. Its value was used already when languageOf decided; here it is only checked.
func wantsLanguage(root *cobra.Command) {
	root.PersistentFlags().VarPF(languageFlag{}, "lang", "", "language of messages: ru or en (default: that of the configuration, or of the system)")
}

type languageFlag struct{}

func (languageFlag) String() string { return "" }
func (languageFlag) Type() string   { return "string" }

// Set implements pflag.Value.
func (languageFlag) Set(language string) error {
	if !lang.Known(language) {
		return fmt.Errorf("there are no messages in %q", language)
	}
	return nil
}

// translateHelp makes all commands describe themselves in the language of p.
func translateHelp(root *cobra.Command, p *lang.Printer) {
	if p.Language() == lang.English {
		return
	}
	root.InitDefaultHelpCmd()
	var walk func(*cobra.Command)
	walk = func(cmd *cobra.Command) {
		cmd.InitDefaultHelpFlag()
		cmd.Short, cmd.Long = p.Text(cmd.Short), p.Text(cmd.Long)
		translateFlags := func(f *pflag.Flag) { f.Usage = p.Text(f.Usage) }
		cmd.Flags().VisitAll(translateFlags)
		cmd.PersistentFlags().VisitAll(translateFlags)
		for _, sub := range cmd.Commands() {
			walk(sub)
		}
	}
	walk(root)
	usageOf := root.UsageFunc()
	root.SetUsageFunc(func(cmd *cobra.Command) error {
		out := cmd.OutOrStderr()
		var english bytes.Buffer
		cmd.SetOut(&english)
		cmd.SetErr(&english)
		err := usageOf(cmd)
		cmd.SetOut(out)
		cmd.SetErr(out)
		if err != nil {
			return err
		}
		for line := range strings.Lines(english.String()) {
			if _, err := io.WriteString(out, translateUsage(line, p)); err != nil {
				return err
			}
		}
		return nil
	})
}

// translateUsage translates what cobra itself writes into a line of a command's usage: headings and the values of flags.
func translateUsage(line string, p *lang.Printer) string {
	if core := strings.TrimSpace(line); !strings.HasPrefix(line, " ") && core != "" {
		return strings.Replace(line, core, p.Text(core), 1)
	}
	if front, comment, found := strings.Cut(strings.TrimLeft(line, " "), "   "); found && strings.HasPrefix(front, "acs-agent ") {
		comment = strings.TrimSpace(comment) // of an example
		return strings.Replace(line, comment, p.Text(comment), 1)
	}
	const byDefault = "(default"
	return strings.Replace(line, byDefault+" ", p.Word(byDefault)+" ", 1)
}
