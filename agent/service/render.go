package service

import (
	"embed"
	"fmt"
	"slices"
	"strings"
)

//go:embed unit
var units embed.FS

// loggedRun is the shell program by which OpenRC starts the agent: $0 is the pipe to the system's log, $@ the agent. The shell
// becomes the agent, so that signals reach it.
const loggedRun = `logger -t acs-agent -p daemon.info <"$0" & exec "$@" >"$0" 2>&1`

// Render gives the text of the file by which the service manager knows the agent.
func Render(manager Init, u Unit) (string, error) {
	if err := u.check(); err != nil {
		return "", fmt.Errorf("the file for %s: %w", manager, err)
	}
	raw, err := units.ReadFile("unit/" + string(manager))
	if err != nil {
		return "", fmt.Errorf("the file for %s: %w", manager, err)
	}
	text := strings.NewReplacer(
		"@BINARY_SYSTEMD@", systemdProgram(u.Binary),
		"@CONFIG_SYSTEMD@", systemdArgument(u.Config),
		"@STATE_SYSTEMD@", stateDirectory(u.DataDir),
		"@WRITABLE@", systemdPaths("-", u.folders()),
		"@MOUNTS@", systemdPaths("", u.folders()),
		"@BINARY_SHELL@", shellWord(u.Binary),
		"@CONFIG_SHELL@", shellWord(u.Config),
		"@DATA_SHELL@", shellWord(u.DataDir),
		"@ARGS_OPENRC@", shellWord(strings.Join([]string{
			"-c", shellWord(loggedRun), "/run/acs-agent/log", shellWord(u.Binary), "run --service --config", shellWord(u.Config),
		}, " ")),
		"@USER@", u.User,
	).Replace(string(raw))
	return text, nil
}

// folders are those in which the agent writes.
func (u *Unit) folders() []string {
	all := []string{u.keyDir(), u.DataDir}
	slices.Sort(all)
	return slices.Compact(all)
}

// stateDirectory lets systemd make the folder of the journal where that is below /var/lib, as usual. Elsewhere it is made when
// the service is installed.
func stateDirectory(dir string) string {
	name, below := strings.CutPrefix(dir, "/var/lib/")
	if !below || strings.ContainsAny(name, "/% \"'\\:") {
		return "# The folder of the journal is made by `acs-agent service install`."
	}
	return "StateDirectory=" + name + "\nStateDirectoryMode=0750"
}

// systemdWord quotes a text for a list of words in a unit, where % begins a specifier.
func systemdWord(s string) string {
	s = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "%", "%%").Replace(s)
	if strings.ContainsAny(s, " '\"\\;#") {
		return `"` + s + `"`
	}
	return s
}

// systemdProgram quotes the first word of a command line, in which no variables are looked for.
func systemdProgram(s string) string { return systemdWord(s) }

// systemdArgument quotes a further word of a command line.
func systemdArgument(s string) string { return strings.ReplaceAll(systemdWord(s), "$", "$$") }

// systemdPaths quotes a list of paths with a prefix before each.
func systemdPaths(prefix string, paths []string) string {
	words := make([]string, 0, len(paths))
	for _, p := range paths {
		words = append(words, systemdWord(prefix+p))
	}
	return strings.Join(words, " ")
}

// shellWord quotes a text as one word for a POSIX shell, where it has to be.
func shellWord(s string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("/._-+:@%,=", r)
	}
	if s != "" && !strings.ContainsFunc(s, func(r rune) bool { return !plain(r) }) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
