//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/spf13/cobra"
	"golang.org/x/text/encoding/htmlindex"

	"github.com/acs-agent/acs-agent/agent/health"
	"github.com/acs-agent/acs-agent/agent/localapi"
)

// TestCommands runs the scripts of testdata/script, each in an empty folder. They are the documentation of the commands by
// example; UPDATE=1 writes the outputs anew.
//
// A script has besides the commands of testscript:
//
//	exits STATUS COMMAND…       runs a command that ends with this status and prints nothing but text
//	start NAME COMMAND…         starts a command that goes on; what it prints is in the file NAME.log
//	terminate NAME LIMIT        SIGTERM; the command has to end with status 0 before the limit
//	waitfor LIMIT WHAT…         waits for something; see awaited
//	recode ENCODING FILE        writes a file of UTF-8 anew, as other programs would
//
// $PORTAL and $OTHER are addresses on which nobody listens yet.
func TestCommands(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: filepath.Join("testdata", "script"),
		Setup: func(env *testscript.Env) error {
			env.Setenv(raceVariable, os.Getenv(raceVariable))
			env.Setenv("ACS_AGENT_LANG", "en") // whatever their configuration says
			env.Setenv("PORTAL", freeAddress(t))
			env.Setenv("OTHER", freeAddress(t))
			env.Values[childrenKey{}] = children{}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "start": start, "terminate": terminate, "waitfor": waitFor, "recode": recode,
		},
		UpdateScripts:      os.Getenv("UPDATE") != "",
		RequireUniqueNames: true,
	})
}

// children are the commands that a script has started, by the names it gave them.
type children map[string]*child

type childrenKey struct{}

func childrenOf(ts *testscript.TestScript) children {
	all, _ := ts.Value(childrenKey{}).(children)
	return all
}

func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits STATUS COMMAND…")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("exit status %d, want %d", got, want)
	}
	for _, stream := range []string{"stdout", "stderr"} {
		if text := ts.ReadFile(stream); strings.ContainsFunc(text, forTerminals) {
			ts.Fatalf("%s goes to a pipe and has characters for terminals in it: %q", stream, text)
		}
	}
}

// forTerminals says whether r does something to a terminal besides being shown.
func forTerminals(r rune) bool { return r < ' ' && r != '\n' || r >= 0x7f && r < 0xa0 }

func start(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: start NAME COMMAND…")
	}
	program, err := exec.LookPath(args[1])
	ts.Check(err)
	cmd := exec.Command(program, args[2:]...)
	cmd.Dir = ts.MkAbs(".")
	for _, name := range []string{raceVariable, "PATH", "HOME", "PORTAL", "OTHER", "ACS_AGENT_CONFIG"} {
		cmd.Env = append(cmd.Env, name+"="+ts.Getenv(name))
	}
	c, err := launch(cmd, ts.MkAbs(args[0]+".log"))
	ts.Check(err)
	ts.Defer(c.kill)
	childrenOf(ts)[args[0]] = c
}

func terminate(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: terminate NAME LIMIT")
	}
	c := childrenOf(ts)[args[0]]
	if c == nil {
		ts.Fatalf("nothing of the name %s was started", args[0])
	}
	limit, err := time.ParseDuration(args[1])
	ts.Check(err)
	if err := c.terminate(limit); err != nil {
		ts.Fatalf("%s: %v\n%s", args[0], err, ts.ReadFile(args[0]+".log"))
	}
}

func waitFor(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: waitfor LIMIT WHAT…")
	}
	limit, err := time.ParseDuration(args[0])
	ts.Check(err)
	ok, err := awaited(ts, args[1:])
	ts.Check(err)
	for deadline := time.Now().Add(limit); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().Before(deadline) {
			continue
		}
		for name := range childrenOf(ts) {
			ts.Logf("%s:\n%s", name, ts.ReadFile(name+".log"))
		}
		ts.Fatalf("not within %v: %s", limit, strings.Join(args[1:], " "))
	}
}

// awaited understands what a script waits for:
//
//	listen ADDRESS              somebody listens there
//	text FILE TEXT              the file has that text in it
//	running DIR                 the agent with that data_dir answers
//	delivered DIR N             it has delivered so many passes
//	held DIR N                  so many are held
func awaited(ts *testscript.TestScript, what []string) (ok func() bool, err error) {
	status := func(judge func(*health.Status) bool) func() bool {
		return func() bool {
			s, err := statusOf(ts.MkAbs(what[1]))
			return err == nil && judge(&s)
		}
	}
	number := func() (n int) {
		if err == nil && len(what) > 2 {
			n, err = strconv.Atoi(what[2])
		}
		return n
	}
	switch what[0] {
	case "listen":
		ok = func() bool {
			c, err := net.Dial("tcp", what[1])
			return err == nil && c.Close() == nil
		}
	case "text":
		ok = func() bool {
			text, err := os.ReadFile(ts.MkAbs(what[1]))
			return err == nil && strings.Contains(string(text), what[2])
		}
	case "running":
		ok = status(func(*health.Status) bool { return true })
	case "delivered":
		n := number()
		ok = status(func(s *health.Status) bool {
			return len(s.Uplinks) > 0 && int(find(s.Parts, health.Uplink, s.Uplinks[0].Name).Count) >= n //nolint:gosec // some
		})
	case "held":
		n := number()
		ok = status(func(s *health.Status) bool { return len(s.Uplinks) > 0 && s.Uplinks[0].Held == n })
	default:
		err = fmt.Errorf("nobody can wait for %q", what[0])
	}
	return ok, err
}

func recode(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: recode ENCODING FILE")
	}
	encoding, err := htmlindex.Get(args[0])
	ts.Check(err)
	text, err := encoding.NewEncoder().String(ts.ReadFile(args[1]))
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(text), 0o600))
}

// statusOf asks the agent that uses the data directory.
func statusOf(dataDir string) (s health.Status, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	client, err := localapi.Dial(ctx, dataDir)
	if err != nil {
		return s, err
	}
	return client.Status(ctx)
}

// TestEveryCommandIsDocumented holds that each command says in a line what it does and shows an example, and that its help
// stands in the script of helps, where a change of it is seen.
func TestEveryCommandIsDocumented(t *testing.T) {
	helps, err := os.ReadFile(filepath.Join("testdata", "script", "help.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	var visit func(cmd *cobra.Command)
	visit = func(cmd *cobra.Command) {
		path := cmd.CommandPath()
		switch {
		case cmd.Short == "" || strings.HasSuffix(cmd.Short, "."):
			t.Errorf("%s has no short description, or one that ends with a full stop", path)
		case !strings.Contains(cmd.Example, path) && !cmd.HasSubCommands():
			t.Errorf("%s has no example of itself", path)
		case !strings.Contains(string(helps), "\nexits 0 "+path+" --help\n"):
			t.Errorf("the help of %s is not in help.txtar", path)
		}
		for _, c := range cmd.Commands() {
			visit(c)
		}
	}
	visit(newRoot(nil))
}
