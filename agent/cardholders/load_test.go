package cardholders

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/acs-agent/acs-agent/agent/event"
	"github.com/acs-agent/acs-agent/agent/table"
)

var almaty = time.FixedZone("", 5*3600)

// on gives noon at the site.
func on(year int, month time.Month, day int) time.Time {
	return time.Date(year, month, day, 12, 0, 0, 0, almaty)
}

// text is a credential that is looked up as somebody typed it.
func text(s string) *event.Credential { return &event.Credential{Text: s} }

// Every file holds the same three people.
func TestLoadReadsWhatSpreadsheetsWrite(t *testing.T) {
	for file, want := range map[string]struct{ encoding, separator string }{
		"utf8-semicolon.csv":    {"UTF-8", "semicolon"},
		"utf8-bom-sep.csv":      {"UTF-8 with byte order mark", "semicolon"},
		"utf8-comma-quoted.csv": {"UTF-8", "comma"},
		"utf8-cr-only.csv":      {"UTF-8", "semicolon"},
		"cp1251-semicolon.csv":  {"Windows-1251", "semicolon"},
		"utf16le-tab.csv":       {"UTF-16", "tab"},
		"utf16be-tab.csv":       {"UTF-16", "tab"},
	} {
		t.Run(file, func(t *testing.T) {
			b, report, err := Load(filepath.Join("testdata", file), almaty)
			if err != nil {
				t.Fatal(err)
			}
			if report.Used != 3 || report.Refused != 0 || report.Warned != 0 || b.Len() != 3 {
				t.Errorf("report:\n%s", report.String())
			}
			if report.Encoding != want.encoding || report.Separator != want.separator {
				t.Errorf("read as %s, separated by %s", report.Encoding, report.Separator)
			}
			for card, holder := range map[string]event.Holder{
				"55007EE424": {IIN: "900101300017", Name: "Пробный Проба Пробович"},
				"132,04927":  {IIN: "050101500030", Name: "Пробная Проба Пробовна"},
				"BCD14264":   {IIN: "900101400023", Name: "Образцов Образец Образцович"},
			} {
				got := b.Find(text(card), on(2026, 10, 1))
				if got.Holder != holder || got.OrganizationID != "school-12" || got.Pending != event.None {
					t.Errorf("%s: %+v", card, got)
				}
			}
			if got := b.Find(text("55007EE424"), on(2026, 8, 31)); got.Pending != event.CardNotValid {
				t.Errorf("before its first day: %+v", got)
			}
		})
	}
}

func TestLoadRefusesFilesThatWouldBeMisread(t *testing.T) {
	const header = " (the first line names the columns, for example card;iin;full_name;organization;valid_from;valid_to)"
	const save = " (save the table as “CSV UTF-8”)"
	for file, want := range map[string]string{
		"bad-cp866.csv":              "the file is neither UTF-8 nor Windows-1251, but CP866 (DOS) by the look of its letters" + save,
		"bad-cp866-short.csv":        "the file is neither UTF-8 nor Windows-1251, but CP866 (DOS) by the look of its letters" + save,
		"bad-koi8-r.csv":             "the file is neither UTF-8 nor Windows-1251, but KOI8-R by the look of its letters" + save,
		"bad-koi8-r-short.csv":       "the file is neither UTF-8 nor Windows-1251, but KOI8-R by the look of its letters" + save,
		"bad-mac-cyrillic.csv":       "the file is neither UTF-8 nor Windows-1251, but Mac Cyrillic by the look of its letters" + save,
		"bad-mac-cyrillic-short.csv": "the file is neither UTF-8 nor Windows-1251, but CP866 (DOS) by the look of its letters" + save, // the capitals are the same
		"bad-iso8859-5.csv":          "the file is neither UTF-8 nor Windows-1251, but ISO 8859-5 by the look of its letters" + save,
		"bad-iso8859-5-short.csv":    "the file is neither UTF-8 nor Windows-1251, but ISO 8859-5 by the look of its letters" + save,
		"bad-latin1.csv":             "the file is neither UTF-8 nor Windows-1251" + save,
		"bad-utf16-no-mark.csv":      "the file is no text, or in UTF-16 without byte order mark" + save,
		"bad-workbook.csv":           "the file is a workbook and no CSV file" + save,
		"bad-no-header.csv":          "line 1: no header" + header,
		"bad-empty.csv":              "the file is empty",
		"bad-column-twice.csv":       "line 1: the header names the column card twice",
		"bad-column-missing.csv":     "line 1: the header has no column full_name" + header,
	} {
		path := filepath.Join("testdata", file)
		_, _, err := Load(path, almaty)
		if err == nil {
			t.Errorf("%s: taken", file)
		} else if got, want := err.Error(), "cardholders: read "+path+": "+want; got != want {
			t.Errorf("%s:\n got %s\nwant %s", file, got, want)
		}
	}
	if _, _, err := Load(filepath.Join("testdata", "nobody.csv"), almaty); !os.IsNotExist(unwrapAll(err)) {
		t.Errorf("a file that is not there: %v", err)
	}
	if _, _, err := Load("testdata", almaty); err == nil {
		t.Error("a folder is taken")
	}
}

func unwrapAll(err error) error {
	for {
		u, more := err.(interface{ Unwrap() error })
		if !more {
			return err
		}
		err = u.Unwrap()
	}
}

func TestLoadRefusesRowsAndKeepsTheOthers(t *testing.T) {
	b, report, err := Load(filepath.Join("testdata", "mistakes.csv"), almaty)
	if err != nil {
		t.Fatal(err)
	}
	golden := filepath.Join("testdata", "mistakes.golden")
	if os.Getenv("UPDATE") == "1" {
		if err := os.WriteFile(golden, []byte(report.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got := report.String(); got != string(want) {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
	if got := b.Find(text("007EE428"), on(2026, 10, 1)); got.Holder.IIN != "050101500030" {
		t.Errorf("zeros put back: %+v", got)
	}
	for _, secret := range []string{"900101300017", "300017", "Проб", "7EE4", "асымов"} {
		if strings.Contains(report.String(), secret) {
			t.Errorf("the report tells %q", secret)
		}
	}
}

func TestLoadRefusesKazakhLettersOfAnotherCodePage(t *testing.T) {
	_, report, err := Load(filepath.Join("testdata", "kz1048.csv"), almaty)
	if err != nil {
		t.Fatal(err)
	}
	if report.Used != 2 || report.Refused != 1 || report.Refusals[0].Line != 2 || report.Refusals[0].Column != "full_name" {
		t.Errorf("report:\n%s", report.String())
	}
}

func TestLoadKeepsKazakhLettersOfUTF8(t *testing.T) {
	b := book(t, "55007EE424;900101300017;Қасымов Әлихан Ерланұлы")
	if got := b.Find(text("55007EE424"), on(2026, 10, 1)); got.Holder.Name != "Қасымов Әлихан Ерланұлы" {
		t.Errorf("%+v", got)
	}
}

func TestReportIsBounded(t *testing.T) {
	_, report, err := load(t, strings.Repeat("007EE424;1;Проба\n", 5000))
	if err != nil {
		t.Fatal(err)
	}
	if report.Refused != 5000 || len(report.Refusals) != MaxRemarks || !strings.Contains(report.String(), "and 4800 rows more refused") {
		t.Errorf("%d refused, %d listed", report.Refused, len(report.Refusals))
	}
}

func TestReadIIN(t *testing.T) {
	for in, want := range map[string]struct {
		iin      uint64
		restored bool
	}{
		"900101300017":         {900101300017, false},
		"050101500030":         {50101500030, false},
		"50101500030":          {50101500030, true},
		"900101300811.0":       {900101300811, false},
		"50101500030,0":        {50101500030, true},
		"'050101500030":        {50101500030, false},
		`="050101500030"`:      {50101500030, false},
		"900 101 300 017":      {900101300017, false},
		"“900101300017”":       {900101300017, false},
		"900101300018":         {},
		"123456789012":         {},
		"900101300800":         {}, // never issued
		"9.00101E+11":          {},
		"50101500031":          {},
		"01500030":             {}, // too short to be sure
		"0900101300017":        {},
		"000000000000":         {},
		"000000000":            {},
		"":                     {},
		"нет":                  {},
		"9001013000l7":         {},
		"-900101300017":        {},
		"900101300017,5":       {},
		"99999999999999999999": {},
	} {
		iin, restored, reason := readIIN(in)
		if (reason != "") != (want.iin == 0) || reason == "" && (iin != want.iin || restored != want.restored) {
			t.Errorf("%q: %d, restored %v, %q", in, iin, restored, reason)
		}
		if len(in) > 2 && strings.Contains(reason, in) && in != "нет" && in != "9.00101E+11" {
			t.Errorf("%q stands in its reason %q", in, reason)
		}
	}
}

func TestReadDay(t *testing.T) {
	for in, want := range map[string]string{
		"2026-09-01": "2026-09-01", "01.09.2026": "2026-09-01", "1.9.2026": "2026-09-01", "2026-09-01 00:00:00": "2026-09-01",
		"01.09.2026 0:00": "2026-09-01", "2026-09-01T00:00": "2026-09-01", "29.02.2028": "2028-02-29",
		"1899-12-31": "2000-01-01", "9999-12-31": lastDay.String(), "": "2010-01-01",
	} {
		if got, reason := readDay(in, dayOf(2010, 1, 1)); reason != "" || got.String() != want {
			t.Errorf("%q: %v, %q, want %s", in, got, reason, want)
		}
	}
	for _, in := range []string{"29.02.2026", "2026-13-01", "9/1/2026", "01.09.26", "46266", "1 сентября", "2026-09-01 08:00", "0000-01-01", "-1.1.2026", "2026-9"} {
		if got, reason := readDay(in, firstDay); reason == "" {
			t.Errorf("%q is %v", in, got)
		}
	}
}

// book makes a book of rows without header: card;iin;full_name;organization;valid_from;valid_to.
func book(t testing.TB, rows ...string) *Book {
	t.Helper()
	b, report, err := load(t, strings.Join(rows, "\n"))
	if err != nil {
		t.Fatal(err)
	}
	if report.Refused > 0 {
		t.Fatalf("report:\n%s", report.String())
	}
	return b
}

func load(t testing.TB, rows string) (*Book, Report, error) {
	t.Helper()
	const header = "card;iin;full_name;organization;valid_from;valid_to\n"
	return readText(header + rows)
}

// readText reads the text of a file.
func readText(text string) (*Book, Report, error) {
	rows, err := table.New(strings.NewReader(text), columns())
	if err != nil {
		return nil, Report{}, err
	}
	return read(rows, "cardholders.csv", almaty)
}
