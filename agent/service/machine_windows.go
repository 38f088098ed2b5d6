package service

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sys/windows"
	"golang.org/x/sys/windows/svc"
	"golang.org/x/sys/windows/svc/mgr"
)

// account is whom the service runs as: it has next to no rights, and needs no password.
const account = `NT AUTHORITY\LocalService`

// controller is the service control manager of Windows.
type controller struct{}

// Open gives the service control manager.
func Open() (Manager, error) { return controller{}, nil }

// Found is empty: Windows needs no file to know a service.
func Found() (init Init, ok bool) { return "", false }

// with opens the service and calls do with it.
func with(do func(*mgr.Service) error) error {
	m, err := mgr.Connect()
	if err != nil {
		return fmt.Errorf("connect to the service control manager: %w", err)
	}
	defer m.Disconnect() //nolint:errcheck // nothing was written through it
	s, err := m.OpenService(Name)
	if errors.Is(err, windows.ERROR_SERVICE_DOES_NOT_EXIST) {
		return ErrNotInstalled
	}
	if err != nil {
		return fmt.Errorf("open the service: %w", err)
	}
	defer s.Close() //nolint:errcheck // as above
	return do(s)
}

// Install implements Manager.
func (c controller) Install(ctx context.Context, o Options) error {
	command := windows.ComposeCommandLine([]string{o.Binary, "run", "--service", "--config", o.Config})
	fresh := false
	err := with(func(*mgr.Service) error { return nil })
	switch {
	case errors.Is(err, ErrNotInstalled):
		fresh = true
	case err != nil:
		return err
	default:
		if err := c.Stop(ctx); err != nil { // a program that runs cannot be replaced
			return err
		}
	}
	if err := copyProgram(&o); err != nil {
		return fmt.Errorf("copy the program: %w", err)
	}
	if err := protect(ctx, filepath.Dir(o.Config), o.DataDir); err != nil {
		return err
	}
	if fresh {
		if err := create(o.Binary, o.Config); err != nil {
			return err
		}
	}
	err = with(func(s *mgr.Service) error { return configure(s, command) })
	if err != nil && fresh {
		err = errors.Join(err, c.Uninstall(ctx))
	}
	if err != nil || !o.Start {
		return err
	}
	return c.Start(ctx)
}

func create(binary, config string) error {
	m, err := mgr.Connect()
	if err != nil {
		return fmt.Errorf("connect to the service control manager: %w", err)
	}
	defer m.Disconnect() //nolint:errcheck // nothing was written through it
	s, err := m.CreateService(Name, binary, mgr.Config{
		StartType: mgr.StartAutomatic, ServiceStartName: account, DisplayName: "acs-agent",
		Description: "Carries passes from access control readers to the portals of the site",
	}, "run", "--service", "--config", config)
	if err != nil {
		return fmt.Errorf("make the service: %w", err)
	}
	return s.Close()
}

// configure sets the command line, and that the agent is started again whenever it ends with an error, for ever.
func configure(s *mgr.Service, command string) error {
	c, err := s.Config()
	if err != nil {
		return err
	}
	c.BinaryPathName = command
	if err := s.UpdateConfig(c); err != nil {
		return err
	}
	again := mgr.RecoveryAction{Type: mgr.ServiceRestart, Delay: 5 * time.Second}
	const day = 24 * 60 * 60
	if err := s.SetRecoveryActions([]mgr.RecoveryAction{again, again, again}, day); err != nil {
		return fmt.Errorf("what to do when it fails: %w", err)
	}
	// Without it only crashes count, and an agent that ends because its journal failed stays down.
	return s.SetRecoveryActionsOnNonCrashFailures(true)
}

func copyProgram(o *Options) error {
	if o.Source == "" || filepath.Clean(o.Source) == filepath.Clean(o.Binary) {
		return nil
	}
	program, err := os.ReadFile(o.Source)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(o.Binary), 0o750); err != nil {
		return err
	}
	fresh := o.Binary + ".new"
	if err := os.WriteFile(fresh, program, 0o750); err != nil { //nolint:gosec // rights are no bits here
		return err
	}
	return os.Rename(fresh, o.Binary)
}

// protect gives the folders to the system, to administrators and to the service, and to nobody else.
func protect(ctx context.Context, folders ...string) error {
	const full, change = ":(OI)(CI)F", ":(OI)(CI)M"
	for _, dir := range folders {
		if err := os.MkdirAll(dir, 0o750); err != nil {
			return err
		}
		//nolint:gosec // the folders are those of the configuration
		out, err := exec.CommandContext(ctx, "icacls", dir, "/inheritance:r", "/grant:r",
			"*S-1-5-18"+full, "*S-1-5-32-544"+full, "*S-1-5-19"+change).CombinedOutput()
		if err != nil {
			return fmt.Errorf("protect %s: %w: %s", dir, err, out)
		}
	}
	return nil
}

// Uninstall implements Manager.
func (c controller) Uninstall(ctx context.Context) error {
	if err := c.Stop(ctx); err != nil {
		return fmt.Errorf("stop the agent first: %w", err)
	}
	return with(func(s *mgr.Service) error { return s.Delete() })
}

// Start implements Manager.
func (controller) Start(ctx context.Context) error {
	return with(func(s *mgr.Service) error {
		if err := s.Start(); err != nil && !errors.Is(err, windows.ERROR_SERVICE_ALREADY_RUNNING) {
			return fmt.Errorf("start the service: %w", err)
		}
		return await(ctx, s, svc.Running, svc.Stopped)
	})
}

// Stop implements Manager.
func (controller) Stop(ctx context.Context) error {
	return with(func(s *mgr.Service) error {
		if _, err := s.Control(svc.Stop); err != nil && !errors.Is(err, windows.ERROR_SERVICE_NOT_ACTIVE) {
			return fmt.Errorf("stop the service: %w", err)
		}
		return await(ctx, s, svc.Stopped)
	})
}

// Restart implements Manager.
func (c controller) Restart(ctx context.Context) error {
	if err := c.Stop(ctx); err != nil {
		return err
	}
	return c.Start(ctx)
}

// await waits half a minute at most until the service is in one of the states; in the first, all is well.
func await(ctx context.Context, s *mgr.Service, wanted ...svc.State) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for {
		now, err := s.Query()
		if err != nil {
			return fmt.Errorf("ask for the state: %w", err)
		}
		if i := slices.Index(wanted, now.State); i == 0 {
			return nil
		} else if i > 0 {
			return errors.New("the agent has ended at once; its log says why")
		}
		select {
		case <-ctx.Done():
			return errors.New("the service does not answer in time; see its log")
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// Status implements Manager.
func (controller) Status(context.Context) (Status, error) {
	status := Status{Manager: "windows", State: NotInstalled, Log: filepath.Join(os.Getenv("ProgramData"), "acs-agent", "logs", "agent.log")}
	err := with(func(s *mgr.Service) error {
		now, err := s.Query()
		if err != nil {
			return err
		}
		c, err := s.Config()
		if err != nil {
			return err
		}
		enabled := c.StartType == mgr.StartAutomatic
		status.PID, status.ExitStatus, status.Enabled = int(now.ProcessId), int(now.ServiceSpecificExitCode), &enabled
		switch now.State {
		case svc.Running:
			status.State = Running
		case svc.StartPending:
			status.State = Starting
		case svc.StopPending:
			status.State = Stopping
		default:
			status.State = Stopped
			if now.Win32ExitCode != 0 {
				status.State = Failed
			}
		}
		return nil
	})
	if errors.Is(err, ErrNotInstalled) {
		err = nil
	}
	return status, err
}
