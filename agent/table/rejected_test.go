package table

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// open writes a table and opens it.
func open(t *testing.T, path, text string) *Reader {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := Open(path, people())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return r
}

// reject rejects every row of the table, with names masked.
func reject(t *testing.T, path string, r *Reader) *Rejects {
	t.Helper()
	x := Rejected(path, r)
	mask := func(column, value string) string {
		if column == "full_name" {
			return "***"
		}
		return value
	}
	for {
		row, err := r.Next()
		var unreadable *RowError
		switch {
		case errors.Is(err, io.EOF):
			return x
		case errors.As(err, &unreadable):
			x.AddError(unreadable)
		case err != nil:
			t.Fatal(err)
		default:
			x.Add(row, "wrong; very wrong", mask)
		}
	}
}

func TestRejectedRowsAreATableOfTheSameKind(t *testing.T) {
	path := filepath.Join(t.TempDir(), "people.csv")
	for _, separator := range []string{";", ",", "\t"} {
		text := strings.ReplaceAll("ФИО;Дата рождения;Телефон;note\nПробный Проба;2001-02-03;1;x\"y\n\"broken;row\n", ";", separator)
		x := reject(t, path, open(t, path, text))
		if _, err := os.Stat(x.Path()); separator == ";" && !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("the file is seen before it is complete: %v", err)
		}
		if err := x.Close(); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(path + ".rejected.csv")
		if err != nil {
			t.Fatal(err)
		}
		want := "\uFEFFline;reason;ФИО;Дата рождения;Телефон;note\r\n" +
			"2;\"wrong; very wrong\";***;2001-02-03;1;\"x\"\"y\"\r\n" +
			"3;a quote is not closed on the same line;;;;\r\n"
		if separator != ";" {
			want = strings.ReplaceAll(strings.ReplaceAll(want, `"wrong; very wrong"`, "wrong\x00 very wrong"), ";", separator)
			want = strings.ReplaceAll(want, "\x00", ";")
		}
		if string(got) != want {
			t.Errorf("got\n%q\nwant\n%q", got, want)
		}
		if about, err := os.Stat(x.Path()); err != nil || runtime.GOOS != "windows" && about.Mode().Perm() != 0o600 {
			t.Errorf("rights: %v, %v", about.Mode(), err)
		}
		if !IsRejected(filepath.Base(x.Path())) || IsRejected("people.csv") {
			t.Error("the name does not tell what it is")
		}
		// A mended table can be put back as it is: the first two columns mean nothing and are no remark.
		again, err := Open(x.Path(), people())
		if err != nil {
			t.Fatal(err)
		}
		if form := again.Form(); len(form.Unknown) != 1 || form.Separator != separator[0] {
			t.Errorf("read again: %+v", form)
		}
		if err := again.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestRejectedRowsOfThePastGo(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "people.csv")
	if err := reject(t, path, open(t, path, "фио;дата рождения\na;b\n")).Close(); err != nil {
		t.Fatal(err)
	}
	if err := reject(t, path, open(t, path, "фио;дата рождения\n")).Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path + ".rejected.csv"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("still there: %v", err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
		t.Errorf("files left: %v, %v", left, err)
	}
}

func TestDiscardLeavesTheOldFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "people.csv")
	if err := reject(t, path, open(t, path, "фио;дата рождения\na;b\n")).Close(); err != nil {
		t.Fatal(err)
	}
	if err := reject(t, path, open(t, path, "фио;дата рождения\nc;d\ne;f\n")).Discard(); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(path + ".rejected.csv")
	if err != nil || strings.Count(string(got), "\n") != 2 {
		t.Errorf("%q, %v", got, err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 2 {
		t.Errorf("files left: %v, %v", left, err)
	}
}

func TestAFolderThatCannotBeWrittenIsTold(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "in", "people.csv")
	if err := os.Mkdir(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	r, err := New(strings.NewReader("фио;дата рождения\na;b\nc;d\n"), people())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Dir(path)); err != nil {
		t.Fatal(err)
	}
	if err := reject(t, path, r).Close(); err == nil {
		t.Error("nobody is told")
	}
}
