package doctor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/acs-agent/acs-agent/agent/health"
)

// A Port is the serial port of a reader, as it can be seen from outside.
type Port struct {
	// Reader is the reader's name; Named is how the configuration names the port, Path where it is.
	Reader, Named, Path string
	// Missing says why it is not there; nil if it is.
	Missing error
	// Lasting is a better name for the same port; empty if there is none.
	Lasting string
	Holders []Holder
	// Hidden: there are programs into which this process may not look.
	Hidden bool
	// Agent is the process id of the running agent; 0 if none runs.
	Agent int
	// Account is the user that the agent runs as; nil if nobody can tell.
	Account *Account
}

// A Holder is a program that has a port open.
type Holder struct {
	PID  int
	Name string
}

// Look takes down whether the agent can have the port.
func (p *Port) Look(_ context.Context, s *Sheet) {
	subject := fmt.Sprintf("port of %s", p.Reader)
	if p.Missing != nil {
		what, here, _ := strings.Cut(p.Missing.Error(), ": ")
		s.Wrong(subject, orDefault(here, "is the reader plugged in?"), "%s", what)
		return
	}
	if p.Lasting != "" {
		s.Doubt(subject, "write port: "+p.Lasting, "%s is another port when plugs are moved or the device starts anew", p.Path)
	}
	mine, others := false, make([]string, 0, len(p.Holders))
	modem := false
	for _, h := range p.Holders {
		if h.PID == p.Agent {
			mine = true
			continue
		}
		modem = modem || h.Name == "ModemManager"
		others = append(others, fmt.Sprintf("%s (pid %d)", h.Name, h.PID))
	}
	switch {
	case modem:
		s.Wrong(subject, "systemctl disable --now ModemManager: it takes readers for modems", "%s is held by %s", p.Path, strings.Join(others, ", "))
	case len(others) > 0:
		s.Wrong(subject, "stop that program; only one can have the port", "%s is held by %s", p.Path, strings.Join(others, ", "))
	case mine:
		s.Good(subject, "%s is held by our running agent", p.Path)
	default:
		p.free(s, subject)
	}
}

// free looks at a port that nobody is seen to hold.
func (p *Port) free(s *Sheet, subject string) {
	info, err := os.Stat(p.Path)
	switch {
	case errors.Is(err, fs.ErrPermission):
		s.Unseen(subject, "run this with sudo", "this user may not look at %s", p.Path)
	case err == nil && p.Account != nil && !p.Account.may(info, 6):
		group := groupOf(info)
		s.Wrong(subject, fmt.Sprintf("usermod -aG %s %s, then start the service again", group, p.Account.Name),
			"the user %s, who runs the agent, has no right to %s: it is not in the group %s", p.Account.Name, p.Path, group)
	case p.Hidden:
		s.Unseen(subject, "run this with sudo", "%s is there; who holds it only root can see", p.Path)
	default:
		s.Good(subject, "%s is there, and nobody holds it", p.Path)
	}
}

// Reader takes down what the running agent says of a reader.
func Reader(s *Sheet, r health.Report) {
	subject := fmt.Sprintf("reader %s", r.Name)
	switch r.State {
	case health.Up:
		s.Good(subject, "works; passes since the agent started: %d", r.Count)
	case health.Starting:
		s.Unseen(subject, "", "the agent has only just begun with it")
	case health.Down:
		s.Failed(subject, Wrong, false, errors.New(r.Problem))
	case health.Stopped:
		s.Failed(subject, Wrong, true, errors.New(r.Problem))
	}
	if r.LastOddity != "" {
		s.Doubt(subject, "check type, port and wiring of the reader", "what it sends is not always understood (times: %d), at last: %s", r.Oddities, r.LastOddity)
	}
}

func orDefault(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}
