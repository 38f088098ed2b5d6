//go:build linux

package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/acs-agent/acs-agent/uplink/sandbox"
)

// soakGauges are what has to stay level, and the growth that is none.
func (s *soak) soakGauges() []*gauge {
	gauges := []*gauge{
		// Connections to portal and broker are kept and given up at moments that nobody chooses; each has two goroutines.
		{name: "goroutines", growth: 6},
		{name: "descriptors", growth: 4},
		// The runtime begins a thread when another waits in the kernel, and never ends one.
		{name: "threads", growth: 6},
		// In an hour 86,000 passes lie between the middles of the second and the last fifth: 100 bytes left behind by each are seen.
		{name: "memory, MiB", growth: 8},
		// Segments of the journal are deleted as a whole, 8 MB or 50,000 passes; so are the files in which they lie, of 0.5 MB and more.
		{name: "disk, MiB", growth: 10},
		{name: "tables", growth: 24},
	}
	if s.length < soakLong {
		// Two points are a second or two apart: connections are still being made again, and the runtime and the memory of cards still
		// grow. What every fault leaves behind is seen all the same.
		for _, g := range gauges {
			g.growth *= 5
		}
	}
	return gauges
}

// judge looks whether everything stayed level, and who came to the portal.
func (s *soak) judge() {
	t := s.t
	var table strings.Builder
	fmt.Fprintf(&table, "%-14s %8s %8s %8s %8s %8s\n", "", "early", "late", "most", "may grow", "in trouble")
	for i, g := range s.gauges {
		if err := g.leaks(); err != nil {
			t.Error(err)
		}
		if len(g.values) < fewestPoints {
			continue
		}
		early, late := g.fifths()
		fmt.Fprintf(&table, "%-14s %8.1f %8.1f %8.1f %8.1f %8.1f\n", g.name, early, late, slices.Max(g.values), g.growth, s.peak.most[i])
	}
	if most := s.peak.most[4]; most > soakDisk {
		t.Errorf("the folder of the data had %.1f MiB, want %d at most", most, soakDisk)
	}
	for _, stream := range s.streams {
		for _, f := range stream {
			fmt.Fprintf(&table, "%-40s %5d times\n", f.name, f.met.Load())
		}
	}
	t.Logf("%d quiet points in %v\n%s\nthe portal: %+v", len(s.gauges[0].values), time.Since(s.began).Round(time.Second), table.String(), s.portal.Stats())
	s.checkLedger()
}

// soakDisk is what the folder of the data may occupy: the journal, its ballast of 16 MiB, and some for files that are being put
// in order.
const soakDisk = soakJournal>>20 + 16 + 16

// checkLedger compares the portal's rows with the gates' ledgers, person by person.
func (s *soak) checkLedger() {
	t := s.t
	got := make(map[string]int)
	s.portal.Rows(func(r sandbox.Row) bool {
		gate, _, _ := strings.Cut(r.Note, ",")
		got[r.IIN+r.Name+gate]++
		return true
	})
	all, _ := s.shown()
	if rate := float64(all) / time.Since(s.began).Seconds(); s.length >= soakLong && rate < soakRate*0.9 {
		t.Errorf("%.1f passes a second, want %.0f", rate, soakRate)
	}
	missing, doubled := 0, 0
	listed := int(s.strangers.listed.Load())
	for _, g := range s.gates {
		for n, want := range g.shown {
			if n >= listed {
				continue // a stranger: held
			}
			p := e2ePerson(n)
			key := p.iin + p.name + g.name
			missing += max(0, want-got[key])
			doubled += max(0, got[key]-want)
			delete(got, key)
		}
	}
	if missing+doubled+len(got) > 0 {
		t.Errorf("%d passes are missing, %d came twice, %d are of people who were not there", missing, doubled, len(got))
	}
	if n := s.portal.Stats().TooFast; n > 0 {
		t.Errorf("%d requests came faster than the portal allows", n)
	}
	if err := s.until("the other portals have everything once", s.officeDone); err != nil {
		t.Error(err)
	}
	if log := s.log(); strings.Contains(log, "Пробн") {
		t.Error("the log names people")
	}
}

// officeDone is whether each call-back request was confirmed, and each person in a table registered once.
func (s *soak) officeDone() error {
	for _, a := range s.portal.Applications() {
		if !a.Committed {
			return fmt.Errorf("call-back request %s is not confirmed", a.ID)
		}
	}
	born := make(map[string]bool)
	known := s.portal.Subjects()
	for _, x := range known {
		born[x.Person.BirthDate] = true
	}
	if len(born) != s.subjects || len(known) != s.subjects {
		return fmt.Errorf("%d people in %d records, want %d", len(born), len(known), s.subjects)
	}
	return nil
}
