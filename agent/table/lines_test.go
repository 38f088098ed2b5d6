package table

import (
	"strings"
	"testing"
)

func TestSplit(t *testing.T) {
	for in, want := range map[string][]string{
		`a;b;c`:                      {"a", "b", "c"},
		`;;`:                         {"", "", ""},
		`"a;b"; "c""d" ;e"f"`:        {"a;b", `c"d`, `e"f"`},
		`"";x`:                       {"", "x"},
		``:                           {""},
		`"a`:                         nil,
		`"a""`:                       nil,
		`"a"b;c`:                     nil,
		`Школа "№ 12";"Школа ""1"""`: {`Школа "№ 12"`, `Школа "1"`},
		`"""";""""""`:                {`"`, `""`},
	} {
		fields, reason := split(in, ';', nil)
		if want == nil {
			if reason == "" {
				t.Errorf("%s: %q", in, fields)
			}
			continue
		}
		if got, want := strings.Join(fields, "|"), strings.Join(want, "|"); got != want || reason != "" {
			t.Errorf("%s: %s, %q", in, got, reason)
		}
	}
}

// What quote writes, split reads back.
func FuzzQuote(f *testing.F) {
	f.Add("a;b", "", ` "x" `)
	f.Add("#", `"`, "Школа \"№ 12\"")
	f.Fuzz(func(t *testing.T, a, b, c string) {
		if strings.ContainsAny(a+b+c, "\r\n") {
			return
		}
		for _, separator := range []byte(";,\t|") {
			line := quote(a, separator) + string(separator) + quote(b, separator) + string(separator) + quote(c, separator)
			fields, reason := split(line, separator, nil)
			if reason != "" || len(fields) != 3 || fields[0] != a || fields[1] != b || fields[2] != c {
				t.Fatalf("%q is read as %q, %s", line, fields, reason)
			}
		}
	})
}
