package sandbox

import (
	"net/http"
	"slices"
	"sync"
	"time"
)

// maxSubjects bounds how many subjects are kept.
const maxSubjects = 100_000

// subjects is the portal that registers people and organizations: one POST, which is not idempotent.
type subjects struct {
	options ReestroOptions
	now     func() time.Time

	mu       sync.Mutex
	kept     []Subject
	external map[string]bool // external ids in use
}

// A Subject is a person or an organization that was registered.
type Subject struct {
	ID           string        `json:"subjectId"`
	ExternalID   string        `json:"externalId,omitempty"`
	Person       *Person       `json:"person,omitempty"`
	Organization *Organization `json:"organization,omitempty"`
}

// A Person is one as the portal answers it: it takes birthDate and gives dateBirth.
type Person struct {
	Name       string `json:"name"`
	Surname    string `json:"surname"`
	Patronymic string `json:"patronymic,omitempty"`
	BirthDate  string `json:"dateBirth"`
	INN        string `json:"inn,omitempty"`
	SNILS      string `json:"snils,omitempty"`
}

// An Organization is one as the portal answers it.
type Organization struct {
	OGRN string `json:"ogrn"`
	INN  string `json:"inn,omitempty"`
}

func newSubjects(o ReestroOptions, now func() time.Time) *subjects {
	return &subjects{options: o, now: now, external: make(map[string]bool)}
}

func (s *subjects) name() string { return subjectsName }

func (s *subjects) takes(r *http.Request) bool { return target(r) == SubjectsPath }

func (s *subjects) documented(_ *http.Request, status int) (mediaType, body string, known bool) {
	return reestroDocumented(status, reestroError{Code: codeAbsent, Message: bothRequired})
}

func (s *subjects) serve(x *exchange) {
	status, reason := s.options.refusal(x.r)
	if status == 0 {
		status, reason = checkSmall(x, true)
	}
	if status != 0 {
		x.refuse(status, reason)
		return
	}
	raw, ok := x.readSmall()
	if !ok {
		return
	}
	subject, found := s.read(raw)
	if len(found.list) == 0 {
		if flaw := s.keep(&subject); flaw != nil {
			found.add(*flaw)
		}
	}
	if len(found.list) > 0 {
		tellReestro(x, found)
		return
	}
	x.answer(http.StatusCreated, mediaReestro, encodeJSON(subject))
}

// keep registers a subject under a new id.
func (s *subjects) keep(subject *Subject) *finding {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.external[subject.ExternalID] {
		return &finding{flaw: unfit, where: "externalId", what: "is used already", code: "DuplicatedExternalId", told: "externalId should be unique"}
	}
	if len(s.kept) >= maxSubjects {
		return &finding{flaw: unfit, what: "the sandbox holds as many subjects as it can"}
	}
	subject.ID = newGUID()
	if subject.ExternalID != "" {
		s.external[subject.ExternalID] = true
	}
	s.kept = append(s.kept, *subject)
	return nil
}

// Subjects gives all subjects in the order in which they came.
func (p *Portal) Subjects() []Subject {
	s := p.subjects
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.kept)
}

// tellReestro answers 400 with all that was found.
func tellReestro(x *exchange, found *findings) {
	errs := make([]reestroError, 0, len(found.list))
	for _, f := range found.list {
		one := reestroError{Code: f.code, Message: f.told}
		if f.flaw == missing && one.Code == "" {
			one.Code = codeAbsent
		} else if one.Code == "" {
			one.Code = codeValue
		}
		if one.Message == "" {
			one.Message = f.String()
		}
		errs = append(errs, one)
	}
	x.refuseWith(mediaReestro, reestroErrors(errs...), found.list[0].String())
}
