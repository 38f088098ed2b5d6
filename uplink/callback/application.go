package callback

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// maxField bounds a member of a request, in bytes; people's data are shorter by far. What is longer is cut, because a
	// request that cannot be stored could not be confirmed either, and would keep all others from coming.
	maxField = 600
	// maxRaw bounds what is kept of something that is no request at all.
	maxRaw = 4000
)

// An application is a request as it came. All members may be missing. Nothing is turned into anything else: what is shown in
// another form is made when it is shown.
type application struct {
	ID           string `json:"application_id,omitempty"`
	Created      string `json:"created,omitempty"`
	Surname      string `json:"surname,omitempty"`
	Firstname    string `json:"firstname,omitempty"`
	Patronymic   string `json:"patronymic,omitempty"`
	Organization string `json:"organization,omitempty"`
	OPF          string `json:"opf,omitempty"`
	INN          string `json:"inn,omitempty"`
	Phone        string `json:"phone,omitempty"`
	// Raw is what came in the place of a request and is none.
	Raw string `json:"raw,omitempty"`
}

// readApplication reads one element of a list. It never fails: what cannot be understood is kept as it is, for a person.
func readApplication(raw json.RawMessage) application {
	var from struct {
		ID           text `json:"applicationId"`
		Created      text `json:"dateCreation"`
		Surname      text `json:"surname"`
		Firstname    text `json:"firstname"`
		Patronymic   text `json:"patronymic"`
		Organization text `json:"organizationName"`
		OPF          text `json:"opf"`
		INN          text `json:"inn"`
		Phone        text `json:"phone"`
	}
	if err := json.Unmarshal(raw, &from); err != nil {
		return application{Raw: clip(string(raw), maxRaw)}
	}
	a := application{
		ID: string(from.ID), Created: clip(string(from.Created), maxField),
		Surname: clip(string(from.Surname), maxField), Firstname: clip(string(from.Firstname), maxField),
		Patronymic: clip(string(from.Patronymic), maxField), Organization: clip(string(from.Organization), maxField),
		OPF: clip(string(from.OPF), maxField), INN: clip(string(from.INN), maxField), Phone: clip(string(from.Phone), maxField),
	}
	// A part of an id, or a mended one, would be the id of another request.
	if clip(a.ID, maxField) != a.ID || strings.TrimSpace(a.ID) == "" {
		a.ID = ""
		a.Raw = clip(string(raw), maxRaw)
	}
	return a
}

// clip gives s as valid UTF-8 without control characters, and of at most so many bytes.
func clip(s string, most int) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\t' && r != '\n' {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
	if len(s) <= most {
		return s
	}
	const mark = "…"
	s = s[:most-len(mark)]
	for s != "" {
		if r, n := utf8.DecodeLastRuneInString(s); r != utf8.RuneError || n != 1 {
			break
		}
		s = s[:len(s)-1]
	}
	return s + mark
}

// name is the person's name in one line.
func (a *application) name() string {
	return strings.Join(strings.Fields(a.Surname+" "+a.Firstname+" "+a.Patronymic), " ")
}

// opf is the legal form. The document's own example has a space before it. A form that it does not list stays as it came.
func (a *application) opf() (form string, known bool) {
	form = strings.TrimFunc(a.OPF, unicode.IsSpace)
	if slices.Contains([]string{"legalEntity", "entrepreneur", "selfEmployed", "person"}, form) {
		return form, true
	}
	return a.OPF, false
}

// phone is the number in the form +79991234567 if it is one of the country's, and as it came if not.
func (a *application) phone() string {
	digits := make([]byte, 0, len(a.Phone))
	for _, r := range a.Phone {
		switch {
		case '0' <= r && r <= '9':
			digits = append(digits, byte(r))
		case unicode.IsLetter(r):
			return a.Phone // an extension, or no number
		}
	}
	abroad := strings.Contains(a.Phone, "+")
	switch {
	case len(digits) == 11 && (digits[0] == '7' || digits[0] == '8' && !abroad):
		return "+7" + string(digits[1:])
	case len(digits) == 10 && !abroad:
		return "+7" + string(digits)
	default:
		return a.Phone
	}
}

// identity is what a request is recognised by: its id, or all of it if it has none.
func (a *application) identity() (string, error) {
	if a.ID != "" {
		return "id " + a.ID, nil
	}
	content, err := encode(a)
	return "content " + string(content), err
}

// problem says why no status can be sent for the request, or "".
func (a *application) problem() string {
	if a.ID == "" {
		return fmt.Sprintf("it came without a usable applicationId (a text of up to %d bytes), so the platform cannot be told anything about it", maxField)
	}
	return ""
}
