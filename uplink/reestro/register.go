package reestro

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/acs-agent/acs-agent/agent/health"
	"github.com/acs-agent/acs-agent/uplink"
)

const (
	// tooManyAnswers is how often in a row something answers a subject without deciding on it, until others get their turn.
	tooManyAnswers = 8
	// tooManyRefusals is how many subjects in a row can be refused for their form before it is hardly their fault.
	tooManyRefusals = 20
)

// A registrar sends one subject after the other.
type registrar struct {
	*reestro
	voices *voices
	// undecided counts the answers in a row to the subject at the head that decided nothing.
	undecided int
	// refusals counts the subjects in a row that were refused for their form.
	refusals int
}

// A subjectEvent is told when a subject changes its state. The number and the external id are our own.
type subjectEvent struct {
	Event      string   `json:"event"`
	Number     uint32   `json:"number"`
	ExternalID string   `json:"external_id"`
	State      state    `json:"state"`
	Codes      []string `json:"codes,omitempty"`
}

func (r *reestro) tellSubject(s *subject) {
	r.tell(subjectEvent{"subject", s.number, s.ExternalID, s.State, s.Codes})
}

// step sends the subject whose turn it is, if there is one.
func (r *registrar) step(ctx context.Context) verdict {
	s, err := r.subjects.next()
	switch {
	case err != nil:
		return verdict{outcome: later, problem: health.Fallback(health.JournalFailing, fmt.Errorf("read the subjects that wait: %w", err))}
	case s == nil:
		return verdict{}
	}
	v, subjectID := r.send(ctx, s)
	if ctx.Err() != nil {
		return verdict{} // the subject stays in sending
	}
	return r.decide(ctx, s, v, subjectID)
}

// send makes one attempt. The id is the portal's, if it has given one.
func (r *registrar) send(ctx context.Context, s *subject) (v verdict, subjectID string) {
	body, err := s.body()
	if err != nil {
		return verdict{outcome: later, problem: fmt.Errorf("make the request: %w", err), unsent: true}, ""
	}
	a, v := r.ask(ctx, http.MethodPost, r.address(r.SubjectsPath, nil), body)
	if a == nil {
		return v, ""
	}
	if a.Status == http.StatusCreated && a.MediaType == "application/json" {
		var said struct {
			SubjectID  name `json:"subjectId"`
			ExternalID name `json:"externalId"`
		}
		if json.Unmarshal(a.Body, &said) == nil && guid(string(said.SubjectID)) &&
			(said.ExternalID == "" || string(said.ExternalID) == s.ExternalID) {
			return verdict{outcome: done}, string(said.SubjectID)
		}
	}
	return judgeStatus(a), ""
}

// decide writes down what an attempt has led to.
func (r *registrar) decide(ctx context.Context, s *subject, v verdict, subjectID string) verdict {
	switch v.outcome {
	case done:
		r.refusals = 0
		return r.settle(ctx, s, registered, func(s *subject) { s.SubjectID = subjectID })
	case duplicate:
		r.refusals = 0
		return r.settle(ctx, s, exists, func(*subject) {})
	case declined:
		if formal(v.codes) {
			r.refusals++
		} else {
			r.refusals = 0
		}
		if r.refusals > tooManyRefusals {
			v.outcome = halt
			v.problem = fmt.Errorf("the portal has refused %d subjects one after the other, so it is hardly their fault: %w; "+
				"ask the portal's operator, then run `acs-agent subjects retry`", tooManyRefusals, v.problem)
			return v
		}
		reason := uplink.Quote(s.without(v.message))
		return r.settle(ctx, s, refused, func(s *subject) { s.Codes, s.Reason = v.codes, reason })
	case halt:
		return v // it was turned away at the door
	case later:
		if v.answered {
			if r.undecided++; r.undecided >= tooManyAnswers {
				r.undecided = 0
				r.subjects.postpone(s.number)
			}
		}
	}
	if !v.unsent {
		r.subjects.doubt(s.number)
	}
	return v
}

// formal says whether the codes could come from a change of the portal as well as from the data.
func formal(codes []string) bool {
	for _, c := range codes {
		if aboutData(c) && c != codeAbsence && c != codeWrongValue {
			return false
		}
	}
	return true
}

// settle does not give up before the end of a subject is on disk: the id that the portal has given is told once only.
func (r *registrar) settle(ctx context.Context, s *subject, to state, change func(*subject)) verdict {
	r.undecided = 0
	for attempt := 0; ; attempt++ {
		settled, err := r.subjects.settle(s.number, to, change)
		if err == nil {
			r.tellSubject(settled)
			r.report(settled)
			return verdict{}
		}
		if errors.Is(err, errNoNumber) {
			return verdict{} // forgotten while it was on its way
		}
		r.voices.down(subjectsVoice, health.Fallback(health.JournalFailing, fmt.Errorf("write down the portal's answer: %w", err)))
		if uplink.Sleep(ctx, uplink.Backoff(attempt, r.RetryMax.Std())) != nil {
			return verdict{}
		}
	}
}

// report says of subjects that a person has to look after that there are such.
func (r *registrar) report(s *subject) {
	switch s.State {
	case registered:
		r.voices.registered()
	case exists:
		r.voices.odd(errors.New("the portal has a subject whose id it has not told: `acs-agent subjects list --state exists`"))
	case refused:
		r.voices.odd(fmt.Errorf("the portal refuses a subject%s: `acs-agent subjects list --state refused`", codesIn(s.Codes)))
	case fresh, sending:
	}
}
