package reestro

import (
	"bytes"
	"encoding/json"
	"mime"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/acs-agent/acs-agent/agent/table"
	"github.com/acs-agent/acs-agent/uplink"
)

// FuzzJudgeStatus holds that no answer settles a subject that is not the documented success, that only the portal's own words bury one,
// and that of those words only codes are shown.
func FuzzJudgeStatus(f *testing.F) {
	for _, seed := range []struct {
		status      int
		media, body string
	}{
		{400, "application/json", `{"code":"Validation","errors":[{"code":"Duplicate","message":"900101300017"}]}`},
		{422, "application/json", `{"code":"Bad words","message":"Пробный"}`},
		{400, "application/json", strings.Repeat(`{"code":"a","errors":[`, 500)},
		{409, "text/html", `<html>`},
		{200, strings.Repeat("x", 9000), ""},
		{500, "", ""},
		{302, "", ""},
	} {
		f.Add(seed.status, seed.media, []byte(seed.body))
	}
	f.Fuzz(func(t *testing.T, status int, media string, body []byte) {
		media, _, _ = mime.ParseMediaType(media) // the client gives no other
		v := judgeStatus(&uplink.Answer{Status: status, MediaType: media, Body: body})
		switch v.outcome {
		case done:
			t.Fatalf("%d %q settles a subject", status, body)
		case declined, duplicate:
			if media != "application/json" || !json.Valid(body) {
				t.Fatalf("%d %s %q buries a subject", status, media, body)
			}
		case later, halt: // it stays
		}
		if v.problem == nil || len(v.problem.Error()) > 2500 ||
			strings.ContainsFunc(v.problem.Error(), func(r rune) bool { return !unicode.IsPrint(r) || unicode.Is(unicode.Cyrillic, r) }) {
			t.Fatalf("%q is shown", v.problem)
		}
		if len(v.codes) > maxFaults {
			t.Fatalf("%d codes", len(v.codes))
		}
	})
}

// FuzzSubject holds that a subject that a row or a command names is refused or comes out of its record as it went in, and that no
// reason for a refusal repeats what was given.
func FuzzSubject(f *testing.F) {
	f.Add("Пробный", "Проба", "Пробович", "01.01.1990", "500100732259", "112-233-445 95", "", "да")
	f.Add("", "", "", "", "", "", "1027700132195", "")
	f.Add("\x00", "\xff\xfe", strings.Repeat("я", 5000), "1990-13-40", "5e11", "--", "1", "\u2028")
	now := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, surname, first, patronymic, birth, inn, snils, ogrn, consent string) {
		given := Fields{Surname: surname, Name: first, Patronymic: patronymic, BirthDate: birth, INN: inn, SNILS: snils, OGRN: ogrn, Consent: consent}
		s, wrong := validate(given.tidy(), table.UTF8, now)
		if wrong != "" {
			for _, v := range []string{surname, first, inn, snils} {
				if len(v) > 10 && strings.Contains(wrong, v) {
					t.Fatalf("the reason repeats %q: %s", v, wrong)
				}
			}
			return
		}
		if _, err := s.body(); err != nil {
			t.Fatalf("a subject that was taken cannot be sent: %v", err)
		}
		text, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		back, err := decodeSubject(s.number, text)
		if err != nil || !reflect.DeepEqual(back.values(), s.values()) {
			t.Fatalf("%v\n%q\n%q", err, back.values(), s.values())
		}
	})
}

// FuzzWithout holds that what a portal repeats of a subject is not shown, in whatever letters and groups.
func FuzzWithout(f *testing.F) {
	f.Add("INN 5001 0073-2259 of ПРОБНЫЙ Проба")
	f.Add("\xff500100732259")
	f.Add(strings.Repeat("Пробн", 1000))
	s, wrong := validate(Fields{
		Surname: "Пробный", Name: "Проба", Patronymic: "Пробович", BirthDate: "01.01.1990", INN: "500100732259", Consent: "да",
	}, table.UTF8, time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC))
	if wrong != "" {
		f.Fatal(wrong)
	}
	f.Fuzz(func(t *testing.T, said string) {
		if got := strings.ToLower(s.without(said)); strings.Contains(got, "500100732259") || strings.Contains(got, "пробный") || strings.Contains(got, "пробович") {
			t.Fatalf("%q tells %q", said, got)
		}
	})
}

// FuzzRecord has a record of a subject read that is not what was written.
func FuzzRecord(f *testing.F) {
	f.Add([]byte(`{}`))
	f.Add([]byte(`{"state":"sending","mark":"x"}{"a"`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, value []byte) {
		s, err := decodeSubject(7, value)
		if err != nil {
			return
		}
		if s.number != 7 {
			t.Fatalf("the number became %d", s.number)
		}
		_ = s.values()
		_ = s.view(time.UTC, false)
		if !bytes.Contains(value, []byte("{")) && !bytes.Contains(value, []byte("null")) {
			t.Fatalf("%q was read as a subject", value)
		}
	})
}
