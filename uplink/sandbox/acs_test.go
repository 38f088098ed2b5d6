package sandbox

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
)

func TestDocumentedAnswers(t *testing.T) {
	for name, c := range map[string]struct {
		prepare func(*Portal, *http.Request)
		status  int
		body    string
	}{
		"OK":             {func(*Portal, *http.Request) {}, 200, textOK},
		"wrong body":     {func(_ *Portal, r *http.Request) { r.Body, r.ContentLength = http.NoBody, 0 }, 400, textBad},
		"wrong key":      {func(_ *Portal, r *http.Request) { r.Header["X-API-KEY"] = []string{"other"} }, 401, textKey},
		"internal error": {func(p *Portal, _ *http.Request) { p.acs.store.max = 0 }, 500, textInternal},
	} {
		t.Run(name, func(t *testing.T) {
			p := New(Options{Key: testKey})
			req := request(t, "http://localhost", encode(row()))
			c.prepare(p, req)
			resp := ask(p, req)
			if body := read(t, resp); resp.StatusCode != c.status || body != c.body {
				t.Errorf("answer %d %s, want %d %s", resp.StatusCode, body, c.status, c.body)
			}
			if got := resp.Header.Get("Content-Type"); got != "application/json" {
				t.Errorf("Content-Type %q", got)
			}
			want := map[bool][]Row{true: {row()}}[c.status == 200]
			if got := keptRows(p); !slices.Equal(got, want) {
				t.Errorf("kept %v, want %v", got, want)
			}
		})
	}
}

func TestStrictHeader(t *testing.T) {
	set := func(name string, values ...string) func(*http.Request) {
		return func(r *http.Request) { r.Header[name] = values }
	}
	path := func(path string) func(*http.Request) {
		return func(r *http.Request) {
			u, err := r.URL.Parse("http://localhost" + path)
			if err != nil {
				t.Fatal(err)
			}
			r.URL = u
		}
	}
	for name, c := range map[string]struct {
		spoil  func(*http.Request)
		status int
	}{
		"charset":                   {set("Content-Type", "application/json; charset=UTF-8"), 200},
		"type in capitals":          {set("Content-Type", "Application/JSON"), 200},
		"header name in small":      {func(r *http.Request) { delete(r.Header, "X-API-KEY"); r.Header.Set("x-api-key", testKey) }, 200},
		"path of the raw example":   {path("/apikey/v1/data_set"), 404},
		"path with the space":       {path("/back/apikey/v1/data%20set"), 404},
		"path with a slash behind":  {path(ACSPath + "/"), 404},
		"path with two slashes":     {path("//back/apikey/v1/data_set"), 404},
		"path in capitals":          {path("/BACK/apikey/v1/data_set"), 404},
		"path escaped":              {path("/back/apikey/v1/data%5Fset"), 404},
		"path with a query":         {path(ACSPath + "?a=1"), 404},
		"path with an empty query":  {path(ACSPath + "?"), 404},
		"root":                      {path("/"), 404},
		"GET":                       {func(r *http.Request) { r.Method = http.MethodGet }, 405},
		"PUT":                       {func(r *http.Request) { r.Method = http.MethodPut }, 405},
		"HEAD":                      {func(r *http.Request) { r.Method = http.MethodHead }, 405},
		"no key":                    {func(r *http.Request) { delete(r.Header, "X-API-KEY") }, 401},
		"empty key":                 {set("X-API-KEY", ""), 401},
		"key with more behind":      {set("X-API-KEY", testKey+"2"), 401},
		"key in capitals":           {set("X-API-KEY", strings.ToUpper(testKey)), 401},
		"key twice":                 {set("X-API-KEY", testKey, testKey), 401},
		"key under another name":    {func(r *http.Request) { delete(r.Header, "X-API-KEY"); r.Header.Set("Authorization", testKey) }, 401},
		"no type":                   {func(r *http.Request) { r.Header.Del("Content-Type") }, 400},
		"type text":                 {set("Content-Type", "text/plain"), 400},
		"type form":                 {set("Content-Type", "application/x-www-form-urlencoded"), 400},
		"type of another JSON":      {set("Content-Type", "application/vnd.api+json"), 400},
		"type twice":                {set("Content-Type", "application/json", "application/json"), 400},
		"type unreadable":           {set("Content-Type", "application/json; ="), 400},
		"another charset":           {set("Content-Type", "application/json; charset=windows-1251"), 400},
		"no length":                 {func(r *http.Request) { r.ContentLength = -1 }, 411},
		"50 MB and a byte":          {func(r *http.Request) { r.ContentLength = 50_000_001 }, 413},
		"compressed":                {set("Content-Encoding", "gzip"), 400},
		"identity":                  {set("Content-Encoding", "identity"), 400},
		"wrong method before key":   {func(r *http.Request) { r.Method = "PATCH"; delete(r.Header, "X-API-KEY") }, 405},
		"wrong key before type":     {func(r *http.Request) { r.Header = http.Header{} }, 401},
		"wrong type before length":  {func(r *http.Request) { r.Header.Del("Content-Type"); r.ContentLength = -1 }, 400},
		"wrong length before coded": {func(r *http.Request) { r.Header.Set("Content-Encoding", "br"); r.ContentLength = 60e6 }, 413},
	} {
		t.Run(name, func(t *testing.T) {
			p := New(Options{Key: testKey})
			req := request(t, "http://localhost", encode(row()))
			c.spoil(req)
			resp := ask(p, req)
			read(t, resp)
			if resp.StatusCode != c.status {
				t.Fatalf("status %d, want %d", resp.StatusCode, c.status)
			}
			if got := p.Requests(); len(got) != 1 || got[0].Status != c.status || (got[0].Reason == "") != (c.status == 200) {
				t.Errorf("on record: %+v", got)
			}
			if (p.Stats().Rows == 1) != (c.status == 200) {
				t.Errorf("%d rows kept", p.Stats().Rows)
			}
			if c.status == 405 && resp.Header.Get("Allow") != "POST" {
				t.Errorf("Allow: %q", resp.Header.Get("Allow"))
			}
		})
	}
}

func TestWithoutAKeyNoneIsRight(t *testing.T) {
	req := request(t, "http://localhost", encode(row()))
	req.Header["X-API-KEY"] = []string{""}
	if resp := ask(New(Options{}), req); resp.StatusCode != 401 {
		t.Errorf("status %d", resp.StatusCode)
	}
}

// base is what the cases below change: in each, the first string is replaced by the second.
const base = `{"source":"Query","code":"InsertACS","param":{"data":[{"bin":"010140000014","org_name":"Школа № 12","person":[` +
	`{"datetime":"2026-01-13T10:01:23+05:00","iin":"050101500030","fio":"Пробная Проба Пробовна","note":"Корпус 1; вход"}]}]}}`

const (
	personOf = `{"datetime":"2026-01-13T10:01:23+05:00","iin":"050101500030","fio":"Пробная Проба Пробовна","note":"Корпус 1; вход"}`
	first    = "param.data[0]."
	firstOne = first + "person[0]."
)

func TestStrictBody(t *testing.T) {
	for name, c := range map[string]struct {
		old, new string
		reason   string // "": accepted
	}{
		"as it is":                    {"", "", ""},
		"white space":                 {"{", " \r\n\t{ ", ""},
		"white space behind":          {"]}]}}", "]}]}} \n", ""},
		"members in another order":    {base, reordered, ""},
		"escapes":                     {"Корпус 1", `\u041aорпус\t\"1\"\/\\\b\f\n\r\ud83d\ude00`, ""},
		"offset zero":                 {"+05:00", "+00:00", ""},
		"offset of half an hour":      {"+05:00", "-03:30", ""},
		"leap day":                    {"2026-01-13", "2024-02-29", ""},
		"control digit, second round": {"050101500030", "900101300811", ""},

		"nothing":                       {base, "", "body: the JSON ends too early"},
		"white space alone":             {base, "  \n", "body: the JSON ends too early"},
		"byte order mark":               {`{"source"`, "\ufeff" + `{"source"`, "body: is not an object"},
		"array":                         {base, "[" + base + "]", "body: is not an object"},
		"null":                          {base, "null", "body: is not an object"},
		"end is missing":                {"]}]}}", "]}]}", "body: the JSON ends too early"},
		"text behind":                   {"]}]}}", "]}]}}x", "body: something follows the JSON"},
		"second document behind":        {"]}]}}", "]}]}}{}", "body: something follows the JSON"},
		"comma before the end":          {"]}]}}", "]}]},}", "body: expected the name of a member"},
		"comma in an array":             {"}]}]}}", "},]}]}}", first + "person[1]: is not an object"},
		"comma missing":                 {`"Query",`, `"Query"`, "body: expected a comma or the end of the object"},
		"comma missing in an array":     {"}]}]}}", "}{}]}]}}", first + "person: expected a comma or the end of the array"},
		"colon missing":                 {`"source":`, `"source"`, "body: expected a colon"},
		"comment":                       {`"Query",`, `"Query", //Тип` + "\n", "body: expected the name of a member"},
		"name without quotation":        {`"source"`, `source`, "body: expected the name of a member"},
		"apostrophes":                   {`"Query"`, `'Query'`, "source: is not a string"},
		"unknown member above":          {`{"source"`, `{"version":"1","source"`, "body: has a member that is not in the document"},
		"unknown member in param":       {`{"data"`, `{"x":"","data"`, "param: has a member that is not in the document"},
		"unknown member in institution": {`{"bin"`, `{"x":"","bin"`, "param.data[0]: has a member that is not in the document"},
		"unknown member in person":      {`{"datetime"`, `{"direction":"in","datetime"`, first + "person[0]: has a member that is not in the document"},
		"member in capitals":            {`"source"`, `"Source"`, "body: has a member that is not in the document"},
		"bin with the space":            {`"bin"`, `"bin "`, "param.data[0]: has a member that is not in the document"},
		"org name with the space":       {`"org_name"`, `"org name"`, "param.data[0]: has a member that is not in the document"},
		"member twice":                  {`"source":"Query",`, `"source":"Query","source":"Query",`, "source: stands there twice"},
		"iin twice":                     {`"iin"`, `"iin":"900101300017","iin"`, firstOne + "iin: stands there twice"},
		"name escaped, twice":           {`"iin"`, `"\u0069in":"900101300017","iin"`, firstOne + "iin: stands there twice"},

		"source missing":       {`"source":"Query",`, "", "source: is missing"},
		"code missing":         {`"code":"InsertACS",`, "", "code: is missing"},
		"param missing":        {base, `{"source":"Query","code":"InsertACS"}`, "param: is missing"},
		"param empty":          {base, `{"source":"Query","code":"InsertACS","param":{}}`, "param.data: is missing"},
		"bin missing":          {`"bin":"010140000014",`, "", first + "bin: is missing"},
		"org_name missing":     {`"org_name":"Школа № 12",`, "", first + "org_name: is missing"},
		"person missing":       {`,"person":[` + personOf + `]`, "", first + "person: is missing"},
		"datetime missing":     {`"datetime":"2026-01-13T10:01:23+05:00",`, "", firstOne + "datetime: is missing"},
		"iin missing":          {`"iin":"050101500030",`, "", firstOne + "iin: is missing"},
		"fio missing":          {`"fio":"Пробная Проба Пробовна",`, "", firstOne + "fio: is missing"},
		"note missing":         {`,"note":"Корпус 1; вход"`, "", firstOne + "note: is missing"},
		"person empty":         {personOf, "", first + "person: is empty"},
		"data empty":           {base, `{"source":"Query","code":"InsertACS","param":{"data":[]}}`, "param.data: is empty"},
		"person is an object":  {"[" + personOf + "]", personOf, first + "person: is not an array"},
		"data is an object":    {`"data":[`, `"data":{`, "param.data: is not an array"},
		"institution is text":  {`"data":[{`, `"data":["x",{`, "param.data[0]: is not an object"},
		"param is null":        {base, `{"source":"Query","code":"InsertACS","param":null}`, "param: is not an object"},
		"bin is a number":      {`"010140000014"`, `10140000014`, first + "bin: is not a string"},
		"iin is a number":      {`"iin":"050101500030"`, `"iin":900101300017`, firstOne + "iin: is not a string"},
		"note is null":         {`"Корпус 1; вход"`, `null`, firstOne + "note: is not a string"},
		"note is a truth":      {`"Корпус 1; вход"`, `true`, firstOne + "note: is not a string"},
		"another source":       {`"Query"`, `"query"`, "source: is not Query"},
		"another code":         {`"InsertACS"`, `"InsertAcs"`, "code: is not InsertACS"},
		"bin too short":        {"010140000014", "10140000014", first + "bin: is not 12 digits long"},
		"bin, control digit":   {"010140000014", "010140000015", first + "bin: is not made of digits, or its control digit is wrong"},
		"bin of the document":  {"010140000014", "123456789012", first + "bin: is not made of digits, or its control digit is wrong"},
		"iin of the document":  {"050101500030", "123456789012", firstOne + "iin: is not made of digits, or its control digit is wrong"},
		"iin too long":         {"050101500030", "0501015000300", firstOne + "iin: is not 12 digits long"},
		"iin with a space":     {"050101500030", " 50101500030", firstOne + "iin: is not made of digits, or its control digit is wrong"},
		"iin, never issued":    {"050101500030", "900101300801", firstOne + "iin: is not made of digits, or its control digit is wrong"},
		"org_name empty":       {"Школа № 12", "", first + "org_name: is empty"},
		"fio empty":            {"Пробная Проба Пробовна", "", firstOne + "fio: is empty"},
		"fio blank":            {"Пробная Проба Пробовна", " \u00a0", firstOne + "fio: is empty"},
		"note empty":           {"Корпус 1; вход", "", firstOne + "note: is empty"},
		"time with Z":          {"+05:00", "Z", badTime},
		"time without offset":  {"+05:00", "", badTime},
		"offset without colon": {"+05:00", "+0500", badTime},
		"offset of hours":      {"+05:00", "+05", badTime},
		"offset minus zero":    {"+05:00", "-00:00", badTime},
		"offset too far":       {"+05:00", "+14:15", badTime},
		"fraction":             {"10:01:23", "10:01:23.5", badTime},
		"fraction with comma":  {"10:01:23", "10:01:23,500", badTime},
		"no seconds":           {"10:01:23", "10:01", badTime},
		"space instead of T":   {"13T10", "13 10", badTime},
		"small t":              {"13T10", "13t10", badTime},
		"local order":          {"2026-01-13", "13.01.2026", badTime},
		"no such day":          {"2026-01-13", "2026-02-29", badTime},
		"hour 24":              {"10:01:23", "24:00:00", badTime},
		"second 60":            {"10:01:23", "23:59:60", badTime},
		"time empty":           {"2026-01-13T10:01:23+05:00", "", badTime},

		"not UTF-8":             {"Корпус", "\xca\xee\xf0\xef\xf3\xf1", firstOne + "note: is not UTF-8"},
		"surrogate in UTF-8":    {"Корпус", "\xed\xa0\x80", firstOne + "note: is not UTF-8"},
		"overlong UTF-8":        {"Корпус", "\xc0\xaf", firstOne + "note: is not UTF-8"},
		"replacement character": {"Корпус", "К\ufffdрпус", firstOne + "note: has U+FFFD, the mark of damaged text"},
		"replacement escaped":   {"Корпус", `К\ufffdрпус`, firstOne + "note: has U+FFFD, the mark of damaged text"},
		"zero character":        {"Корпус", `\u0000`, firstOne + "note: has a zero character"},
		"line feed as it is":    {"Корпус", "Кор\nпус", firstOne + "note: has a control character that is not escaped"},
		"half of a pair":        {"Корпус", `\ud83d`, firstOne + "note: has half of a surrogate pair"},
		"other half of a pair":  {"Корпус", `\ude00`, firstOne + "note: has half of a surrogate pair"},
		"pair of two halves":    {"Корпус", `\ud83d\ud83d`, firstOne + "note: has half of a surrogate pair"},
		"half, other escape":    {"Корпус", `\ud83d\n`, firstOne + "note: has half of a surrogate pair"},
		"escape of the document": {
			"Корпус", `дата\время`, firstOne + "note: has an unknown escape",
		},
		"escape with a wrong digit": {"Корпус", `\u12g4`, firstOne + "note: has an escape with a wrong digit"},
		"escape cut off":            {base, `{"source":"\u12`, "source: the JSON ends too early"},
		"text too long":             {"Корпус", strings.Repeat("x", maxText+1), firstOne + "note: is longer than 65536 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			body := strings.Replace(base, c.old, c.new, 1)
			if body == base && name != "as it is" {
				t.Fatal("the case changes nothing")
			}
			var log bytes.Buffer
			p := New(Options{Key: testKey, Log: slog.New(slog.NewTextHandler(&log, nil))})
			resp := ask(p, request(t, "http://localhost", body))
			got := read(t, resp)
			if c.reason == "" {
				if resp.StatusCode != 200 || got != textOK || p.Stats().Rows != 1 {
					t.Errorf("answer %d %s, %d rows: %+v", resp.StatusCode, got, p.Stats().Rows, p.Requests())
				}
				return
			}
			if resp.StatusCode != 400 || got != textBad || p.Stats().Rows != 0 {
				t.Errorf("answer %d %s, %d rows", resp.StatusCode, got, p.Stats().Rows)
			}
			if reason := p.Requests()[0].Reason; reason != c.reason {
				t.Errorf("reason %q, want %q", reason, c.reason)
			}
			for _, personal := range []string{"050101500030", "Проб", "900101300017"} {
				if strings.Contains(log.String(), personal) {
					t.Errorf("the log tells %s: %s", personal, &log)
				}
			}
		})
	}
}

const (
	badTime   = firstOne + "datetime: is not of the form 2024-01-13T10:01:23+00:00"
	reordered = `{"param":{"data":[{"person":[{"note":"Корпус 1; вход","fio":"Пробная Проба Пробовна","iin":"050101500030",` +
		`"datetime":"2026-01-13T10:01:23+05:00"}],"org_name":"Школа № 12","bin":"010140000014"}]},"code":"InsertACS","source":"Query"}`
)

// The document's own examples are no JSON, whatever is repaired of the transfer; the sandbox must not be kinder than that.
func TestPrintedExampleIsRefused(t *testing.T) {
	printed, err := os.ReadFile("testdata/printed-example.txt")
	if err != nil {
		t.Fatal(err)
	}
	if resp := ask(New(Options{Key: testKey}), request(t, "http://localhost", string(printed))); resp.StatusCode != 400 {
		t.Errorf("status %d", resp.StatusCode)
	}
}

// One wrong row anywhere, and nothing of the request is kept.
func TestAllOrNothing(t *testing.T) {
	bad := second()
	bad.IIN = "123456789012"
	p := New(Options{Key: testKey, AllowBursts: true})
	for _, rows := range [][]Row{{bad, row()}, {row(), bad}, {row(), second(), bad}} {
		if resp := ask(p, request(t, "http://localhost", encode(rows...))); resp.StatusCode != 400 {
			t.Errorf("status %d", resp.StatusCode)
		}
	}
	if got := keptRows(p); got != nil {
		t.Errorf("kept %v", got)
	}
	if len(p.acs.store.texts) != 0 {
		t.Errorf("%d texts of refused rows are kept", len(p.acs.store.texts))
	}
}

func TestIdenticalRowsAreKeptOnce(t *testing.T) {
	later, other, noted, elsewhere := row(), row(), row(), row()
	later.Datetime = "2026-01-13T10:01:24+05:00"
	other.Datetime = "2026-01-13T05:01:23+00:00" // the same instant, but other letters
	noted.Note = "Корпус 1; выход"
	elsewhere.BIN = "010150000019"
	all := []Row{row(), later, other, noted, elsewhere}

	p := New(Options{Key: testKey, AllowBursts: true})
	for _, rows := range [][]Row{{row()}, {row(), row()}, all, all} {
		if resp := ask(p, request(t, "http://localhost", encode(rows...))); resp.StatusCode != 200 {
			t.Fatalf("status %d", resp.StatusCode)
		}
	}
	if got := keptRows(p); !slices.Equal(got, all) {
		t.Errorf("kept %v", got)
	}
	s := p.Stats()
	if s.Rows != 5 || s.Repeats != 2+1+5 || s.Requests != 4 || s.Answers[200] != 4 {
		t.Errorf("%+v", s)
	}
	if last := p.Requests()[2]; last.Rows != 4 || last.Repeats != 1 {
		t.Errorf("third request: %+v", last)
	}
	for _, r := range all {
		if !p.Has(r) {
			t.Errorf("does not have %v", r)
		}
	}
	for _, r := range []Row{second(), {}, {Datetime: row().Datetime}} {
		if p.Has(r) {
			t.Errorf("has %v", r)
		}
	}
}

func TestRowsStopsWhenAsked(t *testing.T) {
	p := New(Options{Key: testKey})
	ask(p, request(t, "http://localhost", encode(row(), second())))
	visits := 0
	p.Rows(func(r Row) bool {
		visits++
		return !p.Has(r) // a visitor may ask the portal
	})
	if visits != 1 {
		t.Errorf("%d visits", visits)
	}
}

func TestRequestsRemembersTheLastHundred(t *testing.T) {
	p := New(Options{Key: testKey, AllowBursts: true})
	for i := range 250 {
		req := request(t, "http://localhost", strings.Repeat(" ", i))
		read(t, ask(p, req))
	}
	got := p.Requests()
	if len(got) != 100 || got[0].Bytes != 150 || got[99].Bytes != 249 {
		t.Errorf("%d requests, from %d to %d", len(got), got[0].Bytes, got[len(got)-1].Bytes)
	}
}

// A client that dies in the middle of its body leaves nothing.
func TestBodyCutOff(t *testing.T) {
	p := New(Options{Key: testKey})
	req := request(t, "http://localhost", "")
	req.Body = io.NopCloser(io.MultiReader(strings.NewReader(base), failing{}))
	req.ContentLength = int64(len(base)) + 10
	if resp := ask(p, req); resp.StatusCode != 400 {
		t.Errorf("status %d", resp.StatusCode)
	}
	if p.Stats().Rows != 0 || p.Requests()[0].Reason != "body: the body was cut off" {
		t.Errorf("%+v", p.Requests())
	}
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errors.New("connection reset") }
