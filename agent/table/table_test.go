package table

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/text/encoding/charmap"
	utf16 "golang.org/x/text/encoding/unicode"
)

func people() []Column {
	return []Column{
		{Name: "full_name", Required: true, Synonyms: []string{"ФИО", "Ф.И.О."}},
		{Name: "birth_date", Required: true, Synonyms: []string{"дата рождения"}},
		{Name: "note"},
	}
}

// all reads a table and gives its rows as name|date|note, and the lines of those that cannot be read with the reason.
func all(t testing.TB, r *Reader) (rows, refused []string) {
	t.Helper()
	for {
		row, err := r.Next()
		var unreadable *RowError
		switch {
		case errors.Is(err, io.EOF):
			return rows, refused
		case errors.As(err, &unreadable):
			refused = append(refused, unreadable.Error())
		case err != nil:
			t.Fatal(err)
		default:
			rows = append(rows, row.Get("full_name")+"|"+row.Get("birth_date")+"|"+row.Get("note"))
		}
	}
}

const sample = "ФИО;Дата рождения;Телефон;note\r\nПробный Проба;2001-02-03;;\r\n\r\n# a comment\r\n;;;\r\n\"Образцов;  Образец \";03.02.2001\r\n"

// encodings are the sample as different programs save it.
func encodings(t testing.TB) map[Encoding]string {
	cp1251, err := charmap.Windows1251.NewEncoder().String(sample)
	if err != nil {
		t.Fatal(err)
	}
	wide, err := utf16.UTF16(utf16.LittleEndian, utf16.UseBOM).NewEncoder().String(sample)
	if err != nil {
		t.Fatal(err)
	}
	return map[Encoding]string{UTF8: sample, MarkedUTF8: "\uFEFF" + sample, Windows1251: cp1251, UTF16: wide}
}

func TestTablesOfAnyEncodingHaveTheSameRows(t *testing.T) {
	for encoding, text := range encodings(t) {
		r, err := New(strings.NewReader(text), people())
		if err != nil {
			t.Errorf("%s: %v", encoding, err)
			continue
		}
		rows, refused := all(t, r)
		want := []string{"Пробный Проба|2001-02-03|", "Образцов; Образец|03.02.2001|"}
		if !slices.Equal(rows, want) || len(refused) > 0 {
			t.Errorf("%s: %q, refused %q", encoding, rows, refused)
		}
		form := r.Form()
		if form.Encoding != encoding || form.SeparatorName() != "semicolon" || form.HeaderLine != 1 || !slices.Equal(form.Unknown, []string{"Телефон"}) {
			t.Errorf("%s: %+v", encoding, form)
		}
	}
}

func TestHeadersAreFoundByAnyOfTheirNames(t *testing.T) {
	for header, separator := range map[string]byte{
		"full_name;birth_date;note": ';', "FULL NAME,Birth-Date,Note": ',', "\"Ф. И. О.\"\tДата_рождения\tnote": '\t',
		"sep=|\nфио|дата  рождения|note": '|', "# made by hand\n\n note , фио , дата рождения": ',',
	} {
		text := header + "\n" + strings.Join([]string{"1", "2", "3"}, string(separator))
		r, err := New(strings.NewReader(text), people())
		if err != nil {
			t.Errorf("%q: %v", header, err)
			continue
		}
		if form := r.Form(); form.Separator != separator || len(form.Unknown) > 0 {
			t.Errorf("%q: %+v", header, form)
		}
		if rows, _ := all(t, r); len(rows) != 1 || len(rows[0]) != len("1|2|3") {
			t.Errorf("%q: %q", header, rows)
		}
	}
}

func TestTablesThatWouldBeMisreadAreRefused(t *testing.T) {
	const advice = " (the first line names the columns, for example full_name;birth_date;note)"
	for text, want := range map[string]string{
		"":                           "the file is empty",
		"# only a comment\n":         "the file is empty",
		"Пробный Проба;2001-02-03\n": "line 1: no header" + advice,
		"note;телефон\n":             "line 1: the header has no column full_name and no column birth_date" + advice,
		"\nфио;note\n":               "line 2: the header has no column birth_date" + advice,
		"фио;full_name;дата рождения\n":    "line 1: the header names the column full_name twice",
		strings.Repeat("x", maxLine+1):     "line 1 is longer than 8192 bytes: no CSV file",
		"PK\x03\x04":                       "the file is a workbook and no CSV file" + SaveAsUTF8,
		"\xFF\xFE\x00\x00":                 "the file is in UTF-32" + SaveAsUTF8,
		"ab\x00c":                          "the file is no text, or in UTF-16 without byte order mark" + SaveAsUTF8,
		"\xD2\xF8\xFF\xFE\xFD\xB5\xBA\xC0": "the file is neither UTF-8 nor Windows-1251" + SaveAsUTF8,
	} {
		if _, err := New(strings.NewReader(text), people()); err == nil || err.Error() != want {
			t.Errorf("%.30q: %v\nwant %s", text, err, want)
		}
	}
}

func TestRowsThatCannotBeReadSpoilNoOthers(t *testing.T) {
	r, err := New(strings.NewReader("фио;дата рождения;note\n"+
		"\"Пробный;2001\n"+ // line 2
		"a;b;c;d\n"+
		"\xE0\xE1;b\n"+
		"a;b;"+strings.Repeat("x", maxLine)+"\n"+
		"\"a\"b;c\n"+
		"a\uFFFD;b\n"+
		"good;2001-02-03;;;\n"), people())
	if err != nil {
		t.Fatal(err)
	}
	rows, refused := all(t, r)
	want := []string{
		"line 2: a quote is not closed on the same line",
		"line 3: more fields than the header has columns (a field with the separator in it, such as 126,58404, needs quotes)",
		"line 4: damaged text (save the table as “CSV UTF-8”)",
		"line 5: longer than 8192 bytes (is a quote missing?)",
		"line 6: text stands behind the closing quote of a field",
		"line 7: damaged text (save the table as “CSV UTF-8”)",
	}
	if !slices.Equal(refused, want) || !slices.Equal(rows, []string{"good|2001-02-03|"}) {
		t.Errorf("rows %q, refused\n%s", rows, strings.Join(refused, "\n"))
	}
}

func TestARowStaysTrueAfterTheNext(t *testing.T) {
	r, err := New(strings.NewReader("фио;дата рождения;note\n  a  b ;1;\"x\"\"y\"\nc;2\n"), people())
	if err != nil {
		t.Fatal(err)
	}
	first, _ := r.Next()
	second, err := r.Next()
	if err != nil {
		t.Fatal(err)
	}
	if first.Line != 2 || first.Raw() != "  a  b ;1;\"x\"\"y\"" || first.Get("full_name") != "a b" || first.Field("full_name") != "  a  b " || first.Get("note") != `x"y` {
		t.Errorf("first: %+v", first)
	}
	if second.Line != 3 || second.Get("note") != "" || second.Get("") != "" || second.Get("nobody") != "" {
		t.Errorf("second: %+v", second)
	}
}

func TestOpenSaysWhatToDo(t *testing.T) {
	dir := t.TempDir()
	if _, err := Open(filepath.Join(dir, "nobody.csv"), people()); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "put the list there") {
		t.Errorf("missing: %v", err)
	}
	if _, err := Open(dir, people()); err == nil || !strings.HasSuffix(err.Error(), "is no file") {
		t.Errorf("a folder: %v", err)
	}
	large := filepath.Join(dir, "large.csv")
	f, err := os.Create(large)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(f.Truncate(MaxFile+1), f.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(large, people()); err == nil || !strings.HasSuffix(err.Error(), "is larger than 64 MB") {
		t.Errorf("large: %v", err)
	}
	good := filepath.Join(dir, "good.csv")
	if err := os.WriteFile(good, []byte(sample), 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := Open(good, people())
	if err != nil {
		t.Fatal(err)
	}
	if rows, _ := all(t, r); len(rows) != 2 {
		t.Errorf("%q", rows)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
}

func FuzzTable(f *testing.F) {
	f.Add([]byte(sample))
	f.Add([]byte("sep=,\r\nфио,birth date\r\n\"a,b\",\"c\"\"d\"\r\n"))
	f.Add([]byte("\xFF\xFEc\x00a\x00"))
	f.Add([]byte("\xD4\xC8\xCE;birth_date\n\xCF\xF0\xEE\xE1\xE0;1\n"))
	f.Fuzz(func(t *testing.T, file []byte) {
		r, err := New(strings.NewReader(string(file)), people())
		if err != nil {
			return
		}
		last := r.Form().HeaderLine
		for {
			row, err := r.Next()
			var unreadable *RowError
			switch {
			case errors.Is(err, io.EOF):
				return
			case errors.As(err, &unreadable):
				row.Line = unreadable.Line
			case err != nil:
				t.Fatal(err)
			case Tidy(row.Get("full_name")) != row.Get("full_name"):
				t.Fatalf("line %d is not tidy", row.Line)
			}
			if row.Line <= last {
				t.Fatalf("line %d behind %d", row.Line, last)
			}
			last = row.Line
		}
	})
}
