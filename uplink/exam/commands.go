package exam

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"strconv"
	"time"
)

// Status is what the uplink says of all its weeks.
type Status struct {
	// Running says that the agent runs; if it does not, nothing is sent before it does.
	Running bool   `json:"running"`
	Send    string `json:"send"`
	Roster  string `json:"roster"`
	Rows    int    `json:"rows"`
	// Refused counts the rows that cannot be used; Rejected is the file that lists them.
	Refused  int    `json:"refused"`
	Rejected string `json:"rejected,omitempty"`
	// Problem is why the roster cannot be used at all.
	Problem string       `json:"problem,omitempty"`
	Weeks   []WeekStatus `json:"weeks"`
}

// WeekStatus is how far the report of one week has come.
type WeekStatus struct {
	Week     Week      `json:"week"`
	Start    string    `json:"start"`
	End      string    `json:"end"`
	State    State     `json:"state"`
	Since    time.Time `json:"since,omitzero"`
	ReportID int64     `json:"report_id,omitempty"`
	Reported int       `json:"reported"`
	Open     int       `json:"open"`
	// Due is when the report goes out by itself, or when a person is reminded of it.
	Due    time.Time `json:"due,omitzero"`
	Reason string    `json:"reason,omitempty"`
	// Ordered is what a person has told the uplink to do and is not done yet.
	Ordered string `json:"ordered,omitempty"`
	// Running says that the agent runs.
	Running bool        `json:"running"`
	History []Happening `json:"history,omitempty"`
}

// NeedsPerson says whether the report waits for somebody.
func (s *WeekStatus) NeedsPerson(now time.Time) bool {
	switch s.State {
	case Uncertain, Rejected:
		return true
	case Draft:
		return !now.Before(s.Due)
	default:
		return false
	}
}

// Commands implements uplink.Commanded.
func (e *exam) Commands() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /status", e.serveStatus)
	mux.HandleFunc("GET /week", e.week(e.serveWeek))
	mux.HandleFunc("GET /preview", e.week(e.servePreview))
	for _, do := range []string{doSend, doResend, doCorrect} {
		mux.HandleFunc("POST /"+do, e.week(func(w http.ResponseWriter, r *http.Request, of Week) { e.serveOrder(w, r, of, do) }))
	}
	mux.HandleFunc("POST /mark-sent", e.week(e.serveMark))
	return mux
}

func answer(w http.ResponseWriter, status int, with any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(with) // who asked is gone
}

func fail(w http.ResponseWriter, status int, why error) {
	answer(w, status, map[string]string{"error": why.Error()})
}

// week reads the week that a command is about; without one it is the last that is over.
func (e *exam) week(serve func(http.ResponseWriter, *http.Request, Week)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		of, err := ParseWeek(cmp.Or(r.URL.Query().Get("week"), "last"), time.Now().In(e.zone))
		if err != nil {
			fail(w, http.StatusBadRequest, err)
			return
		}
		serve(w, r, of)
	}
}

func (e *exam) serveStatus(w http.ResponseWriter, _ *http.Request) {
	s := Status{Running: e.running.Load(), Send: e.Send, Roster: filepath.Base(e.Roster), Weeks: []WeekStatus{}}
	list, _, err := e.roster.current()
	if err != nil {
		s.Problem = err.Error()
	} else {
		s.Rows, s.Refused, s.Rejected = len(list.rows), len(list.refused), list.rejected
	}
	all, err := e.records()
	orders, err2 := e.orders()
	if err = errors.Join(err, err2); err != nil {
		fail(w, http.StatusInternalServerError, err)
		return
	}
	for _, rec := range all {
		s.Weeks = append(s.Weeks, e.statusOf(rec, orders[rec.Week].Do))
	}
	answer(w, http.StatusOK, s)
}

func (e *exam) serveWeek(w http.ResponseWriter, _ *http.Request, of Week) {
	rec, err := e.recordOf(of)
	var o order
	_, err2 := get(e.store, orderPrefix+of.String(), &o)
	if err = errors.Join(err, err2); err != nil {
		fail(w, http.StatusInternalServerError, err)
		return
	}
	answer(w, http.StatusOK, e.statusOf(rec, o.Do))
}

func (e *exam) statusOf(rec *record, ordered string) WeekStatus {
	return WeekStatus{
		Week: rec.Week, Start: rec.Week.Start(), End: rec.Week.End(), State: rec.State, Since: rec.Since, ReportID: rec.ReportID,
		Reported: rec.Reported, Open: rec.Open, Due: e.schedule.of(rec.Week, e.zone), Reason: rec.Reason, Ordered: ordered,
		Running: e.running.Load(), History: rec.History,
	}
}

// serveOrder takes an order. It is a record that Run finds at once, or when the agent is started.
func (e *exam) serveOrder(w http.ResponseWriter, r *http.Request, of Week, do string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	now := time.Now().In(e.zone)
	if now.Before(of.Over(e.zone)) {
		fail(w, http.StatusConflict, fmt.Errorf("%s is not over before %s ends", of, of.End()))
		return
	}
	rec, err := e.recordOf(of)
	if err != nil {
		fail(w, http.StatusInternalServerError, err)
		return
	}
	d, err := e.draftOf(rec, now)
	if err != nil {
		fail(w, http.StatusInternalServerError, err)
		return
	}
	d.matters = append(d.matters, e.about(of, e.day(now))...)
	empty := r.URL.Query().Has("empty")
	if why := refuses(do, rec, d, empty); why != "" {
		fail(w, http.StatusConflict, errors.New(why))
		return
	}
	change, err := set(orderPrefix+of.String(), order{Do: do, Empty: empty, At: now})
	if err == nil {
		err = e.store.Apply(r.Context(), change)
	}
	if err != nil {
		fail(w, http.StatusInternalServerError, fmt.Errorf("keep the order: %w", err))
		return
	}
	e.poke()
	answer(w, http.StatusAccepted, e.statusOf(rec, do))
}

// serveMark notes what a person has learned about an uncertain report: the portal has it.
func (e *exam) serveMark(w http.ResponseWriter, r *http.Request, of Week) {
	id, err := strconv.ParseInt(r.URL.Query().Get("id"), 10, 64)
	if err != nil || id <= 0 {
		fail(w, http.StatusBadRequest, errors.New("give the number that the portal has the report under"))
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	rec, err := e.recordOf(of)
	if err != nil {
		fail(w, http.StatusInternalServerError, err)
		return
	}
	if rec.State != Uncertain {
		fail(w, http.StatusConflict, fmt.Errorf("the report of %s is %s, not uncertain", of, rec.State))
		return
	}
	rec.keep(id)
	rec.enter(Sent, "")
	rec.write("mark-sent")
	if err := e.save(r.Context(), rec, done(of)); err != nil {
		fail(w, http.StatusInternalServerError, err)
		return
	}
	e.announce(rec)
	e.poke()
	answer(w, http.StatusOK, e.statusOf(rec, ""))
}

// poke makes Run look at once.
func (e *exam) poke() {
	select {
	case e.wake <- struct{}{}:
	default: // it is going to look anyway
	}
}
