package callback

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/acs-agent/acs-agent/agent/event"
)

// The selections by which requests are listed besides the codes of their last status.
const (
	selectOpen    = "open"    // not closed yet
	selectWaiting = "waiting" // the platform has not been told everything
	selectRefused = "refused" // the platform did not want the last status
)

const (
	// usualList and mostList bound the requests of one answer.
	usualList = 100
	mostList  = 1000
	maxBody   = 64 << 10
)

// A View is a request as it is shown to people.
type View struct {
	ID uint64 `json:"id"`
	// State is the code of the last status: registered, rendered or rejected; Outcome is what became of that status: waiting,
	// sent or refused. Outcome is empty if nothing can be told about the request.
	State      string    `json:"state"`
	Outcome    outcome   `json:"outcome,omitempty"`
	ReceivedAt time.Time `json:"received_at"`
	ChangedAt  time.Time `json:"changed_at,omitzero"`
	ClosedAt   time.Time `json:"closed_at,omitzero"`
	// ApplicationID is the platform's.
	ApplicationID string `json:"application_id,omitempty"`
	// Created is dateCreation as it came; CreatedAs are the days that it can mean, more than one if nobody can tell.
	Created   string   `json:"created,omitempty"`
	CreatedAs []string `json:"created_as,omitempty"`
	// Name, Organization, INN, Phone and comments are masked unless they are asked for.
	Name         string `json:"name,omitempty"`
	Organization string `json:"organization,omitempty"`
	INN          string `json:"inn,omitempty"`
	Phone        string `json:"phone,omitempty"`
	// PhoneRaw is the number as it came; shown only unmasked, if it came in another form.
	PhoneRaw string `json:"phone_raw,omitempty"`
	// OPF is the legal form; as it came if it is none of the document's, and then OPFUnknown is true.
	OPF        string `json:"opf,omitempty"`
	OPFUnknown bool   `json:"opf_unknown,omitempty"`
	// Raw is what came in the place of a request that cannot be understood; shown only unmasked.
	Raw string `json:"raw,omitempty"`
	// Problem says why the platform cannot be told anything.
	Problem  string       `json:"problem,omitempty"`
	Statuses []StatusView `json:"statuses,omitempty"`
}

// A StatusView is a status as it is shown to people.
type StatusView struct {
	Code    string    `json:"code"`
	Comment string    `json:"comment,omitempty"`
	At      time.Time `json:"at"`
	Outcome outcome   `json:"outcome"`
	DoneAt  time.Time `json:"done_at,omitzero"`
	// Reason is what the platform has said to a status that it refused.
	Reason string `json:"reason,omitempty"`
	// Lost says that an attempt got no answer.
	Lost bool `json:"lost,omitempty"`
}

const hidden = "***"

// view shows a request, with statuses if whole, without what names a person unless reveal.
func (r *request) view(zone *time.Location, whole, reveal bool) View {
	a := &r.Application
	opf, known := a.opf()
	v := View{
		ID: r.Number, State: r.state(), ReceivedAt: at(r.ReceivedAt, zone), ChangedAt: at(r.ChangedAt, zone), ClosedAt: at(r.ClosedAt, zone),
		ApplicationID: a.ID, Created: a.Created, OPF: opf, OPFUnknown: !known && opf != "", Problem: a.problem(),
		Name: a.name(), Organization: a.Organization, INN: a.INN, Phone: a.phone(),
	}
	if n := len(r.Statuses); n > 0 {
		v.Outcome = r.Statuses[n-1].Outcome
	}
	for _, day := range readDate(a.Created) {
		v.CreatedAs = append(v.CreatedAs, day.Format(time.DateOnly))
	}
	if reveal {
		v.Raw = a.Raw
		if v.Phone != a.Phone {
			v.PhoneRaw = a.Phone
		}
	} else {
		v.Name, v.Organization, v.INN, v.Phone = event.Initials(v.Name), mask(v.Organization, 0), mask(v.INN, 3), mask(v.Phone, 4)
	}
	if !whole {
		return v
	}
	for _, s := range r.Statuses {
		if !reveal {
			s.Comment = mask(s.Comment, 0)
		}
		v.Statuses = append(v.Statuses, StatusView{
			Code: s.Code, Comment: s.Comment, At: at(s.At, zone), Outcome: s.Outcome, DoneAt: at(s.DoneAt, zone), Reason: s.Reason, Lost: s.Lost,
		})
	}
	return v
}

func at(t time.Time, zone *time.Location) time.Time {
	if t.IsZero() || zone == nil {
		return t
	}
	return t.In(zone)
}

// mask hides a text but for its last characters, and all of it if it is short. Nothing stays nothing.
func mask(s string, last int) string {
	if s == "" {
		return ""
	}
	if utf8.RuneCountInString(s) <= 2*last {
		return hidden
	}
	runes := []rune(s)
	return hidden + string(runes[len(runes)-last:])
}

// A List answers GET /requests.
type List struct {
	Requests []View `json:"requests"`
	// More says that there are more than were asked for.
	More bool `json:"more"`
}

// A Setting is the body of POST /requests/{id}/status.
type Setting struct {
	Status  string `json:"status"`
	Comment string `json:"comment"`
}

// Commands serves:
//
//	GET  /requests?state=&limit=     a List; state is one of registered, rendered, rejected, open, waiting, refused
//	GET  /requests/{id}              a View with its statuses
//	POST /requests/{id}/status       takes a Setting, gives a View
//
// Names and numbers are masked unless the query has reveal.
func (u *callback) Commands() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /requests", u.listRequests)
	mux.HandleFunc("GET /requests/{id}", u.showRequest)
	mux.HandleFunc("POST /requests/{id}/status", u.setStatus)
	return mux
}

func (u *callback) listRequests(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	state := query.Get("state")
	if !slices.Contains([]string{"", registered, rendered, rejected, selectOpen, selectWaiting, selectRefused}, state) {
		fail(w, wrong("%.40q is no state", state))
		return
	}
	limit := usualList
	if text := query.Get("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > mostList {
			fail(w, wrong("the limit is a number from 1 to %d", mostList))
			return
		}
		limit = n
	}
	found := List{Requests: []View{}}
	err := u.book.each(func(r *request) bool {
		if !r.selected(state) {
			return true
		}
		if len(found.Requests) == limit {
			found.More = true
			return false
		}
		found.Requests = append(found.Requests, r.view(u.env.Zone, false, query.Has("reveal")))
		return true
	})
	if err != nil && len(found.Requests) == 0 {
		fail(w, err)
		return
	}
	answer(w, http.StatusOK, found)
}

// selected says whether the request is one of those that are asked for.
func (r *request) selected(state string) bool {
	n := len(r.Statuses)
	switch state {
	case "":
		return true
	case selectOpen:
		return r.state() == registered
	case selectWaiting:
		return r.waits()
	case selectRefused:
		return n > 0 && r.Statuses[n-1].Outcome == refused
	default:
		return r.state() == state
	}
}

func (u *callback) showRequest(w http.ResponseWriter, r *http.Request) {
	found, err := u.find(r)
	if err != nil {
		fail(w, err)
		return
	}
	answer(w, http.StatusOK, found.view(u.env.Zone, true, r.URL.Query().Has("reveal")))
}

// find gives the request that the address names.
func (u *callback) find(r *http.Request) (request, error) {
	number, err := strconv.ParseUint(r.PathValue("id"), 10, 64)
	if err != nil {
		return request{}, wrong("%.40q is no number of a request", r.PathValue("id"))
	}
	return u.book.request(number)
}

func (u *callback) setStatus(w http.ResponseWriter, r *http.Request) {
	var given Setting
	if err := json.NewDecoder(io.LimitReader(r.Body, maxBody)).Decode(&given); err != nil {
		fail(w, wrong("the body is no JSON object with status and comment"))
		return
	}
	found, err := u.find(r)
	if err == nil {
		found, err = u.book.set(r.Context(), found.Number, strings.TrimSpace(given.Status), given.Comment)
	}
	if err != nil {
		fail(w, err)
		return
	}
	select {
	case u.wake <- struct{}{}:
	default: // Run is to wake up already
	}
	answer(w, http.StatusOK, found.view(u.env.Zone, true, r.URL.Query().Has("reveal")))
}

func fail(w http.ResponseWriter, err error) {
	status := http.StatusInternalServerError
	switch {
	case errors.Is(err, errWrong):
		status = http.StatusBadRequest
	case errors.Is(err, errNoRequest):
		status = http.StatusNotFound
	}
	answer(w, status, struct {
		Error string `json:"error"`
	}{fmt.Sprint(err)})
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // who asked has gone
}
