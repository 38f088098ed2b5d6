//go:build unix

package main

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/acs-agent/acs-agent/agent/health"
	"github.com/acs-agent/acs-agent/agent/localapi"
)

// command is a command line of the agent under test.
func (s *e2e) command(args ...string) *exec.Cmd {
	words := strings.Fields(os.Getenv(e2eAgent))
	if len(words) == 0 {
		return agentCommand(s.t, args...)
	}
	cmd := exec.Command(words[0], append(words[1:], args...)...)
	cmd.Env = append(os.Environ(), "ACS_AGENT_CONFIG=")
	return cmd
}

// startAgent starts the agent and returns when it answers.
func (s *e2e) startAgent() {
	s.mu.Lock()
	defer s.mu.Unlock()
	log, err := os.OpenFile(filepath.Join(s.dir, "agent.log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		s.t.Error(err)
		return
	}
	defer log.Close() //nolint:errcheck // the child has its own
	s.agent = s.command("run", "--config", filepath.Join(s.dir, "config.yaml"))
	s.agent.Stdout, s.agent.Stderr = log, log
	if err := s.agent.Start(); err != nil {
		s.t.Error(err)
		return
	}
	ended := make(chan struct{})
	s.ended = ended
	agent := s.agent
	go func() {
		_ = agent.Wait() // how it ends is what the test decides
		close(ended)
	}()
	s.lives.Add(1)
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if _, err := s.status(); err == nil {
			return
		}
		select {
		case <-ended:
			s.t.Errorf("the agent has ended by itself:\n%s", s.log())
			return
		default:
		}
	}
	s.t.Errorf("the agent does not answer:\n%s", s.log())
}

// log gives the end of the agent's log, or the beginning of what the runtime wrote there if the agent has crashed.
func (s *e2e) log() string {
	const most = 4000
	all, _ := os.ReadFile(filepath.Join(s.dir, "agent.log"))
	log := string(all)
	if crash := strings.LastIndex(log, "\n[signal "); crash >= 0 {
		return log[max(0, crash-most/4):min(len(log), crash+most)]
	}
	return log[max(0, len(log)-most):]
}

func (s *e2e) client() (*localapi.Client, error) {
	return localapi.Dial(context.Background(), filepath.Join(s.dir, "data"))
}

func (s *e2e) status() (status health.Status, err error) {
	c, err := s.client()
	if err != nil {
		return status, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return c.Status(ctx)
}

// kill kills the agent without warning and starts it again, until it has done so often enough.
func (s *e2e) kill(ctx context.Context) {
	for s.killed() < s.size.kills && !s.t.Failed() {
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Second + rand.N(2*time.Second)):
		}
		s.quiet.Lock()
		s.mu.Lock()
		if err := s.agent.Process.Signal(syscall.SIGKILL); err != nil {
			s.t.Error(err)
		}
		<-s.ended
		for _, p := range s.ports {
			p.Released()
		}
		s.kills++
		s.mu.Unlock()
		s.startAgent()
		s.quiet.Unlock()
	}
}

func (s *e2e) killed() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.kills
}

// stopAgent ends the agent as a service manager would.
func (s *e2e) stopAgent() {
	s.mu.Lock()
	defer s.mu.Unlock()
	asked := time.Now()
	_ = s.agent.Process.Signal(syscall.SIGTERM)
	select {
	case <-s.ended:
	case <-time.After(20 * time.Second):
		_ = s.agent.Process.Kill()
		<-s.ended
	}
	if d := time.Since(asked); d > stopTime {
		s.t.Errorf("the agent took %v to end", d)
	}
}

// statusCommand runs `acs-agent status`, as a person would, and wants it to find nothing wrong.
func (s *e2e) statusCommand() {
	said, err := s.command("status", "--config", filepath.Join(s.dir, "config.yaml")).CombinedOutput()
	if err != nil {
		s.t.Errorf("acs-agent status: %v\n%s", err, said)
	}
}

// await polls the agent until it is as it should be. When the test has failed already there is nothing to wait for.
func (s *e2e) await(what string, ok func(*health.Status) bool) {
	var last health.Status
	for deadline := time.Now().Add(60 * time.Second); time.Now().Before(deadline) && !s.t.Failed(); time.Sleep(20 * time.Millisecond) {
		if st, err := s.status(); err == nil {
			if ok(&st) {
				return
			}
			last = st
		}
	}
	if s.t.Failed() {
		return
	}
	text, _ := json.MarshalIndent(last, "", " ")
	s.t.Errorf("not after a minute: %s\n%s\n%s", what, text, s.log())
}
