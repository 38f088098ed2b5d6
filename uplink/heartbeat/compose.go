package heartbeat

import (
	"cmp"
	"regexp"
	"slices"
	"time"

	"github.com/acs-agent/acs-agent/agent/health"
)

// codeForm is that of health.Code. Nothing else leaves the device in its place, whatever a module may have put there.
var codeForm = regexp.MustCompile(`^[a-z][a-z0-9-]{0,39}$`)

// compose makes a heartbeat of a status. Session, number and interval are the caller's.
func compose(s *health.Status) Heartbeat {
	b := Heartbeat{
		Version: Version, Device: s.Device, Boot: s.Boot, At: second(s.Now, s.Now), Uptime: seconds(s.StartedAt, s.Now), Agent: s.Version,
		Clock:   Clock{Trusted: s.ClockTrusted, Source: s.ClockSource, Doubt: s.ClockDoubt},
		Config:  Part{State: string(health.Up)}, // unless it says otherwise: it is in use
		Readers: []Reader{}, Uplinks: []Uplink{}, Alerts: []string{},
		Journal: Journal{Bytes: s.Journal.Bytes, Limit: s.Journal.Limit, FreeDisk: s.Journal.FreeDisk, Holes: s.Journal.Holes},
		Host: Host{
			MemoryTotal: s.Host.MemoryTotal, MemoryFree: s.Host.MemoryAvailable, Resident: s.Host.Resident,
			Temperature: s.Host.Temperature, Load: s.Host.Load, Uptime: s.Host.Uptime,
		},
	}
	uplinks := make(map[string]*health.Report)
	for i := range s.Parts {
		switch p := &s.Parts[i]; p.Kind {
		case health.Reader:
			b.Readers = append(b.Readers, Reader{
				Name: p.Name, Type: p.Type, Part: partOf(p), LastReadAt: second(p.LastAt, s.Now), Reads: p.Count, Errors: p.Oddities,
			})
		case health.Uplink:
			uplinks[p.Name] = p
		case health.Config:
			b.Config = partOf(p)
		case health.Journal:
			if b.Journal.State == "" || b.Journal.State == string(health.Up) { // not worse than what is said already
				b.Journal.Part = partOf(p)
			}
		default: // has alerts, but no place here
		}
	}
	for _, q := range s.Uplinks {
		u := Uplink{
			Name: q.Name, Waiting: q.Waiting, Oldest: q.OldestSeconds, Held: q.Held, Dead: q.Dead, Uncertain: q.Uncertain,
			Orphaned: q.Orphaned, Part: Part{State: string(health.Stopped)}, // of an uplink that nobody runs
		}
		if p := uplinks[q.Name]; p != nil {
			u.Part, u.Type, u.LastOKAt = partOf(p), p.Type, second(p.LastAt, s.Now)
		}
		b.Uplinks = append(b.Uplinks, u)
	}
	slices.SortFunc(b.Uplinks, func(x, y Uplink) int { return cmp.Compare(x.Name, y.Name) })
	return b
}

func partOf(p *health.Report) Part {
	code := p.Code
	if code != "" && !codeForm.MatchString(code) {
		code = string(health.Failing)
	}
	return Part{State: string(p.State), Error: code}
}

// second is a time to the second, in the zone of now.
func second(t, now time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.In(now.Location()).Truncate(time.Second)
}

// seconds is how long ago a time was; 0 if it is in the future, or none.
func seconds(then, now time.Time) int64 {
	if then.IsZero() {
		return 0
	}
	return max(0, int64(now.Sub(then).Seconds()))
}
