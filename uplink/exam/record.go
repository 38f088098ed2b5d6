package exam

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/acs-agent/acs-agent/uplink"
)

// State is how far the report of a week has come.
type State string

// The states. Draft and ready change with what the roster says; the others change only by sending.
const (
	// Running: the week is not over.
	Running State = "running"
	// Draft: something is open.
	Draft State = "draft"
	// Ready: nothing is open; it waits for its time, or for a person.
	Ready State = "ready"
	// Sending: a request may be on its way. It is written before the request.
	Sending State = "sending"
	// Sent: the portal has said that it keeps the report, and under which number.
	Sent State = "sent"
	// Uncertain: the portal may have the report and nobody here knows; a person decides.
	Uncertain State = "uncertain"
	// Rejected: the portal does not want the report as it is.
	Rejected State = "rejected"
)

// A record is what must not be forgotten about the report of a week.
type record struct {
	Week  Week      `json:"week"`
	State State     `json:"state"`
	Since time.Time `json:"since"`
	// Before is the state to go back to if a request certainly did not arrive.
	Before State `json:"before,omitempty"`
	// ReportID is the number that the portal gave last; 0 if it gave none.
	ReportID int64 `json:"report_id,omitempty"`
	// Reason is why the report is uncertain or rejected, or why the last attempt failed.
	Reason string `json:"reason,omitempty"`
	// Body is the number of the newest frozen body, Tried its hash and TriedContent the hash of the exams in it; the same of the
	// body that the portal keeps.
	Body         int    `json:"body,omitempty"`
	Tried        string `json:"tried,omitempty"`
	TriedContent string `json:"tried_content,omitempty"`
	Kept         int    `json:"kept,omitempty"`
	KeptContent  string `json:"kept_content,omitempty"`
	// Case is the document_case of the newest frozen body.
	Case string `json:"case,omitempty"`
	// Passed are the open matters that a person has let pass.
	Passed []string `json:"passed,omitempty"`
	// Rows is the largest number of rows that the roster had of this week.
	Rows int `json:"rows,omitempty"`
	// Reported and Open count the people in the report and the matters that are open.
	Reported int         `json:"reported"`
	Open     int         `json:"open"`
	History  []Happening `json:"history,omitempty"`
}

// A Happening is one line of a report's history.
type Happening struct {
	At       time.Time `json:"at"`
	State    State     `json:"state"`
	ReportID int64     `json:"report_id,omitempty"`
	// Body is the SHA-256 of the request's body.
	Body string `json:"body_sha256,omitempty"`
	// Reported is how many exams the body has.
	Reported int    `json:"reported"`
	By       string `json:"by,omitempty"`
	Reason   string `json:"reason,omitempty"`
}

// maxHistory is how much of the history is kept: the newest.
const maxHistory = 30

// enter changes the state.
func (r *record) enter(s State, reason string) {
	r.State, r.Since, r.Reason = s, time.Now().Round(0), reason
}

// write puts the end of an attempt, or what a person made of it, into the history.
func (r *record) write(by string) {
	r.History = append(r.History, Happening{
		At: r.Since, State: r.State, ReportID: r.ReportID, Body: r.Tried, Reported: r.Reported, By: by, Reason: r.Reason,
	})
	r.History = r.History[max(0, len(r.History)-maxHistory):]
}

// keep notes that the portal keeps the newest frozen body, under that number.
func (r *record) keep(reportID int64) {
	r.ReportID, r.Kept, r.KeptContent = reportID, r.Body, r.TriedContent
}

// An order is what a person has told the uplink to do about a week, until it is done.
type order struct {
	Do string `json:"do"`
	// Empty lets the report say that there was no exam although something speaks against it.
	Empty bool      `json:"empty,omitempty"`
	At    time.Time `json:"at"`
}

// The orders, named like the commands.
const (
	doSend    = "send"
	doResend  = "resend"
	doCorrect = "correct"
)

// The keys in the Store. A week is nobody's secret.
const (
	aboutKey    = "about"
	weekPrefix  = "week/"
	orderPrefix = "order/"
	bodyPrefix  = "body/"
)

// about is what the uplink knows of itself.
type about struct {
	// Since is the first week whose report is drafted without being asked for: the one in which the uplink came into being.
	Since Week `json:"since"`
	// Case is the document_case that is known to be wanted.
	Case string `json:"case"`
}

// get reads one record; found is false if it is not there.
func get[T any](s uplink.Store, key string, into *T) (found bool, err error) {
	value, err := s.Get(key)
	if err != nil || value == nil {
		return false, err
	}
	if err := json.Unmarshal(value, into); err != nil {
		return false, fmt.Errorf("record %s: %w", key, err)
	}
	return true, nil
}

// set makes the change that writes a record.
func set(key string, from any) (uplink.Change, error) {
	value, err := json.Marshal(from)
	return uplink.Change{Key: key, Value: value}, err
}

// recordOf gives the record of a week, or a new one.
func (e *exam) recordOf(w Week) (*record, error) {
	r := &record{Week: w, State: Running}
	_, err := get(e.store, weekPrefix+w.String(), r)
	return r, err
}

// save writes the record of a week, and changes more in the same step.
func (e *exam) save(ctx context.Context, r *record, more ...uplink.Change) error {
	change, err := set(weekPrefix+r.Week.String(), r)
	if err != nil {
		return err
	}
	if err := e.store.Apply(ctx, append(more, change)...); err != nil {
		return fmt.Errorf("keep the state of %s: %w", r.Week, err)
	}
	return nil
}

// records gives all records, oldest week first.
func (e *exam) records() (all []*record, err error) {
	err = errors.Join(e.store.Each(weekPrefix, func(key string, value []byte) bool {
		r := &record{}
		if wrong := json.Unmarshal(value, r); wrong != nil {
			err = fmt.Errorf("record %s: %w", key, wrong)
			return false
		}
		all = append(all, r)
		return true
	}), err)
	return all, err
}

// orders gives what people have told the uplink to do and is not done yet.
func (e *exam) orders() (map[Week]order, error) {
	all := make(map[Week]order)
	var wrong error
	err := e.store.Each(orderPrefix, func(key string, value []byte) bool {
		var o order
		w, err := ParseWeek(strings.TrimPrefix(key, orderPrefix), time.Time{})
		if wrong = cmp.Or(err, json.Unmarshal(value, &o)); wrong != nil {
			wrong = fmt.Errorf("record %s: %w", key, wrong)
			return false
		}
		all[w] = o
		return true
	})
	return all, cmp.Or(err, wrong)
}

// done is the change that forgets an order.
func done(w Week) uplink.Change { return uplink.Change{Key: orderPrefix + w.String()} }

// caseBefore is the case in which documents were hashed for the report, or up to now if it was not sent yet.
func (e *exam) caseBefore(r *record) (string, error) {
	a := about{Case: e.DocumentCase}
	_, err := get(e.store, aboutKey, &a)
	return cmp.Or(r.Case, a.Case), err
}

// partSize is the size of one record of a frozen body.
const partSize = 24 << 10

func bodyKey(w Week, number, part int) string {
	return fmt.Sprintf("%s%s/%04d/%04d", bodyPrefix, w, number, part)
}

// freeze keeps a body before it is sent. Until a record has its number it is a draft that nobody will miss.
func (e *exam) freeze(ctx context.Context, w Week, number int, body []byte) error {
	for part := 0; len(body) > 0; part++ {
		n := min(partSize, len(body))
		if err := e.store.Apply(ctx, uplink.Change{Key: bodyKey(w, number, part), Value: body[:n]}); err != nil {
			return fmt.Errorf("keep the report of %s: %w", w, err)
		}
		body = body[n:]
	}
	return nil
}

// frozen gives a body back.
func (e *exam) frozen(w Week, number int) (body []byte, err error) {
	err = e.store.Each(fmt.Sprintf("%s%s/%04d/", bodyPrefix, w, number), func(_ string, value []byte) bool {
		body = append(body, value...)
		return true
	})
	return body, err
}

// forget deletes the records below a prefix for which gone says so.
func (e *exam) forget(ctx context.Context, prefix string, gone func(key string) bool) error {
	for {
		var changes []uplink.Change
		err := e.store.Each(prefix, func(key string, _ []byte) bool {
			if gone(key) {
				changes = append(changes, uplink.Change{Key: key})
			}
			return len(changes) < 100
		})
		if err != nil || len(changes) == 0 {
			return err
		}
		if err := e.store.Apply(ctx, changes...); err != nil {
			return fmt.Errorf("delete what is old: %w", err)
		}
	}
}
