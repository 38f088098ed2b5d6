package sandbox

import (
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// maxGrowth is how much the heap may grow while a body is read, in bytes, garbage included.
const maxGrowth = 8 << 20

// A body of the greatest size is read in a few megabytes, whatever it is made of, and leaves no file behind.
func TestMemoryDoesNotGrowWithTheBody(t *testing.T) {
	const (
		begin  = `{"source":"Query","code":"InsertACS","param":{"data":[`
		early  = begin + `{"bin":"010140000014","org_name":"Школа № 12","person":[`
		unseen = begin + `{"person":[`
	)
	one := personOf + ","
	// The greatest size comes once, with long notes, since the race detector counts rows; for the other shapes a part of it
	// shows as well that it is not kept.
	long := strings.Replace(one, "Корпус 1", strings.Repeat("Building 1, ", 300), 1)
	institution := `{"person":[` + personOf + `],"org_name":"Школа № 12","bin":"010140000014"},`
	for name, c := range map[string]struct {
		begin, repeated, end string
		size                 int
		status, rows         int // rows: those in the body, all the same
	}{
		"the greatest size":         {early, long, long[:len(long)-1] + `]}]}}`, acsMaxBody, 200, 1},
		"rows":                      {early, one, personOf + `]}]}}`, acsMaxBody / 5, 200, 1},
		"rows, the last one wrong":  {early, long, `{}]}]}}`, acsMaxBody / 5, 400, 0},
		"institution behind":        {unseen, long, long[:len(long)-1] + `],"bin":"010140000014","org_name":"Школа № 12"}]}}`, acsMaxBody / 5, 200, 1},
		"institutions of one row":   {begin, institution, institution[:len(institution)-1] + `]}}`, acsMaxBody / 5, 200, 1},
		"one text without an end":   {`{"source":"`, "Корпус 1; ", "", acsMaxBody / 5, 400, 0},
		"one name without an end":   {`{"`, "Корпус 1; ", "", acsMaxBody / 5, 400, 0},
		"white space":               {"", " \n\t\r  \n", base, acsMaxBody / 5, 200, 1},
		"white space behind":        {base, " \n\t\r  \n", "", acsMaxBody / 5, 200, 1},
		"brackets":                  {"", "[", "", acsMaxBody / 5, 400, 0},
		"refused before it is read": {early, one, "", acsMaxBody + 1, 413, 0},
	} {
		t.Run(name, func(t *testing.T) {
			temporary := t.TempDir()
			t.Setenv("TMPDIR", temporary)
			t.Setenv("TMP", temporary) // Windows
			p := New(Options{Key: testKey})
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, ACSPath, &repeating{
				begin: c.begin, repeated: strings.Repeat(c.repeated, max(1, 4096/len(c.repeated))), end: c.end, left: c.size,
			})
			r.ContentLength = int64(c.size)
			r.Header.Set("X-Api-Key", testKey)
			r.Header.Set("Content-Type", "application/json")
			w := httptest.NewRecorder()

			grown := heapGrowth(func() { p.ServeHTTP(w, r) })
			if grown > maxGrowth {
				t.Errorf("the heap grew by %d kB", grown>>10)
			}
			t.Logf("the heap grew by %d kB", grown>>10)
			if w.Code != c.status || p.Stats().Rows != c.rows {
				t.Errorf("status %d, %d rows: %+v", w.Code, p.Stats().Rows, p.Requests())
			}
			if got := p.Requests()[0].Bytes; got != int64(c.size) {
				t.Errorf("%d bytes were read of %d", got, c.size)
			}
			if left, err := filepath.Glob(filepath.Join(temporary, "*")); err != nil || len(left) > 0 {
				t.Errorf("files left behind: %v, %v", left, err)
			}
		})
	}
}

// heapGrowth measures the heap while f runs.
func heapGrowth(f func()) int {
	var stats runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&stats)
	before, most := stats.HeapAlloc, stats.HeapAlloc
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	for tick := time.NewTicker(10 * time.Millisecond); ; {
		select {
		case <-tick.C:
			runtime.ReadMemStats(&stats)
			most = max(most, stats.HeapAlloc)
		case <-done:
			tick.Stop()
			return int(most - before)
		}
	}
}

// repeating is a body that does not exist anywhere as a whole: begin, then repeated as often as it fits, then blanks and the end,
// left bytes in all.
type repeating struct {
	begin, repeated, end string
	left                 int
	now                  string
}

func (r *repeating) Read(p []byte) (int, error) {
	if r.now == "" {
		switch {
		case r.left == 0:
			return 0, io.EOF
		case r.begin != "":
			r.now, r.begin = r.begin, ""
		case r.left >= len(r.repeated)+len(r.end):
			r.now = r.repeated
		case r.left > len(r.end):
			r.now = strings.Repeat(" ", r.left-len(r.end))
		default:
			r.now = r.end
		}
		r.left -= len(r.now)
	}
	n := copy(p, r.now)
	r.now = r.now[n:]
	return n, nil
}

// Rows are kept once and compactly, however many they are.
func TestManyRows(t *testing.T) {
	const requests, rows = 5, 4000
	p := New(Options{Key: testKey, AllowBursts: true})
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for range requests {
		r := row()
		var people strings.Builder
		for i := range rows {
			if i > 0 {
				people.WriteByte(',')
			}
			at = at.Add(time.Second)
			people.WriteString(strings.Replace(personOf, r.Datetime, at.Format(datetimeForm), 1))
		}
		body := strings.Replace(base, personOf, people.String(), 1)
		for range 2 {
			if status := ask(p, request(t, "http://localhost", body)).StatusCode; status != 200 {
				t.Fatalf("status %d: %+v", status, p.Requests())
			}
		}
	}
	if s := p.Stats(); s.Rows != requests*rows || s.Repeats != requests*rows {
		t.Errorf("%+v", s)
	}
	if got := len(p.acs.store.texts); got != 5 {
		t.Errorf("%d texts are kept, want one of each", got)
	}
}

// Rows that cannot be staged are the sandbox's trouble, not the client's mistake.
func TestStagingFails(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "missing")
	t.Setenv("TMPDIR", missing)
	t.Setenv("TMP", missing)
	p := New(Options{Key: testKey})
	body := strings.Replace(base, personOf, strings.Repeat(personOf+",", 2000)+personOf, 1)
	resp := ask(p, request(t, "http://localhost", body))
	if got := read(t, resp); resp.StatusCode != 500 || got != textInternal || p.Stats().Rows != 0 {
		t.Errorf("answer %d %s, %d rows", resp.StatusCode, got, p.Stats().Rows)
	}
}
