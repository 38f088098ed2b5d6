package reestro

import (
	"strings"
	"testing"
	"time"

	"github.com/acs-agent/acs-agent/agent/table"
)

func TestControlDigits(t *testing.T) {
	for _, c := range []struct {
		what  string
		valid func(string) bool
		right []string
		wrong []string
	}{
		{"INN", validINN, []string{"7719283390", "7707083893", "500100732259"}, []string{"1234567890", "7707083894", "500100732258", "500100732269", "0000000000", "770708389", ""}},
		{"OGRN", validOGRN, []string{"1027700132195", "304500116000157"}, []string{"1027700132196", "304500116000158", "0000000000000", "102770013219", ""}},
		{"SNILS", validSNILS, []string{"11223344595", "00100199800", "00100199799"}, []string{"11223344596", "00100199900", "1122334459", ""}},
	} {
		for _, s := range c.right {
			if !c.valid(s) {
				t.Errorf("%s %s is refused", c.what, s)
			}
		}
		for _, s := range c.wrong {
			if c.valid(s) {
				t.Errorf("%s %s is taken", c.what, s)
			}
		}
	}
}

func TestASNILSWhoseSumLeaves100EndsWithZeros(t *testing.T) {
	if !validSNILS("00200899900") || validSNILS("00200899901") {
		t.Error("002-008-999 00 is refused")
	}
}

func TestNumbersAsSpreadsheetsWriteThem(t *testing.T) {
	for text, want := range map[string]string{
		"500100732259": "500100732259", "5001 0073 2259": "500100732259", "'500100732259": "500100732259", `="500100732259"`: "500100732259",
		"500100732259.0": "500100732259", "5,00101E+11": "", "50010073225": "", "5001007322591": "", "000000000000": "", "abc": "", "500100732258": "",
	} {
		got, reason := digits(text, validINN, 12)
		if got != want || (reason == "") != (want != "") {
			t.Errorf("%q is %q (%s), want %q", text, got, reason, want)
		}
	}
	if got, _ := digits("1122334458", func(s string) bool { return s == "01122334458" }, 11); got != "01122334458" {
		t.Errorf("the zero that was eaten is not put back: %q", got)
	}
}

var today = time.Date(2026, 11, 22, 10, 0, 0, 0, almaty)

func TestWhatIsValidatedHereFirst(t *testing.T) {
	with := func(f Fields, change func(*Fields)) Fields {
		change(&f)
		return f
	}
	for name, c := range map[string]struct {
		f    Fields
		want string // a part of the reason; empty: it is right
	}{
		"person":                         {anna, ""},
		"person, only what is required":  {boris, ""},
		"organization":                   {firm, ""},
		"entrepreneur":                   {Fields{OGRN: "304500116000157", INN: "500100732259"}, ""},
		"organization without INN":       {Fields{OGRN: "1027700132195"}, ""},
		"double name":                    {vera, ""},
		"nothing":                        {Fields{}, "neither a person nor an organization"},
		"an INN alone":                   {Fields{INN: "500100732259", Consent: "да"}, "neither"},
		"both":                           {with(anna, func(f *Fields) { f.OGRN = "1027700132195" }), "both"},
		"no surname":                     {with(anna, func(f *Fields) { f.Surname = "" }), "surname is empty"},
		"no name":                        {with(anna, func(f *Fields) { f.Name = "" }), "name is empty"},
		"no birth date":                  {with(anna, func(f *Fields) { f.BirthDate = "" }), "birth_date is empty"},
		"birth date of no day":           {with(anna, func(f *Fields) { f.BirthDate = "30.02.1990" }), "birth_date is no date"},
		"birth date to come":             {with(anna, func(f *Fields) { f.BirthDate = "2026-11-23" }), "future"},
		"born today":                     {with(anna, func(f *Fields) { f.BirthDate = "2026-11-22" }), ""},
		"birth date of a spreadsheet":    {with(anna, func(f *Fields) { f.BirthDate = "01.01.1890" }), "too long ago"},
		"digit in a name":                {with(anna, func(f *Fields) { f.Name = "Анна2" }), "name is no name"},
		"lost letters":                   {with(anna, func(f *Fields) { f.Surname = "Пробн??" }), "surname is no name"},
		"Latin a among Cyrillic letters": {with(anna, func(f *Fields) { f.Name = "Aнна" }), "Latin and Cyrillic"},
		"Latin name":                     {with(anna, func(f *Fields) { f.Name = "Anna" }), ""},
		"INN of an organization":         {with(anna, func(f *Fields) { f.INN = "7707083893" }), "inn has too many or too few"},
		"wrong INN":                      {with(anna, func(f *Fields) { f.INN = "500100732258" }), "inn has a control digit"},
		"wrong SNILS":                    {with(anna, func(f *Fields) { f.SNILS = "112-233-445 96" }), "snils has a control digit"},
		"no consent":                     {with(anna, func(f *Fields) { f.Consent = "" }), "consent is missing"},
		"consent refused":                {with(anna, func(f *Fields) { f.Consent = "нет" }), "consent was not given"},
		"consent of no meaning":          {with(anna, func(f *Fields) { f.Consent = "хм" }), "consent is no mark"},
		"consent to come":                {with(anna, func(f *Fields) { f.Consent = "2027-01-01" }), "consent lies in the future"},
		"wrong OGRN":                     {Fields{OGRN: "1027700132196"}, "ogrn has a control digit"},
		"short OGRN":                     {Fields{OGRN: "10277001321"}, "ogrn has too many or too few"},
		"INN of a person with an OGRN":   {with(firm, func(f *Fields) { f.INN = "500100732259" }), "inn has too many"},
		"INN of a firm with an OGRNIP":   {Fields{OGRN: "304500116000157", INN: "7707083893"}, "inn has too many"},
		"all at once":                    {Fields{Surname: "1", Consent: "нет", INN: "1", SNILS: "2"}, "; "},
	} {
		s, wrong := validate(c.f, table.UTF8, today)
		if (wrong == "") != (c.want == "") || !strings.Contains(wrong, c.want) {
			t.Errorf("%s: %q, want %q", name, wrong, c.want)
		}
		if wrong == "" && (s.Person == nil) == (s.Organization == nil) {
			t.Errorf("%s: it is not exactly one of person and organization", name)
		}
		for _, secret := range texts() {
			if strings.Contains(wrong, secret) {
				t.Errorf("%s: the reason repeats %q", name, secret)
			}
		}
	}
}

func TestTheSamePersonHasTheSameMark(t *testing.T) {
	secret := newSecret()
	of := func(f Fields) mark {
		s, wrong := validate(f.tidy(), table.UTF8, today)
		if wrong != "" {
			t.Fatal(wrong)
		}
		return markOf(secret, s)
	}
	base := Fields{Surname: "Пробов-Проб", Name: "Пётр", BirthDate: "1990-01-05", Consent: "да"}
	for _, same := range []Fields{
		{Surname: "ПРОБОВ ПРОБ", Name: "петр", BirthDate: "05.01.1990", Consent: "+"},
		{Surname: " Пробов‑Проб ", Name: "Пётр\u00a0", BirthDate: "5.1.1990", Consent: "1", INN: "500100732259"},
	} {
		if of(same) != of(base) {
			t.Errorf("%+v has another mark", same)
		}
	}
	for _, other := range []Fields{
		{Surname: "Пробов", Name: "Пётр", BirthDate: "1990-01-05", Consent: "да"},
		{Surname: "Пробов-Проб", Name: "Пётр", BirthDate: "1990-01-06", Consent: "да"},
		{Surname: "Пробов-Проб", Name: "Пётр", Patronymic: "Пробович", BirthDate: "1990-01-05", Consent: "да"},
	} {
		if of(other) == of(base) {
			t.Errorf("%+v has the same mark", other)
		}
	}
	if s, _ := validate(base, table.UTF8, today); markOf(newSecret(), s) == markOf(secret, s) {
		t.Error("the mark does not depend on the secret")
	}
}

func TestNamesakesAreToldApartByTheirNumbers(t *testing.T) {
	s := newSite(t)
	namesake := anna
	namesake.INN = "773370857141"
	if !validINN(namesake.INN) {
		t.Fatal("the number of the test is wrong")
	}
	without := anna
	without.INN, without.SNILS = "", ""
	got := s.add(t, anna, namesake, without, namesake)
	if got[0] != 1 || got[1] == 1 {
		t.Errorf("numbers %v", got)
	}
	if got[2] != 1 {
		t.Errorf("the same name without numbers is subject %d", got[2])
	}
	if got[3] != got[1] {
		t.Errorf("the namesake that came again is subject %d, was %d", got[3], got[1])
	}
}

func FuzzDigits(f *testing.F) {
	for _, s := range []string{"500100732259", "112-233-445 95", "5,00101E+11", `="1"`, "1027700132195", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, c := range []struct {
			valid   func(string) bool
			lengths []int
		}{{validINN, []int{10, 12}}, {validOGRN, []int{13, 15}}, {validSNILS, []int{11}}} {
			got, reason := digits(text, c.valid, c.lengths...)
			if (got == "") == (reason == "") || got != "" && !c.valid(got) {
				t.Errorf("%q is %q (%s)", text, got, reason)
			}
		}
	})
}
