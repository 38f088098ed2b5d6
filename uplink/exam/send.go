package exam

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
	"time"

	"github.com/acs-agent/acs-agent/agent/health"
	"github.com/acs-agent/acs-agent/uplink"
)

// By whom a report was sent, for its history.
const (
	byTime       = "schedule"
	byPerson     = "hand"
	byCorrection = "correction"
)

// An unsent error is one after which the portal certainly has nothing.
type unsent struct{ error }

func (u unsent) Unwrap() error { return u.error }

// request sends a body to the portal.
func (e *exam) request(ctx context.Context, body []byte) (*uplink.Answer, error) {
	// Without a connection nothing can have been sent, also if the agent is stopped in the middle of it.
	var connected atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { connected.Store(true) }})
	req, err := e.newRequest(ctx, body)
	if err != nil {
		return nil, unsent{err}
	}
	answer, err := e.client.Do(ctx, req)
	var failure *uplink.Failure
	switch {
	case err == nil:
		return answer, nil
	case errors.As(err, &failure) && failure.Unsent, !connected.Load():
		return nil, unsent{err}
	}
	return nil, err
}

// newRequest makes a request of a body.
func (e *exam) newRequest(ctx context.Context, body []byte) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, e.client.URL.String(), bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("make the request: %w", err)
	}
	req.GetBody = nil // the transport must not repeat a report
	req.Close = true  // on a connection of its own, which cannot turn out to be dead in the middle
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json")
	if e.AuthHeader != "" {
		req.Header[e.AuthHeader] = []string{e.AuthValue.Reveal()}
	}
	return req, nil
}

// errOvertaken says that a command has changed the state of a report while it was being made.
var errOvertaken = errors.New("the report was changed in the meantime")

// transmit sends a report and notes what came of it. Everything is on disk before the step that depends on it: the body and the
// state sending before the request, the portal's number before anybody is told. The error is of the Store.
func (e *exam) transmit(ctx context.Context, rec *record, r *report, by string, letPass []string) (uplink.Verdict, error) {
	r.ReportID = rec.ReportID
	body, err := r.encode()
	if err != nil {
		return uplink.Verdict{}, err
	}
	if err := e.prepare(ctx, rec, body, r.Requests, by, letPass); err != nil {
		return uplink.Verdict{}, err
	}
	answer, err := e.post(ctx, body)
	var verdict uplink.Verdict
	var reportID int64
	_, nothingSent := errors.AsType[unsent](err)
	switch {
	case err == nil:
		verdict, reportID = judge(answer)
	case nothingSent:
		verdict = uplink.Verdict{Outcome: uplink.Retry, Reason: err.Error(), Code: health.Code(health.CodeOf(err))}
	case ctx.Err() != nil:
		verdict = uplink.Verdict{Outcome: uplink.Unknown, Reason: "the agent was stopped while the report was on its way"}
	default:
		verdict = uplink.Verdict{Outcome: uplink.Unknown, Reason: "no answer: " + err.Error()}
	}
	return verdict, e.conclude(ctx, rec, verdict, reportID, by)
}

// prepare freezes the body and writes the state sending.
func (e *exam) prepare(ctx context.Context, rec *record, body []byte, requests []request, by string, letPass []string) error {
	hash, number := hashBytes(body), rec.Body
	if hash != rec.Tried || rec.Body == 0 || rec.Body == rec.Kept {
		number++
		prefix := bodyKey(rec.Week, number, 0)
		prefix = prefix[:len(prefix)-len("0000")]
		if err := e.forget(ctx, prefix, func(string) bool { return true }); err != nil { // left by a power cut
			return err
		}
		if err := e.freeze(ctx, rec.Week, number, body); err != nil {
			return err
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	now, err := e.recordOf(rec.Week)
	if err != nil {
		return err
	}
	if now.State != rec.State || now.Body != rec.Body || now.ReportID != rec.ReportID {
		return errOvertaken
	}
	var more []uplink.Change
	if by == byPerson { // who sends by hand confirms how documents are hashed
		a := about{Since: rec.Week}
		if _, err := get(e.store, aboutKey, &a); err != nil {
			return err
		}
		a.Case = e.DocumentCase
		change, err := set(aboutKey, a)
		if err != nil {
			return err
		}
		more = append(more, change)
	}
	rec.Before = rec.State
	rec.Body, rec.Tried, rec.TriedContent = number, hash, content(requests)
	rec.Case, rec.Reported, rec.Passed = e.DocumentCase, len(requests), letPass
	rec.enter(Sending, "")
	return e.save(ctx, rec, more...)
}

// conclude notes what came of a request. It does not give up while the Store cannot write: what the portal has said is known
// here only.
func (e *exam) conclude(ctx context.Context, rec *record, v uplink.Verdict, reportID int64, by string) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	var more []uplink.Change
	switch v.Outcome {
	case uplink.Delivered:
		rec.keep(reportID)
		rec.enter(Sent, "")
		rec.Open = 0
	case uplink.Unknown:
		rec.enter(Uncertain, v.Reason)
	case uplink.Refused, uplink.TooLarge:
		rec.enter(Rejected, v.Reason)
	case uplink.Retry, uplink.Stop:
		rec.enter(rec.Before, v.Reason)
	}
	if v.Outcome != uplink.Retry && v.Outcome != uplink.Stop {
		rec.write(by)
		more = append(more, done(rec.Week))
	}
	rec.Before = ""
	for attempt := 0; ; attempt++ {
		err := e.saveNow(ctx, rec, more)
		if err == nil {
			break
		}
		e.log.Warn("the portal's answer cannot be kept", "week", rec.Week.String(), "error", err)
		if wrong := uplink.Sleep(ctx, uplink.Backoff(attempt, 10*time.Second)); wrong != nil {
			return err // the next start finds the state sending, which is the truth
		}
	}
	e.announce(rec)
	kept, newest := bodyKey(rec.Week, rec.Kept, 0), bodyKey(rec.Week, rec.Body, 0)
	same := func(key, other string) bool { return key[:len(key)-4] == other[:len(other)-4] }
	return e.forget(ctx, bodyPrefix+rec.Week.String()+"/", func(key string) bool { return !same(key, kept) && !same(key, newest) })
}

// saveNow saves also when ctx has ended, for as long as the end may wait.
func (e *exam) saveNow(ctx context.Context, rec *record, more []uplink.Change) error {
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(800*time.Millisecond, cancel) })
	defer stop()
	return e.save(last, rec, more...)
}

// An Event is what is told over MQTT. Nothing in it is personal.
type Event struct {
	Week     Week  `json:"week"`
	State    State `json:"state"`
	Reported int   `json:"reported"`
	Open     int   `json:"open"`
}

// announce publishes the states that somebody may wait for.
func (e *exam) announce(rec *record) {
	switch rec.State {
	case Ready, Sent, Uncertain, Rejected:
		e.tell(Event{rec.Week, rec.State, rec.Reported, rec.Open})
	case Running, Draft, Sending:
	}
}

// keptReport is the report that the portal keeps.
func (e *exam) keptReport(rec *record) (*report, error) {
	body, err := e.frozen(rec.Week, rec.Kept)
	if err != nil {
		return nil, err
	}
	r := &report{}
	if err := json.Unmarshal(body, r); err != nil {
		return nil, fmt.Errorf("the report of %s that was sent cannot be read: %w", rec.Week, err)
	}
	return r, nil
}
