package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/debug"

	"golang.org/x/sys/windows"
	"golang.org/x/sys/windows/svc"

	"github.com/acs-agent/acs-agent/agent/service"
)

// output is where the agent's log goes: a service has no terminal, and Windows keeps no log of what it would print there.
func (m *managed) output(config string, stderr io.Writer) io.Writer {
	if !m.service {
		return stderr
	}
	dir := filepath.Join(filepath.Dir(config), "logs")
	file := &service.LogFile{Path: filepath.Join(dir, "agent.log"), MaxSize: 4 << 20, Keep: 3}
	// What the runtime says before it ends the process goes past every logger.
	if err := os.MkdirAll(dir, 0o750); err == nil {
		if crash, err := os.OpenFile(filepath.Join(dir, "crash.log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o640); err == nil { //nolint:gosec // read by those who help
			_ = debug.SetCrashOutput(crash, debug.CrashOptions{}) // without it, it is not written down
			_ = crash.Close()                                     // the runtime has its own handle
		}
	}
	return file
}

// underManager runs work as the service that the service control manager has started.
func underManager(ctx context.Context, log *slog.Logger, work func(context.Context) error) error {
	p := &process{ctx: ctx, work: work}
	err := svc.Run(service.Name, p)
	if errors.Is(err, windows.ERROR_FAILED_SERVICE_CONTROLLER_CONNECT) {
		return usage{errors.New("--service is for the service manager: leave it out to run the agent in this window")}
	}
	if err != nil {
		log.Error("the service control manager does not answer", "error", err)
		return fmt.Errorf("run as a service: %w", err)
	}
	return p.err
}

// A process is the agent as the service control manager sees it.
type process struct {
	ctx  context.Context //nolint:containedctx // svc.Run passes none on
	work func(context.Context) error
	err  error
}

// Execute implements svc.Handler. An error of the work becomes an exit status other than 0, upon which the manager starts the
// service again.
func (p *process) Execute(_ []string, requests <-chan svc.ChangeRequest, status chan<- svc.Status) (specific bool, exit uint32) {
	const accepted = svc.AcceptStop | svc.AcceptShutdown | svc.AcceptPreShutdown
	ctx, cancel := context.WithCancel(p.ctx)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- p.work(ctx) }()
	status <- svc.Status{State: svc.Running, Accepts: accepted}
	for {
		select {
		case p.err = <-ended:
			if p.err == nil {
				return false, 0
			}
			return true, exitFailed
		case request := <-requests:
			switch request.Cmd {
			case svc.Interrogate:
				status <- request.CurrentStatus
			case svc.Stop, svc.Shutdown, svc.PreShutdown:
				status <- svc.Status{State: svc.StopPending, WaitHint: uint32(2 * stopTime.Milliseconds())}
				cancel()
			default: // nothing else was accepted
			}
		}
	}
}
