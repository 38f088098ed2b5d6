package doctor

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/acs-agent/acs-agent/agent/health"
	"github.com/acs-agent/acs-agent/uplink"
)

// A Portal is the other end of an uplink.
type Portal struct {
	// Name is the uplink's.
	Name string
	// Probe asks the portal, or has the running agent ask it; nil if the uplink has no probe.
	Probe func(context.Context) ([]uplink.Finding, error)
	// LogsIn says that the portal counts refused probes, and may lock the account.
	LogsIn bool
	// Refusals remember such refusals where no running agent does; nil if one runs.
	Refusals *Refusals
	// Report is what the running agent says of the uplink; nil if none runs.
	Report *health.Report
}

// Look takes down whether the portal would serve us.
func (p *Portal) Look(ctx context.Context, s *Sheet) {
	subject := fmt.Sprintf("portal %s", p.Name)
	p.report(s, subject)
	switch {
	case p.Probe == nil:
		s.Unseen(subject, "", "there is nothing to ask it that would leave nothing behind")
		return
	case p.LogsIn && p.Refusals != nil:
		at, known := p.Refusals.Last(p.Name)
		if !known {
			s.Unseen(subject, "start the agent, and ask it: acs-agent status",
				"login and password are not tried: this user has no folder in which a refusal could be remembered, and the portal locks accounts")
			return
		}
		if !at.IsZero() {
			s.Wrong(subject, "correct login or password_file; then it is tried again",
				"login and password were refused at %s, and nothing has been changed since: not tried again, so that the portal does not lock the account",
				at.Format(time.DateTime))
			return
		}
	}
	findings, err := p.Probe(ctx)
	if err != nil {
		s.Failed(subject, Unsure, false, err)
		return
	}
	for _, f := range findings {
		take(s, subject, f)
		if p.LogsIn && p.Refusals != nil && f.What == uplink.AboutLogin {
			p.remember(s, subject, f.Err != nil && !f.Unsure)
		}
	}
}

func (p *Portal) remember(s *Sheet, subject string, refused bool) {
	if err := p.Refusals.Set(p.Name, refused); err != nil {
		s.Doubt(subject, "do not ask again before login or password were changed: the portal may lock the account",
			"the refusal could not be remembered: %v", err)
	}
}

// take takes a finding of a probe down.
func take(s *Sheet, subject string, f uplink.Finding) {
	switch {
	case f.Err == nil:
		s.Good(subject, "%s", f.Seen)
	case f.Unsure:
		s.Failed(subject, Unsure, false, f.Err)
	case f.Warning:
		s.Failed(subject, Warning, false, f.Err)
	default:
		// Nobody here can bring a portal back; but key, login, clock and certificates stay wrong by themselves.
		person := f.What == uplink.AboutKey || f.What == uplink.AboutLogin || f.What == uplink.AboutClock || f.What == uplink.AboutTLS
		s.Failed(subject, Wrong, person, f.Err)
	}
}

// report takes down what the running agent says.
func (p *Portal) report(s *Sheet, subject string) {
	r := p.Report
	if r == nil {
		return
	}
	switch r.State {
	case health.Up:
		if r.Count > 0 {
			s.Good(subject, "it works for the running agent: %d since the start, the last %s ago", r.Count, time.Since(r.LastAt).Round(time.Second))
		} else {
			s.Good(subject, "the running agent has no trouble with it")
		}
	case health.Starting:
		s.Unseen(subject, "", "the running agent has had nothing to send yet")
	case health.Down:
		s.Failed(subject, Wrong, false, errors.New(r.Problem))
	case health.Stopped:
		s.Failed(subject, Wrong, true, errors.New(r.Problem))
	}
}
