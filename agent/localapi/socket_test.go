package localapi

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

func quiet() *Server {
	return &Server{Status: status, Seen: &Hub{}, Log: slog.New(slog.DiscardHandler)}
}

func TestWhereNobodyListensNoAgentIsRunning(t *testing.T) {
	dir := socketDir(t)
	leaveSocket(t, filepath.Join(dir, SocketName))
	for what, dir := range map[string]string{"no socket": socketDir(t), "a stale socket": dir, "no folder": "/nonexistent"} {
		_, err := Dial(t.Context(), dir)
		if !errors.Is(err, ErrNotRunning) || !strings.Contains(err.Error(), filepath.Join(dir, SocketName)) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// leaveSocket leaves the socket of an agent that was killed.
func leaveSocket(t *testing.T, path string) {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "unix", path)
	if err != nil {
		t.Fatal(err)
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestWhyTheSocketCannotBeReached(t *testing.T) {
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	refused := &net.OpError{Op: "dial", Net: "unix", Err: os.NewSyscallError("connect", fs.ErrPermission)}
	err := unreachable(t.Context(), "/var/lib/acs-agent/agent.sock", refused)
	if !errors.Is(err, ErrPermission) || errors.Is(err, ErrNotRunning) {
		t.Errorf("%v", err)
	}
	for _, word := range []string{"/var/lib/acs-agent/agent.sock", "sudo", "group of the service"} {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("%q does not say %q", err, word)
		}
	}
	if _, err := Dial(ended, socketDir(t)); !errors.Is(err, context.Canceled) {
		t.Errorf("a context that has ended: %v", err)
	}
}

func TestAPathThatIsTooLongIsExplained(t *testing.T) {
	dir := filepath.Join(socketDir(t), strings.Repeat("d", maxSocketPath))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	err := quiet().Serve(t.Context(), dir)
	if err == nil || !strings.Contains(err.Error(), "choose a shorter data_dir") || !strings.Contains(err.Error(), dir) {
		t.Errorf("%v", err)
	}
}

func TestAPathOfJustTheLengthServes(t *testing.T) {
	dir := socketDir(t)
	dir = filepath.Join(dir, strings.Repeat("d", maxSocketPath-len(dir)-len(SocketName)-2))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	serve(t, quiet(), dir)
}

func TestAFolderThatIsMissingIsAnError(t *testing.T) {
	err := quiet().Serve(t.Context(), filepath.Join(socketDir(t), "missing"))
	if !errors.Is(err, fs.ErrNotExist) || !strings.HasPrefix(err.Error(), "local socket: ") {
		t.Errorf("%v", err)
	}
}

func TestAStaleSocketIsTakenOverAndTheOwnOneRemoved(t *testing.T) {
	dir := socketDir(t)
	path := filepath.Join(dir, SocketName)
	leaveSocket(t, path)
	for range 2 {
		stop := serve(t, quiet(), dir)
		c, err := Dial(t.Context(), dir)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Status(t.Context()); err != nil {
			t.Error(err)
		}
		stop()
		if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("the socket is left behind: %v", err)
		}
		if _, err := c.Status(t.Context()); err == nil || !strings.HasPrefix(err.Error(), "ask the agent: ") {
			t.Errorf("the agent is gone and answers: %v", err)
		}
	}
}

func TestTheServerEndsWithItsContext(t *testing.T) {
	s := quiet()
	dir := socketDir(t)
	stop := serve(t, s, dir)
	silent, err := new(net.Dialer).DialContext(t.Context(), "unix", filepath.Join(dir, SocketName))
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close() //nolint:errcheck // nothing was sent
	c, err := Dial(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	watched := make(chan error, 1)
	go func() { watched <- c.Watch(t.Context(), false, func(Sight) {}) }()
	await(t, "somebody watches", func() bool { return watchers(s.Seen) == 1 })
	began := time.Now()
	stop()
	if took := time.Since(began); took > 4*time.Second {
		t.Errorf("the server took %v to end", took)
	}
	if err := <-watched; err != nil {
		t.Errorf("the watcher sees the orderly end of the agent as %v", err)
	}
	await(t, "nobody watches", func() bool { return watchers(s.Seen) == 0 })
}

func TestAClientKeepsNoConnection(t *testing.T) {
	dir := socketDir(t)
	serve(t, quiet(), dir)
	ask := func() {
		c, err := Dial(t.Context(), dir)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Status(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	ask() // now everything of the server runs
	before := runtime.NumGoroutine()
	for range 20 {
		ask()
	}
	await(t, fmt.Sprintf("about %d goroutines as before", before), func() bool { return runtime.NumGoroutine() < before+20 })
}
