package sandbox

import (
	"regexp"
	"strings"
	"time"
)

// An ExamReport is the body of a report; members that were not there are nil.
type ExamReport struct {
	ReportID         *int64        `json:"reportId,omitempty"`
	AreaID           int64         `json:"examinationAreaId"`
	PeriodStart      string        `json:"periodStartDate"`
	PeriodEnd        string        `json:"periodEndDate"`
	NoExam           bool          `json:"noExamInSelectedPeriod"`
	AreaClosed       bool          `json:"examinationAreaDoesNotWork"`
	PatentNearest    *string       `json:"patentNearestStartDate,omitempty"`
	NoPatent         *bool         `json:"noPatentExamType,omitempty"`
	TemporaryNearest *string       `json:"temporaryResidenceNearestStartDate,omitempty"`
	NoTemporary      *bool         `json:"noTemporaryResidenceExamType,omitempty"`
	PermitNearest    *string       `json:"residencePermitNearestStartDate,omitempty"`
	NoPermit         *bool         `json:"noResidencePermitExamType,omitempty"`
	Comment          *string       `json:"comment,omitempty"`
	Requests         []ExamRequest `json:"requests,omitempty"`
}

// An ExamRequest is one person's exam.
type ExamRequest struct {
	// Document is the SHA-256 of the identity document, in 64 hexadecimal digits.
	Document string `json:"identityDocumentNumber"`
	Date     string `json:"examDate"`
	// Type is 1 for the patent, 2 for temporary residence, 3 for the residence permit.
	Type int64 `json:"migrationExamType"`
	// Status is 1 for passed, 2 for not passed.
	Status int64 `json:"migrationExamStatus"`
}

// emptyHash is the SHA-256 of nothing: a document of which the normalisation has left no letter.
const emptyHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

var hashForm = regexp.MustCompile(`^[0-9a-fA-F]{64}$`)

// examBody reads one report.
type examBody struct {
	*object
	literal    bool
	start, end time.Time // zero if they are not right
}

// readExamReport checks a body against the document; without findings the report is right.
func readExamReport(raw []byte, literal bool) (report ExamReport, found *findings) {
	found = &findings{}
	o := readBody(raw, found)
	if o == nil {
		return report, found
	}
	b := &examBody{object: o, literal: literal}
	if report.ReportID = b.integer("reportId"); report.ReportID != nil && *report.ReportID < 1 {
		b.unfit("reportId", "is below 1")
	}
	if report.AreaID = required(o, "examinationAreaId", b.integer("examinationAreaId")); report.AreaID < 1 && b.right("examinationAreaId") {
		b.unfit("examinationAreaId", "is below 1")
	}
	b.period(&report)
	report.NoExam = required(o, "noExamInSelectedPeriod", b.flag("noExamInSelectedPeriod"))
	report.AreaClosed = required(o, "examinationAreaDoesNotWork", b.flag("examinationAreaDoesNotWork"))
	b.nearest(&report)
	report.Comment = b.text("comment")
	b.requests(&report)
	b.done()
	return report, found
}

// right says whether nothing was found yet about a member.
func (b *examBody) right(name string) bool {
	for _, f := range b.found.list {
		if f.where == b.at(name) {
			return false
		}
	}
	return true
}

func (b *examBody) period(report *ExamReport) {
	report.PeriodStart = required(b.object, "periodStartDate", b.text("periodStartDate"))
	report.PeriodEnd = required(b.object, "periodEndDate", b.text("periodEndDate"))
	start := b.date(b.object, "periodStartDate", report.PeriodStart)
	end := b.date(b.object, "periodEndDate", report.PeriodEnd)
	if start.IsZero() || end.IsZero() {
		return
	}
	switch {
	case start.Weekday() != time.Monday:
		b.unfit("periodStartDate", "is not a Monday")
	case !end.Equal(start.AddDate(0, 0, 6)):
		b.unfit("periodEndDate", "is not the Sunday of the same week")
	default:
		b.start, b.end = start, end
	}
}

// date reads YYYY-MM-DD. It is zero, with a finding, if a member is there and something else; where nothing is, it is zero.
func (b *examBody) date(o *object, name, text string) time.Time {
	if _, isText := o.members[name].(string); !isText {
		return time.Time{}
	}
	day, err := time.Parse(time.DateOnly, text)
	if err != nil {
		o.unfit(name, "is not a date of the form YYYY-MM-DD")
	}
	return day
}

// nearest reads the three flags and dates of the coming exams.
func (b *examBody) nearest(report *ExamReport) {
	flags := [...]string{"noPatentExamType", "noTemporaryResidenceExamType", "noResidencePermitExamType"}
	report.NoPatent, report.NoTemporary, report.NoPermit = b.flag(flags[0]), b.flag(flags[1]), b.flag(flags[2])
	for i, exam := range [...]struct {
		date string
		none *bool
		into **string
	}{
		{"patentNearestStartDate", report.NoPatent, &report.PatentNearest},
		{"temporaryResidenceNearestStartDate", report.NoTemporary, &report.TemporaryNearest},
		{"residencePermitNearestStartDate", report.NoPermit, &report.PermitNearest},
	} {
		none := exam.none
		if b.literal {
			none = report.NoPatent
		}
		*exam.into = b.text(exam.date)
		switch {
		case report.AreaClosed && b.has(flags[i]):
			b.superfluous(flags[i], "examinationAreaDoesNotWork")
		case !report.AreaClosed:
			required(b.object, flags[i], exam.none)
		}
		switch {
		case report.AreaClosed && b.has(exam.date):
			b.superfluous(exam.date, "examinationAreaDoesNotWork")
		case report.AreaClosed || none == nil:
		case *none && b.has(exam.date):
			b.superfluous(exam.date, "a flag that there is no such exam")
		case !*none:
			day := b.date(b.object, exam.date, required(b.object, exam.date, *exam.into))
			if !day.IsZero() && day.Before(b.start) {
				b.unfit(exam.date, "is before the period")
			}
		}
	}
}

// superfluous notes a member that the document does not want to be sent beside another.
func (b *examBody) superfluous(name, beside string) {
	b.found.add(finding{
		flaw: unfit, where: b.at(name), what: "is there in spite of " + beside,
		told: "Поле " + name + " не должно передаваться",
	})
}

func (b *examBody) requests(report *ExamReport) {
	list := b.list("requests")
	switch {
	case report.NoExam && b.has("requests"):
		b.superfluous("requests", "noExamInSelectedPeriod")
	case !report.NoExam && len(list) == 0 && b.right("requests"):
		b.found.add(finding{
			flaw: unfit, where: "requests", what: "is missing or empty, without noExamInSelectedPeriod",
			told: "Не передана коллекция заявок за указанный период",
		})
	}
	for i, v := range list {
		if o, ok := newObject(v, "requests"+place(i), b.found); ok {
			report.Requests = append(report.Requests, b.request(o))
		}
	}
}

func (b *examBody) request(o *object) (r ExamRequest) {
	const document, date, level, result = "identityDocumentNumber", "examDate", "migrationExamType", "migrationExamStatus"
	if text := o.text(document); text == nil {
		required(o, document, text)
	} else if r.Document = *text; !hashForm.MatchString(r.Document) {
		o.unfit(document, "is not 64 hexadecimal digits")
	} else if strings.EqualFold(r.Document, emptyHash) {
		o.unfit(document, "is the hash of nothing")
	}
	r.Date = required(o, date, o.text(date))
	if day := b.date(o, date, r.Date); !day.IsZero() && !b.start.IsZero() && (day.Before(b.start) || day.After(b.end)) {
		o.unfit(date, "is not within the period")
	}
	r.Type = choice(o, level, 3)
	r.Status = choice(o, result, 2)
	o.done()
	return r
}

// choice reads one of the numbers from 1 to last.
func choice(o *object, name string, last int64) int64 {
	n := o.integer(name)
	if n == nil {
		return required(o, name, n)
	}
	if *n < 1 || *n > last {
		o.unfit(name, "is none of the document's numbers")
	}
	return *n
}
