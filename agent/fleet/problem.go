package fleet

import (
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/acs-agent/acs-agent/agent/health"
	"github.com/acs-agent/acs-agent/uplink/heartbeat"
)

// codeForm is that of the codes that devices send.
var codeForm = regexp.MustCompile(`^[a-z0-9-]{1,40}$`)

// A Problem is one thing that is wrong with a device.
type Problem struct {
	// Code is that of an alert; see heartbeat.Codes. Later versions of the agent may have more.
	Code string
	// Since is when it began, by the clock of the device; zero if unknown.
	Since time.Time
	// Names are the readers or uplinks that are concerned, some with the reason; the first few if there are many.
	Names []string
	// More says that there are more of them.
	More bool
	// Count is how many: readers, uplinks or passes, by the code.
	Count uint64
}

// concerns adds a name, and what is wrong there, if there is a word for it.
func (p *Problem) concerns(name, reason string) {
	if len(p.Names) >= maxNames {
		p.More = true
		return
	}
	name = printable(name)
	if codeForm.MatchString(reason) {
		name += " (" + reason + ")"
	}
	p.Names = append(p.Names, name)
}

// classOf is how bad a problem is. One that is unknown here is from a later version of the agent, and no less bad for that.
func classOf(code string) Class {
	switch code {
	case heartbeat.ReaderStopped, heartbeat.UplinkStopped, heartbeat.UplinkGone, heartbeat.DeadLetters, heartbeat.Uncertain,
		heartbeat.JournalHoles, heartbeat.JournalBroken, heartbeat.ConfigRefused:
		return NeedsPerson
	case heartbeat.ClockNotSet:
		return ClockNotSet
	case heartbeat.JournalFilling, heartbeat.DiskLow:
		return ShortOfRoom
	}
	return Failing
}

// problemsOf finds what a heartbeat says is wrong: with names and numbers where it has them, and the bare code where not.
func problemsOf(h *heartbeat.Heartbeat) []Problem {
	found := make(map[string]*Problem)
	add := func(code string, n uint64, name, reason string) {
		if n == 0 {
			return
		}
		p := found[code]
		if p == nil {
			p = &Problem{Code: code}
			found[code] = p
		}
		p.Count = sum(p.Count, n)
		if name != "" {
			p.concerns(name, reason)
		}
	}
	part := func(p heartbeat.Part, name, failing, stopped string) {
		switch p.State {
		case "failing":
			add(failing, 1, name, p.Error)
		case "stopped":
			add(stopped, 1, name, p.Error)
		}
	}
	for i := range h.Readers {
		part(h.Readers[i].Part, h.Readers[i].Name, heartbeat.ReaderFailing, heartbeat.ReaderStopped)
	}
	for i := range h.Uplinks {
		u := &h.Uplinks[i]
		if u.Orphaned {
			add(heartbeat.UplinkGone, u.Waiting, u.Name, "")
		} else {
			part(u.Part, u.Name, heartbeat.UplinkFailing, heartbeat.UplinkStopped)
		}
		add(heartbeat.DeadLetters, count(u.Dead), u.Name, "")
		add(heartbeat.Uncertain, count(u.Uncertain), u.Name, "")
	}
	part(h.Config, "", heartbeat.ConfigRefused, heartbeat.ConfigRefused)
	journal := heartbeat.JournalFailing
	switch h.Journal.Error {
	case heartbeat.JournalFull:
		journal = heartbeat.JournalFull
	case string(health.JournalBroken), string(health.JournalSalvaged):
		journal = heartbeat.JournalBroken
	}
	part(h.Journal.Part, "", journal, journal)
	add(heartbeat.JournalHoles, h.Journal.Holes, "", "")
	if !h.Clock.Trusted {
		add(heartbeat.ClockNotSet, 1, "", "")
	}
	for _, code := range h.Alerts {
		if found[code] == nil && len(found) < maxAlerts && codeForm.MatchString(code) {
			found[code] = &Problem{Code: code}
		}
	}
	all := make([]Problem, 0, len(found))
	for _, p := range found {
		all = append(all, *p)
	}
	return all
}

// problems are those of the last heartbeat and the alerts that stand, in the order in which they are told.
func (d *device) problems() []Problem {
	var all []Problem
	seen := make(map[string]bool)
	if d.beat != nil {
		for _, p := range d.beat.problems {
			if alert, stands := d.alerts[p.Code]; stands {
				p.Since = alert.Since
				if len(p.Names) == 0 {
					p.Names, p.More, p.Count = alert.Names, alert.More, max(p.Count, alert.Count)
				}
			}
			seen[p.Code] = true
			all = append(all, p)
		}
	}
	for code, p := range d.alerts {
		if !seen[code] {
			all = append(all, p)
		}
	}
	slices.SortFunc(all, func(x, y Problem) int {
		if a, b := classOf(x.Code), classOf(y.Code); a != b {
			return int(a) - int(b)
		}
		return strings.Compare(x.Code, y.Code)
	})
	return all
}
