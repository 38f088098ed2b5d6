// Package doctor looks at everything that a site needs: configuration, rights, ports, broker, portals, clock, disk, journal,
// memory and service; and says of each whether it is right, and what to do if it is not.
//
// What it promises: it changes nothing but a small file that it writes and removes in order to measure the disk, and a note of
// refused log-ins; no check can hold up another, nor the end; no finding holds personal data or secrets. Each text of a finding
// is one format, so that it can be said in another language.
package doctor

import (
	"fmt"
	"strings"
	"sync"
)

// Level says how bad a finding is.
type Level string

// The levels.
const (
	OK Level = "ok"
	// Warning: it works, but is going to fail, or is unwise.
	Warning Level = "warning"
	// Wrong: something does not work.
	Wrong Level = "wrong"
	// Unsure: it could not be found out.
	Unsure Level = "unsure"
)

// Group is what a finding is about.
type Group string

// The groups, in the order in which people are shown them.
const (
	Configuration Group = "configuration"
	Rights        Group = "rights"
	Readers       Group = "readers"
	Broker        Group = "broker"
	Portals       Group = "portals"
	Time          Group = "time"
	Disk          Group = "disk"
	Journal       Group = "journal"
	Memory        Group = "memory"
	Service       Group = "service"
)

// Groups are all groups in their order.
func Groups() []Group {
	return []Group{Configuration, Rights, Readers, Broker, Portals, Time, Disk, Journal, Memory, Service}
}

// Title is what a group is called above its findings.
func (g Group) Title() string {
	switch g {
	case Configuration:
		return "Configuration"
	case Rights:
		return "Secrets and rights of files"
	case Readers:
		return "Readers and their ports"
	case Broker:
		return "MQTT broker"
	case Portals:
		return "Portals"
	case Time:
		return "Clock"
	case Disk:
		return "Disk"
	case Journal:
		return "Journal"
	case Memory:
		return "Memory"
	case Service:
		return "Service"
	}
	return string(g)
}

// A Finding is one thing that was looked at.
type Finding struct {
	Group Group `json:"group"`
	// Subject says what: "portal visits".
	Subject string `json:"subject"`
	Level   Level  `json:"level"`
	// Text says what was found.
	Text string `json:"text"`
	// Advice says what to do; never empty if the level is Wrong.
	Advice string `json:"advice,omitempty"`
	// Person: it stays wrong until a person does something here. Otherwise it may pass by itself, as when a portal is away.
	Person bool `json:"needs_person,omitempty"`
}

// A Sheet takes down what one check finds. It can be used by several goroutines.
type Sheet struct {
	group Group

	mu    sync.Mutex
	found []Finding
}

// Findings gives what was found up to now.
func (s *Sheet) Findings() []Finding {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Finding(nil), s.found...)
}

func (s *Sheet) add(f Finding) {
	f.Group = s.group
	s.mu.Lock()
	defer s.mu.Unlock()
	s.found = append(s.found, f)
}

// Good says that something is right.
func (s *Sheet) Good(subject, format string, args ...any) {
	s.add(Finding{Subject: subject, Level: OK, Text: fmt.Sprintf(format, args...)})
}

// Doubt says that something works, but is unwise or going to fail.
func (s *Sheet) Doubt(subject, advice, format string, args ...any) {
	s.add(Finding{Subject: subject, Level: Warning, Text: fmt.Sprintf(format, args...), Advice: advice})
}

// Fails says that something does not work at present, and may work again without anybody's help.
func (s *Sheet) Fails(subject, advice, format string, args ...any) {
	s.add(Finding{Subject: subject, Level: Wrong, Text: fmt.Sprintf(format, args...), Advice: advice})
}

// Wrong says that something does not work until a person acts.
func (s *Sheet) Wrong(subject, advice, format string, args ...any) {
	s.add(Finding{Subject: subject, Level: Wrong, Text: fmt.Sprintf(format, args...), Advice: advice, Person: true})
}

// Unseen says that something could not be found out, and why. The advice may be empty.
func (s *Sheet) Unseen(subject, advice, format string, args ...any) {
	s.add(Finding{Subject: subject, Level: Unsure, Text: fmt.Sprintf(format, args...), Advice: advice})
}

// lookCloser is the advice where an error brings none.
const lookCloser = "the log of the agent says more: journalctl -u acs-agent"

// Failed takes down an error as it is: what stands in parentheses at its end is the advice.
func (s *Sheet) Failed(subject string, level Level, person bool, err error) {
	text, advice := advise(err.Error())
	if advice == "" && level == Wrong {
		advice = lookCloser
	}
	s.add(Finding{Subject: subject, Level: level, Text: text, Advice: advice, Person: person && level == Wrong})
}

// advise takes an error's text apart: "what is wrong (what to do)".
func advise(message string) (text, advice string) {
	if !strings.HasSuffix(message, ")") {
		if text, advice, found := strings.Cut(message, "; "); found {
			return text, advice
		}
		return message, ""
	}
	depth := 0
	for i := len(message) - 1; i > 0; i-- {
		switch message[i] {
		case ')':
			depth++
		case '(':
			if depth--; depth == 0 && message[i-1] == ' ' {
				return message[:i-1], message[i+1 : len(message)-1]
			}
		}
	}
	return message, ""
}
