package exam

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
)

// A report is the body of the request. The members that the portal does not want under some condition are pointers or may be
// empty, and are then left out altogether; those that are always required are there even when they are false.
type report struct {
	ReportID                int64     `json:"reportId,omitempty"`
	AreaID                  int64     `json:"examinationAreaId"`
	Start                   string    `json:"periodStartDate"`
	End                     string    `json:"periodEndDate"`
	NoExam                  bool      `json:"noExamInSelectedPeriod"`
	Closed                  bool      `json:"examinationAreaDoesNotWork"`
	PatentStart             string    `json:"patentNearestStartDate,omitempty"`
	NoPatent                *bool     `json:"noPatentExamType,omitempty"`
	TemporaryResidenceStart string    `json:"temporaryResidenceNearestStartDate,omitempty"`
	NoTemporaryResidence    *bool     `json:"noTemporaryResidenceExamType,omitempty"`
	ResidencePermitStart    string    `json:"residencePermitNearestStartDate,omitempty"`
	NoResidencePermit       *bool     `json:"noResidencePermitExamType,omitempty"`
	Comment                 string    `json:"comment,omitempty"`
	Requests                []request `json:"requests,omitempty"`
}

// A request is one person's exam on one level.
type request struct {
	Document string `json:"identityDocumentNumber"`
	Date     string `json:"examDate"`
	Level    int    `json:"migrationExamType"`
	Status   int    `json:"migrationExamStatus"`
}

// sortRequests puts them into an order that does not depend on that of the roster.
func sortRequests(all []request) {
	slices.SortFunc(all, func(x, y request) int {
		if c := strings.Compare(x.Date, y.Date); c != 0 {
			return c
		}
		if x.Level != y.Level {
			return x.Level - y.Level
		}
		if c := strings.Compare(x.Document, y.Document); c != 0 {
			return c
		}
		return x.Status - y.Status
	})
}

// frame is the report of a week without exams, as the settings are now. The portal's document makes the dates of the second and
// third level depend on the flag of the first, by an evident slip; the setting conditions: literal does so too.
func (c *config) frame(w Week) report {
	r := report{AreaID: c.AreaID, Start: w.Start(), End: w.End(), NoExam: true, Closed: c.Closed, Comment: c.Comment}
	if c.Closed {
		return r
	}
	for _, l := range []struct {
		of   *level
		date *string
		none **bool
	}{
		{&c.Patent, &r.PatentStart, &r.NoPatent},
		{&c.TemporaryResidence, &r.TemporaryResidenceStart, &r.NoTemporaryResidence},
		{&c.ResidencePermit, &r.ResidencePermitStart, &r.NoResidencePermit},
	} {
		none := l.of.None
		*l.none = &none
		if !c.hidesDate(l.of) {
			*l.date = l.of.Nearest
		}
	}
	return r
}

// hidesDate says whether the nearest date of a level is left out.
func (c *config) hidesDate(of *level) bool {
	if c.Conditions == literal {
		return c.Patent.None
	}
	return of.None
}

// fill puts the exams of the week in.
func (r *report) fill(requests []request) {
	r.Requests, r.NoExam = requests, len(requests) == 0
}

func (r *report) encode() ([]byte, error) { return json.Marshal(r) }

// content tells reports with different exams apart, whatever else differs.
func content(requests []request) string {
	text, err := json.Marshal(requests)
	if err != nil { // impossible: texts and numbers only
		return ""
	}
	return hashBytes(text)
}

func hashBytes(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
