package health

import "time"

// Status is the whole agent at one moment: what `acs-agent status --json` prints. It holds no personal data.
type Status struct {
	Device  string `json:"device"`
	Version string `json:"version"`
	// Boot is the kernel's id of this boot; empty where there is none.
	Boot string `json:"boot,omitempty"`
	// Running is false if no agent runs and the journal was opened to look into it.
	Running   bool      `json:"running"`
	PID       int       `json:"pid,omitempty"`
	StartedAt time.Time `json:"started_at,omitzero"`
	Now       time.Time `json:"now"`
	// ClockTrusted is false while passes are held because the clock of the device is not set.
	ClockTrusted bool `json:"clock_trusted"`
	// ClockSource is who vouches for a clock that is trusted, ClockDoubt why it is not, each in a word for machines.
	ClockSource string `json:"clock_source,omitempty"`
	ClockDoubt  string `json:"clock_doubt,omitempty"`
	// ClockProblem says the latter for people.
	ClockProblem string        `json:"clock_problem,omitempty"`
	Journal      JournalStatus `json:"journal"`
	Parts        []Report      `json:"parts"`
	Uplinks      []Queue       `json:"uplinks"`
	Host         Host          `json:"host"`
}

// Host is the computer on which the agent runs. What it does not tell is left out.
type Host struct {
	// MemoryTotal and MemoryAvailable are bytes of main memory.
	MemoryTotal     int64 `json:"memory_total,omitempty"`
	MemoryAvailable int64 `json:"memory_available,omitempty"`
	// Resident is the main memory that the agent has, in bytes.
	Resident int64 `json:"resident,omitempty"`
	// Temperature is that of the hottest sensor, in degrees Celsius; nil where there is none.
	Temperature *float64 `json:"temperature,omitempty"`
	// Load is how many processes ran or waited for a processor, on average over the last minute; nil if unknown.
	Load *float64 `json:"load,omitempty"`
	// Uptime is how long the computer has been running, in seconds.
	Uptime int64 `json:"uptime_s,omitempty"`
}

// JournalStatus is the state of the journal.
type JournalStatus struct {
	// Passes is how many are kept, delivered ones included.
	Passes uint64 `json:"passes"`
	// Bytes is what the journal occupies on the disk, Limit what it may, FreeDisk what the disk has left.
	Bytes    int64 `json:"bytes"`
	Limit    int64 `json:"limit"`
	FreeDisk int64 `json:"free_disk"`
	// Holes counts passes that were acknowledged and cannot be read any more.
	Holes uint64 `json:"holes"`
	// Filling: passes that cannot be deleted yet take 80 % of the limit.
	Filling bool `json:"filling"`
}

// Queue is how far one uplink has come.
type Queue struct {
	Name      string `json:"name"`
	Waiting   uint64 `json:"waiting"`
	Held      int    `json:"held"`
	Dead      int    `json:"dead"`
	Uncertain int    `json:"uncertain"`
	// HeldClock is how many of the held ones lack their time, because the clock was not to be trusted when they were read.
	HeldClock int `json:"held_clock,omitempty"`
	// OldestSeconds is the age of the oldest pass that waits; 0 if none does.
	OldestSeconds int64 `json:"oldest_s"`
	// Orphaned: the configuration has no uplink of this name any more, but passes wait for it.
	Orphaned bool `json:"orphaned,omitempty"`
}

// NeedsPerson says whether something stands still until a person acts.
func (s *Status) NeedsPerson() bool {
	for _, p := range s.Parts {
		if p.State == Stopped {
			return true
		}
	}
	for _, q := range s.Uplinks {
		if q.Dead > 0 || q.Uncertain > 0 || q.Orphaned && q.Waiting > 0 {
			return true
		}
	}
	return s.Journal.Holes > 0
}
