//go:build linux

package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A soakBroker is a Mosquitto that keeps over a restart what it has confirmed, as the broker of a site does.
type soakBroker struct {
	dir, address string
	program      string // empty where Mosquitto is not installed: then the broker of our own stands in, and stays
	child        *child
}

func newSoakBroker(t *testing.T) *soakBroker {
	t.Helper()
	b := &soakBroker{dir: shortFolder(t), address: beyond(freeAddress(t))}
	for _, name := range []string{"mosquitto", "/usr/sbin/mosquitto"} {
		if program, err := exec.LookPath(name); err == nil && b.program == "" {
			b.program = program
		}
	}
	if b.program == "" {
		b.address = startTestBroker(t) // which says so, and fails in CI
		return b
	}
	host, port, _ := net.SplitHostPort(b.address)
	// As root Mosquitto would give up its rights, and could not write down what it keeps.
	text := fmt.Sprintf("user root\nlistener %s %s\nallow_anonymous true\nmax_queued_messages 0\nmax_inflight_messages 40\n"+
		"persistence true\npersistence_location %s/\n", port, host, b.dir)
	if err := os.WriteFile(filepath.Join(b.dir, "mosquitto.conf"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if b.child != nil {
			b.child.kill()
		}
	})
	return b
}

// beyond moves an address to another of the machine's own, from which no connection begins: none can take its port while
// nobody listens there.
func beyond(address string) string { return strings.Replace(address, "127.0.0.1:", "127.0.0.2:", 1) }

func (b *soakBroker) start() error {
	if b.program == "" {
		return nil
	}
	child, err := launch(exec.Command(b.program, "-c", filepath.Join(b.dir, "mosquitto.conf")), filepath.Join(b.dir, "mosquitto.log"))
	if err != nil {
		return err
	}
	b.child = child
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if c, err := net.Dial("tcp", b.address); err == nil {
			return c.Close()
		}
		select {
		case <-child.ended:
			return errors.New("the broker has ended")
		default:
		}
	}
	return errors.New("the broker does not listen")
}

// stop ends the broker in order, so that it writes down what it keeps.
func (b *soakBroker) stop() error {
	if b.program == "" {
		return nil
	}
	return b.child.terminate(patience)
}
