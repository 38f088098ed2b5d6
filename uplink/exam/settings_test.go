package exam

import (
	"encoding/json"
	"log/slog"
	"strings"
	"testing"

	"github.com/acs-agent/acs-agent/uplink"
	"github.com/acs-agent/acs-agent/uplink/uplinktest"
)

func try(t *testing.T, text string) (*exam, error) {
	t.Helper()
	made, err := New(uplink.Env{
		Name: "exam", Pace: uplink.NewPace(), Readers: []string{"hall", "scanner"}, Zone: almaty, Log: slog.New(slog.DiscardHandler),
	}, uplinktest.Section(t, text))
	if err != nil {
		return nil, err
	}
	return made.(*exam), nil
}

func TestSettings(t *testing.T) {
	for change, words := range map[string]string{
		"area_id: 17 -> area_id: 0":                                               "number of the exam site",
		"roster: roster.csv -> # none":                                            "roster: is missing",
		"readers: [hall] -> readers: [door]":                                      `no reader "door"`,
		"document_readers: [scanner] -> document_readers: [x]":                    `no reader "x"`,
		"{none: true} -> {}":                                                      "temporary_residence",
		"{none: true} -> {none: true, nearest: 2026-12-05}":                       "not both",
		"2026-12-05 -> 5 December":                                                "is no date",
		"area_id: 17 -> area_id: 17\nattendance: yes":                             "write required or advisory",
		"area_id: 17 -> area_id: 17\nsend: tomorrow":                              "Mon 10:00",
		"area_id: 17 -> area_id: 17\ncorrections: never":                          "write automatic or by hand",
		"area_id: 17 -> area_id: 17\ndocument_case: both":                         "write upper or lower",
		"area_id: 17 -> area_id: 17\nconditions: literal":                         "write both",
		"area_id: 17 -> area_id: 17\nkeep: 1d":                                    "write 14d to 400d",
		"area_id: 17 -> area_id: 17\nprobe: 0s":                                   "out of range",
		"area_id: 17 -> area_id: 17\nauth_header: Authorization":                  "belong together",
		"area_id: 17 -> area_id: 17\nauth_header: Idempotency-Key\nauth_value: x": "sent twice",
		"area_id: 17 -> area_id: 17\nauth_header: Ключ\nauth_value: x":            "no header name",
		"area_id: 17 -> area_id: 17\nurl: http://portal.example/":                 "in the open",
		"area_id: 17 -> area_id: 17\nclient_cert: none.pem":                       "client_cert",
	} {
		old, changed, _ := strings.Cut(change, " -> ")
		if _, err := try(t, strings.Replace(plainSettings, old, changed, 1)); err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("%s: %v; want %q", change, err, words)
		}
	}
	for _, text := range []string{
		plainSettings, "area_id: 17\nclosed: true", plainSettings + "auth_header: X-Key\nauth_value: secret",
		strings.NewReplacer("readers: [hall]\n", "", "document_readers: [scanner]", "attendance: advisory").Replace(plainSettings),
	} {
		if _, err := try(t, text); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// What is left out and what is not, in both readings of the portal's document (E2, E3, E4, E17).
func TestFrames(t *testing.T) {
	const date, none = "{nearest: 2026-12-05}", "{none: true}"
	both := "{none: true, nearest: 2026-12-05}"
	for _, c := range []struct{ patent, temporary, conditions, want string }{
		{
			date, date, intended,
			`"patentNearestStartDate":"2026-12-05","noPatentExamType":false,"temporaryResidenceNearestStartDate":"2026-12-05","noTemporaryResidenceExamType":false`,
		},
		{none, date, intended, `"noPatentExamType":true,"temporaryResidenceNearestStartDate":"2026-12-05","noTemporaryResidenceExamType":false`},
		{date, none, intended, `"patentNearestStartDate":"2026-12-05","noPatentExamType":false,"noTemporaryResidenceExamType":true`},
		{none, date, literal, `"noPatentExamType":true,"noTemporaryResidenceExamType":false`},
		{
			date, both, literal,
			`"patentNearestStartDate":"2026-12-05","noPatentExamType":false,"temporaryResidenceNearestStartDate":"2026-12-05","noTemporaryResidenceExamType":true`,
		},
		{none, none, literal, `"noPatentExamType":true,"noTemporaryResidenceExamType":true`},
	} {
		e, err := try(t, "area_id: 17\nreaders: [hall]\nroster: r.csv\npatent: "+c.patent+"\ntemporary_residence: "+c.temporary+
			"\nresidence_permit: "+both+"\nconditions: literal\n")
		if c.conditions == intended {
			e, err = try(t, "area_id: 17\nreaders: [hall]\nroster: r.csv\npatent: "+c.patent+"\ntemporary_residence: "+c.temporary+"\nresidence_permit: {none: true}\n")
		}
		if err != nil {
			t.Fatal(err)
		}
		frame := e.frame(week(t, "2026-W01"))
		body, err := frame.encode()
		if err != nil || !json.Valid(body) {
			t.Fatal(string(body), err)
		}
		const head = `{"examinationAreaId":17,"periodStartDate":"2025-12-29","periodEndDate":"2026-01-04","noExamInSelectedPeriod":true,"examinationAreaDoesNotWork":false,`
		if !strings.HasPrefix(string(body), head+c.want+",") {
			t.Errorf("%+v: %s", c, body)
		}
		if strings.Contains(string(body), "null") || strings.Contains(string(body), `"true"`) || strings.Contains(string(body), "requests") || strings.Contains(string(body), "comment") {
			t.Errorf("%s", body)
		}
	}
}
