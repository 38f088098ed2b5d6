package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// A child is a process that a test has started.
type child struct {
	cmd   *exec.Cmd
	ended chan struct{} // closed when it has ended; err is set before
	err   error
}

// launch starts cmd with all its output appended to the file log.
func launch(cmd *exec.Cmd, log string) (*child, error) {
	out, err := os.OpenFile(log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	cmd.Stdout, cmd.Stderr = out, out
	err = cmd.Start()
	if err = errors.Join(err, out.Close()); err != nil {
		return nil, err
	}
	c := &child{cmd: cmd, ended: make(chan struct{})}
	go func() {
		c.err = cmd.Wait()
		close(c.ended)
	}()
	return c, nil
}

// terminate asks the child to end, as a service manager does, and returns an error unless it ends in time and with status 0.
func (c *child) terminate(limit time.Duration) error {
	if err := c.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	select {
	case <-c.ended:
		return c.err
	case <-time.After(limit):
		c.kill()
		return fmt.Errorf("it has not ended within %v", limit)
	}
}

// kill ends the child at once, if it still runs.
func (c *child) kill() {
	_ = c.cmd.Process.Kill() // it may have ended
	<-c.ended
}
