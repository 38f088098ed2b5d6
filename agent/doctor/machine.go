package doctor

import (
	"context"
	"time"

	"github.com/acs-agent/acs-agent/agent/health"
)

const (
	// tightMemory is available memory, in bytes, with which the system is going to end programs.
	tightMemory = 24 << 20
	// hot is a temperature in degrees Celsius at which boards slow down.
	hot = 80
)

// Host takes down how the computer is doing.
func Host(s *Sheet, h *health.Host) {
	const subject = "memory"
	switch {
	case h.MemoryTotal == 0:
		s.Unseen(subject, "", "this system does not tell how much memory it has")
	case h.MemoryAvailable < tightMemory:
		s.Wrong(subject, "see with top what takes it, and end what is not needed", "only %s of %s are available", size(h.MemoryAvailable), size(h.MemoryTotal))
	case h.MemoryAvailable < h.MemoryTotal/10:
		s.Doubt(subject, "see with top what takes it", "%s of %s are available", size(h.MemoryAvailable), size(h.MemoryTotal))
	default:
		s.Good(subject, "%s of %s are available", size(h.MemoryAvailable), size(h.MemoryTotal))
	}
	if h.Temperature != nil && *h.Temperature >= hot {
		s.Doubt("temperature", "give the device air and shade", "%.0f °C", *h.Temperature)
	}
}

// A Unit is what the service manager says of the agent.
type Unit struct {
	// Known: there is such a service.
	Known bool
	// Active and Sub are the manager's own words: active, running; Result why it ended; Enabled whether it starts with the machine.
	Active, Sub, Result, Enabled string
	// User is whom it runs as; empty for root.
	User string
	// Restarts is how often it was started again since it was started by a person.
	Restarts int
}

// Running says whether the agent runs, and as what.
type Running struct {
	// Status is what the running agent says; nil if none answers. Why is then why, and Alone says that for certain none runs.
	Status *health.Status
	Why    error
	Alone  bool
	// Unit is nil where there is no service manager that could be asked.
	Unit *Unit
	// Version is that of this command.
	Version string
}

// Look takes down whether the agent runs and is going to.
func (r *Running) Look(_ context.Context, s *Sheet) {
	const subject = "agent"
	switch {
	case r.Status != nil:
		s.Good(subject, "runs as process %d since %s", r.Status.PID, r.Status.StartedAt.Format(time.DateTime))
		if r.Status.Version != r.Version {
			s.Doubt(subject, "systemctl restart acs-agent", "the running agent is version %s, this command is %s", r.Status.Version, r.Version)
		}
	case !r.Alone:
		s.Failed(subject, Unsure, false, r.Why)
	case r.Unit != nil && r.Unit.Known:
		s.Fails(subject, "systemctl start acs-agent; then journalctl -u acs-agent says why, if it ends again", "it does not run")
	default:
		s.Fails(subject, "start it: acs-agent service install, or acs-agent run to see it work", "it does not run")
	}
	r.unit(s)
}

func (r *Running) unit(s *Sheet) {
	const subject = "service"
	u := r.Unit
	switch {
	case u == nil:
		s.Unseen(subject, "", "there is no service manager here that could be asked")
		return
	case !u.Known:
		s.Doubt(subject, "sudo acs-agent service install", "the agent is no service of this machine, and does not start with it")
		return
	case u.Enabled != "enabled" && u.Enabled != "enabled-runtime" && u.Enabled != "static":
		s.Doubt(subject, "systemctl enable acs-agent", "it does not start with the machine")
	}
	switch {
	case u.Active == "failed":
		s.Wrong(subject, "journalctl -u acs-agent says why", "it has failed (%s)", u.Result)
	case u.Restarts > 3:
		s.Doubt(subject, "journalctl -u acs-agent says why", "it is %s, and was started again %d times", u.Active, u.Restarts)
	default:
		s.Good(subject, "it is %s (%s)", u.Active, u.Sub)
	}
}
