package service

import (
	"context"
	"errors"
	"time"
)

// A Manager is what starts and watches services on this machine.
type Manager interface {
	// Install makes the agent a service, or the service that there is one with this program and these paths. What fails leaves no
	// half of a service behind.
	Install(ctx context.Context, o Options) error
	// Uninstall stops the service and makes the machine forget it.
	Uninstall(ctx context.Context) error
	Start(ctx context.Context) error
	Stop(ctx context.Context) error
	Restart(ctx context.Context) error
	Status(ctx context.Context) (Status, error)
}

// Options say what is installed.
type Options struct {
	Unit
	// Source is the program to be copied to Unit.Binary; the same path if it is there already.
	Source string
	// Lists are files that the agent only reads, such as the list of cardholders.
	Lists []string
	// Start also starts the service, or starts it again.
	Start bool
}

// The errors that a caller may have to tell apart.
var (
	// ErrNotInstalled: there is no such service.
	ErrNotInstalled = errors.New("the service is not installed (sudo acs-agent service install)")
	// ErrPackaged: a package has brought the service.
	ErrPackaged = errors.New("the service came with a package, which installs, upgrades and removes it; start it with " +
		"`sudo acs-agent service start`")
	// ErrNoManager: the machine has none of the service managers that are known.
	ErrNoManager = errors.New("this machine has none of the service managers systemd, OpenRC, procd and SysV (run `acs-agent run` " +
		"from what starts programs here)")
)

// State is how the service is doing.
type State string

// The states.
const (
	Running      State = "running"
	Starting     State = "starting"
	Stopping     State = "stopping"
	Stopped      State = "stopped"
	Failed       State = "failed"
	NotInstalled State = "not installed"
)

// Status is what the service manager knows of the service. What it does not tell is left out.
type Status struct {
	Manager string `json:"manager"`
	State   State  `json:"state"`
	// Since is when the state began.
	Since time.Time `json:"since,omitzero"`
	PID   int       `json:"pid,omitempty"`
	// Restarts is how often the manager has started the agent again by itself.
	Restarts int `json:"restarts"`
	// Enabled: it starts with the machine.
	Enabled *bool `json:"enabled,omitempty"`
	// ExitStatus is what the agent ended with last.
	ExitStatus int `json:"exit_status,omitempty"`
	// Result is the manager's word for how it ended: "watchdog", "signal".
	Result string `json:"result,omitempty"`
	// Says is the agent's own line about itself.
	Says string `json:"says,omitempty"`
	// Log is the command or the place that shows what the agent has said.
	Log string `json:"log"`
}
