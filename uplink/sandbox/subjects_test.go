package sandbox

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
)

// The answer of the document to a body without a subject, letter by letter but for white space.
const textNoSubject = `{"code":"validation","message":"Failed to validate request","target":"api","errors":[` +
	`{"code":"AbsenceOfRequiredField","message":"person or organization are required","target":"AssessmentApi"}]}`

// In each case the first string of a right body is replaced by the second. What is told are the codes and messages.
func TestSubjects(t *testing.T) {
	const (
		born     = `"birthDate":"1990-01-01"`
		person   = `"person":{"name":"Проба","surname":"Пробный","patronymic":"Пробович","birthDate":"1990-01-01"}`
		external = `"externalId":"a_1"`
		ogrn     = `"1027700132195"`
	)
	for name, c := range map[string]struct {
		base, old, new string
		want           string // "": taken
	}{
		"a person":               {personBase, "", "", ""},
		"an organization":        {legalBase, "", "", ""},
		"without external id":    {personBase, external + ",", "", ""},
		"without patronymic":     {personBase, `"patronymic":"Пробович",`, "", ""},
		"with inn and snils":     {personBase, born, born + `,"inn":"500100732259","snils":"112-233-445 95"`, ""},
		"snils in digits":        {personBase, born, born + `,"snils":"11223344595"`, ""},
		"snils of the first":     {personBase, born, born + `,"snils":"001-001-998 00"`, ""},
		"organization with inn":  {legalBase, ogrn, ogrn + `,"inn":"7707083893"`, ""},
		"external id of 256":     {personBase, `"a_1"`, `"` + strings.Repeat("a", 256) + `"`, ""},
		"born today":             {personBase, "1990-01-01", "2026-01-14", ""},
		"neither":                {personBase, "," + person, "", "AbsenceOfRequiredField person or organization are required"},
		"nothing at all":         {personBase, personBase, "{}", "AbsenceOfRequiredField person or organization are required"},
		"both":                   {legalBase, `"organization"`, person + `,"organization"`, "AbsenceOfRequiredField person or organization are required"},
		"no surname":             {personBase, `"surname":"Пробный",`, "", "AbsenceOfRequiredField person.surname: is missing"},
		"no name":                {personBase, `"name":"Проба",`, "", "AbsenceOfRequiredField person.name: is missing"},
		"no birth date":          {personBase, "," + born, "", "AbsenceOfRequiredField person.birthDate: is missing"},
		"birth date as answered": {personBase, "birthDate", "dateBirth", "AbsenceOfRequiredField person.birthDate: is missing; WrongFieldValue person.dateBirth: is not in the document"},
		"no ogrn":                {legalBase, `"ogrn":` + ogrn, "", "AbsenceOfRequiredField organization.ogrn: is missing"},
		"external id of a guid":  {personBase, `"a_1"`, `"7720902d-b025-4d9b-92a1-288a61e09b9d"`, `WrongFieldValue externalId should match ^\w{1,256}$`},
		"external id empty":      {personBase, `"a_1"`, `""`, `WrongFieldValue externalId should match ^\w{1,256}$`},
		"external id of 257":     {personBase, `"a_1"`, `"` + strings.Repeat("a", 257) + `"`, `WrongFieldValue externalId should match ^\w{1,256}$`},
		"external id, Cyrillic":  {personBase, `"a_1"`, `"а_1"`, `WrongFieldValue externalId should match ^\w{1,256}$`},
		"external id, line feed": {personBase, `"a_1"`, `"a_1\n"`, `WrongFieldValue externalId should match ^\w{1,256}$`},
		"external id a number":   {personBase, `"a_1"`, `1`, `WrongFieldValue externalId: is not a string`},
		"surname blank":          {personBase, `"Пробный"`, `" "`, "WrongFieldValue person.surname: should not be empty"},
		"surname null":           {personBase, `"Пробный"`, `null`, "WrongFieldValue person.surname: is not a string"},
		"birth date, local form": {personBase, "1990-01-01", "01.01.1990", "WrongFieldValue person.birthDate: should be YYYY-MM-DD"},
		"birth date, no day":     {personBase, "1990-01-01", "1990-02-30", "WrongFieldValue person.birthDate: should be YYYY-MM-DD"},
		"birth date, long ago":   {personBase, "1990-01-01", "1899-12-31", "WrongFieldValue person.birthDate: should be between 1900 and today"},
		"birth date to come":     {personBase, "1990-01-01", "2026-01-15", "WrongFieldValue person.birthDate: should be between 1900 and today"},
		"a person as a text":     {personBase, person, `"person":"Пробный"`, "WrongFieldValue person: is not an object"},
		"inn of an organization": {personBase, born, born + `,"inn":"7707083893"`, "WrongInn person.inn: is not 12 digits with the right control digits"},
		"inn with a slip":        {personBase, born, born + `,"inn":"500100732258"`, "WrongInn person.inn: is not 12 digits with the right control digits"},
		"inn, first digit wrong": {personBase, born, born + `,"inn":"500100732359"`, "WrongInn person.inn: is not 12 digits with the right control digits"},
		"snils with a slip":      {personBase, born, born + `,"snils":"112-233-445 96"`, "WrongSnils person.snils: has a wrong control number"},
		"snils of letters":       {personBase, born, born + `,"snils":"112-233-445 9x"`, "WrongFieldValue person.snils: should be snils"},
		"ogrn of 12":             {legalBase, ogrn, `"102770013219"`, "WrongFieldValue organization.ogrn: should be 13 digits"},
		"ogrn of a person":       {legalBase, ogrn, `"304500116000157"`, "WrongFieldValue organization.ogrn: should be 13 digits"},
		"ogrn with a slip":       {legalBase, ogrn, `"1027700132196"`, "WrongOrganization organization.ogrn: is not the number of any organization"},
		"ogrn of nobody":         {legalBase, ogrn, `"1027700000008"`, "WrongOrganization organization.ogrn: is not the number of any organization"},
		"ogrn of a dissolved":    {legalBase, ogrn, `"1027739000002"`, "DissolvedOrganization organization.ogrn: is the number of a dissolved organization"},
		"organization, inn":      {legalBase, ogrn, ogrn + `,"inn":"1234567890"`, "WrongInn organization.inn: is not 10 digits with the right control digit"},
		"unknown member":         {personBase, external, external + `,"consent":true`, "WrongFieldValue consent: is not in the document"},
		"unknown, of the person": {personBase, born, born + `,"phone":"+7"`, "WrongFieldValue person.phone: is not in the document"},
		"member twice":           {personBase, external, external + "," + external, "WrongFieldValue externalId: stands there twice"},
		"no JSON":                {personBase, personBase, "name=Проба", "WrongFieldValue body: is not a value of JSON"},
		"two mistakes": {
			personBase, born, `"birthDate":"x","inn":"1"`,
			"WrongFieldValue person.birthDate: should be YYYY-MM-DD; WrongInn person.inn: is not 12 digits with the right control digits",
		},
	} {
		t.Run(name, func(t *testing.T) {
			body := strings.Replace(c.base, c.old, c.new, 1)
			if body == c.base && c.old != "" {
				t.Fatal("the case changes nothing")
			}
			var log bytes.Buffer
			options := rehearsal()
			options.Log, options.Now = slog.New(slog.NewTextHandler(&log, nil)), fixedNow
			p := New(options)
			resp := ask(p, call(t, "POST", "http://localhost"+SubjectsPath, body, authorization))
			got := read(t, resp)
			if media := resp.Header.Get("Content-Type"); media != "Application/json" {
				t.Errorf("Content-Type %q", media)
			}
			if c.want == "" {
				if kept := p.Subjects(); resp.StatusCode != 201 || len(kept) != 1 || got != encodeJSON(kept[0]) {
					t.Errorf("answer %d %s, kept %v", resp.StatusCode, got, kept)
				}
				return
			}
			if told := reestroTold(t, got); resp.StatusCode != 400 || told != c.want || len(p.Subjects()) != 0 {
				t.Errorf("answer %d %s, want %s, kept %d", resp.StatusCode, told, c.want, len(p.Subjects()))
			}
			for _, personal := range []string{"Проб", "1990", "500100732"} {
				if strings.Contains(log.String(), personal) || strings.Contains(got, personal) {
					t.Errorf("%s is told: %s %s", personal, got, &log)
				}
			}
		})
	}
}

// reestroTold reads the document's model of errors.
func reestroTold(t *testing.T, body string) string {
	t.Helper()
	type failure struct{ Code, Message, Target string }
	var answer struct {
		failure
		Errors []failure
	}
	decoder := json.NewDecoder(strings.NewReader(body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&answer); err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	if answer.failure != (failure{"validation", "Failed to validate request", "api"}) {
		t.Errorf("%s", body)
	}
	var told []string
	for _, e := range answer.Errors {
		told = append(told, e.Code+" "+e.Message)
		if e.Target != "AssessmentApi" {
			t.Errorf("target %q", e.Target)
		}
	}
	return strings.Join(told, "; ")
}

func TestSubjectsAnswerOfTheDocument(t *testing.T) {
	p := New(rehearsal())
	if got := read(t, ask(p, call(t, "POST", "http://localhost"+SubjectsPath, `{}`, authorization))); got != textNoSubject {
		t.Error(got)
	}
}

// Nothing that was refused takes an external id; what was registered keeps it for ever.
func TestExternalIDsAreUnique(t *testing.T) {
	p := New(rehearsal())
	send := func(body string) (int, string) {
		resp := ask(p, call(t, "POST", "http://localhost"+SubjectsPath, body, authorization))
		return resp.StatusCode, read(t, resp)
	}
	if status, body := send(strings.Replace(personBase, "1990-01-01", "1990", 1)); status != 400 {
		t.Errorf("%d %s", status, body)
	}
	if status, body := send(personBase); status != 201 {
		t.Errorf("%d %s", status, body)
	}
	for _, again := range []string{personBase, strings.Replace(legalBase, "a_2", "a_1", 1)} {
		status, body := send(again)
		if told := reestroTold(t, body); status != 400 || told != "DuplicatedExternalId externalId should be unique" {
			t.Errorf("%d %s", status, body)
		}
	}
	if status, _ := send(strings.Replace(personBase, "a_1", "A_1", 1)); status != 201 {
		t.Errorf("in other letters: %d", status)
	}
	without := strings.Replace(personBase, `"externalId":"a_1",`, "", 1)
	for range 2 {
		if status, body := send(without); status != 201 || strings.Contains(body, "externalId") {
			t.Errorf("without: %d %s", status, body)
		}
	}
	if kept := p.Subjects(); len(kept) != 4 || kept[2].ID == kept[3].ID {
		t.Errorf("%+v", kept)
	}
}

// Both portals of the document check the header in the same way, before anything else is looked at, and say nothing about it.
func TestReestroAuthorization(t *testing.T) {
	const key, org = "ReestroAuth apiKey=" + reestroKey, "&portal.orgid=" + reestroOrg
	other := "5a0e3c1d-0000-4000-8000-000000000003"
	for name, c := range map[string]struct {
		header []string
		status int // 0: let through
	}{
		"right":             {[]string{key + org}, 0},
		"guid in capitals":  {[]string{"ReestroAuth apiKey=" + strings.ToUpper(reestroKey) + org}, 0},
		"missing":           {nil, 401},
		"empty":             {[]string{""}, 401},
		"twice":             {[]string{key + org, key + org}, 401},
		"other key":         {[]string{"ReestroAuth apiKey=" + other + org}, 401},
		"other org":         {[]string{key + "&portal.orgid=" + other}, 403},
		"no org":            {[]string{key}, 401},
		"org in other case": {[]string{key + "&portal.orgId=" + reestroOrg}, 401},
		"other order":       {[]string{"ReestroAuth portal.orgid=" + reestroOrg + "&apiKey=" + reestroKey}, 401},
		"other scheme":      {[]string{"Bearer apiKey=" + reestroKey + org}, 401},
		"scheme in small":   {[]string{"reestroauth apiKey=" + reestroKey + org}, 401},
		"escaped":           {[]string{key + "%26portal.orgid=" + reestroOrg}, 401},
		"more behind":       {[]string{key + org + "&x=1"}, 403},
	} {
		t.Run(name, func(t *testing.T) {
			p := New(rehearsal())
			for _, req := range []*http.Request{
				call(t, "POST", "http://localhost"+SubjectsPath, personBase),
				call(t, "GET", "http://localhost"+ChecksPath, ""),
			} {
				if c.header != nil {
					req.Header["Authorization"] = c.header
				}
				resp := ask(p, req)
				body, err := io.ReadAll(resp.Body)
				if err != nil {
					t.Fatal(err)
				}
				if c.status == 0 {
					if resp.StatusCode > 299 {
						t.Errorf("%s: status %d", req.Method, resp.StatusCode)
					}
					continue
				}
				if resp.StatusCode != c.status || len(body) > 0 || len(resp.Header["Content-Type"]) > 0 {
					t.Errorf("%s: answer %d %v %s", req.Method, resp.StatusCode, resp.Header, body)
				}
			}
			if (len(p.Subjects()) == 1) != (c.status == 0) {
				t.Errorf("kept %d", len(p.Subjects()))
			}
		})
	}
	if resp := ask(New(Options{}), call(t, "GET", "http://localhost"+ChecksPath, "", "Authorization: ReestroAuth apiKey=&portal.orgid=")); resp.StatusCode != 401 {
		t.Errorf("without a key: %d", resp.StatusCode)
	}
}

func TestSubjectsHeader(t *testing.T) {
	for name, c := range map[string]struct {
		method, path, header string
		status               int
		body                 bool
	}{
		"charset":         {"POST", SubjectsPath, "Content-Type: application/json; charset=utf-8", 415, false},
		"as it answers":   {"POST", SubjectsPath, "Content-Type: Application/json", 415, false},
		"no type":         {"POST", SubjectsPath, "Content-Type: ", 415, false},
		"text":            {"POST", SubjectsPath, "Content-Type: text/json", 415, false},
		"GET":             {"GET", SubjectsPath, "", 405, true},
		"slash behind":    {"POST", SubjectsPath + "/", "", 404, true},
		"later version":   {"POST", "/realty/assessment/v2.1/subjects", "", 404, true},
		"later parameter": {"POST", SubjectsPath + "?resolveInn=true", "", 404, true},
	} {
		t.Run(name, func(t *testing.T) {
			p := New(rehearsal())
			header := []string{authorization}
			if c.header != "" {
				header = append(header, c.header)
			}
			resp := ask(p, call(t, c.method, "http://localhost"+c.path, personBase, header...))
			if body := read(t, resp); resp.StatusCode != c.status || (body != "") != c.body {
				t.Errorf("answer %d %q", resp.StatusCode, body)
			}
		})
	}
}

func TestRussianNumbers(t *testing.T) {
	for number, right := range map[string]bool{
		"7719283390": true, "7707083893": true, "500100732259": true, "1234567890": false, "771928339": false, "77192833900": false, "771928339x": false, "": false,
	} {
		if got := validINN(number, 10) || validINN(number, 12); got != right {
			t.Errorf("INN %s: %v", number, got)
		}
	}
	for number, right := range map[string]bool{"1027700132195": true, "1027700132194": false, "102770013219": false, "10277001321950": false, "102770013219x": false} {
		if got := validOGRN(number); got != right {
			t.Errorf("OGRN %s: %v", number, got)
		}
	}
	for number, right := range map[string]bool{"112-233-445 95": true, "11223344595": true, "11223344596": false, "00100199800": true, "1122334459": false} {
		if got := validSNILS(number); got != right {
			t.Errorf("SNILS %s: %v", number, got)
		}
	}
}
