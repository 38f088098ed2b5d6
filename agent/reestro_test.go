package main

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/acs-agent/acs-agent/uplink/reestro"
)

func TestSubjectsAreReadFromJSON(t *testing.T) {
	person := reestro.Fields{Surname: "Пробный", Name: "Проба", BirthDate: "1990-01-31", INN: "500100732259", Consent: "yes"}
	for text, want := range map[string][]reestro.Fields{
		"": nil,
		`{"surname":"Пробный","name":"Проба","birth_date":"1990-01-31","inn":500100732259,"consent":true,"snils":null}`: {person},
		`{"ogrn":"1027700132195"} {"ogrn":1027700132195}` + "\n":                                                        {{OGRN: "1027700132195"}, {OGRN: "1027700132195"}},
		`{"consent":false}`: {{Consent: "no"}},
	} {
		next := subjectsFrom(strings.NewReader(text))
		for i, f := range want {
			if got, err := next(); err != nil || got != f {
				t.Errorf("%s: subject %d: %v", text, i+1, err)
			}
		}
		if _, err := next(); !errors.Is(err, io.EOF) {
			t.Errorf("%s: there is more: %v", text, err)
		}
	}
	for text, want := range map[string]string{
		`{"surname":"Пробный"`:       "JSON object",
		`["Пробный"]`:                "JSON object",
		`{"фамилия":"Пробный"}`:      `"фамилия" is not known`,
		`{"surname":["Пробный"]}`:    "neither text nor number",
		`surname;name` + "\nПробный": "JSON object",
	} {
		_, err := subjectsFrom(strings.NewReader(text))()
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "Пробный") {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}
