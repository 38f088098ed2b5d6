package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// manVariable names the folder that TestManPages writes the pages to; `make man` sets it. The pages are made by a test so that
// the agent itself does not have to carry what makes them.
const manVariable = "ACS_AGENT_MAN"

// TestManPages renders the manual: one page for each command that people give, acs-agent-queue-list(1) and so on.
func TestManPages(t *testing.T) {
	dir := os.Getenv(manVariable)
	if dir == "" {
		dir = t.TempDir()
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	var pages []string
	var visit func(cmd *cobra.Command)
	visit = func(cmd *cobra.Command) {
		if cmd.Hidden {
			return
		}
		page := filepath.Join(dir, manName(cmd)+".1")
		if err := os.WriteFile(page, manPage(cmd), 0o644); err != nil {
			t.Fatal(err)
		}
		pages = append(pages, page)
		for _, sub := range cmd.Commands() {
			visit(sub)
		}
	}
	visit(newRoot(nil))
	for _, page := range pages {
		checkManPage(t, page)
	}
	text, err := os.ReadFile(filepath.Join(dir, "acs-agent.1"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"\n.SH NAME\nacs\\-agent \\- ", "\n.SH EXIT STATUS\n", "\n.SH FILES\n", "\\fB\\-c\\fR, \\fB\\-\\-config\\fR \\fIstring\\fR", "acs\\-agent\\-queue(1)",
	} {
		if !bytes.Contains(text, []byte(want)) {
			t.Errorf("acs-agent.1 does not have %q", want)
		}
	}
}

// checkManPage lets the programs that show manual pages look at one, as far as there are any.
func checkManPage(t *testing.T, page string) {
	t.Helper()
	for _, line := range []string{"mandoc -T lint -W warning", "groff -man -Tutf8 -ww -z"} {
		words := append(strings.Fields(line), page)
		said, err := exec.Command(words[0], words[1:]...).CombinedOutput()
		if errors.Is(err, exec.ErrNotFound) {
			continue
		}
		if err != nil || len(said) > 0 {
			t.Errorf("%s: %v\n%s", strings.Join(words, " "), err, said)
		}
	}
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		macro, _, _ := strings.Cut(strings.TrimSpace(line), " ")
		if strings.HasPrefix(line, ".") && !slices.Contains([]string{".TH", ".SH", ".TP", ".PP", ".nf", ".fi"}, macro) {
			t.Errorf("%s: a line of text became the macro %q", page, macro)
		}
	}
}

// manName is what the page of a command is called: acs-agent-queue-list.
func manName(cmd *cobra.Command) string { return strings.ReplaceAll(cmd.CommandPath(), " ", "-") }

// manPage writes a page in the language of man(7). Its date is that of the source, so that the same source gives the same page.
func manPage(cmd *cobra.Command) []byte {
	var b bytes.Buffer
	name := manName(cmd)
	seconds, _ := strconv.ParseInt(os.Getenv("SOURCE_DATE_EPOCH"), 10, 64)
	fmt.Fprintf(&b, ".TH %s 1 %s acs\\-agent \"User Commands\"\n", strings.ToUpper(roff(name)), time.Unix(seconds, 0).UTC().Format(time.DateOnly))
	fmt.Fprintf(&b, ".SH NAME\n%s \\- %s\n", roff(name), roff(cmd.Short))
	fmt.Fprintf(&b, ".SH SYNOPSIS\n\\fB%s\\fR\n", roff(cmd.UseLine()))
	fmt.Fprint(&b, ".SH DESCRIPTION\n")
	manText(&b, strings.TrimSpace(cmp.Or(cmd.Long, cmd.Short)))
	if subs := manCommands(cmd); len(subs) > 0 {
		fmt.Fprint(&b, ".SH COMMANDS\n")
		for _, sub := range subs {
			fmt.Fprintf(&b, ".TP\n\\fB%s\\fR\n%s.\n", roff(sub.Name()), roff(sub.Short))
		}
	}
	manFlags(&b, "OPTIONS", cmd.NonInheritedFlags())
	manFlags(&b, "OPTIONS OF ALL COMMANDS", cmd.InheritedFlags())
	if cmd.Example != "" {
		fmt.Fprint(&b, ".SH EXAMPLES\n.nf\n")
		for line := range strings.Lines(cmd.Example) {
			fmt.Fprintln(&b, roff(strings.TrimSpace(line)))
		}
		fmt.Fprint(&b, ".fi\n")
	}
	if !cmd.HasParent() {
		b.WriteString(manEnd)
	}
	manSeeAlso(&b, cmd)
	return b.Bytes()
}

const manEnd = `.SH EXIT STATUS
.TP
\fB0\fR
done
.TP
\fB1\fR
failed
.TP
\fB2\fR
wrong usage
.TP
\fB3\fR
a person has to do something
.SH ENVIRONMENT
.TP
\fBACS_AGENT_CONFIG\fR
configuration file, if \fB\-\-config\fR names none
.SH FILES
.TP
\fI/etc/acs\-agent/config.yaml\fR
configuration; \fIconfig.example.yaml\fR beside it explains all settings
.TP
\fI/etc/acs\-agent/journal.key\fR
key of the journal, made at the first start; keep a copy in a safe place
.TP
\fI/var/lib/acs\-agent\fR
journal
`

// manText writes paragraphs; indented lines stay as they are.
func manText(b *bytes.Buffer, text string) {
	for i, paragraph := range strings.Split(text, "\n\n") {
		if i > 0 {
			b.WriteString(".PP\n")
		}
		shaped := strings.HasPrefix(paragraph, " ") || strings.Contains(paragraph, "\n ")
		if shaped {
			b.WriteString(".nf\n")
		}
		for line := range strings.Lines(paragraph) {
			fmt.Fprintln(b, roff(strings.TrimRight(line, " \n")))
		}
		if shaped {
			b.WriteString(".fi\n")
		}
	}
}

func manFlags(b *bytes.Buffer, title string, flags *pflag.FlagSet) {
	if !flags.HasAvailableFlags() {
		return
	}
	fmt.Fprintf(b, ".SH %s\n", title)
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Hidden {
			return
		}
		b.WriteString(".TP\n")
		if f.Shorthand != "" {
			fmt.Fprintf(b, "\\fB\\-%s\\fR, ", roff(f.Shorthand))
		}
		fmt.Fprintf(b, "\\fB\\-\\-%s\\fR", roff(f.Name))
		value, words := pflag.UnquoteUsage(f)
		if value != "" {
			fmt.Fprintf(b, " \\fI%s\\fR", roff(value))
		}
		fmt.Fprintf(b, "\n%s", roff(words))
		if f.DefValue != "" && f.DefValue != "false" && f.DefValue != "[]" && f.DefValue != "0" && f.DefValue != "0s" {
			fmt.Fprintf(b, " (default %s)", roff(f.DefValue))
		}
		b.WriteString("\n")
	})
}

func manSeeAlso(b *bytes.Buffer, cmd *cobra.Command) {
	var names []string
	if cmd.HasParent() {
		names = append(names, manName(cmd.Parent()))
	}
	for _, sub := range manCommands(cmd) {
		names = append(names, manName(sub))
	}
	for i, name := range names {
		names[i] = roff(name) + "(1)"
	}
	if len(names) > 0 {
		fmt.Fprintf(b, ".SH SEE ALSO\n%s\n", strings.Join(names, ",\n"))
	}
}

func manCommands(cmd *cobra.Command) (all []*cobra.Command) {
	for _, sub := range cmd.Commands() {
		if !sub.Hidden {
			all = append(all, sub)
		}
	}
	return all
}

// roff makes a text mean itself to man.
func roff(s string) string {
	s = strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(s)
	if strings.HasPrefix(s, ".") || strings.HasPrefix(s, "'") {
		s = `\&` + s
	}
	var b strings.Builder
	for _, r := range s {
		if r < utf8.RuneSelf {
			b.WriteRune(r)
		} else {
			fmt.Fprintf(&b, `\[u%04X]`, r)
		}
	}
	return b.String()
}
