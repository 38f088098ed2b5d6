package metrics

import (
	"time"

	"github.com/acs-agent/acs-agent/agent/health"
)

// Families are all metrics, in the order in which they are printed.
func Families() []Family {
	return append(append(append(agentFamilies(), readerFamilies()...), uplinkFamilies()...), machineFamilies()...)
}

func agentFamilies() []Family {
	return []Family{
		{
			"acs_agent_info", Gauge,
			[]string{"device", "version"},
			"Which agent this is; the value is always 1.",
			func(s *snapshot, add sampler) { add("", 1, s.Device, s.Version) },
		},
		{
			"acs_agent_clock_trusted", Gauge, nil, "1 if the clock of the device is set, 0 while passes are held because it is not.",
			func(s *snapshot, add sampler) { add("", truth(s.ClockTrusted)) },
		},
		{
			"acs_agent_clock_source", Gauge,
			[]string{"source"},
			"1 for who vouches for the clock, or for why it is not trusted.",
			func(s *snapshot, add sampler) {
				if word := s.ClockSource + s.ClockDoubt; word != "" { // one of them is empty
					add("", 1, word)
				}
			},
		},
		{
			"acs_agent_config_refused", Gauge, nil,
			"1 if the configuration was changed and is wrong, so that the agent works on with the one before.",
			func(s *snapshot, add sampler) { add("", truth(configRefused(s.Status))) },
		},
		{
			"acs_agent_part_state", Gauge,
			[]string{"part", "name", "state"},
			"1 for the state in which a part of the agent other than readers and uplinks is, 0 for the others.",
			func(s *snapshot, add sampler) {
				s.others(func(r *health.Report) { oneHot(r, add, string(r.Kind), r.Name) })
			},
		},
		{
			"acs_agent_part_problem", Gauge,
			[]string{"part", "name", "code"},
			"1 while the part does not work, with the reason in a word; gone when it does.",
			func(s *snapshot, add sampler) {
				s.others(func(r *health.Report) { problem(r, add, string(r.Kind), r.Name) })
			},
		},
		{
			"acs_agent_journal_passes", Gauge, nil, "Passes that the journal keeps, delivered ones included.",
			func(s *snapshot, add sampler) { add("", float64(s.Journal.Passes)) },
		},
		{
			"acs_agent_journal_size_bytes", Gauge, nil, "What the journal occupies on the disk.",
			func(s *snapshot, add sampler) { add("", float64(s.Journal.Bytes)) },
		},
		{
			"acs_agent_journal_limit_bytes", Gauge, nil, "What the journal may occupy on the disk.",
			func(s *snapshot, add sampler) { add("", float64(s.Journal.Limit)) },
		},
		{
			"acs_agent_journal_disk_free_bytes", Gauge, nil, "What is left of the disk on which the journal lies.",
			func(s *snapshot, add sampler) { add("", float64(s.Journal.FreeDisk)) },
		},
		{
			"acs_agent_journal_holes", Gauge, nil, "Passes that were stored and cannot be read any more.",
			func(s *snapshot, add sampler) { add("", float64(s.Journal.Holes)) },
		},
	}
}

func readerFamilies() []Family {
	reader := []string{"reader"}
	return []Family{
		{
			"acs_agent_reader_info", Gauge,
			[]string{"reader", "type"},
			"Of what type a reader is; the value is always 1.",
			func(s *snapshot, add sampler) {
				s.parts(health.Reader, func(r *health.Report) { add("", 1, r.Name, r.Type) })
			},
		},
		{
			"acs_agent_reader_state", Gauge,
			[]string{"reader", "state"},
			"1 for the state in which a reader is, 0 for the others.",
			func(s *snapshot, add sampler) {
				s.parts(health.Reader, func(r *health.Report) { oneHot(r, add, r.Name) })
			},
		},
		{
			"acs_agent_reader_problem", Gauge,
			[]string{"reader", "code"},
			"1 while the reader does not work, with the reason in a word; gone when it does.",
			func(s *snapshot, add sampler) {
				s.parts(health.Reader, func(r *health.Report) { problem(r, add, r.Name) })
			},
		},
		{
			"acs_agent_reader_passes_total", Counter, reader, "Passes that were read and stored.",
			func(s *snapshot, add sampler) {
				s.parts(health.Reader, func(r *health.Report) { add("", float64(r.Count), r.Name) })
			},
		},
		{
			"acs_agent_reader_oddities_total", Counter, reader, "What came from the reader and could not be understood.",
			func(s *snapshot, add sampler) {
				s.parts(health.Reader, func(r *health.Report) { add("", float64(r.Oddities), r.Name) })
			},
		},
		{
			"acs_agent_reader_last_pass_timestamp_seconds", Gauge, reader,
			"When a pass was read last; missing until the first one since the agent started.",
			func(s *snapshot, add sampler) {
				s.parts(health.Reader, func(r *health.Report) { s.moment(r.LastAt, add, r.Name) })
			},
		},
	}
}

func uplinkFamilies() []Family {
	uplink := []string{"uplink"}
	queue := func(name, help string, value func(*health.Queue) float64) Family {
		return Family{name, Gauge, uplink, help, func(s *snapshot, add sampler) {
			for i := range s.Uplinks {
				add("", value(&s.Uplinks[i]), s.Uplinks[i].Name)
			}
		}}
	}
	return []Family{
		{
			"acs_agent_uplink_info", Gauge,
			[]string{"uplink", "type"},
			"Of what type an uplink is; the value is always 1.",
			func(s *snapshot, add sampler) {
				s.parts(health.Uplink, func(r *health.Report) { add("", 1, r.Name, r.Type) })
			},
		},
		{
			"acs_agent_uplink_state", Gauge,
			[]string{"uplink", "state"},
			"1 for the state in which an uplink is, 0 for the others.",
			func(s *snapshot, add sampler) {
				s.parts(health.Uplink, func(r *health.Report) { oneHot(r, add, r.Name) })
			},
		},
		{
			"acs_agent_uplink_problem", Gauge,
			[]string{"uplink", "code"},
			"1 while the uplink does not work, with the reason in a word; gone when it does.",
			func(s *snapshot, add sampler) {
				s.parts(health.Uplink, func(r *health.Report) { problem(r, add, r.Name) })
			},
		},
		{
			"acs_agent_uplink_delivered_total", Counter, uplink, "What the portal has taken: passes, or requests of an uplink that sends none.",
			func(s *snapshot, add sampler) {
				s.parts(health.Uplink, func(r *health.Report) { add("", float64(r.Count), r.Name) })
			},
		},
		{
			"acs_agent_uplink_last_delivery_timestamp_seconds", Gauge, uplink,
			"When the portal took something last; missing until the first time since the agent started.",
			func(s *snapshot, add sampler) {
				s.parts(health.Uplink, func(r *health.Report) { s.moment(r.LastAt, add, r.Name) })
			},
		},
		queue("acs_agent_uplink_waiting_passes", "Passes that wait to be delivered.",
			func(q *health.Queue) float64 { return float64(q.Waiting) }),
		queue("acs_agent_uplink_oldest_waiting_seconds", "Age of the oldest pass that waits; 0 if none does.",
			func(q *health.Queue) float64 { return float64(q.OldestSeconds) }),
		queue("acs_agent_uplink_held_clock_passes", "Held passes that lack their time.",
			func(q *health.Queue) float64 { return float64(q.HeldClock) }),
		queue("acs_agent_uplink_held_passes", "Passes that are not ready to be delivered: unknown cards, or the clock.",
			func(q *health.Queue) float64 { return float64(q.Held) }),
		queue("acs_agent_uplink_dead_passes", "Passes that the portal refused; a person has to look at them.",
			func(q *health.Queue) float64 { return float64(q.Dead) }),
		queue("acs_agent_uplink_uncertain_passes", "Passes of which a person has to say whether they were delivered.",
			func(q *health.Queue) float64 { return float64(q.Uncertain) }),
		queue("acs_agent_uplink_orphaned", "1 if the configuration has no uplink of this name any more, but passes wait for it.",
			func(q *health.Queue) float64 { return truth(q.Orphaned) }),
	}
}

// parts visits the parts of one kind.
func (s *snapshot) parts(kind health.Kind, visit func(*health.Report)) {
	for i := range s.Parts {
		if s.Parts[i].Kind == kind {
			visit(&s.Parts[i])
		}
	}
}

// others visits the parts that are neither readers nor uplinks.
func (s *snapshot) others(visit func(*health.Report)) {
	for i := range s.Parts {
		if k := s.Parts[i].Kind; k != health.Reader && k != health.Uplink {
			visit(&s.Parts[i])
		}
	}
}

// moment adds a time in seconds since 1970, unless it never was.
func (s *snapshot) moment(t time.Time, add sampler, labels ...string) {
	if !t.IsZero() {
		add("", seconds(t, s.Now, s.Now.Sub(t)), labels...)
	}
}

// seconds is when something was as the clock tells it now, from what was noted then and how long ago it is, which no setting
// of the clock changes. A device without a battery counts from somewhere in the past until it hears what time it is; what was
// noted before that would be years old for ever.
func seconds(noted, now time.Time, ago time.Duration) float64 {
	const step = time.Minute // what is less is the clock being trimmed; it would make the number restless
	then := now.Round(0).Add(-ago)
	if then.Sub(noted.Round(0)).Abs() < step {
		return float64(noted.UnixMilli()) / 1000
	}
	return float64(then.Unix())
}

func oneHot(r *health.Report, add sampler, labels ...string) {
	for _, state := range states() {
		add("", truth(r.State == state), append(labels, string(state))...)
	}
}

func problem(r *health.Report, add sampler, labels ...string) {
	if code := problemCode(r); code != "" {
		add("", 1, append(labels, code)...)
	}
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
