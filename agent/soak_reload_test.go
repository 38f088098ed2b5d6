//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/acs-agent/acs-agent/uplink/sandbox"
)

// exchange replaces a file in one step, as editors do.
func (s *soak) exchange(name, text string) error {
	if err := os.WriteFile(s.path(name+".new"), []byte(text), 0o600); err != nil {
		return err
	}
	return os.Rename(s.path(name+".new"), s.path(name))
}

// reload changes the configuration, asks the agent to read it, and waits until its log has the words.
func (s *soak) reload(words, from, to string) error {
	text, err := os.ReadFile(s.path("config.yaml"))
	if err != nil {
		return err
	}
	changed := strings.ReplaceAll(string(text), from, to)
	if changed == string(text) {
		return fmt.Errorf("%q does not stand in the configuration", from)
	}
	log, err := os.Stat(s.path("agent.log"))
	if err != nil {
		return err
	}
	if err := errors.Join(s.exchange("config.yaml", changed), s.agent.cmd.Process.Signal(syscall.SIGHUP)); err != nil {
		return err
	}
	return s.until("the log says "+words, func() error {
		f, err := os.Open(s.path("agent.log"))
		if err != nil {
			return err
		}
		defer f.Close() //nolint:errcheck // it is only read
		since := make([]byte, 1<<20)
		n, err := f.ReadAt(since, log.Size())
		if !strings.Contains(string(since[:n]), words) {
			return fmt.Errorf("it does not: %w", err)
		}
		return nil
	})
}

// swap puts one of two texts of the configuration in the place of the other.
func (s *soak) swap(words, one, other string) error {
	text, err := os.ReadFile(s.path("config.yaml"))
	if err != nil {
		return err
	}
	if strings.Contains(string(text), one) {
		return s.reload(words, one, other)
	}
	return s.reload(words, other, one)
}

// resting locks serial gates and waits until all that they were shown is read: the agent is about to close their ports.
func (s *soak) resting(do func() error, gates ...*soakGate) error {
	for _, g := range gates {
		g.mu.Lock()
		defer g.mu.Unlock()
		if err := s.read(g); err != nil {
			return err
		}
	}
	if err := do(); err != nil {
		return err
	}
	for _, g := range gates {
		if err := s.open(g.name); err != nil {
			return err
		}
	}
	return nil
}

// changeNote changes what the portal is told of one of the gates, which is no reason to close its port.
func (s *soak) changeNote(_ context.Context, r *rand.Rand) error {
	g := s.gates[r.IntN(len(s.gates))]
	return s.swap(takenOver, g.name+", a", g.name+", b")
}

func (s *soak) changeUplinks(context.Context, *rand.Rand) error {
	return errors.Join(s.swap(takenOver, "max_delay: 500ms", "max_delay: 600ms"), s.swap(takenOver, "interval: 5s", "interval: 6s"))
}

// extraReader adds a reader that is not plugged in, and takes it away again.
func (s *soak) extraReader(ctx context.Context, r *rand.Rand) error {
	extra := fmt.Sprintf("readers:\n  - {name: lobby, type: line, port: %s, organization: school}\n", s.path("nowhere"))
	err := s.reload(takenOver, "readers:\n", extra)
	pause(ctx, s.span(r, 20))
	return errors.Join(err, s.reload(takenOver, extra, "readers:\n"))
}

// changeFoundation changes something on which all stands: the agent closes everything, the journal included, and opens it again.
func (s *soak) changeFoundation(context.Context, *rand.Rand) error {
	return s.resting(func() error {
		if err := s.swap("msg=started", "keep: 35d", "keep: 36d"); err != nil {
			return err
		}
		for _, g := range s.gates {
			if g.port != nil {
				g.base = g.all
			}
		}
		return nil
	}, s.gates[0], s.gates[1])
}

func (s *soak) invalidConfig(ctx context.Context, r *rand.Rand) error {
	const right, wrong = "timezone: Asia/Almaty", "timezone: Asia/Nowhere"
	err := s.reload("the changed configuration is refused", right, wrong)
	pause(ctx, s.span(r, 30))
	return errors.Join(err, s.reload(takenOver, wrong, right))
}

// rewriteList puts the strangers of before into the list of people.
func (s *soak) rewriteList(context.Context, *rand.Rand) error {
	known := s.strangers.next.Load()
	if err := s.exchange("cardholders.csv", listOf(int(known))); err != nil {
		return err
	}
	s.strangers.listed.Store(known)
	return nil
}

func (s *soak) application(context.Context, *rand.Rand) error {
	_, err := s.portal.AddApplication(sandbox.DemoApplication("person"))
	return err
}

// dropSubjects puts a table of people into the inbox.
func (s *soak) dropSubjects(context.Context, *rand.Rand) error {
	const people = 3
	var b strings.Builder
	b.WriteString("surname;name;birth_date;consent\n")
	for range people {
		fmt.Fprintf(&b, "Пробная;Проба;%s;да\n", officeBirthday(s.subjects))
		s.subjects++
	}
	return s.exchange(fmt.Sprintf("inbox/table-%d.csv", s.subjects), b.String())
}

// errEnded stands for an agent that has ended with status 0 although nobody asked it to.
var errEnded = errors.New("nobody asked it to")

// until does something again and again until it is done, for a minute and a half at most.
func (s *soak) until(what string, do func() error) error {
	var err error
	for deadline := time.Now().Add(90 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		select {
		case <-s.agent.ended:
			return fmt.Errorf("%s: the agent has ended by itself: %w", what, errors.Join(errEnded, s.agent.err))
		default:
		}
		if err = do(); err == nil {
			return nil
		}
	}
	return fmt.Errorf("not within a minute and a half: %s: %w", what, err)
}
