package intake

import (
	"strings"
	"time"

	"github.com/acs-agent/acs-agent/agent/cardholders"
	"github.com/acs-agent/acs-agent/agent/event"
)

// A Finder knows who holds which card.
type Finder interface {
	Find(c *event.Credential, at time.Time) cardholders.Answer
}

// Who completes passes with the person and the institution.
type Who struct {
	Finder Finder
	Clock  *Clock
	// Organizations are the institutions of the configuration, by id.
	Organizations map[string]event.Organization
}

// Complete fills in what is missing: the true time, the holder, the institution. It returns why the pass cannot go to a portal
// yet, or event.None. What an earlier call has filled in stays as it is.
func (w *Who) Complete(p *event.Pass) event.Pending {
	if p.Holder != (event.Holder{}) {
		return event.None // the holder is filled in last
	}
	if !p.At.Trusted {
		at, ok := w.Clock.Correct(p.At)
		if !ok {
			return event.ClockNotSet
		}
		p.At = at
	}
	answer := w.Finder.Find(&p.Credential, p.At.Wall)
	if answer.Pending != event.None {
		return answer.Pending
	}
	if p.Organization == (event.Organization{}) {
		org, ok := w.organization(answer.OrganizationID)
		if !ok {
			return event.NoOrganization
		}
		p.Organization = org
	}
	p.Holder = answer.Holder
	return event.None
}

// organization finds an institution by what a person would write into a table: its id, BIN or name. What fits several
// institutions names none of them.
func (w *Who) organization(written string) (found event.Organization, ok bool) {
	if written == "" {
		return found, false
	}
	if o, ok := w.Organizations[written]; ok {
		return o, true
	}
	for _, o := range w.Organizations {
		if written != o.BIN && !strings.EqualFold(written, o.Name) {
			continue
		}
		if ok && o != found {
			return event.Organization{}, false
		}
		found, ok = o, true
	}
	return found, ok
}
