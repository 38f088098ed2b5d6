package sandbox

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"
)

const (
	// ExamPath is the path of the portal of exam reports.
	ExamPath = "/Reports/Report"
	// What ASP.NET calls its answers; the document only says that they are JSON.
	mediaASP     = "application/json; charset=utf-8"
	mediaProblem = "application/problem+json; charset=utf-8"
	// maxSmallBody bounds the body of a portal that takes small ones, in bytes. No document names a bound.
	maxSmallBody = 4 << 20
	// maxReports bounds how many reports are kept, replaced ones included.
	maxReports = 10_000
)

// ExamOptions are for the portal of exam reports.
type ExamOptions struct {
	// Literal takes the document at its word where it forbids the nearest dates of the residence exams: by noPatentExamType.
	// Otherwise each date goes by the flag of its own exam, which is what must have been meant.
	Literal bool
	// Renumber gives a report that is replaced a new number; the earlier one is then not known any more.
	Renumber bool
}

// exam is the portal that takes weekly reports of exams: one POST, without any authentication.
type exam struct {
	options ExamOptions
	now     func() time.Time

	mu      sync.Mutex
	last    int64 // number of the newest report
	kept    int   // versions of all reports
	reports []*Report
}

// A Report is what the exam portal knows under one number.
type Report struct {
	// ID is the number that the portal answered last.
	ID int64 `json:"reportId"`
	// Versions are all that was sent for it, oldest first: the last one is in force, the others it has replaced.
	Versions []ReportVersion `json:"versions"`
}

// A ReportVersion is a report as it came in one request.
type ReportVersion struct {
	At time.Time `json:"at"`
	// ID is the number that was answered.
	ID     int64      `json:"reportId"`
	Report ExamReport `json:"report"`
	// Body is the request's body, letter by letter.
	Body []byte `json:"-"`
}

func newExam(o ExamOptions, now func() time.Time) *exam { return &exam{options: o, now: now} }

func (e *exam) name() string { return examName }

func (e *exam) takes(r *http.Request) bool { return target(r) == ExamPath }

// documented knows one status beside 200, in two forms; a fault shows the one for values.
func (e *exam) documented(_ *http.Request, status int) (mediaType, body string, known bool) {
	if status != http.StatusBadRequest {
		return "", "", false
	}
	return mediaASP, `{"error":"Описание ошибки"}`, true
}

func (e *exam) serve(x *exchange) {
	if status, reason := checkSmall(x, false); status != 0 {
		x.refuse(status, reason)
		return
	}
	raw, ok := x.readSmall()
	if !ok {
		return
	}
	report, found := readExamReport(raw, e.options.Literal)
	if len(found.list) > 0 {
		e.tell(x, found)
		return
	}
	id, err := e.keep(report, raw)
	if err != nil {
		found.add(*err)
		e.tell(x, found)
		return
	}
	x.answer(http.StatusOK, mediaASP, fmt.Sprintf(`{"reportId":%d}`, id))
}

// keep files a report and gives its number.
func (e *exam) keep(report ExamReport, raw []byte) (int64, *finding) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.kept >= maxReports {
		return 0, &finding{flaw: unfit, what: "the sandbox holds as many reports as it can", told: "Хранилище отчетов заполнено"}
	}
	into := &Report{}
	if report.ReportID != nil {
		if into = e.find(*report.ReportID); into == nil {
			return 0, &finding{flaw: unfit, where: "reportId", what: "is not known", told: "Отчет с указанным reportId не найден"}
		}
	} else {
		e.reports = append(e.reports, into)
	}
	if into.ID == 0 || e.options.Renumber {
		e.last++
		into.ID = e.last
	}
	e.kept++
	into.Versions = append(into.Versions, ReportVersion{At: e.now(), ID: into.ID, Report: report, Body: raw})
	return into.ID, nil
}

func (e *exam) find(id int64) *Report {
	for _, r := range e.reports {
		if r.ID == id {
			return r
		}
	}
	return nil
}

// Reports gives all exam reports with their histories, in the order in which they came.
func (p *Portal) Reports() []Report {
	e := p.exam
	e.mu.Lock()
	defer e.mu.Unlock()
	reports := make([]Report, 0, len(e.reports))
	for _, r := range e.reports {
		reports = append(reports, Report{ID: r.ID, Versions: append([]ReportVersion(nil), r.Versions...)})
	}
	return reports
}

// tell answers 400 in the document's two forms: a model that is not complete (or no model at all), or a value that is not right.
func (e *exam) tell(x *exchange, found *findings) {
	wrong := append(found.of(misshapen), found.of(missing)...)
	if len(wrong) == 0 {
		first := found.list[0]
		text := first.told
		if text == "" {
			text = "Некорректное значение поля " + first.where
		}
		x.refuseWith(mediaASP, encodeJSON(map[string]string{"error": text}), first.String())
		return
	}
	errs := make(map[string][]string)
	for _, f := range wrong {
		if f.flaw == missing {
			errs[pascal(f.where)] = []string{"Поле обязательно для заполнения"}
		} else {
			errs[jsonPath(f.where)] = []string{"The JSON value could not be converted: it " + f.what + "."}
		}
	}
	body := encodeJSON(struct {
		Type    string              `json:"type"`
		Title   string              `json:"title"`
		Status  int                 `json:"status"`
		Errors  map[string][]string `json:"errors"`
		TraceID string              `json:"traceId"`
	}{
		"https://tools.ietf.org/html/rfc9110#section-15.5.1", "One or more validation errors occurred.", http.StatusBadRequest,
		errs, "00-" + randomHex(16) + "-" + randomHex(8) + "-00",
	})
	x.refuseWith(mediaProblem, body, wrong[0].String())
}

// pascal writes a path as ASP.NET does: Requests[0].ExamDate.
func pascal(path string) string {
	parts := strings.Split(path, ".")
	for i, part := range parts {
		first := min(1, len(part))
		parts[i] = strings.ToUpper(part[:first]) + part[first:]
	}
	return strings.Join(parts, ".")
}

// jsonPath writes a path as ASP.NET does where JSON itself is wrong: $.requests[0].examDate.
func jsonPath(path string) string {
	if path == "" || path[0] == '[' {
		return "$" + path
	}
	return "$." + path
}

// encodeJSON writes what is made of strings, numbers, lists and maps, which always works.
func encodeJSON(v any) string {
	var text strings.Builder
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(v)
	return strings.TrimSuffix(text.String(), "\n")
}
