// Package metrics tells Prometheus how the agent is doing, in the text format 0.0.4, which every collector of metrics reads.
//
// What is told comes from one health.Status, the same from which `acs-agent status` and the heartbeat are made, and from what
// the process knows of itself. No value and no label holds anything that was read from a card or that belongs to a person.
// docs/metrics.md lists all metrics, docs/alerts.yml is what to be woken up by.
//
// The format is printed here instead of by a library: it takes less lines than the use of one would.
package metrics

import (
	"bytes"
	"net/http"
	"strings"

	"github.com/acs-agent/acs-agent/agent/health"
)

// ContentType is what Write prints.
const ContentType = "text/plain; version=0.0.4; charset=utf-8"

// A Family is a metric: the samples of one name.
type Family struct {
	Name string
	Type Type
	// Labels are the names of the labels, in the order of the values.
	Labels []string
	// Help says in one sentence what is measured.
	Help string

	each func(s *snapshot, add sampler)
}

// Type is what kind of number a metric is.
type Type string

// The types of the format that are used.
const (
	// Counter only grows while the agent runs.
	Counter Type = "counter"
	Gauge   Type = "gauge"
	// Summary is a number of events (_count) and what they add up to (_sum).
	Summary Type = "summary"
)

// snapshot is what all samples of one answer are made from.
type snapshot struct {
	*health.Status
	process Process
}

// Page is the exposition of that status, taken at that moment with what the process said of itself.
func Page(s *health.Status, p Process) []byte {
	var b bytes.Buffer
	of := snapshot{s, p}
	for _, f := range Families() {
		f.print(&b, &of)
	}
	return b.Bytes()
}

// Handler answers a collector with the status of the moment.
func Handler(status func() health.Status) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		s := status()
		w.Header().Set("Content-Type", ContentType)
		_, _ = w.Write(Page(&s, ThisProcess())) // a collector that went away comes again
	})
}

// states are what a part can be in; each is a series, of which one has the value 1.
func states() []health.State {
	return []health.State{health.Starting, health.Up, health.Down, health.Stopped}
}

// configRefused says whether the configuration on the disk is not the one that the agent works with, because it is wrong.
func configRefused(s *health.Status) bool {
	for _, p := range s.Parts {
		if p.Kind == health.Config && (p.State == health.Down || p.State == health.Stopped) {
			return true
		}
	}
	return false
}

// problemCode is the code of a part that does not work, and empty for one that does.
func problemCode(r *health.Report) string {
	if r.State != health.Down && r.State != health.Stopped {
		return ""
	}
	if code := strings.TrimSpace(r.Code); code != "" {
		return code
	}
	return string(health.Failing)
}
