package sandbox

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"testing"
)

const (
	reestroKey = "5a0e3c1d-0000-4000-8000-000000000001"
	reestroOrg = "5a0e3c1d-0000-4000-8000-000000000002"
	exampleID  = "3f813a2f-958b-499b-90c7-a038d98955c0"
	clerk      = "integration@example"
	password   = "rehearsal"
)

func rehearsal() Options {
	return Options{
		Key:      testKey,
		Reestro:  ReestroOptions{Key: reestroKey, Org: reestroOrg, Dissolved: []string{"1027739000002"}, Unknown: []string{"1027700000008"}},
		Callback: CallbackOptions{Login: clerk, Password: password},
	}
}

// call makes a request to a portal: header lines are "Name: value".
func call(t *testing.T, method, url, body string, header ...string) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/json")
	}
	for _, line := range header {
		name, value, _ := strings.Cut(line, ": ")
		req.Header.Set(name, value)
		if value == "" {
			req.Header.Del(name)
		}
	}
	return req
}

const authorization = "Authorization: ReestroAuth apiKey=" + reestroKey + "&portal.orgid=" + reestroOrg

const examBase = `{"examinationAreaId":17,"periodStartDate":"2026-11-16","periodEndDate":"2026-11-22","noExamInSelectedPeriod":false,` +
	`"examinationAreaDoesNotWork":false,"patentNearestStartDate":"2026-12-05","noPatentExamType":false,` +
	`"noTemporaryResidenceExamType":true,"residencePermitNearestStartDate":"2026-12-19","noResidencePermitExamType":false,` +
	`"requests":[{"identityDocumentNumber":"88951e982ae66939bd9854ee8bf4a664736d7d2c520f79400871c95eafbd79a9",` +
	`"examDate":"2026-11-18","migrationExamType":1,"migrationExamStatus":2}]}`

const (
	personBase = `{"externalId":"a_1","person":{"name":"Проба","surname":"Пробный","patronymic":"Пробович","birthDate":"1990-01-01"}}`
	legalBase  = `{"externalId":"a_2","organization":{"ogrn":"1027700132195"}}`
)

// One of everything, as the documents tell it.
func TestHappyPaths(t *testing.T) {
	p := New(rehearsal())
	check, err := p.AddCheck(Check{SubjectID: exampleID, Regions: []string{"01", "77"}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.AddApplication(Application{ID: "111", Surname: "Пробный", Firstname: "Проба", Phone: "+7 (999) 999-99-99"}); err != nil {
		t.Fatal(err)
	}
	step := func(req *http.Request, status int, media, body string) string {
		t.Helper()
		resp := ask(p, req)
		got := read(t, resp)
		if resp.StatusCode != status || resp.Header.Get("Content-Type") != media || !regexp.MustCompile("^(?:"+body+")$").MatchString(got) {
			t.Errorf("answer %d %s %s: %+v", resp.StatusCode, resp.Header.Get("Content-Type"), got, p.Requests()[len(p.Requests())-1])
		}
		return got
	}
	const host, guid = "http://localhost", `[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`
	step(call(t, "POST", host+ExamPath, examBase), 200, mediaASP, `{"reportId":1}`)
	step(call(t, "POST", host+SubjectsPath, personBase, authorization), 201, "Application/json",
		`{"subjectId":"`+guid+`","externalId":"a_1","person":{"name":"Проба","surname":"Пробный","patronymic":"Пробович","dateBirth":"1990-01-01"}}`)
	step(call(t, "POST", host+SubjectsPath, legalBase, authorization), 201, "Application/json",
		`{"subjectId":"`+guid+`","externalId":"a_2","organization":{"ogrn":"1027700132195"}}`)
	step(call(t, "GET", host+ChecksPath, "", authorization), 200, "Application/json",
		`{"items":\[{"checkId":"`+check.ID+`","checkState":"Processing","checkType":"Fssp","creationDate":"[-0-9T:]*\.\d{6}Z",`+
			`"fssp":{"regions":\["01","77"\],"subjectId":"`+exampleID+`"}}\],"lastCheckId":"`+check.ID+`"}`)
	got := step(call(t, "POST", host+"/api/auth", `{"login":"`+clerk+`","password":"`+password+`"}`), 200, mediaJSON,
		`{"data":{"token":"[^.]+\.[^.]+\.[^.]+"},"statusCode":200}`)
	var login struct{ Data struct{ Token string } }
	if err := json.Unmarshal([]byte(got), &login); err != nil {
		t.Fatal(err)
	}
	token := "x-auth-jwt-token: " + login.Data.Token
	got = step(call(t, "GET", host+"/api//?limit=10", "", token), 200, mediaJSON, `{"statusCode":200,"commit":"[0-9a-f]+","applications":\[`+
		`{"applicationId":"111","dateCreation":"\d{4}-\d\d-\d\d","firstname":"Проба","opf":" person","phone":"\+7 \(999\) 999-99-99","surname":"Пробный"}\]}`)
	var list struct{ Commit string }
	if err := json.Unmarshal([]byte(got), &list); err != nil {
		t.Fatal(err)
	}
	step(call(t, "GET", host+"/api/v1/commit/"+list.Commit+"/", "", token), 200, mediaJSON, `{"statusCode":200}`)
	step(call(t, "GET", host+"/api//?limit=10", "", token), 200, mediaJSON, `{"statusCode":200,"applications":\[\]}`)
	step(call(t, "POST", host+"/api/status", `{"applicationId":"111","status":"registered"}`, token), 200, mediaJSON, `{"statusCode":200}`)

	if r := p.Reports(); len(r) != 1 || r[0].ID != 1 || len(r[0].Versions) != 1 || r[0].Versions[0].Report.AreaID != 17 {
		t.Errorf("reports %+v", r)
	}
	if s := p.Subjects(); len(s) != 2 || s[0].Person.BirthDate != "1990-01-01" || s[1].Organization.OGRN != "1027700132195" {
		t.Errorf("subjects %+v", s)
	}
	if c := p.Committed(); len(c) != 1 || c[0] != "111" {
		t.Errorf("committed %v", c)
	}
	if a := p.Applications(); len(a) != 1 || len(a[0].Statuses) != 1 || a[0].Statuses[0].Status != "registered" || a[0].Offered != 1 {
		t.Errorf("applications %+v", a)
	}
}
