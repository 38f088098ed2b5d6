package table

import (
	"strings"
	"testing"
)

func TestTidy(t *testing.T) {
	for in, want := range map[string]string{
		"": "", " ": "", "a": "a", " a  b ": "a b", "\u00A0a\u2009b\t": "a b", "a\u200Bb\uFEFF\u00AD": "ab", "Пробный  Проба": "Пробный Проба",
	} {
		if got := Tidy(in); got != want {
			t.Errorf("%q becomes %q, want %q", in, got, want)
		}
	}
}

func TestUnwrap(t *testing.T) {
	for in, want := range map[string]string{`="001"`: "001", "'001": "001", "«001»": "001", "001": "001", "": ""} {
		if got := Unwrap(in); got != want {
			t.Errorf("%q becomes %q, want %q", in, got, want)
		}
	}
}

func TestNumbersThatSpreadsheetsSpoil(t *testing.T) {
	for in, want := range map[string]bool{"9.00101E+11": true, "9,00101e+11": true, "900101300017": false, "E+11": false, "": false, "9.0E+": false} {
		if got := IsScientific(in); got != want {
			t.Errorf("%q: %v", in, got)
		}
	}
	for in, want := range map[string]string{"12.0": "12", "12,00": "12", "12.5": "", "12": "", ".0": "", "12.000": "", "a.0": ""} {
		got, found := CutZeroFraction(in)
		if found != (want != "") || found && got != want {
			t.Errorf("%q: %q, %v", in, got, found)
		}
	}
}

func TestDate(t *testing.T) {
	for in, want := range map[string]string{
		"2026-09-01": "2026-09-01", "01.09.2026": "2026-09-01", "1.9.2026": "2026-09-01", "2026-09-01 00:00:00": "2026-09-01",
		"01.09.2026 0:00": "2026-09-01", "2026-09-01T00:00": "2026-09-01", "29.02.2028": "2028-02-29", "'1955-12-31": "1955-12-31",
	} {
		if got, reason := Date(in); reason != "" || got.Format("2006-01-02") != want {
			t.Errorf("%q: %v, %q, want %s", in, got, reason, want)
		}
	}
	for _, in := range []string{
		"", "29.02.2026", "2026-13-01", "9/1/2026", "01.09.26", "46266", "1 сентября", "2026-09-01 08:00", "0000-01-01", "-1.1.2026", "2026-9",
	} {
		if got, reason := Date(in); reason == "" {
			t.Errorf("%q is %v", in, got)
		}
	}
}

func TestCheckName(t *testing.T) {
	for _, good := range []string{"Пробный Проба Пробович", "Қасымов Әлихан", "O’Neil Ann-Marie", "Ли"} {
		if reason := CheckName(good, UTF8); reason != "" {
			t.Errorf("%q: %s", good, reason)
		}
	}
	for _, bad := range []string{"", "-", "??????", "Пробный 2", "РџСЂРѕР±Р°\u00B0", "a\x01", strings.Repeat("я", maxName+1)} {
		if CheckName(bad, UTF8) == "" {
			t.Errorf("%q is a name", bad)
		}
	}
	if CheckName("Єасымов", Windows1251) == "" || CheckName("Єасымов", UTF8) != "" {
		t.Error("letters of other languages are told apart by the encoding")
	}
}
