package sandbox

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"time"
)

// shownLast is how many of each kind GET /sandbox/status shows.
const shownLast = 20

// status is what GET /sandbox/status shows. It holds nothing that tells who somebody is.
type status struct {
	Stats        Stats                   `json:"stats"`
	Faults       []string                `json:"faults"`
	Exam         shown[shownReport]      `json:"exam"`
	Subjects     shown[shownSubject]     `json:"subjects"`
	Checks       shown[shownCheck]       `json:"checks"`
	Applications shown[shownApplication] `json:"applications"`
	Requests     []Request               `json:"requests"`
}

// shown are the last of a kind, and how many there are in all.
type shown[T any] struct {
	Kept int `json:"kept"`
	Last []T `json:"last"`
}

type shownReport struct {
	ID       int64  `json:"reportId"`
	AreaID   int64  `json:"examinationAreaId"`
	Start    string `json:"periodStartDate"`
	End      string `json:"periodEndDate"`
	Requests int    `json:"requests"`
	Versions int    `json:"versions"`
}

type shownSubject struct {
	ID         string `json:"subjectId"`
	ExternalID string `json:"externalId,omitempty"`
	Person     bool   `json:"person"`
}

type shownCheck struct {
	ID      string    `json:"checkId"`
	Subject string    `json:"subjectId,omitempty"`
	Type    string    `json:"checkType"`
	State   string    `json:"checkState"`
	Created time.Time `json:"creationDate"`
}

type shownApplication struct {
	ID        string   `json:"applicationId"`
	OPF       string   `json:"opf"`
	Offered   int      `json:"offered"`
	Committed bool     `json:"committed"`
	Statuses  []string `json:"statuses"`
}

// lastOf gives the last of all, as they are shown.
func lastOf[T, S any](all []T, show func(T) S) shown[S] {
	s := shown[S]{Kept: len(all), Last: []S{}}
	for _, one := range all[max(0, len(all)-shownLast):] {
		s.Last = append(s.Last, show(one))
	}
	return s
}

func (p *Portal) showStatus(w http.ResponseWriter) {
	page := status{Stats: p.Stats(), Faults: []string{}, Requests: p.Requests()}
	for _, f := range p.Faults() {
		page.Faults = append(page.Faults, f.String())
	}
	page.Exam = lastOf(p.Reports(), func(r Report) shownReport {
		last := r.Versions[len(r.Versions)-1].Report
		return shownReport{r.ID, last.AreaID, last.PeriodStart, last.PeriodEnd, len(last.Requests), len(r.Versions)}
	})
	page.Subjects = lastOf(p.Subjects(), func(s Subject) shownSubject {
		return shownSubject{s.ID, s.ExternalID, s.Person != nil}
	})
	checks := p.Checks()
	page.Checks = lastOf(checks[:min(shownLast, len(checks))], func(c Check) shownCheck {
		return shownCheck{c.ID, c.SubjectID, c.Type, c.State, c.Created}
	})
	page.Checks.Kept = len(checks)
	page.Applications = lastOf(p.Applications(), func(a ApplicationState) shownApplication {
		statuses := []string{}
		for _, s := range a.Statuses {
			statuses = append(statuses, s.Status)
		}
		return shownApplication{a.ID, a.OPF, a.Offered, a.Committed, statuses}
	})
	p.show(w, page)
}

func (p *Portal) show(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", mediaJSON)
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(v); err != nil {
		p.log.Debug("cannot show the status", "err", err)
	}
}

// putCheck makes a check of a subject, or changes the state of one that is there.
func (p *Portal) putCheck(w http.ResponseWriter, query url.Values) {
	id, state := query.Get("id"), query.Get("state")
	var err error
	if id != "" {
		err = p.SetCheckState(id, state)
	} else {
		_, err = p.AddCheck(Check{SubjectID: query.Get("subject"), Type: query.Get("type"), State: state})
	}
	p.shown(w, err)
}

// putApplication makes a call-back request of somebody who does not exist.
func (p *Portal) putApplication(w http.ResponseWriter, query url.Values) {
	_, err := p.AddApplication(DemoApplication(query.Get("opf")))
	p.shown(w, err)
}

func (p *Portal) shown(w http.ResponseWriter, err error) {
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	p.showStatus(w)
}

// DemoApplication is a call-back request of somebody who does not exist, for a form of business of the document (opf).
func DemoApplication(opf string) Application {
	a := Application{Surname: "Пробный", Firstname: "Проба", Patronymic: "Пробович", OPF: opf, Phone: "+7 (000) 000-00-00"}
	switch opf {
	case "legalEntity":
		a.OrganizationName, a.INN = "ООО Проба", "7719283390"
	case "entrepreneur":
		a.OrganizationName, a.INN = "ИП Пробный", "500100732259"
	}
	return a
}

// AddDemoData puts a few made-up checks and call-back requests where clients find them: checks of a subject that nobody has
// registered, and one call-back request for each form of business.
func (p *Portal) AddDemoData() error {
	subject := newGUID()
	for i, state := range []string{"Processed", "Failed", "Processing"} {
		check := Check{
			SubjectID: subject, ExternalID: fmt.Sprintf("demo_%d", i+1), State: state, Regions: []string{"01", "77"},
			Created: p.now().Add(time.Duration(i-3) * time.Minute),
		}
		if _, err := p.AddCheck(check); err != nil {
			return err
		}
	}
	for _, opf := range []string{"legalEntity", "entrepreneur", "selfEmployed", "person"} {
		if _, err := p.AddApplication(DemoApplication(opf)); err != nil {
			return err
		}
	}
	return nil
}
