package intake

import (
	"testing"
	"time"

	"github.com/acs-agent/acs-agent/agent/event"
)

// october is when the passes of these tests were.
var october = time.Date(2026, 10, 1, 8, 0, 0, 0, almaty)

func TestWhyAPassIsNotComplete(t *testing.T) {
	const (
		a = "55007EE424;900101300017;Пробный Проба Пробович;"
		b = "55007EE424;050101500030;Пробная Проба Пробовна;"
	)
	for _, test := range []struct {
		name    string
		rows    []string
		reader  event.Organization
		trusted bool
		want    event.Pending
		org     event.Organization
	}{
		{"nothing is missing", []string{a}, school, true, event.None, school},
		{"nobody has the card", nil, school, true, event.UnknownCard, school},
		{"two people have the card", []string{a, b}, school, true, event.AmbiguousCard, school},
		{"the card was valid before", []string{a + ";;2026-09-30"}, school, true, event.CardNotValid, school},
		{"the card will be valid", []string{a + ";2026-10-02;"}, school, true, event.CardNotValid, school},
		{"the clock was not set", []string{a}, school, false, event.ClockNotSet, school},
		{"neither reader nor cardholder has an institution", []string{a}, event.Organization{}, true, event.NoOrganization, event.Organization{}},
		{"the institution is not configured", []string{a + "school-13"}, event.Organization{}, true, event.NoOrganization, event.Organization{}},
		{"the cardholder's institution by its id", []string{a + "college"}, event.Organization{}, true, event.None, college},
		{"by its BIN", []string{a + "010150000019"}, event.Organization{}, true, event.None, college},
		{"by its name", []string{a + "Колледж связи"}, event.Organization{}, true, event.None, college},
		{"by its name, whatever the case", []string{a + "КОЛЛЕДЖ СВЯЗИ"}, event.Organization{}, true, event.None, college},
		{"the reader's institution wins", []string{a + "college"}, school, true, event.None, school},
		{"even if the cardholder's is not configured", []string{a + "school-13"}, school, true, event.None, school},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := who(t, NewClock(almaty, time.Unix(0, 0)), test.rows...)
			p := pass("gate-1", pupilsCard)
			p.Organization = test.reader
			p.At = event.Instant{Wall: october, Trusted: test.trusted, Boot: "another boot"}
			before := *p
			got := w.Complete(p)
			if got != test.want || p.Organization != test.org {
				t.Errorf("%v at %+v, want %v at %+v", got, p.Organization, test.want, test.org)
			}
			wantHolder := event.Holder{}
			if test.want == event.None {
				wantHolder = pupil
			}
			if p.Holder != wantHolder || p.At != before.At {
				t.Errorf("holder %+v, time %+v", p.Holder, p.At)
			}
		})
	}
}

func TestAnInstitutionIsNeverGuessed(t *testing.T) {
	w := &Who{Organizations: map[string]event.Organization{
		"a": {BIN: "010140000014", Name: "Школа"}, "b": {BIN: "010150000019", Name: "Школа"},
		"c": {BIN: "010141000014", Name: "Лицей"}, "d": {BIN: "010141000014", Name: "Лицей"},
		"Лицей": {BIN: "010160000013", Name: "Гимназия"},
	}}
	for written, want := range map[string]string{
		"a": "010140000014", "b": "010150000019", "010150000019": "010150000019", "Школа": "", "": "", "e": "",
		"010141000014": "010141000014", // twice the same
		"Лицей":        "010160000013", // an id goes before a name
	} {
		for range 20 { // maps have no order
			if got, ok := w.organization(written); got.BIN != want || ok != (want != "") {
				t.Fatalf("%q: %+v, want %q", written, got, want)
			}
		}
	}
	unnamed := &Who{Organizations: map[string]event.Organization{"a": {}}}
	if _, ok := unnamed.organization(""); ok {
		t.Error("nothing written is an institution")
	}
}

func TestWhatIsCompleteStaysAsItIs(t *testing.T) {
	clock := NewClock(almaty, time.Unix(0, 0))
	w := who(t, clock, "55007EE424;900101300017;Пробный Проба Пробович;college")
	p := pass("gate-1", pupilsCard)
	p.At = event.Instant{Wall: october, Trusted: true}
	if got := w.Complete(p); got != event.None {
		t.Fatal(got)
	}
	was := *p
	for name, later := range map[string]*Who{
		"the card was given to another":   who(t, clock, "55007EE424;050101500030;Пробная Проба Пробовна;school-12"),
		"the card was taken off the list": who(t, clock),
	} {
		if got := later.Complete(p); got != event.None || p.Holder != was.Holder || p.Organization != was.Organization {
			t.Errorf("%s: %v, %+v of %+v", name, got, p.Holder, p.Organization)
		}
	}
}
