package reestro

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/text/encoding/charmap"

	"github.com/acs-agent/acs-agent/agent/settings"
)

const (
	head     = "surname;name;patronymic;birth_date;inn;snils;ogrn;consent\n"
	annaRow  = "Пробная;Анна;Пробовна;1996-12-11;500100732259;112-233-445 95;;да\n"
	borisRow = "Пробный;Борис;;05.01.1990;;;;2026-11-01\n"
	veraRow  = "Проба-Пробная;Вера;;1985-02-28;;;;yes\n"
	firmRow  = ";;;;7707083893;;1027700132195;\n"
	badRow   = "Пробный;Глеб;;1990-01-05;500100732258;;;нет\n"
)

func (s *site) put(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(s.inbox, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(s.inbox, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// names are the files in the inbox.
func (s *site) names(t *testing.T) (all []string) {
	t.Helper()
	entries, err := os.ReadDir(s.inbox)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return all
}

// emptied says whether the inbox holds these files only.
func (s *site) emptied(t *testing.T, left ...string) func() bool {
	return func() bool { return slices.Equal(s.names(t), left) }
}

func (s *site) content(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(s.inbox, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func (s *site) total(t *testing.T) (n int) {
	t.Helper()
	counts, err := s.subjects.count()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range counts {
		n += c
	}
	return n
}

func TestFilesAreTakenWhateverTheyLookLike(t *testing.T) {
	cyrillic, err := charmap.Windows1251.NewEncoder().String(head + annaRow + borisRow)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"as documented":     head + annaRow + borisRow,
		"Windows-1251":      cyrillic,
		"with mark":         "\xEF\xBB\xBF" + head + annaRow + borisRow,
		"commas and quotes": strings.ReplaceAll(head, ";", ",") + `"Пробная","Анна","Пробовна","11.12.1996","500100732259",,,"да"` + "\r\n" + strings.ReplaceAll(borisRow, ";", ","),
		"other order": "Согласие;Дата рождения;Имя;Фамилия;Отчество;Примечание\nда;11.12.1996;Анна;Пробная;Пробовна;-\n" +
			"да;05.01.1990;Борис;Пробный;;\n",
		"tabs, no newline at the end": strings.TrimSuffix(strings.ReplaceAll(head+annaRow+borisRow, ";", "\t"), "\n"),
	} {
		s := newSite(t)
		s.put(t, "Пробная.csv", text)
		s.run(t, func() bool { return s.emptied(t)() && s.total(t) == 2 && s.settled() })
		if kept := s.portal.Subjects(); len(kept) != 2 || kept[0].Person.Surname != "Пробная" || kept[1].Person.BirthDate != "1990-01-05" {
			t.Errorf("%s: the portal has %+v", name, kept)
		}
		s.wantPrivate(t)
	}
}

func TestAFileThatComesAgainRegistersNobodyTwice(t *testing.T) {
	s := newSite(t)
	s.put(t, "a.csv", head+annaRow+firmRow+annaRow)
	s.run(t, func() bool { return s.emptied(t)() && s.settled() })
	s.put(t, "a.csv", head+annaRow+borisRow+firmRow)
	s.put(t, "b.txt", head+borisRow)
	s.run(t, func() bool { return s.emptied(t)() && s.settled() })
	if got := s.total(t); got != 3 || s.posts() != 3 {
		t.Errorf("%d subjects and %d requests, want 3", got, s.posts())
	}
	s.wantPrivate(t)
}

func TestBadRowsStandBesideWithTheirReasons(t *testing.T) {
	s := newSite(t)
	s.put(t, "a.csv", head+annaRow+badRow+borisRow)
	s.run(t, func() bool { return s.emptied(t, "a.csv.rejected.csv")() && s.total(t) == 2 })
	const name = "a.csv.rejected.csv"
	text := s.content(t, name)
	for _, want := range []string{"line;reason;surname;name", "3;", "inn has a control digit", "consent was not given", "Пробный;Глеб;;1990-01-05;500100732258"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in\n%s", want, text)
		}
	}
	if about, err := os.Stat(filepath.Join(s.inbox, name)); err != nil || runtime.GOOS != "windows" && about.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", about.Mode(), err)
	}

	// What nobody has mended yet is not overwritten by another file of that name, and a mended one is taken as it is.
	s.put(t, "a.csv", head+strings.Replace(badRow, "Глеб", "Егор", 1))
	s.run(t, s.emptied(t, "a.csv.2.rejected.csv", name))
	if s.content(t, name) != text {
		t.Error("the rejected rows of the first file are gone")
	}
	mended := strings.NewReplacer("нет", "да", "500100732258", "500100732259").Replace(text)
	if err := os.Remove(filepath.Join(s.inbox, name)); err != nil {
		t.Fatal(err)
	}
	s.put(t, "mended.csv", mended)
	s.run(t, func() bool { return s.emptied(t, "a.csv.2.rejected.csv")() && s.total(t) == 3 && s.settled() })
	s.wantPrivate(t)
}

func TestAFileOfWhichSomeRowsCannotBeReadIsKept(t *testing.T) {
	s := newSite(t)
	text := head + annaRow + "Пробный;\"Глеб;;1990-01-05;;;;да\n" + borisRow
	s.put(t, "a.csv", text)
	s.run(t, s.emptied(t, "a.csv.rejected.csv", "a.csv.unreadable"))
	if s.content(t, "a.csv.unreadable") != text || s.total(t) != 2 {
		t.Errorf("%d subjects, and kept is\n%s", s.total(t), s.content(t, "a.csv.unreadable"))
	}
}

func TestAFileThatMakesNoSenseIsLeftWhereItIs(t *testing.T) {
	for name, text := range map[string]string{
		"no header":  annaRow,
		"a workbook": "PK\x03\x04 and so on",
		"UTF-16":     "\x00P\x00r",
	} {
		s := newSite(t)
		s.put(t, "Пробная.csv", text)
		s.run(t, func() bool { return s.say.Report().Oddities > 0 })
		if s.content(t, "Пробная.csv") != text || s.total(t) != 0 {
			t.Errorf("%s: the file was changed", name)
		}
		s.run(t, func() bool { return s.say.State() != "starting" })
		// As soon as it is mended it is taken.
		s.put(t, "Пробная.csv", head+annaRow)
		s.run(t, func() bool { return s.emptied(t)() && s.total(t) == 1 })
		s.wantPrivate(t)
	}
}

func TestWhatIsNoTableIsLeftAlone(t *testing.T) {
	s := newSite(t)
	others := []string{".hidden.csv", "a.csv.part", "a.csv.rejected.csv", "notes.md", "~a.csv"}
	for _, name := range others {
		s.put(t, name, head+annaRow)
	}
	if err := os.Mkdir(filepath.Join(s.inbox, "folder.csv"), 0o700); err != nil {
		t.Fatal(err)
	}
	s.put(t, "empty.csv", "")
	s.put(t, "b.csv", head+borisRow)
	s.run(t, func() bool {
		return s.total(t) == 1 && !slices.Contains(s.names(t), "b.csv") && !slices.Contains(s.names(t), ".b.csv.taken")
	})
	for _, name := range append(others, "empty.csv", "folder.csv") {
		if !slices.Contains(s.names(t), name) {
			t.Errorf("%s is gone", name)
		}
	}
}

func TestAFileThatGrowsIsLeftUntilItIsComplete(t *testing.T) {
	s := newSite(t)
	s.InboxWait = settings.Duration(100 * time.Millisecond)
	s.put(t, "a.csv", head)
	path := filepath.Join(s.inbox, "a.csv")
	ctx, cancel := context.WithCancel(t.Context())
	var writing sync.WaitGroup
	defer writing.Wait()
	defer cancel()
	var mu sync.Mutex
	written := ""
	writing.Go(func() {
		for _, part := range []string{annaRow[:20], annaRow[20:], borisRow[:7], borisRow[7:], veraRow} {
			if ctx.Err() != nil {
				return
			}
			f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
			if err != nil {
				return
			}
			_, _ = f.WriteString(part)
			_ = f.Close()
			mu.Lock()
			written += part
			mu.Unlock()
			time.Sleep(20 * time.Millisecond)
		}
	})
	s.run(t, func() bool {
		mu.Lock()
		complete := len(written) == len(annaRow+borisRow+veraRow)
		mu.Unlock()
		return complete && s.total(t) == 3 && len(s.names(t)) == 0
	})
}

func TestWhoGoesOnWritingAfterAPauseLosesNothing(t *testing.T) {
	if runtime.GOOS == "windows" {
		return // there an open file cannot be moved, so it is taken when it is closed
	}
	s := newSite(t)
	s.InboxWait = settings.Duration(200 * time.Millisecond)
	s.put(t, "a.csv", head+annaRow)
	f, err := os.OpenFile(filepath.Join(s.inbox, "a.csv"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var once sync.Once
	s.run(t, func() bool {
		if slices.Contains(s.names(t), ".a.csv.taken") {
			once.Do(func() { _, _ = f.WriteString(borisRow) })
		}
		return s.total(t) == 2 && len(s.names(t)) == 0
	})
}

func TestACrashWhileAFileIsTakenRegistersNobodyTwice(t *testing.T) {
	s := newSite(t)
	var rows bytes.Buffer
	for i := range 3 * mostRows {
		day := time.Date(1970, 1, 1+i, 0, 0, 0, 0, time.UTC).Format(time.DateOnly)
		rows.WriteString("Пробный;Борис;;" + day + ";;;;да\n")
	}
	s.put(t, "a.csv", head+badRow+rows.String())
	s.InboxWait = 0

	// It dies after the first rows, after all rows, after the rejected ones are written, and while the file lies aside.
	died := errors.New("died")
	writes := 0
	s.store.Fail = func() error {
		if writes++; writes > 2 {
			return died
		}
		return nil
	}
	b := newInbox(s.reestro, &voices{part: s.say})
	if err := b.look(t.Context()); !errors.Is(err, died) || !slices.Equal(s.names(t), []string{"a.csv"}) {
		t.Fatalf("%v, files %v", err, s.names(t))
	}
	for range 3 {
		s = s.reborn(t, s.store.Clone())
		s.InboxWait = 0
		b = newInbox(s.reestro, &voices{part: s.say})
		if err := errors.Join(b.putBack(), b.look(t.Context())); err != nil {
			t.Fatal(err)
		}
		if got := s.names(t); !slices.Equal(got, []string{".a.csv.taken", "a.csv.rejected.csv"}) {
			t.Fatalf("files %v", got)
		}
	}
	s.InboxWait = settings.Duration(10 * time.Millisecond)
	s.run(t, func() bool { return s.emptied(t, "a.csv.rejected.csv")() && s.settled() })
	if got := len(s.portal.Subjects()); got != 3*mostRows || s.total(t) != got {
		t.Errorf("the portal has %d subjects, here are %d, want %d", got, s.total(t), 3*mostRows)
	}
	s.wantPrivate(t)
}

func TestARowMendsWhatThePortalRefused(t *testing.T) {
	s := newSite(t)
	s.put(t, "a.csv", head+annaRow)
	s.run(t, func() bool { return s.total(t) == 1 && s.settled() })
	if _, err := s.subjects.move(1, func(x *subject) error {
		x.State, x.Codes, x.SubjectID = refused, []string{codeWrongInn}, ""
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	before := s.subject(t, 1)
	s.put(t, "a.csv", head+annaRow)
	s.run(t, func() bool { return len(s.names(t)) == 0 })
	if got := s.subject(t, 1); got.State != refused || s.total(t) != 1 {
		t.Errorf("the same row again makes it %s of %d", got.State, s.total(t))
	}
	s.put(t, "a.csv", head+strings.Replace(annaRow, "500100732259", "773370857141", 1))
	s.run(t, func() bool { return len(s.names(t)) == 0 && s.settled() })
	got := s.subject(t, 1)
	if got.State != registered || got.Person.INN != "773370857141" || got.ExternalID == before.ExternalID || s.total(t) != 1 {
		t.Errorf("the mended row makes it %s, %d subjects", got.State, s.total(t))
	}
	s.wantPrivate(t)
}
