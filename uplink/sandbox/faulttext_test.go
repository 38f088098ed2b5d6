package sandbox

import (
	"os"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestParseFault(t *testing.T) {
	for text, want := range map[string]Fault{
		"500":                                {Kind: Status, Status: 500},
		" 500:next=3 ":                       {Kind: Status, Status: 500, Next: 3},
		"429:retry-after=2,next=1":           {Kind: Status, Status: 429, RetryAfter: 2 * time.Second, Next: 1},
		"503:retry-after-date=60":            {Kind: Status, Status: 503, RetryAfter: time.Minute, RetryDate: true},
		"302:location=https://other.test:8/": {Kind: Status, Status: 302, Location: "https://other.test:8/"},
		"413:above=1000000":                  {Kind: Status, Status: 413, Above: 1_000_000},
		"500:stored":                         {Kind: Status, Status: 500, Stored: true},
		"hang:share=0.1":                     {Kind: Hang, Share: 0.1},
		"hang:stored,next=1":                 {Kind: Hang, Stored: true, Next: 1},
		"slow=1m30s":                         {Kind: Slow, Delay: 90 * time.Second},
		"slow=300ms:share=1":                 {Kind: Slow, Delay: 300 * time.Millisecond, Share: 1},
		"cut-answer:next=1":                  {Kind: CutAnswer, Next: 1},
		"cut-answer:portal=exam,next=1":      {Kind: CutAnswer, Next: 1, Portal: "exam"},
		"500:portal=callback,stored":         {Kind: Status, Status: 500, Stored: true, Portal: "callback"},
		"tls-expired":                        {Kind: TLSExpired},
		"refuse-iin=900101300017":            {Kind: RefuseIIN, IINs: []string{"900101300017"}},
		"refuse-iin=900101300017,900101400023:next=1": {
			Kind: RefuseIIN, IINs: []string{"900101300017", "900101400023"}, Next: 1,
		},
		"refuse-note=Корпус 1: турникет 1, вход": {Kind: RefuseNote, Note: "Корпус 1: турникет 1, вход"},
		`refuse-note="Корпус 1: \"А\"":next=2`:   {Kind: RefuseNote, Note: `Корпус 1: "А"`, Next: 2},
		`refuse-note="Корпус 1"`:                 {Kind: RefuseNote, Note: "Корпус 1"},
	} {
		got, err := ParseFault(text)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s:\n got %+v, %v\nwant %+v", text, got, err, want)
			continue
		}
		if got.Kind == RefuseIIN {
			continue // written masked
		}
		if again, err := ParseFault(got.String()); err != nil || !reflect.DeepEqual(again, want) {
			t.Errorf("%s is written as %s, which is %+v, %v", text, got, again, err)
		}
	}
}

func TestParseFaultTellsWhatIsWrong(t *testing.T) {
	for text, want := range map[string]string{
		"":                             `fault "" is not known`,
		"sulk":                         `fault "sulk" is not known`,
		"Hang":                         `fault "Hang" is not known`,
		"status":                       "fault status: write the number itself, for example 500",
		"200":                          "fault 200: status is not a known one of 300 to 599",
		"600":                          "fault 600: status is not a known one of 300 to 599",
		"hang:":                        "fault hang: nothing follows the colon",
		"slow=3s:":                     "fault slow: nothing follows the colon",
		"hang=5s":                      "fault hang: takes no value after =",
		"slow":                         "fault slow: write how late, for example slow=20s",
		"slow=20":                      "fault slow: write how late, for example slow=20s",
		"slow=2h":                      "fault slow: the delay is not between 0 and 5m0s",
		"hang:next=0":                  `fault hang: option next: "0" is not a whole number from 1`,
		"hang:next":                    `fault hang: option next: "" is not a whole number from 1`,
		"hang:share=0":                 `fault hang: option share: "0" is not a number above 0 and up to 1`,
		"hang:share=10%":               `fault hang: option share: "10%" is not a number above 0 and up to 1`,
		"hang:share=NaN":               `fault hang: option share: "NaN" is not a number above 0 and up to 1`,
		"hang:share=0.5,next=1":        "fault hang: next and share exclude each other",
		"hang:next=1,next=2":           "fault hang: option next stands there twice",
		"hang:often":                   "fault hang: option often: is not known",
		"hang:stored=no":               "fault hang: option stored: takes no value",
		"captive:stored":               "fault captive: stored is for statuses and hang",
		"hang:retry-after=2":           "fault hang: retry-after is for statuses",
		"500:location=https://x":       "fault 500: location is for statuses 300 to 399",
		"302:location=":                "fault 302: option location: is empty",
		"refuse-iin":                   "fault refuse-iin: there is no IIN",
		"refuse-iin=123456789012":      "fault refuse-iin: one of the IINs is not 12 digits with the right control digit",
		"refuse-note":                  "fault refuse-note: a note belongs to refuse-note, and is not empty",
		`refuse-note="Корпус`:          "fault refuse-note: the quotation marks do not match",
		`refuse-note="Корпус" 2`:       "fault refuse-note: expected a colon after the quotation marks",
		"tls-expired:above=5":          "fault tls-expired: above is not for this kind",
		"tls-expired:portal=exam":      "fault tls-expired: portal is not for this kind",
		"hang:portal=":                 "fault hang: option portal: is empty",
		"hang:portal=Exam":             "fault hang: portal is none of acs, exam, subjects, checks, callback",
		`refuse-note="x":portal=exam`:  "fault refuse-note: only acs has rows to refuse",
		"500:above=99999999999":        `fault 500: option above: "99999999999" is not a whole number from 1`,
		"429:retry-after=100000":       "fault 429: retry-after is not between 0 and a day",
		"429:retry-after=2s,next=zero": "fault 429: option retry-after: \"2s\" is not a whole number from 0\nfault 429: option next: \"zero\" is not a whole number from 1",
	} {
		got, err := ParseFault(text)
		if err == nil || err.Error() != want {
			t.Errorf("%q: %+v, error\n     %v\nwant %s", text, got, err, want)
		}
	}
}

func TestParseFaultsNamesTheLines(t *testing.T) {
	faults, err := ParseFaults("500:next=1\r\n\n  hang  \n")
	if err != nil || len(faults) != 2 || faults[1].Kind != Hang {
		t.Errorf("%v, %v", faults, err)
	}
	_, err = ParseFaults("500\nsulk\n\nslow\n")
	if want := "line 2: fault \"sulk\" is not known\nline 4: fault slow: write how late, for example slow=20s"; err == nil || err.Error() != want {
		t.Errorf("error %v", err)
	}
}

// All kinds can be written as the table shows them, and the README shows the same table.
func TestFaultForms(t *testing.T) {
	for _, f := range forms() {
		if got, err := ParseFault(f.example); err != nil || got.Kind != f.kind {
			t.Errorf("%s: %v, %v", f.example, got, err)
		}
	}
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(strings.ReplaceAll(string(readme), "\r\n", "\n"), FaultForms()) {
		t.Errorf("README.md does not hold this table:\n%s", FaultForms())
	}
}

func FuzzParseFault(f *testing.F) {
	for _, form := range forms() {
		f.Add(form.example + ":next=2")
	}
	f.Add(`refuse-note="a\"b":share=0.5`)
	f.Add("429:retry-after-date=2,above=7,stored,portal=subjects")
	f.Fuzz(func(t *testing.T, text string) {
		fault, err := ParseFault(text)
		if err != nil || fault.Kind == RefuseIIN {
			return
		}
		if again, err := ParseFault(fault.String()); err != nil || !reflect.DeepEqual(again, fault) {
			t.Errorf("%q is written as %q, which is %+v, %v", text, fault, again, err)
		}
	})
}
