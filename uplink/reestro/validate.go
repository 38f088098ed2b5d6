package reestro

import (
	"strings"
	"time"
	"unicode"

	"github.com/acs-agent/acs-agent/agent/table"
)

// Fields are what people write of a subject: a row of a table, or the body of a command. The names are the columns'.
type Fields struct {
	Surname    string `json:"surname,omitempty"`
	Name       string `json:"name,omitempty"`
	Patronymic string `json:"patronymic,omitempty"`
	BirthDate  string `json:"birth_date,omitempty"`
	INN        string `json:"inn,omitempty"`
	SNILS      string `json:"snils,omitempty"`
	OGRN       string `json:"ogrn,omitempty"`
	Consent    string `json:"consent,omitempty"`
}

// columns are those of the tables in the inbox.
func columns() []table.Column {
	return []table.Column{
		{Name: "surname", Synonyms: []string{"last name", "family name", "фамилия", "тегі"}},
		{Name: "name", Synonyms: []string{"first name", "firstname", "given name", "имя", "аты"}},
		{Name: "patronymic", Synonyms: []string{"middle name", "отчество", "әкесінің аты"}},
		{Name: "birth_date", Synonyms: []string{"birthdate", "date of birth", "born", "дата рождения", "день рождения", "туған күні"}},
		{Name: "inn", Synonyms: []string{"инн"}},
		{Name: "snils", Synonyms: []string{"снилс"}},
		{Name: "ogrn", Synonyms: []string{"ogrnip", "огрн", "огрнип", "огрн огрнип"}},
		{Name: "consent", Synonyms: []string{"согласие", "келісім"}},
	}
}

// read takes the fields out of a row.
func read(row *table.Row) Fields {
	return Fields{
		Surname: row.Get("surname"), Name: row.Get("name"), Patronymic: row.Get("patronymic"), BirthDate: row.Get("birth_date"),
		INN: row.Get("inn"), SNILS: row.Get("snils"), OGRN: row.Get("ogrn"), Consent: row.Get("consent"),
	}
}

// tidy is read for fields that come from elsewhere.
func (f Fields) tidy() Fields {
	for _, s := range []*string{&f.Surname, &f.Name, &f.Patronymic, &f.BirthDate, &f.INN, &f.SNILS, &f.OGRN, &f.Consent} {
		*s = table.Tidy(*s)
	}
	return f
}

// A judge collects what is wrong with one subject.
type judge struct{ mistakes []string }

func (j *judge) wrong(field, reason string) {
	if reason != "" {
		j.mistakes = append(j.mistakes, field+" "+reason)
	}
}

// validate makes a subject out of what people wrote, or says all that is wrong with it. The reasons name fields and repeat nothing
// of what stands in them. today is the day at the site.
func validate(f Fields, from table.Encoding, today time.Time) (*subject, string) {
	isPerson := f.Surname+f.Name+f.Patronymic+f.BirthDate+f.SNILS != ""
	j := &judge{}
	s := &subject{}
	switch {
	case isPerson && f.OGRN != "":
		return nil, "this is both a person and an organization (write them in two rows)"
	case isPerson:
		s.Person = j.person(f, from, today)
		s.Consent = j.consent(f.Consent, today)
	case f.OGRN != "":
		s.Organization = j.organization(f)
	default:
		return nil, "this is neither a person nor an organization (a person has surname, name and birth_date, an organization ogrn)"
	}
	return s, strings.Join(j.mistakes, "; ")
}

func (j *judge) person(f Fields, from table.Encoding, today time.Time) *person {
	j.wrong("surname", checkName(f.Surname, from))
	j.wrong("name", checkName(f.Name, from))
	if f.Patronymic != "" {
		j.wrong("patronymic", checkName(f.Patronymic, from))
	}
	p := &person{Surname: f.Surname, Name: f.Name, Patronymic: f.Patronymic}
	born, reason := table.Date(f.BirthDate)
	switch {
	case f.BirthDate == "":
		reason = "is empty"
	case reason != "":
		reason = "is " + reason
	case born.Format(time.DateOnly) > today.Format(time.DateOnly):
		reason = "lies in the future"
	case born.Year() < 1900:
		reason = "is too long ago"
	}
	j.wrong("birth_date", reason)
	p.BirthDate = born.Format(time.DateOnly)
	if f.INN != "" {
		p.INN, reason = digits(f.INN, validINN, 12)
		j.wrong("inn", reason)
	}
	if f.SNILS != "" {
		p.SNILS, reason = digits(f.SNILS, validSNILS, 11)
		j.wrong("snils", reason)
		if reason == "" {
			p.SNILS = p.SNILS[:3] + "-" + p.SNILS[3:6] + "-" + p.SNILS[6:9] + " " + p.SNILS[9:]
		}
	}
	return p
}

func (j *judge) organization(f Fields) *organization {
	var reason string
	o := &organization{}
	o.OGRN, reason = digits(f.OGRN, validOGRN, 13, 15)
	j.wrong("ogrn", reason)
	length := 10
	if len(o.OGRN) == 15 {
		length = 12
	}
	if f.INN != "" && reason == "" {
		o.INN, reason = digits(f.INN, validINN, length)
		j.wrong("inn", reason)
	}
	return o
}

// consent reads the mark that a person has agreed to be checked.
func (j *judge) consent(text string, today time.Time) string {
	const advice = " (write yes, or the day on which it was given; without consent nobody is checked)"
	switch strings.ToLower(text) {
	case "yes", "y", "true", "1", "+", "x", "v", "да", "есть", "получено", "х", "иә", "бар":
		return "yes"
	case "":
		j.wrong("consent", "is missing"+advice)
		return ""
	case "no", "n", "false", "0", "-", "нет", "жоқ":
		j.wrong("consent", "was not given"+advice)
		return ""
	}
	day, reason := table.Date(text)
	switch {
	case reason != "":
		j.wrong("consent", "is no mark"+advice)
	case day.Format(time.DateOnly) > today.Format(time.DateOnly):
		j.wrong("consent", "lies in the future")
	}
	return day.Format(time.DateOnly)
}

// checkName says what keeps s from being one of the names of a person, or "".
func checkName(s string, from table.Encoding) string {
	switch reason := table.CheckName(s, from); {
	case s == "":
		return "is empty"
	case reason != "":
		return "is no name: " + reason
	case mixed(s):
		return "is no name: Latin and Cyrillic letters stand in one word (they look alike; type it again)"
	}
	return ""
}

// mixed says whether a word of s has letters of both alphabets.
func mixed(s string) bool {
	latin, cyrillic := false, false
	for _, r := range s {
		switch {
		case unicode.Is(unicode.Latin, r):
			latin = true
		case unicode.Is(unicode.Cyrillic, r):
			cyrillic = true
		case r == ' ' || r == '-':
			latin, cyrillic = false, false
		}
		if latin && cyrillic {
			return true
		}
	}
	return false
}
