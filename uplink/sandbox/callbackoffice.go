package sandbox

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

const (
	// maxApplications bounds how many call-back requests are kept, maxCodes how many commit codes are open at once,
	// maxStatuses how many statuses an application remembers.
	maxApplications = 10_000
	maxCodes        = 1000
	maxStatuses     = 1000
)

// An Application is a call-back request.
type Application struct {
	// ID is the portal's, a string also where it looks like a number. Default: the next free number.
	ID string
	// Created is the day of dateCreation. Default: today.
	Created time.Time
	Surname string
	// Firstname and Patronymic are as in the document; without a Patronymic the member is missing.
	Firstname, Patronymic string
	// OPF is legalEntity, entrepreneur, selfEmployed or person, which is the default.
	OPF string
	// OrganizationName and INN are given out for legalEntity and entrepreneur only, and not if they are empty.
	OrganizationName, INN string
	Phone                 string
}

// ApplicationState is an application and what has happened to it.
type ApplicationState struct {
	Application
	// Offered is how often it stood in a list.
	Offered int
	// Committed says that a list with it was confirmed.
	Committed bool
	// Statuses are those that came, oldest first, 1000 at most.
	Statuses []ApplicationStatus
}

// An ApplicationStatus is one status call.
type ApplicationStatus struct {
	At              time.Time
	Status, Comment string
}

// An office keeps the applications. It is usable once now is set.
type office struct {
	now func() time.Time

	mu        sync.Mutex
	list      []*ApplicationState
	codes     []offer // open ones, oldest first
	committed []string
}

// An offer is a list that was given out under a code and not confirmed yet.
type offer struct {
	code string
	ids  []string
}

// offer gives the first applications that are not confirmed, and the code that confirms them; no code if there are none.
func (o *office) offer(limit int) (code string, offered []Application) {
	o.mu.Lock()
	defer o.mu.Unlock()
	var ids []string
	for _, a := range o.list {
		if a.Committed || len(offered) == limit {
			continue
		}
		a.Offered++
		offered, ids = append(offered, a.Application), append(ids, a.ID)
	}
	if len(offered) == 0 {
		return "", nil
	}
	code = randomHex(8)
	o.codes = append(o.codes, offer{code, ids})
	o.codes = o.codes[max(0, len(o.codes)-maxCodes):]
	return code, offered
}

// commit confirms a list. A code is good once.
func (o *office) commit(code string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	i := slices.IndexFunc(o.codes, func(open offer) bool { return open.code == code })
	if i < 0 {
		return false
	}
	for _, id := range o.codes[i].ids {
		if a := o.find(id); !a.Committed {
			a.Committed = true
			o.committed = append(o.committed, id)
		}
	}
	o.codes = slices.Delete(o.codes, i, i+1)
	return true
}

// note keeps a status; false if there is no such application.
func (o *office) note(id, status, comment string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	a := o.find(id)
	if a == nil {
		return false
	}
	if len(a.Statuses) < maxStatuses {
		a.Statuses = append(a.Statuses, ApplicationStatus{At: o.now(), Status: status, Comment: comment})
	}
	return true
}

func (o *office) find(id string) *ApplicationState {
	for _, a := range o.list {
		if a.ID == id {
			return a
		}
	}
	return nil
}

// item is an application as it stands in a list, with the document's own slips.
func (a Application) item() map[string]string {
	item := map[string]string{
		"applicationId": a.ID, "dateCreation": documentDate(a.Created), "opf": " " + a.OPF,
	}
	add := func(name, value string, there bool) {
		if there && value != "" {
			item[name] = value
		}
	}
	business := a.OPF == "legalEntity" || a.OPF == "entrepreneur"
	add("surname", a.Surname, true)
	add("firstname", a.Firstname, true)
	add("patronymic", a.Patronymic, true)
	add("organizationName", a.OrganizationName, business)
	add("inn", a.INN, business)
	add("phone", a.Phone, true)
	return item
}

// documentDate writes a day as the document does: the year, the day, the month.
func documentDate(t time.Time) string {
	return fmt.Sprintf("%04d-%02d-%02d", t.Year(), t.Day(), t.Month())
}

// AddApplication makes a call-back request, with defaults for what is empty, and gives it as it is kept.
func (p *Portal) AddApplication(a Application) (Application, error) {
	o := &p.callback.office
	o.mu.Lock()
	defer o.mu.Unlock()
	for n := len(o.list) + 111; a.ID == ""; n++ {
		if id := fmt.Sprint(n); o.find(id) == nil {
			a.ID = id
		}
	}
	if a.Created.IsZero() {
		a.Created = o.now()
	}
	if a.OPF == "" {
		a.OPF = "person"
	}
	var err error
	switch {
	case o.find(a.ID) != nil:
		err = errors.New("its id is used already")
	case !slices.Contains([]string{"legalEntity", "entrepreneur", "selfEmployed", "person"}, a.OPF):
		err = errors.New("its opf is none of the document's")
	case len(o.list) >= maxApplications:
		err = errors.New("there are as many as it can hold")
	}
	if err != nil {
		return Application{}, fmt.Errorf("sandbox: add an application: %w", err)
	}
	o.list = append(o.list, &ApplicationState{Application: a})
	return a, nil
}

// OfferAgain puts an application on the list once more, as if it had never been confirmed.
func (p *Portal) OfferAgain(id string) error {
	o := &p.callback.office
	o.mu.Lock()
	defer o.mu.Unlock()
	a := o.find(id)
	if a == nil {
		return fmt.Errorf("sandbox: offer an application again: %q is not known", id)
	}
	a.Committed = false
	return nil
}

// Applications gives all call-back requests and what has happened to them, in the order in which they were added.
func (p *Portal) Applications() []ApplicationState {
	o := &p.callback.office
	o.mu.Lock()
	defer o.mu.Unlock()
	all := make([]ApplicationState, 0, len(o.list))
	for _, a := range o.list {
		state := *a
		state.Statuses = slices.Clone(a.Statuses)
		all = append(all, state)
	}
	return all
}

// Committed gives the ids of the applications in the order in which they were confirmed.
func (p *Portal) Committed() []string {
	o := &p.callback.office
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.committed)
}
