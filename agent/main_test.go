package main

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// runVariable makes the test binary the agent: children run the very code under test, the race detector included.
const runVariable = "ACS_AGENT_TEST_RUN"

// raceVariable has the options of the race detector.
const raceVariable = "GORACE"

// script is what scripts call the agent.
const script = "acs-agent"

func TestMain(m *testing.M) {
	if os.Getenv(runVariable) == "1" {
		main()
	}
	// A process with the race detector waits a second at its end, so that others may race with it. There are none, and there are
	// many processes.
	if err := os.Setenv(raceVariable, "atexit_sleep_ms=0 "+os.Getenv(raceVariable)); err != nil {
		panic(err)
	}
	// Whoever runs the tests may read another language than what they compare with. Scripts choose for themselves.
	if filepath.Base(os.Args[0]) != script {
		if err := os.Setenv("ACS_AGENT_LANG", "en"); err != nil {
			panic(err)
		}
	}
	testscript.Main(m, map[string]func(){script: main})
}

// agentCommand is a command line of the agent, to be started by the test.
func agentCommand(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, args...)
	cmd.Env = append(os.Environ(), runVariable+"=1", "ACS_AGENT_CONFIG=")
	return cmd
}

// freeAddress is an address of this machine on which nobody listens.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return address
}
