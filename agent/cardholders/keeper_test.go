package cardholders

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fsnotify/fsnotify"

	"github.com/acs-agent/acs-agent/agent/event"
)

// A desk is a folder with a file of cardholders, a keeper that follows it, and what the keeper has said.
type desk struct {
	t      *testing.T
	keeper *Keeper
	path   string
	events chan fsnotify.Event
	saves  int

	mu   sync.Mutex
	told []string // "3 rows", or the error
	log  bytes.Buffer
}

// newDesk makes a file of so many rows; none at all if rows is negative.
func newDesk(t *testing.T, rows int) *desk {
	d := &desk{t: t, path: filepath.Join(t.TempDir(), "cardholders.csv"), events: make(chan fsnotify.Event)}
	if rows >= 0 {
		d.write(fileOf(rows))
	}
	d.keeper = NewKeeper(d.path, almaty, slog.New(slog.NewTextHandler(&d.log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	d.keeper.OnChange = func(r Report, err error) {
		d.mu.Lock()
		defer d.mu.Unlock()
		if err != nil {
			d.told = append(d.told, err.Error())
		} else {
			d.told = append(d.told, count(r.Used, "row"))
		}
	}
	return d
}

// run starts the keeper without the operating system's notifications, which do not live in the bubble; the returned function ends it.
func (d *desk) run() func() {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		d.keeper.follow(ctx, d.events, nil, func() {})
	}()
	synctest.Wait()
	return func() {
		cancel()
		<-done
	}
}

// write changes the file in silence, as a network folder does.
func (d *desk) write(content string) {
	d.t.Helper()
	if err := os.WriteFile(d.path, []byte(content), 0o600); err != nil {
		d.t.Fatal(err)
	}
	// The clock of the bubble stands still while files are written; real ones have a new time with every change.
	d.saves++
	when := time.Unix(1_800_000_000+int64(d.saves), 0)
	if err := os.Chtimes(d.path, when, when); err != nil {
		d.t.Fatal(err)
	}
}

// save changes the file and tells of it.
func (d *desk) save(content string) {
	d.t.Helper()
	d.write(content)
	d.events <- fsnotify.Event{Name: d.path, Op: fsnotify.Write}
	synctest.Wait()
}

// expect says how many rows are in use and what has been told since the last call.
func (d *desk) expect(rows int, told ...string) {
	d.t.Helper()
	synctest.Wait()
	d.mu.Lock()
	defer d.mu.Unlock()
	if got, want := strings.Join(d.told, "; "), strings.Join(told, "; "); d.keeper.Book().Len() != rows || got != want {
		d.t.Errorf("%d rows in use, told %q; want %d and %q", d.keeper.Book().Len(), got, rows, want)
	}
	d.told = nil
}

// fileOf makes a file of so many rows.
func fileOf(rows int) string {
	s := "card;iin;full_name\n"
	for i := range rows {
		s += strings.Repeat("0", 9) + string(rune('A'+i)) + ";900101300017;Пробный Проба Пробович\n"
	}
	return s
}

func TestKeeperTakesAFileThatIsFinished(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, 3)
		defer d.run()()
		d.expect(3)
		d.save(fileOf(4))
		time.Sleep(settled - time.Millisecond)
		d.expect(3)
		time.Sleep(time.Millisecond)
		d.expect(4, "4 rows")
		if r, err := d.keeper.Last(); err != nil || r.Used != 4 {
			t.Errorf("%+v, %v", r, err)
		}
	})
}

func TestKeeperWaitsForSlowWriters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, 3)
		defer d.run()()
		whole := fileOf(5)
		for n := range len(whole) / 20 {
			d.save(whole[:20*n])
			time.Sleep(settled * 9 / 10)
			d.expect(3)
		}
		d.save(whole)
		time.Sleep(settled)
		d.expect(5, "5 rows")
	})
}

func TestKeeperNoticesSilentChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, 3)
		defer d.run()()
		d.write(fileOf(4))
		time.Sleep(patrol + settled)
		d.expect(4, "4 rows")
	})
}

func TestKeeperIgnoresOtherFiles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, 3)
		defer d.run()()
		d.write(fileOf(4))
		d.events <- fsnotify.Event{Name: d.path + ".bak", Op: fsnotify.Write}
		time.Sleep(2 * settled)
		d.expect(3)
	})
}

func TestKeeperKeepsTheOldBook(t *testing.T) {
	for name, content := range map[string]string{
		"empty file":     "",
		"no header":      "55007EE424;900101300017;Пробный Проба Пробович\n",
		"workbook":       "PK\x03\x04",
		"no row":         fileOf(0),
		"no usable row":  "card;iin;full_name\n55007EE424;900101300018;Пробный Проба Пробович\n",
		"wrong encoding": "card;iin;full_name\n55007EE424;900101300017;\x8F\xE0\xAE\xA1\xAD\xEB\xA9 \x8F\xE0\xAE\xA1\xA0\n",
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDesk(t, 3)
				defer d.run()()
				d.save(content)
				time.Sleep(10 * time.Minute)
				_, err := d.keeper.Last()
				if err == nil {
					t.Fatal("no error")
				}
				d.expect(3, err.Error())
				if strings.Contains(err.Error(), "900101") || strings.Contains(d.log.String(), "900101") || strings.Contains(d.log.String(), "Проб") {
					t.Errorf("personal data: %v\n%s", err, d.log.String())
				}
				d.save(fileOf(2))
				time.Sleep(settled)
				d.expect(2, "2 rows")
			})
		})
	}
}

// shrunken is what is told of a file that has so many rows now.
func (d *desk) shrunken(now, before int) string {
	return fmt.Sprintf("cardholders: %s: more than half of the rows are gone: %d rows instead of %d; it is used if it stays as it is for 1m0s",
		d.path, now, before)
}

func TestKeeperWaitsAMinuteWhenHalfIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, 10)
		defer d.run()()
		d.save(fileOf(5)) // half is not more than half
		time.Sleep(settled)
		d.expect(5, "5 rows")
		d.save(fileOf(2))
		time.Sleep(confirmed - time.Millisecond)
		d.expect(5, d.shrunken(2, 5))
		time.Sleep(time.Millisecond)
		d.expect(2, "2 rows")
	})
}

func TestKeeperForgetsAShortFileThatGrows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, 10)
		defer d.run()()
		d.save(fileOf(3))
		time.Sleep(confirmed - time.Second)
		d.expect(10, d.shrunken(3, 10))
		d.save(fileOf(4))
		time.Sleep(confirmed - time.Second)
		d.expect(10, d.shrunken(4, 10))
		d.save(fileOf(9))
		time.Sleep(settled)
		d.expect(9, "9 rows")
		time.Sleep(10 * time.Minute)
		d.expect(9)
	})
}

func TestKeeperFollowsAFileThatComesLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, -1)
		if _, err := d.keeper.Last(); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("first: %v", err)
		}
		if got := d.keeper.Find(text("55007EE424"), time.Now()); got.Pending != event.UnknownCard {
			t.Errorf("without a book: %+v", got)
		}
		defer d.run()()
		time.Sleep(time.Hour)
		d.expect(0)
		d.save(fileOf(3))
		time.Sleep(settled)
		d.expect(3, "3 rows")
		if err := os.Remove(d.path); err != nil {
			t.Fatal(err)
		}
		time.Sleep(patrol + settled)
		_, err := d.keeper.Last()
		if !errors.Is(err, fs.ErrNotExist) {
			t.Fatalf("after the file was deleted: %v", err)
		}
		d.expect(3, err.Error())
	})
}

// A file that is there and cannot be read is tried again although it does not change.
func TestKeeperTriesALockedFileAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, 3)
		d.keeper.forgetIfLocked(fmt.Errorf("cardholders: %w", &fs.PathError{Op: "open", Path: d.path, Err: fs.ErrPermission}))
		defer d.run()()
		d.expect(3, "3 rows")
		time.Sleep(time.Hour)
		d.expect(3)
	})
}

// With the real notifications: a rename, as editors do it, is noticed long before the next patrol.
func TestKeeperNoticesARename(t *testing.T) {
	d := newDesk(t, 3)
	changed := make(chan struct{}, 10)
	d.keeper.OnChange = func(Report, error) { changed <- struct{}{} }
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- d.keeper.Run(ctx) }()
	time.Sleep(50 * time.Millisecond)
	if err := os.WriteFile(d.path+".new", []byte(fileOf(5)), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(d.path+".new", d.path); err != nil {
		t.Fatal(err)
	}
	select {
	case <-changed:
	case <-time.After(patrol - time.Second):
		t.Error("not noticed")
	}
	if d.keeper.Book().Len() != 5 {
		t.Errorf("%d rows", d.keeper.Book().Len())
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
