package callback

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/acs-agent/acs-agent/agent/event"
)

func TestDateInAllItsReadings(t *testing.T) {
	for raw, want := range map[string][]string{
		"2022-29-12":           {"2022-12-29"}, // the document's example: year, day, month
		"2022-12-29":           {"2022-12-29"}, // only year, month, day is possible
		"2022-05-12":           {"2022-12-05", "2022-05-12"},
		"2022-05-05":           {"2022-05-05"},
		"2022-31-04":           nil,
		"2023-29-02":           nil,
		"2024-29-02":           {"2024-02-29"},
		"2022-00-10":           nil,
		" 2022-29-12\u00A0":    {"2022-12-29"},
		"2022-29-12T10:00:00Z": {"2022-12-29"},
		"2022-29-12 10:00":     {"2022-12-29"},
		"29.12.2022":           nil,
		"":                     nil,
		"yesterday":            nil,
		"22-29-12":             nil,
	} {
		var got []string
		for _, day := range readDate(raw) {
			got = append(got, day.Format(time.DateOnly))
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", raw, got, want)
		}
	}
}

func TestApplicationsAreTakenAsTheyCome(t *testing.T) {
	for raw, want := range map[string]application{
		`{"applicationId":"111","dateCreation":"2022-29-12","surname":"Пробный","firstname":"Проба","patronymic":"Пробович",
		  "organizationName":"ООО Проба","opf":" legalEntity","inn":"7719283390","phone":"+7 (999) 999-99-99"}`: {
			ID: "111", Created: "2022-29-12", Surname: "Пробный", Firstname: "Проба", Patronymic: "Пробович",
			Organization: "ООО Проба", OPF: " legalEntity", INN: "7719283390", Phone: "+7 (999) 999-99-99",
		},
		`{"applicationId":111}`:                        {ID: "111"},
		`{"applicationId":12345678901234567890123}`:    {ID: "12345678901234567890123"},
		`{"applicationId":"0111","inn":null}`:          {ID: "0111"},
		`{"applicationId":"1","inn":7719283390}`:       {ID: "1", INN: "7719283390"},
		`{"applicationId":"1","phone":{"home":"1"}}`:   {ID: "1", Phone: `{"home":"1"}`},
		`{"applicationId":"1","surname":"a\u0000b\n"}`: {ID: "1", Surname: "ab\n"},
		`{"surname":"Пробный"}`:                        {Surname: "Пробный", Raw: `{"surname":"Пробный"}`},
		`{"applicationId":" "}`:                        {Raw: `{"applicationId":" "}`},
		`{"applicationId":null}`:                       {Raw: `{"applicationId":null}`},
		`"no object"`:                                  {Raw: `"no object"`},
		`7`:                                            {Raw: `7`},
	} {
		if got := readApplication(json.RawMessage(raw)); got != want {
			t.Errorf("%s:\n got %+v\nwant %+v", raw, got, want)
		}
	}
}

func TestLegalForms(t *testing.T) {
	for raw, want := range map[string]string{
		" legalEntity": "legalEntity", "\u00A0person\t": "person", "selfEmployed": "selfEmployed", "entrepreneur ": "entrepreneur",
	} {
		if got, known := (&application{OPF: raw}).opf(); got != want || !known {
			t.Errorf("%q: %q, %v", raw, got, known)
		}
	}
	for _, raw := range []string{" farm ", "", "LegalEntity"} {
		if got, known := (&application{OPF: raw}).opf(); got != raw || known {
			t.Errorf("%q: %q, %v", raw, got, known)
		}
	}
}

func TestPhonesAreNormalisedForDisplay(t *testing.T) {
	for raw, want := range map[string]string{
		"+7 (999) 999-99-99": "+79999999999", "8 999 999 99 99": "+79999999999", "79999999999": "+79999999999", "9999999999": "+79999999999",
		"+996 555 12-34-56": "+996 555 12-34-56", "+8 999 999 99 99": "+8 999 999 99 99", "99-99": "99-99", "": "",
		"8 999 999 99 99 доб. 1": "8 999 999 99 99 доб. 1", "call me": "call me",
	} {
		if got := (&application{Phone: raw}).phone(); got != want {
			t.Errorf("%q: %q", raw, got)
		}
	}
}

func TestClip(t *testing.T) {
	for _, s := range []string{strings.Repeat("я", 1000), strings.Repeat("\xffa", 1000), strings.Repeat("😀", 300), "a" + strings.Repeat("я", 400)} {
		if got := clip(s, maxField); len(got) > maxField || len(got) < maxField-8 || !utf8.ValidString(got) || !strings.HasSuffix(got, "…") {
			t.Errorf("%.8q…: %d bytes, %q", s, len(got), got[len(got)-8:])
		}
	}
}

// Whatever comes, its record fits into the store, with all the statuses that it can ever have.
func FuzzApplication(f *testing.F) {
	f.Add([]byte(`{"applicationId":"111","surname":"\"\\\u2028<"}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if !json.Valid(raw) {
			return
		}
		a := readApplication(raw)
		if a.ID == "" && a.Raw == "" || a.ID != "" && a.problem() != "" {
			t.Fatalf("%s: %+v", raw, a)
		}
		_ = a.phone()
		readDate(a.Created)
		if text, err := encode(request{Application: a}); err != nil || len(text) > event.MaxChangeBytes/3 {
			t.Fatalf("%d bytes, %v", len(text), err)
		}
	})
}

func TestTheLargestRecordFitsIntoTheStore(t *testing.T) {
	worst := strings.Repeat("\u2028", 10_000)
	a := readApplication(mustEncode(t, map[string]string{
		"applicationId": strings.Repeat("\"", maxField), "dateCreation": worst, "surname": worst, "firstname": worst, "patronymic": worst,
		"organizationName": worst, "opf": worst, "inn": worst, "phone": worst,
	}))
	if a.ID == "" {
		t.Fatal("the id is not taken")
	}
	r := request{Application: a}
	for range maxStatuses {
		r.Statuses = append(r.Statuses, status{
			Number: 1 << 40, Code: rejected, Comment: strings.Repeat("\"", maxCommentBytes), At: time.Now(), DoneAt: time.Now(), Outcome: refused,
			Reason: strings.Repeat("😀", 200) + strings.Repeat("x", 100), Lost: true,
		})
	}
	if text := mustEncode(t, r); len(text) > event.MaxChangeBytes-2000 {
		t.Errorf("%d bytes", len(text))
	}
}

func mustEncode(t testing.TB, v any) []byte {
	t.Helper()
	text, err := encode(v)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
