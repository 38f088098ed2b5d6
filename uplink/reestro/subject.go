package reestro

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"reflect"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"
)

// A state says how far a subject has come.
type state string

const (
	// fresh: nothing was sent yet.
	fresh state = "new"
	// sending: a request is on its way, or was, and its fate is not known.
	sending state = "sending"
	// registered: the portal has it, and its id is known.
	registered state = "registered"
	// exists: the portal has it, and the answer with its id was lost.
	exists state = "exists"
	// refused: the portal does not want it as it is.
	refused state = "refused"
)

func states() []state { return []state{fresh, sending, registered, exists, refused} }

// A person as the portal wants it; the names of the members are the portal's.
type person struct {
	Name       string `json:"name"`
	Surname    string `json:"surname"`
	Patronymic string `json:"patronymic,omitempty"`
	// BirthDate is YYYY-MM-DD. The portal's answers call it dateBirth.
	BirthDate string `json:"birthDate"`
	// INN has 12 digits; SNILS is written 112-233-445 95.
	INN   string `json:"inn,omitempty"`
	SNILS string `json:"snils,omitempty"`
}

// An organization as the portal wants it: OGRN of 13 digits and INN of 10, or OGRNIP of 15 and INN of 12.
type organization struct {
	OGRN string `json:"ogrn"`
	INN  string `json:"inn,omitempty"`
}

// A subject is a person or an organization on the way to the portal: the value of one record.
type subject struct {
	number     uint32 // in the key of the record
	State      state  `json:"state"`
	ExternalID string `json:"external_id"`
	// SubjectID is what the portal calls it.
	SubjectID    string        `json:"subject_id,omitempty"`
	Person       *person       `json:"person,omitempty"`
	Organization *organization `json:"organization,omitempty"`
	// Consent is what the mark said: yes, or the day on which it was given.
	Consent string `json:"consent,omitempty"`
	// Mark recognises the subject when it comes again.
	Mark mark `json:"mark"`
	// Codes and Reason are the portal's words on why it refused.
	Codes  []string `json:"codes,omitempty"`
	Reason string   `json:"reason,omitempty"`
	// Doubt: there was a request with this external id whose fate is not known, so the id must not be changed.
	Doubt   bool      `json:"doubt,omitempty"`
	Added   time.Time `json:"added"`
	Changed time.Time `json:"changed"`
}

// newExternalID makes 32 hexadecimal digits: the portal's form is ^\w{1,256}$, which the hyphens of its own examples do not have.
func newExternalID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// body is the request that registers the subject, the same to the byte each time.
func (s *subject) body() ([]byte, error) {
	return json.Marshal(struct {
		ExternalID   string        `json:"externalId"`
		Person       *person       `json:"person,omitempty"`
		Organization *organization `json:"organization,omitempty"`
	}{s.ExternalID, s.Person, s.Organization})
}

// same says whether other, which has the same mark, is the same subject. Namesakes born on one day are told apart by their
// numbers, unless the portal has refused just that number, so that another one is its correction.
func (s *subject) same(other *subject) bool {
	if s.Person == nil || other.Person == nil {
		return s.Person == other.Person
	}
	differ := func(x, y, code string) bool {
		return x != "" && y != "" && x != y && (s.State != refused || !s.refusedFor(code))
	}
	return !differ(s.Person.INN, other.Person.INN, codeWrongInn) && !differ(s.Person.SNILS, other.Person.SNILS, codeWrongSnils)
}

// equal says whether the portal would be sent the same.
func (s *subject) equal(other *subject) bool {
	return reflect.DeepEqual(s.Person, other.Person) && reflect.DeepEqual(s.Organization, other.Organization)
}

func (s *subject) refusedFor(code string) bool {
	for _, c := range s.Codes {
		if strings.EqualFold(c, code) {
			return true
		}
	}
	return false
}

// values are the texts by which the subject can be recognised.
func (s *subject) values() (all []string) {
	if p := s.Person; p != nil {
		all = append(all, p.Surname, p.Name, p.Patronymic, p.BirthDate, p.INN, p.SNILS)
		if len(p.BirthDate) == len(time.DateOnly) {
			all = append(all, p.BirthDate[8:]+"."+p.BirthDate[5:7]+"."+p.BirthDate[:4])
		}
	}
	if o := s.Organization; o != nil {
		all = append(all, o.OGRN, o.INN)
	}
	return all
}

// without gives a text of the portal with all that it repeats of the subject left out.
func (s *subject) without(text string) string {
	const gap = `[\s-]*` // numbers are grouped in many ways
	for _, v := range s.values() {
		if utf8.RuneCountInString(v) < 2 {
			continue
		}
		var pattern strings.Builder
		for _, r := range v {
			switch {
			case r == '-' || r == ' ':
				pattern.WriteString(gap)
				continue
			case '0' <= r && r <= '9':
				pattern.WriteString(gap)
			}
			pattern.WriteString(regexp.QuoteMeta(string(r)))
		}
		if found, err := regexp.Compile(`(?i)` + strings.TrimPrefix(pattern.String(), gap)); err == nil {
			text = found.ReplaceAllLiteralString(text, "…")
		}
	}
	return text
}

// decodeSubject reads a record.
func decodeSubject(number uint32, value []byte) (*subject, error) {
	s := &subject{number: number}
	d := json.NewDecoder(bytes.NewReader(value))
	return s, d.Decode(s)
}
