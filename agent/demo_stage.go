package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/acs-agent/acs-agent/agent/health"
	"github.com/acs-agent/acs-agent/agent/localapi"
	"github.com/acs-agent/acs-agent/uplink/sandbox"
)

const (
	demoUplink = "visits"
	demoKey    = "demo-key"
)

// stage is everything that takes part in the demo. What is written to its fields after the start belongs to the goroutine of
// the demo.
type stage struct {
	dir        string
	portal     *sandbox.Portal
	crowd      *crowd
	readers    []*demoReader
	agent      *exec.Cmd
	agentEnded chan struct{}
	stop       context.CancelFunc
	wg         sync.WaitGroup // presenting readers
	servers    sync.WaitGroup
	status     health.Status
	offices    office
}

// newStage writes the files of the site and starts portal and agent.
func newStage(ctx context.Context, dir string) (_ *stage, err error) {
	s := &stage{dir: dir, crowd: newCrowd(), agentEnded: make(chan struct{})}
	serving, stop := context.WithCancel(ctx)
	s.stop = stop
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	s.portal = sandbox.New(demoOptions())
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s.servers.Go(func() { _ = s.portal.ServeTLS(serving, listener) }) // its failure shows as passes that do not arrive
	broker, err := freePort(ctx)
	if err != nil {
		return nil, err
	}
	if s.readers, err = openReaders(broker); err != nil {
		return nil, err
	}
	files := map[string]string{
		"config.yaml":       s.config(broker, listener.Addr().String()),
		"acs.key":           demoKey + "\n",
		"reestro.key":       demoReestroKey + "\n",
		"callback.password": demoPassword + "\n",
		"portal-ca.pem":     string(s.portal.CertificatePEM()),
		"cardholders.csv":   s.crowd.list(),
		"roster.csv":        demoRoster(),
	}
	if err := os.Mkdir(filepath.Join(dir, "inbox"), 0o700); err != nil {
		return nil, err
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			return nil, err
		}
	}
	return s, s.startAgent()
}

// freePort finds a port for the broker: nothing can be told to listen on "any" and be found by others.
func freePort(ctx context.Context) (string, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// startAgent runs this very program as the agent.
func (s *stage) startAgent() error {
	program, err := os.Executable()
	if err != nil {
		return err
	}
	log, err := os.Create(filepath.Join(s.dir, "agent.log"))
	if err != nil {
		return err
	}
	defer log.Close()                                                                       //nolint:errcheck // the child has its own
	s.agent = exec.Command(program, "run", "--config", filepath.Join(s.dir, "config.yaml")) //nolint:noctx,gosec // this very program; ended by close, in order
	s.agent.Stdout, s.agent.Stderr = log, log
	if err := s.agent.Start(); err != nil {
		return err
	}
	go func() {
		_ = s.agent.Wait() // why it ended stands in its log
		close(s.agentEnded)
	}()
	return nil
}

// config is the configuration of the demo's site.
func (s *stage) config(broker, portal string) string {
	var b bytes.Buffer
	fmt.Fprintf(&b, `device: demo
timezone: Asia/Almaty
clock: {trust: always}
data_dir: data
listen: off
organizations:
  - {id: school, bin: "010140000014", name: Demo school}
  - {id: hall, bin: "010150000019", name: Demo hall}
cardholders: {file: cardholders.csv}
mqtt: {broker: embedded, listen: "%s"}
readers:
`, broker)
	for _, r := range s.readers {
		fmt.Fprintf(&b, "  - {name: %s, organization: %s, note: %s, %s}\n", r.name, r.organization, r.note, r.settings)
	}
	fmt.Fprintf(&b, `uplinks:
  - {name: %s, type: acs, url: "https://%s%s", ca_file: portal-ca.pem, api_key_file: acs.key, max_delay: 1s, retry_max: 2s}
`, demoUplink, portal, sandbox.ACSPath)
	b.WriteString(demoUplinks(portal))
	return b.String()
}

// look asks the agent how it is doing; while it does not answer, its last word stands.
func (s *stage) look(ctx context.Context) {
	client, err := localapi.Dial(ctx, filepath.Join(s.dir, "data"))
	if err != nil {
		return
	}
	if status, err := client.Status(ctx); err == nil {
		s.status = status
	}
	s.offices = s.office(ctx)
}

// stored is how many passes the agent has taken from its readers.
func (s *stage) stored() int {
	n := 0
	for _, p := range s.status.Parts {
		if p.Kind == health.Reader {
			n += int(p.Count) //nolint:gosec // some dozens
		}
	}
	return n
}

// awaitReaders waits until the agent has all its readers.
func (s *stage) awaitReaders(ctx context.Context) error {
	deadline := time.Now().Add(20 * time.Second)
	for time.Now().Before(deadline) {
		s.look(ctx)
		up := 0
		for _, r := range s.readers {
			if find(s.status.Parts, health.Reader, r.name).State == health.Up {
				up++
			}
		}
		if up == len(s.readers) {
			return s.connectReaders(ctx)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-s.agentEnded:
			return errors.New("it has ended")
		case <-time.After(100 * time.Millisecond):
		}
	}
	return errors.New("it is not ready after 20 seconds")
}

func (s *stage) connectReaders(ctx context.Context) error {
	for _, r := range s.readers {
		if err := r.dial(ctx); err != nil {
			return fmt.Errorf("reader %s: %w", r.name, err)
		}
	}
	return nil
}

// learnVisitor adds the visitor to the list, as a person with an editor would.
func (s *stage) learnVisitor() error {
	s.crowd.knowVisitor()
	return os.WriteFile(filepath.Join(s.dir, "cardholders.csv"), []byte(s.crowd.list()), 0o600)
}

// lastWords is the end of the agent's log.
func (s *stage) lastWords() error {
	log, err := os.ReadFile(filepath.Join(s.dir, "agent.log"))
	if err != nil {
		return err
	}
	return fmt.Errorf("its log ends with:\n%s", log[max(0, len(log)-2000):])
}

// close ends everything, the agent in order.
func (s *stage) close() error {
	var errs []error
	if s.agent != nil && s.agent.Process != nil {
		_ = s.agent.Process.Signal(syscall.SIGTERM) // if it has ended already, all is well
		select {
		case <-s.agentEnded:
		case <-time.After(2 * stopTime):
			errs = append(errs, errors.New("the agent did not end by itself"), s.agent.Process.Kill())
			<-s.agentEnded
		}
	}
	for _, r := range s.readers {
		errs = append(errs, r.close())
	}
	s.stop()
	s.servers.Wait()
	return errors.Join(errs...)
}
