package exam

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/acs-agent/acs-agent/agent/event"
	"github.com/acs-agent/acs-agent/uplink/sandbox"
)

// What the preview shows of a week in which everything happens that can; UPDATE=1 writes the golden files anew.
func TestPreview(t *testing.T) {
	at(t, "2026-11-18 09:00:00", func(t *testing.T) {
		s := newSite(t, plainSettings, sandbox.ExamOptions{})
		s.roster(strings.Join([]string{
			anna + ",2026-11-18,1,1,",           // attended
			boris + ",2026-11-18,2,2,126_58404", // by card
			vera + ",2026-11-18,1,,",            // attended, no result
			"AA 1000004,2026-11-18,1,,",         // absent
			"AA 1000005,2026-11-18,1,1,",        // a result and no pass
			anna + ",2026-11-20,1,2,",           // the same level again
			anna + ",2026-11-18,2,1,",           // another level: no matter
			"AA-1000006,2026-11-18,3,1,",        // signs
			"AA 1000007,2026-11-18,3,1,C0FFEE",  // two people with one card
			"AA 1000008,2026-11-18,3,1,C0FFEE",
			"АА 1000009,2026-11-18,3,1,", // Cyrillic
			"AA 1000010,soon,3,1,",
			anna + ",2026-11-25,3,1,", // another week
		}, "\n"))
		file := filepath.Join(s.dir, "roster.csv")
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, bytes.ReplaceAll(text, []byte("126_58404"), []byte(`"126,58404"`)), 0o600); err != nil {
			t.Fatal(err)
		}
		s.start()
		s.shows(anna)
		s.holds(0x55, 0x00, 0x7E, 0xE4, 0x24)
		s.shows(vera)
		s.shows("AA-1000006")
		s.holds(0xC0, 0xFF, 0xEE)
		s.holds(0x01, 0x02, 0x03, 0x04) // a stranger
		s.pass("scanner", event.Credential{Format: "scanner/sha256", Text: hashOf(t, "AA 1000011")})
		s.pass("gate", event.Credential{Number: []byte{7, 7, 7}, Bits: 24}) // not of the exam
		s.source.Append(event.Pass{Reader: "hall", Outcome: event.NotPassed, Credential: event.Credential{Number: []byte{7, 7, 8}, Bits: 24}})
		s.until("2026-11-20 09:00:00")
		s.shows(anna)
		s.until("2026-11-23 12:00:00")
		s.wantState("2026-W47", Draft)
		for name, settings := range map[string]string{"preview.golden": plainSettings, "preview-advisory.golden": plainSettings + "attendance: advisory"} {
			s.halt()
			s.make(settings)
			var out bytes.Buffer
			if err := s.preview("2026-W47").Print(&out); err != nil {
				t.Fatal(err)
			}
			golden(t, name, out.Bytes())
		}
	})
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s: %v\n%s\nwant\n%s", name, err, got, want)
	}
}

// Covered hashes in the body, and whole ones if they are asked for.
func TestThePreviewCoversHashes(t *testing.T) {
	at(t, "2026-11-18 09:00:00", func(t *testing.T) {
		s := newSite(t, plainSettings, sandbox.ExamOptions{})
		s.roster(anna + ",2026-11-18,1,1,\n")
		s.start()
		s.shows(anna)
		s.until("2026-11-23 09:00:00")
		for query, want := range map[string]string{"": `"****` + hashOf(t, anna)[60:] + `"`, "&reveal": `"` + hashOf(t, anna) + `"`} {
			var p Preview
			s.ask(http.MethodGet, "/preview?week=2026-W47"+query, &p)
			if !json.Valid(p.Body) || !strings.Contains(string(p.Body), want) {
				t.Errorf("body %s", p.Body)
			}
		}
		for path, code := range map[string]int{"/preview?week=soon": 400, "/status": 200, "/week?week=2026-W47": 200, "/elsewhere": 404} {
			if got := s.ask(http.MethodGet, path, nil); got != code {
				t.Errorf("%s: %d", path, got)
			}
		}
		var st Status
		if s.ask(http.MethodGet, "/status", &st); st.Rows != 1 || len(st.Weeks) != 1 || st.Weeks[0].State != Ready || !st.Running {
			t.Errorf("%+v", st)
		}
	})
}

// A person who is twice on one level is neither dropped nor reported without a person's word (E16).
func TestTwiceOnOneLevel(t *testing.T) {
	at(t, "2026-11-18 09:00:00", func(t *testing.T) {
		s := newSite(t, plainSettings, sandbox.ExamOptions{})
		s.roster(anna + ",2026-11-18,1,2,\n" + anna + ",2026-11-20,1,1,\n")
		s.start()
		s.shows(anna)
		s.until("2026-11-20 09:00:00")
		s.shows(anna)
		s.until("2026-11-23 12:00:00")
		s.wantSent(0)
		if got := codes(s.preview("last")); got != "twice-on-one-level/open/3" {
			t.Errorf("matters %s", got)
		}
		s.order("/send?week=last")
		s.until("2026-11-23 12:05:00")
		s.wantReports("1 2026-11-16 anna:18:1:2 anna:20:1:1")
		s.until("2026-11-24 12:05:00")
		s.roster(anna + ",2026-11-18,1,1,\n" + anna + ",2026-11-20,1,1,\n") // what was let pass stays so
		s.until("2026-11-24 12:15:00")
		s.wantReports("1 2026-11-16 anna:18:1:1 anna:20:1:1")
	})
}

// Nearest dates that have passed are told; such that lie before the week keep the report back (E13).
func TestNearestDates(t *testing.T) {
	at(t, "2026-11-18 09:00:00", func(t *testing.T) {
		s := newSite(t, strings.NewReplacer("2026-12-05", "2026-11-19", "2026-12-19", "2026-11-09").Replace(plainSettings), sandbox.ExamOptions{})
		s.start()
		s.until("2026-11-23 12:00:00")
		if got := codes(s.preview("last")); got != "nearest-date-before-week/bars/0 nearest-date-past/noted/0" {
			t.Errorf("matters %s", got)
		}
		s.wantRefused("/send?week=last&empty", http.StatusConflict, "residence_permit")
		s.wantSent(0)
		s.wantHealth("stopped", "nearest-date-before-week 1")
	})
}

// Documents at the scanner in a week without rows are a sign of a wrong roster.
func TestDocumentsWithoutARoster(t *testing.T) {
	at(t, "2026-11-18 09:00:00", func(t *testing.T) {
		s := newSite(t, plainSettings, sandbox.ExamOptions{})
		s.start()
		s.shows(anna)
		s.until("2026-11-23 12:00:00")
		s.wantSent(0)
		s.wantRefused("/send?week=last", http.StatusConflict, "--empty")
		s.order("/send?week=last&empty")
		s.until("2026-11-23 12:01:00")
		s.wantReports("1 2026-11-16 none")
	})
}

func TestARosterThatCannotBeRead(t *testing.T) {
	at(t, "2026-11-18 09:00:00", func(t *testing.T) {
		s := newSite(t, plainSettings, sandbox.ExamOptions{})
		file := filepath.Join(s.dir, "roster.csv")
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
		s.start()
		s.until("2026-11-18 09:02:00")
		s.wantHealth("stopped", "there is no file")
		s.until("2026-11-23 12:00:00")
		s.wantSent(0)
		s.wantRefused("/send?week=last&empty", http.StatusConflict, "roster")
		s.roster("")
		s.until("2026-11-23 12:10:00")
		s.wantReports("1 2026-11-16 none")
	})
}

// The roster as spreadsheets save it; each bad row is refused alone, with its reason and without its document.
func TestRoster(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "roster.csv")
	text := "Документ\tДата экзамена\tУровень\tРезультат\tКарта\r\n" +
		"AA 1000001\t18.11.2026\tпатент\tсдал\t\r\n" +
		"\"=\"\"0012345678\"\"\"\t2026-11-18 00:00:00\t2\tне сдала\t0008315940\r\n" +
		"1,2E+10\t18.11.2026\t1\t1\t\r\n" +
		"\u00a0\t18.11.2026\t1\t1\t\r\n" +
		"AA 1000004\t18.11.2026\t4\t3\t\r\n" +
		"AA 1000005\t45614\t1\t\t\r\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := readRoster(file, Documents{})
	if err != nil {
		t.Fatal(err)
	}
	if len(got.rows) != 2 || got.rows[0].person != hashOf(t, "AA1000001") || got.rows[0].result != 1 || got.rows[1].level != 2 || got.rows[1].result != 2 ||
		got.rows[1].day != "2026-11-18" || got.rows[1].person != hashOf(t, "0012345678") || len(got.rows[1].card.numbers) == 0 {
		t.Errorf("rows %+v", got.rows)
	}
	rejected, err := os.ReadFile(filepath.Join(dir, "roster.rejected.csv"))
	if err != nil || got.rejected != filepath.Join(dir, "roster.rejected.csv") {
		t.Fatal(got.rejected, err)
	}
	golden(t, "rejected.golden", rejected)
	if err := os.WriteFile(file, []byte("document;exam_date;level;result\nAA 1000001;2026-11-18;1;1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := readRoster(file, Documents{}); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "roster.rejected.csv")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the rejected rows of another time are still there: %v", err)
	}
	for name, bad := range map[string]string{"no level": "document;exam_date;result\nAA1;2026-11-18;1\n", "no header": "AA1;2026-11-18;1;1\n", "empty": ""} {
		if err := os.WriteFile(file, []byte(bad), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := readRoster(file, Documents{}); err == nil || strings.Contains(err.Error(), "AA1") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzRoster(f *testing.F) {
	f.Add([]byte("document;exam_date;level;result;card\nAA 1;2026-11-18;1;1;126\n"))
	f.Add([]byte("document,exam_date,level,result\n\"AA,18.11.2026,1,\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		file := filepath.Join(t.TempDir(), "roster.csv")
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := readRoster(file, Documents{})
		if err != nil {
			return
		}
		for _, r := range got.rows {
			if !isHash(r.person) || len(r.day) != 10 || r.level < 1 || r.level > 3 || r.result < 0 || r.result > 2 {
				t.Fatalf("%+v", r)
			}
		}
	})
}
