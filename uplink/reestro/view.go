package reestro

import (
	"strings"
	"time"

	"github.com/acs-agent/acs-agent/agent/event"
)

// A SubjectView is a subject as people are shown it. The states are new, sending, registered, exists (the portal has it, its id is not
// known) and refused.
type SubjectView struct {
	Number uint32 `json:"number"`
	State  string `json:"state"`
	// Kind is person or organization.
	Kind       string `json:"kind"`
	ExternalID string `json:"external_id"`
	SubjectID  string `json:"subject_id,omitempty"`
	// The following are masked unless they are to be revealed.
	Name      string `json:"name,omitempty"`
	BirthDate string `json:"birth_date,omitempty"`
	INN       string `json:"inn,omitempty"`
	SNILS     string `json:"snils,omitempty"`
	OGRN      string `json:"ogrn,omitempty"`

	Consent string    `json:"consent,omitempty"`
	Codes   []string  `json:"codes,omitempty"`
	Reason  string    `json:"reason,omitempty"`
	Added   time.Time `json:"added"`
	Changed time.Time `json:"changed"`
}

func (s *subject) view(zone *time.Location, reveal bool) SubjectView {
	v := SubjectView{
		Number: s.number, State: string(s.State), ExternalID: s.ExternalID, SubjectID: s.SubjectID, Kind: "organization",
		Consent: s.Consent, Codes: s.Codes, Reason: s.Reason, Added: s.Added.In(zone), Changed: s.Changed.In(zone),
	}
	if p := s.Person; p != nil {
		v.Kind = "person"
		v.Name = strings.TrimSpace(p.Surname + " " + p.Name + " " + p.Patronymic)
		v.BirthDate, v.INN, v.SNILS = p.BirthDate, p.INN, p.SNILS
	}
	if o := s.Organization; o != nil {
		v.OGRN, v.INN = o.OGRN, o.INN
	}
	if !reveal {
		v.Name = event.Initials(v.Name)
		v.BirthDate = hidden(v.BirthDate, 0)
		v.INN, v.SNILS, v.OGRN = hidden(v.INN, 3), hidden(v.SNILS, 2), hidden(v.OGRN, 3)
	}
	return v
}

// hidden shows the last digits of a number, and how long it is.
func hidden(s string, last int) string {
	if len(s) <= last {
		return s
	}
	return strings.Map(func(r rune) rune {
		if r == '-' || r == ' ' {
			return r
		}
		return '*'
	}, s[:len(s)-last]) + s[len(s)-last:]
}

// fields gives back what people would have written.
func (s *subject) fields() Fields {
	f := Fields{Consent: s.Consent}
	if p := s.Person; p != nil {
		f.Surname, f.Name, f.Patronymic, f.BirthDate, f.INN, f.SNILS = p.Surname, p.Name, p.Patronymic, p.BirthDate, p.INN, p.SNILS
	}
	if o := s.Organization; o != nil {
		f.OGRN, f.INN = o.OGRN, o.INN
	}
	return f
}

// with puts those fields of other that are not empty in place of these.
func (f Fields) with(other Fields) Fields {
	for _, pair := range []struct {
		into *string
		from string
	}{
		{&f.Surname, other.Surname},
		{&f.Name, other.Name},
		{&f.Patronymic, other.Patronymic},
		{&f.BirthDate, other.BirthDate},
		{&f.INN, other.INN},
		{&f.SNILS, other.SNILS},
		{&f.OGRN, other.OGRN},
		{&f.Consent, other.Consent},
	} {
		if pair.from != "" {
			*pair.into = pair.from
		}
	}
	return f
}
