package doctor

import (
	"context"
	"fmt"
	"strings"

	"github.com/acs-agent/acs-agent/agent/cardholders"
	"github.com/acs-agent/acs-agent/agent/config"
)

// A Reading is what came of reading the configuration and the list of cardholders.
type Reading struct {
	File               string
	Mistakes, Warnings config.Mistakes
	// Readers and Uplinks is how many there are.
	Readers, Uplinks int
	// Readable: enough of the file could be understood to look at the rest of the site.
	Readable bool
	// Named: the configuration names a list of cardholders. People is what was found in it, PeopleError why it cannot be used at all.
	Named       bool
	People      *cardholders.Report
	PeopleError string
}

// readableByOthers is in a warning of the configuration about a file with a secret; the check of rights says more about it.
const readableByOthers = "other users of this computer can read the file"

// Look takes down what is wrong with the configuration.
func (r *Reading) Look(_ context.Context, s *Sheet) {
	const most = 20
	for i, m := range r.Mistakes {
		if i == most {
			s.Wrong(r.File, "acs-agent check shows all of them", "further mistakes: %d", len(r.Mistakes)-most)
			break
		}
		s.Wrong(place(m), orCheck(m.Advice), "%s", said(m))
	}
	for _, m := range r.Warnings {
		if !strings.Contains(m.Problem, readableByOthers) {
			s.Doubt(place(m), orCheck(m.Advice), "%s", said(m))
		}
	}
	if len(r.Mistakes) == 0 {
		s.Good(r.File, "no mistakes; readers: %d, uplinks: %d", r.Readers, r.Uplinks)
	}
	if !r.Readable {
		s.Unseen("the rest of the site", "mend the configuration first",
			"readers, broker, portals, disk and journal are not known before the configuration can be read")
		return
	}
	r.lookAtPeople(s)
}

func (r *Reading) lookAtPeople(s *Sheet) {
	const subject = "list of cardholders"
	switch {
	case r.PeopleError != "":
		text, advice := advise(r.PeopleError)
		s.Wrong(subject, orCheck(advice), "%s", text)
	case r.People != nil && r.People.Refused > 0:
		s.Wrong(subject, "acs-agent check lists them", "rows in use: %d; rows that cannot be used: %d", r.People.Used, r.People.Refused)
	case r.People != nil && r.People.Used == 0:
		s.Doubt(subject, "fill the list", "it is empty, so that every pass will be held as unknown")
	case r.People != nil:
		s.Good(subject, "rows in use: %d", r.People.Used)
	case !r.Named:
		s.Doubt(subject, "name the list in the configuration: cardholders: {file: cardholders.csv}",
			"no cardholders.file is given, so that every pass will be held as unknown")
	default:
		s.Unseen(subject, "mend the configuration first", "it cannot be read without the rest of the configuration")
	}
}

// place says where a mistake is.
func place(m config.Mistake) string {
	if m.Line == 0 {
		return m.File
	}
	return fmt.Sprintf("%s:%d", m.File, m.Line)
}

func said(m config.Mistake) string {
	if m.Field == "" {
		return m.Problem
	}
	return m.Field + ": " + m.Problem
}

func orCheck(advice string) string {
	if advice == "" {
		return "acs-agent check shows the line"
	}
	return advice
}
