package sandbox

import (
	"regexp"
	"slices"
	"strings"
	"time"
)

const bothRequired = "person or organization are required"

var (
	// externalForm is the document's ^\w{1,256}$, in the reading of it that knows Latin letters only.
	externalForm = regexp.MustCompile(`^[A-Za-z0-9_]{1,256}$`)
	snilsForm    = regexp.MustCompile(`^\d{3}-?\d{3}-?\d{3}\s?\d{2}$`)
)

// read checks a body against the document; without findings the subject is right.
func (s *subjects) read(raw []byte) (subject Subject, found *findings) {
	found = &findings{}
	o := readBody(raw, found)
	if o == nil {
		return subject, found
	}
	if id := o.text("externalId"); id != nil {
		if subject.ExternalID = *id; !externalForm.MatchString(*id) {
			found.add(finding{flaw: unfit, where: "externalId", what: `does not match ^\w{1,256}$`, told: `externalId should match ^\w{1,256}$`})
		}
	}
	if o.has("person") == o.has("organization") {
		found.add(finding{flaw: missing, what: "has not exactly one of person and organization", told: bothRequired})
		return subject, found
	}
	if person := o.child("person"); person != nil {
		subject.Person = s.person(person)
	}
	if organization := o.child("organization"); organization != nil {
		subject.Organization = s.organization(organization)
	}
	o.done()
	return subject, found
}

func (s *subjects) person(o *object) *Person {
	p := &Person{Name: filled(o, "name", true), Surname: filled(o, "surname", true), Patronymic: filled(o, "patronymic", false)}
	if p.BirthDate = filled(o, "birthDate", true); p.BirthDate != "" {
		born, err := time.Parse(time.DateOnly, p.BirthDate)
		if err != nil {
			o.unfit("birthDate", "should be YYYY-MM-DD")
		} else if born.Year() < 1900 || born.After(s.now()) {
			o.unfit("birthDate", "should be between 1900 and today")
		}
	}
	if p.INN = filled(o, "inn", false); p.INN != "" && !validINN(p.INN, 12) {
		o.found.add(finding{flaw: unfit, where: o.at("inn"), what: "is not 12 digits with the right control digits", code: "WrongInn"})
	}
	if p.SNILS = filled(o, "snils", false); p.SNILS != "" {
		if !snilsForm.MatchString(p.SNILS) {
			o.unfit("snils", "should be snils")
		} else if !validSNILS(p.SNILS) {
			o.found.add(finding{flaw: unfit, where: o.at("snils"), what: "has a wrong control number", code: "WrongSnils"})
		}
	}
	o.done()
	return p
}

func (s *subjects) organization(o *object) *Organization {
	org := &Organization{OGRN: filled(o, "ogrn", true), INN: filled(o, "inn", false)}
	none := func(what, code string) {
		o.found.add(finding{flaw: unfit, where: o.at("ogrn"), what: what, code: code})
	}
	switch {
	case org.OGRN == "": // noted
	case !digits(org.OGRN) || len(org.OGRN) != 13:
		o.unfit("ogrn", "should be 13 digits")
	case !validOGRN(org.OGRN) || slices.Contains(s.options.Unknown, org.OGRN):
		none("is not the number of any organization", "WrongOrganization")
	case slices.Contains(s.options.Dissolved, org.OGRN):
		none("is the number of a dissolved organization", "DissolvedOrganization")
	}
	if org.INN != "" && !validINN(org.INN, 10) {
		o.found.add(finding{flaw: unfit, where: o.at("inn"), what: "is not 10 digits with the right control digit", code: "WrongInn"})
	}
	o.done()
	return org
}

// filled reads a string that is not blank, if it is there; one that is required has to be.
func filled(o *object, name string, must bool) string {
	text := o.text(name)
	if text == nil {
		if must {
			return required(o, name, text)
		}
		return ""
	}
	if strings.TrimSpace(*text) == "" {
		o.unfit(name, "should not be empty")
		return ""
	}
	return *text
}
