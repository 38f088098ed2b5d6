package sandbox

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
)

func TestKeepIn(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "made", "by the sandbox")
	awkward := second()
	awkward.Note = "<Корпус> & \"2\"\n\u2028"
	run := func(rows ...Row) (kept []Row, repeats int) {
		p := New(Options{Key: testKey, AllowBursts: true})
		if err := p.KeepIn(dir); err != nil {
			t.Fatal(err)
		}
		for _, r := range rows {
			if status := ask(p, request(t, "http://localhost", encode(r))).StatusCode; status != 200 {
				t.Errorf("status %d", status)
			}
		}
		if err := p.Close(); err != nil {
			t.Error(err)
		}
		if status := ask(p, request(t, "http://localhost", encode(row()))).StatusCode; status != 500 {
			t.Errorf("after Close: status %d", status)
		}
		return keptRows(p), p.Stats().Repeats
	}
	if kept, repeats := run(row(), row()); !slices.Equal(kept, []Row{row()}) || repeats != 1 {
		t.Errorf("first run: %v, %d", kept, repeats)
	}
	if kept, repeats := run(awkward, row()); !slices.Equal(kept, []Row{row(), awkward}) || repeats != 1 {
		t.Errorf("second run: %v, %d", kept, repeats)
	}
	if kept, _ := run(); !slices.Equal(kept, []Row{row(), awkward}) {
		t.Errorf("third run: %v", kept)
	}

	file := filepath.Join(dir, "rows.jsonl")
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("rights %v", info.Mode())
	}
	// What a crash left of a line is taken away, and the file goes on behind the last whole line.
	if err := os.Truncate(file, info.Size()-3); err != nil {
		t.Fatal(err)
	}
	if kept, _ := run(awkward); !slices.Equal(kept, []Row{row(), awkward}) {
		t.Errorf("after a crash: %v", kept)
	}
	if kept, _ := run(); !slices.Equal(kept, []Row{row(), awkward}) {
		t.Errorf("the run after: %v", kept)
	}
}

func TestKeepInTellsWhatIsWrong(t *testing.T) {
	line := `{"bin":"010140000014","org_name":"x","datetime":"2026-01-13T10:01:23+05:00","iin":"050101500030","fio":"x","note":"x"}` + "\n"
	for name, c := range map[string]struct{ content, want string }{
		"no JSON":        {line + "050101500030\n" + line, "rows.jsonl, line 2 is not a row"},
		"wrong datetime": {strings.Replace(line, "+05:00", "Z", 1), "rows.jsonl, line 1: datetime is not of the document's form"},
		"endless line":   {strings.Repeat("x", maxLine+1), "rows.jsonl, line 1: bufio: buffer full"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "rows.jsonl"), []byte(c.content), 0o600); err != nil {
				t.Fatal(err)
			}
			p := New(Options{Key: testKey})
			err := p.KeepIn(dir)
			if err == nil || !strings.HasSuffix(err.Error(), c.want) {
				t.Errorf("error %v", err)
			}
			if got := keptRows(p); len(got) != 0 {
				t.Errorf("kept %v", got)
			}
		})
	}
	t.Run("too late", func(t *testing.T) {
		p := New(Options{Key: testKey})
		ask(p, request(t, "http://localhost", encode(row())))
		if err := p.KeepIn(t.TempDir()); err == nil {
			t.Error("no error")
		}
	})
	t.Run("a file instead of the folder", func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := New(Options{}).KeepIn(file); err == nil {
			t.Error("no error")
		}
	})
}

// When the disk fails, the answer is 500 and nothing of the request is kept, neither in memory nor on disk.
func TestDiskFailure(t *testing.T) {
	dir := t.TempDir()
	p := New(Options{Key: testKey, AllowBursts: true})
	if err := p.KeepIn(dir); err != nil {
		t.Fatal(err)
	}
	ask(p, request(t, "http://localhost", encode(row())))
	if err := p.acs.store.disk.file.Close(); err != nil {
		t.Fatal(err)
	}
	resp := ask(p, request(t, "http://localhost", encode(second())))
	if body := read(t, resp); resp.StatusCode != 500 || body != textInternal {
		t.Errorf("answer %d %s", resp.StatusCode, body)
	}
	if got := keptRows(p); !slices.Equal(got, []Row{row()}) || p.Has(second()) {
		t.Errorf("kept %v", got)
	}
}

// A request that does not fit into the store leaves nothing, although its first rows would have fitted.
func TestFullStore(t *testing.T) {
	p := New(Options{Key: testKey, AllowBursts: true})
	p.acs.store.max = 2
	ask(p, request(t, "http://localhost", encode(row())))
	third := second()
	third.Note = "Корпус 3"
	if status := ask(p, request(t, "http://localhost", encode(second(), third))).StatusCode; status != 500 {
		t.Errorf("status %d", status)
	}
	if p.Has(second()) || p.Stats().Rows != 1 || p.Stats().Repeats != 0 {
		t.Errorf("%+v", p.Stats())
	}
	if status := ask(p, request(t, "http://localhost", encode(row(), second()))).StatusCode; status != 200 {
		t.Errorf("status %d", status)
	}
}

// Many clients send overlapping rows while others look on.
func TestConcurrentRequests(t *testing.T) {
	p := New(Options{Key: testKey, AllowBursts: true})
	client, base := start(t, p, false)
	numbered := func(n int) Row {
		r := row()
		r.Note = fmt.Sprintf("Корпус %d", n)
		return r
	}
	const clients, rounds, rowsEach = 8, 10, 20
	var group sync.WaitGroup
	for c := range clients {
		group.Go(func() {
			for round := range rounds {
				rows := make([]Row, rowsEach)
				for i := range rows {
					rows[i] = numbered(round*rowsEach + (i+c)%rowsEach)
				}
				resp, err := client.Do(request(t, base, encode(rows...)))
				if err != nil {
					t.Error(err)
					return
				}
				read(t, resp)
				if resp.StatusCode != 200 || !p.Has(rows[0]) {
					t.Errorf("status %d, kept: %v", resp.StatusCode, p.Has(rows[0]))
				}
				keptRows(p)
				p.Requests()
				if err := p.SetFaults(Faults{{Kind: RefuseNote, Note: "Корпус Z"}}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	s := p.Stats()
	if s.Rows != rounds*rowsEach || s.Repeats != (clients-1)*rounds*rowsEach || s.Answers[200] != clients*rounds {
		t.Errorf("%+v", s)
	}
	if got := len(keptRows(p)); got != s.Rows {
		t.Errorf("%d rows visited", got)
	}
}
