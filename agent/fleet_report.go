package main

import (
	"time"

	"github.com/acs-agent/acs-agent/agent/fleet"
)

// fleetReport is a fleet for programs.
type fleetReport struct {
	At      time.Time      `json:"at"`
	Broker  string         `json:"broker"`
	Counts  map[string]int `json:"counts"`
	Devices []deviceReport `json:"devices"`
	Left    fleet.Left     `json:"left_out"`
}

// deviceReport is a device for programs.
type deviceReport struct {
	// At is the time of a change; missing in a document that has one time for all.
	At     time.Time `json:"at,omitzero"`
	Device string    `json:"device"`
	// Class is gone for a device that was taken away from the broker.
	Class    string          `json:"class"`
	Problems []problemReport `json:"problems"`
	Presence string          `json:"presence,omitempty"`
	HeardAt  time.Time       `json:"heard_at,omitzero"`
	Interval int64           `json:"interval_s"`
	// Numbers is missing if there was no heartbeat.
	Numbers *deviceNumbers `json:"numbers,omitempty"`
	Version string         `json:"version,omitempty"`
	Session uint64         `json:"session"`
}

type deviceNumbers struct {
	Waiting   uint64 `json:"waiting"`
	Oldest    int64  `json:"oldest_s"`
	Held      uint64 `json:"held"`
	Dead      uint64 `json:"dead"`
	Uncertain uint64 `json:"uncertain"`
	FreeDisk  int64  `json:"free_disk"`
}

type problemReport struct {
	Code  string    `json:"code"`
	Since time.Time `json:"since,omitzero"`
	Names []string  `json:"names,omitempty"`
	Count uint64    `json:"count,omitempty"`
}

func fleetDocument(address string, now time.Time, devices []fleet.Device, left fleet.Left) *fleetReport {
	r := &fleetReport{At: now, Broker: address, Counts: make(map[string]int), Devices: make([]deviceReport, len(devices)), Left: left}
	for i := range devices {
		r.Devices[i] = reportOf(&devices[i])
		r.Counts[r.Devices[i].Class]++
	}
	return r
}

func reportOf(d *fleet.Device) deviceReport {
	r := deviceReport{
		Device: d.Name, Class: d.Class.String(), Problems: make([]problemReport, len(d.Problems)), Presence: string(d.Presence), HeardAt: d.Heard,
		Interval: int64(d.Interval.Seconds()), Version: d.Version, Session: d.Session,
	}
	for i, p := range d.Problems {
		r.Problems[i] = problemReport{p.Code, p.Since, p.Names, p.Count}
	}
	if d.Beaten {
		r.Numbers = &deviceNumbers{d.Waiting, int64(d.Oldest.Seconds()), d.Held, d.Dead, d.Uncertain, d.FreeDisk}
	}
	return r
}
