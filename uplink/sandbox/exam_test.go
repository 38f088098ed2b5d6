package sandbox

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

const examHash = "88951e982ae66939bd9854ee8bf4a664736d7d2c520f79400871c95eafbd79a9"

// closed, quiet and replacing are further right reports: of an area that does not work, of a week without exams.
const (
	closed = `{"examinationAreaId":17,"periodStartDate":"2025-12-29","periodEndDate":"2026-01-04","noExamInSelectedPeriod":true,"examinationAreaDoesNotWork":true}`
	quiet  = `{"examinationAreaId":17,"periodStartDate":"2025-05-26","periodEndDate":"2025-06-01","noExamInSelectedPeriod":true,` +
		`"examinationAreaDoesNotWork":false,"noPatentExamType":true,"noTemporaryResidenceExamType":true,"noResidencePermitExamType":true}`
	replacing = `{"reportId":1,` + quietRest
	quietRest = `"examinationAreaId":17,"periodStartDate":"2025-05-26","periodEndDate":"2025-06-01","noExamInSelectedPeriod":true,` +
		`"examinationAreaDoesNotWork":false,"noPatentExamType":true,"noTemporaryResidenceExamType":true,"noResidencePermitExamType":true}`
)

const (
	patentDate    = `"patentNearestStartDate":"2026-12-05",`
	temporaryNone = `"noTemporaryResidenceExamType":true,`
	temporary     = `"temporaryResidenceNearestStartDate":"2026-12-07",`
	permitDate    = `"residencePermitNearestStartDate":"2026-12-19",`
	oneRequest    = `{"identityDocumentNumber":"` + examHash + `","examDate":"2026-11-18","migrationExamType":1,"migrationExamStatus":2}`
	emptyField    = "Поле обязательно для заполнения"
)

// In each case the first string of a right report is replaced by the second. The answer is right, or it is a model that is not
// complete ("Name: text" for a member of errors), or a value that is wrong ("text" for error).
func TestExamReports(t *testing.T) {
	must := func(name string) string { return name + ": " + emptyField }
	bad := func(name string) string { return "Некорректное значение поля " + name }
	unwanted := func(name string) string { return "Поле " + name + " не должно передаваться" }
	shape := func(name, what string) string {
		return name + ": The JSON value could not be converted: it " + what + "."
	}
	for name, c := range map[string]struct {
		base, old, new string
		want           string // "": taken
	}{
		"as it is":                     {examBase, "", "", ""},
		"members in another order":     {examBase, `{"examinationAreaId":17,`, `{"comment":"к \"отчету\"","examinationAreaId":17,`, ""},
		"area closed, no exams":        {closed, "", "", ""},
		"area closed, exams of before": {closed, `"noExamInSelectedPeriod":true`, `"noExamInSelectedPeriod":false,"requests":[` + strings.ReplaceAll(oneRequest, "2026-11-18", "2025-12-31") + `]`, ""},
		"no exams, none to come":       {quiet, "", "", ""},
		"exam on Monday":               {examBase, "2026-11-18", "2026-11-16", ""},
		"exam on Sunday":               {examBase, "2026-11-18", "2026-11-22", ""},
		"hash in capitals":             {examBase, examHash, strings.ToUpper(examHash), ""},
		"several requests":             {examBase, oneRequest, oneRequest + "," + strings.Replace(oneRequest, `Type":1`, `Type":3`, 1), ""},
		"the same twice":               {examBase, oneRequest, oneRequest + "," + oneRequest, ""},
		"nearest on the first day":     {examBase, "2026-12-05", "2026-11-16", ""},
		"comment empty":                {examBase, `{"examinationAreaId"`, `{"comment":"","examinationAreaId"`, ""},

		"no area":                  {examBase, `"examinationAreaId":17,`, "", must("ExaminationAreaId")},
		"no start":                 {examBase, `"periodStartDate":"2026-11-16",`, "", must("PeriodStartDate")},
		"no end":                   {examBase, `"periodEndDate":"2026-11-22",`, "", must("PeriodEndDate")},
		"no flag of exams":         {examBase, `"noExamInSelectedPeriod":false,`, "", must("NoExamInSelectedPeriod")},
		"no flag of the area":      {examBase, `"examinationAreaDoesNotWork":false,`, "", must("ExaminationAreaDoesNotWork")},
		"no flag of patents":       {examBase, `"noPatentExamType":false,`, "", must("NoPatentExamType")},
		"no flag of temporary":     {examBase, temporaryNone, "", must("NoTemporaryResidenceExamType")},
		"no flag of permits":       {examBase, `"noResidencePermitExamType":false,`, "", must("NoResidencePermitExamType")},
		"no date of patents":       {examBase, patentDate, "", must("PatentNearestStartDate")},
		"no date of temporary":     {examBase, temporaryNone, `"noTemporaryResidenceExamType":false,`, must("TemporaryResidenceNearestStartDate")},
		"no date of permits":       {examBase, permitDate, "", must("ResidencePermitNearestStartDate")},
		"no document":              {examBase, `"identityDocumentNumber":"` + examHash + `",`, "", must("Requests[0].IdentityDocumentNumber")},
		"no date of the exam":      {examBase, `"examDate":"2026-11-18",`, "", must("Requests[0].ExamDate")},
		"no type":                  {examBase, `"migrationExamType":1,`, "", must("Requests[0].MigrationExamType")},
		"no status":                {examBase, `,"migrationExamStatus":2`, "", must("Requests[0].MigrationExamStatus")},
		"no status, second person": {examBase, oneRequest, oneRequest + "," + strings.Replace(oneRequest, `,"migrationExamStatus":2`, "", 1), must("Requests[1].MigrationExamStatus")},
		"missing goes before wrong": {
			examBase, `"examinationAreaId":17,"periodStartDate":"2026-11-16",`, `"periodStartDate":"2026-11-17",`, must("ExaminationAreaId"),
		},

		"flag as a text":        {examBase, `"noExamInSelectedPeriod":false`, `"noExamInSelectedPeriod":"false"`, shape("$.noExamInSelectedPeriod", "is not true or false")},
		"flag as in Python":     {examBase, `"noExamInSelectedPeriod":false`, `"noExamInSelectedPeriod":False`, shape("$.noExamInSelectedPeriod", "is not a value of JSON")},
		"flag as a number":      {examBase, `"noExamInSelectedPeriod":false`, `"noExamInSelectedPeriod":0`, shape("$.noExamInSelectedPeriod", "is not true or false")},
		"flag null":             {examBase, `"noPatentExamType":false`, `"noPatentExamType":null`, shape("$.noPatentExamType", "is not true or false")},
		"area as a text":        {examBase, `:17,`, `:"17",`, shape("$.examinationAreaId", "is not a whole number")},
		"area with a fraction":  {examBase, `:17,`, `:17.0,`, shape("$.examinationAreaId", "is not a whole number")},
		"area too large":        {examBase, `:17,`, `:9223372036854775808,`, shape("$.examinationAreaId", "is not a whole number")},
		"type as a text":        {examBase, `Type":1,`, `Type":"1",`, shape("$.requests[0].migrationExamType", "is not a whole number")},
		"date as a number":      {examBase, `"2026-11-16"`, `20261116`, shape("$.periodStartDate", "is not a string")},
		"hidden date null":      {examBase, temporaryNone, temporaryNone + `"temporaryResidenceNearestStartDate":null,`, shape("$.temporaryResidenceNearestStartDate", "is not a string")},
		"requests an object":    {examBase, `[` + oneRequest + `]`, oneRequest, shape("$.requests", "is not an array")},
		"requests null":         {examBase, `[` + oneRequest + `]`, "null", shape("$.requests", "is not an array")},
		"a request of text":     {examBase, oneRequest, `"x"`, shape("$.requests[0]", "is not an object")},
		"report as a text":      {examBase, `{"exam`, `{"reportId":"1","exam`, shape("$.reportId", "is not a whole number")},
		"comment null":          {examBase, `{"exam`, `{"comment":null,"exam`, shape("$.comment", "is not a string")},
		"unknown member":        {examBase, `{"exam`, `{"remark":"x","exam`, shape("$.remark", "is not in the document")},
		"unknown, in a request": {examBase, `"examDate"`, `"fio":"Пробный","examDate"`, shape("$.requests[0].fio", "is not in the document")},
		"a name for a member":   {examBase, `{"exam`, `{"Пробный Проба":"x","exam`, shape("$.(a member)", "is not in the document")},
		"PascalCase":            {examBase, "noExamInSelectedPeriod", "NoExamInSelectedPeriod", shape("$.NoExamInSelectedPeriod", "is not in the document")},
		"member twice":          {examBase, `{"exam`, `{"examinationAreaId":17,"exam`, shape("$.examinationAreaId", "stands there twice")},
		"comma behind the last": {examBase, `}]}`, `},]}`, shape("$.requests[1]", "is not a value of JSON")},
		"no JSON":               {examBase, `{"exam`, `<"exam`, shape("$", "is not a value of JSON")},
		"an array":              {examBase, examBase, `[` + examBase + `]`, shape("$", "is not an object")},
		"two documents":         {examBase, examBase, examBase + examBase, shape("$", "something follows the JSON")},
		"nothing":               {examBase, examBase, ``, shape("$", "the JSON ends too early")},
		"not UTF-8":             {examBase, examHash, "\xca\xee\xf0", shape("$.requests[0].identityDocumentNumber", "is not UTF-8")},
		"too deep":              {examBase, examBase, strings.Repeat("[", 20), shape("$"+strings.Repeat("[0]", 9), "values lie too deep in each other")},
		"example of the manual": {examBase, examHash, "blablabla", bad("requests[0].identityDocumentNumber")},
		"hash of nothing":       {examBase, examHash, emptyHash, bad("requests[0].identityDocumentNumber")},
		"hash cut off":          {examBase, examHash, examHash[1:], bad("requests[0].identityDocumentNumber")},
		"document itself":       {examBase, examHash, "AA1234567", bad("requests[0].identityDocumentNumber")},
		"area 0":                {examBase, `:17,`, `:0,`, bad("examinationAreaId")},
		"report 0":              {examBase, `{"exam`, `{"reportId":0,"exam`, bad("reportId")},
		"from Tuesday":          {examBase, `"2026-11-16"`, `"2026-11-17"`, bad("periodStartDate")},
		"to Saturday":           {examBase, `"2026-11-22"`, `"2026-11-21"`, bad("periodEndDate")},
		"two weeks":             {examBase, `"2026-11-22"`, `"2026-11-29"`, bad("periodEndDate")},
		"the week before":       {examBase, `"2026-11-22"`, `"2026-11-15"`, bad("periodEndDate")},
		"other date form":       {examBase, `"2026-11-16"`, `"16.11.2026"`, bad("periodStartDate")},
		"with a time":           {examBase, `"2026-11-16"`, `"2026-11-16T00:00:00"`, bad("periodStartDate")},
		"no such day":           {examBase, `"2026-11-22"`, `"2026-11-31"`, bad("periodEndDate")},
		"date empty":            {examBase, `"2026-12-05"`, `""`, bad("patentNearestStartDate")},
		"nearest in the past":   {examBase, "2026-12-05", "2026-11-15", bad("patentNearestStartDate")},
		"exam the day before":   {examBase, "2026-11-18", "2026-11-15", bad("requests[0].examDate")},
		"exam the day after":    {examBase, "2026-11-18", "2026-11-23", bad("requests[0].examDate")},
		"exam of no day":        {examBase, "2026-11-18", "2026-11-8", bad("requests[0].examDate")},
		"type 0":                {examBase, `Type":1,`, `Type":0,`, bad("requests[0].migrationExamType")},
		"type 4":                {examBase, `Type":1,`, `Type":4,`, bad("requests[0].migrationExamType")},
		"status 3":              {examBase, `Status":2`, `Status":3`, bad("requests[0].migrationExamStatus")},

		"no requests":             {examBase, `,"requests":[` + oneRequest + `]`, "", "Не передана коллекция заявок за указанный период"},
		"requests empty":          {examBase, oneRequest, "", "Не передана коллекция заявок за указанный период"},
		"requests without exams":  {examBase, `Period":false`, `Period":true`, unwanted("requests")},
		"empty, without exams":    {quiet, `"noPatentExamType"`, `"requests":[],"noPatentExamType"`, unwanted("requests")},
		"date beside its flag":    {examBase, temporaryNone, temporaryNone + temporary, unwanted("temporaryResidenceNearestStartDate")},
		"flag, area closed":       {closed, `"exam`, `"noPatentExamType":true,"exam`, unwanted("noPatentExamType")},
		"flag false, area closed": {closed, `"exam`, `"noResidencePermitExamType":false,"exam`, unwanted("noResidencePermitExamType")},
		"date, area closed":       {closed, `"exam`, permitDate + `"exam`, unwanted("residencePermitNearestStartDate")},
		"unknown report":          {examBase, `{"exam`, `{"reportId":7,"exam`, "Отчет с указанным reportId не найден"},
	} {
		t.Run(name, func(t *testing.T) {
			body := strings.Replace(c.base, c.old, c.new, 1)
			if body == c.base && c.old != "" {
				t.Fatal("the case changes nothing")
			}
			var log bytes.Buffer
			options := rehearsal()
			options.Log = slog.New(slog.NewTextHandler(&log, nil))
			p := New(options)
			resp := ask(p, call(t, "POST", "http://localhost"+ExamPath, body))
			got := read(t, resp)
			if c.want == "" {
				if resp.StatusCode != 200 || got != `{"reportId":1}` || len(p.Reports()) != 1 {
					t.Errorf("answer %d %s: %+v", resp.StatusCode, got, p.Requests())
				}
				return
			}
			if told := examError(t, got); resp.StatusCode != 400 || told != c.want {
				t.Errorf("answer %d %s, want %s", resp.StatusCode, told, c.want)
			}
			if len(p.Reports()) != 0 || p.Requests()[0].Reason == "" {
				t.Errorf("kept %+v, on record %+v", p.Reports(), p.Requests())
			}
			for _, personal := range []string{examHash, "Пробный", "AA1234567"} {
				if strings.Contains(log.String(), personal) || strings.Contains(got, personal) {
					t.Errorf("%s is told: %s %s", personal, got, &log)
				}
			}
		})
	}
}

// examError reads an answer of one of the two forms; of several errors it gives the first that is not the consequence of others.
func examError(t *testing.T, body string) string {
	t.Helper()
	var answer struct {
		Error  string
		Errors map[string][]string
		Type   string
		Title  string
		Status int
		Trace  string `json:"traceId"`
	}
	if err := json.Unmarshal([]byte(body), &answer); err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	if answer.Error != "" {
		return answer.Error
	}
	if answer.Type == "" || answer.Title == "" || answer.Status != 400 || len(answer.Trace) != 55 {
		t.Errorf("the extras are missing: %s", body)
	}
	var first string
	for name, texts := range answer.Errors {
		if told := name + ": " + texts[0]; len(texts) == 1 && (first == "" || strings.HasPrefix(name, "$")) {
			first = told
		}
	}
	return first
}

// All that is missing is told at once.
func TestExamTellsAllThatIsMissing(t *testing.T) {
	p := New(rehearsal())
	var answer struct{ Errors map[string][]string }
	if err := json.Unmarshal([]byte(read(t, ask(p, call(t, "POST", "http://localhost"+ExamPath, `{}`)))), &answer); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"ExaminationAreaDoesNotWork", "ExaminationAreaId", "NoExamInSelectedPeriod", "NoPatentExamType", "NoResidencePermitExamType",
		"NoTemporaryResidenceExamType", "PeriodEndDate", "PeriodStartDate",
	}
	for _, name := range want {
		if texts := answer.Errors[name]; len(texts) != 1 || texts[0] != emptyField {
			t.Errorf("%s: %q", name, texts)
		}
	}
	if len(answer.Errors) != len(want) {
		t.Errorf("%v", answer.Errors)
	}
}

// The document forbids the dates of both residence exams beside noPatentExamType: a slip, unless it is taken at its word.
func TestExamLiteralReading(t *testing.T) {
	own := strings.Replace(examBase, temporaryNone, `"noTemporaryResidenceExamType":true,`, 1)
	noPatent := strings.Replace(strings.Replace(examBase, patentDate, "", 1), `"noPatentExamType":false`, `"noPatentExamType":true`, 1)
	word := strings.Replace(examBase, temporaryNone, temporaryNone+temporary, 1)
	onlyPatent := strings.Replace(noPatent, permitDate, "", 1)
	for _, c := range []struct {
		body              string
		intended, literal int
	}{
		{own, 200, 400},        // the date of a flag that is true is not sent, but only noPatentExamType would excuse that
		{word, 400, 200},       // sent in spite of its flag
		{noPatent, 200, 400},   // the permit's date beside noPatentExamType
		{onlyPatent, 400, 200}, // not sent, with its own flag false
		{closed, 200, 200},
		{quiet, 200, 200},
	} {
		for literal, want := range map[bool]int{false: c.intended, true: c.literal} {
			p := New(Options{Exam: ExamOptions{Literal: literal}})
			if resp := ask(p, call(t, "POST", "http://localhost"+ExamPath, c.body)); resp.StatusCode != want {
				t.Errorf("literal %v: status %d, want %d: %s", literal, resp.StatusCode, want, c.body)
			}
		}
	}
}

func TestExamReplacesReports(t *testing.T) {
	for _, renumber := range []bool{false, true} {
		p := New(Options{Exam: ExamOptions{Renumber: renumber}})
		send := func(body string) string {
			return read(t, ask(p, call(t, "POST", "http://localhost"+ExamPath, body)))
		}
		send(examBase)
		if got := send(closed); got != `{"reportId":2}` {
			t.Errorf("second report: %s", got)
		}
		want := map[bool]int64{false: 1, true: 3}[renumber]
		if got := send(replacing); got != fmt.Sprintf(`{"reportId":%d}`, want) {
			t.Errorf("replacement: %s", got)
		}
		reports := p.Reports()
		if len(reports) != 2 || reports[0].ID != want || len(reports[0].Versions) != 2 || len(reports[1].Versions) != 1 {
			t.Fatalf("%+v", reports)
		}
		first, last := reports[0].Versions[0], reports[0].Versions[1]
		if string(first.Body) != examBase || first.ID != 1 || len(first.Report.Requests) != 1 || first.Report.Requests[0].Document != examHash {
			t.Errorf("first version: %+v", first)
		}
		if string(last.Body) != replacing || last.ID != want || !last.Report.NoExam {
			t.Errorf("last version: %+v", last)
		}
		if got := send(replacing); (got == `{"error":"Отчет с указанным reportId не найден"}`) != renumber {
			t.Errorf("once more: %s", got)
		}
	}
}

func TestExamHeader(t *testing.T) {
	for name, c := range map[string]struct {
		method, path string
		header       []string
		status       int
	}{
		"charset":          {"POST", ExamPath, []string{"Content-Type: application/json; charset=utf-8"}, 200},
		"GET":              {"GET", ExamPath, nil, 405},
		"PUT":              {"PUT", ExamPath, []string{"Content-Type: application/json"}, 405},
		"no type":          {"POST", ExamPath, []string{"Content-Type: "}, 415},
		"form":             {"POST", ExamPath, []string{"Content-Type: application/x-www-form-urlencoded"}, 415},
		"other charset":    {"POST", ExamPath, []string{"Content-Type: application/json; charset=windows-1251"}, 415},
		"compressed":       {"POST", ExamPath, []string{"Content-Encoding: gzip"}, 415},
		"slash behind":     {"POST", ExamPath + "/", nil, 404},
		"small letters":    {"POST", strings.ToLower(ExamPath), nil, 404},
		"with a query":     {"POST", ExamPath + "?id=1", nil, 404},
		"two slashes":      {"POST", "/Reports//Report", nil, 404},
		"with any headers": {"POST", ExamPath, []string{"Authorization: Bearer x", "X-API-KEY: x"}, 200},
	} {
		t.Run(name, func(t *testing.T) {
			p := New(rehearsal())
			if resp := ask(p, call(t, c.method, "http://localhost"+c.path, examBase, c.header...)); resp.StatusCode != c.status {
				t.Errorf("status %d, want %d", resp.StatusCode, c.status)
			}
		})
	}
}

// What the portals that take small bodies read is bounded.
func TestSmallBodiesAreBounded(t *testing.T) {
	long := strings.Repeat(" ", maxSmallBody) + examBase
	for name, announced := range map[string]int64{"announced": int64(len(long)), "not announced": -1} {
		p := New(rehearsal())
		req := call(t, "POST", "http://localhost"+ExamPath, long)
		req.ContentLength = announced
		if resp := ask(p, req); resp.StatusCode != 413 || len(p.Reports()) != 0 {
			t.Errorf("%s: status %d", name, resp.StatusCode)
		}
	}
	p := New(rehearsal())
	p.exam.kept = maxReports
	if got := read(t, ask(p, call(t, "POST", "http://localhost"+ExamPath, examBase))); got != `{"error":"Хранилище отчетов заполнено"}` {
		t.Error(got)
	}
}
