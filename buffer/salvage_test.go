package buffer

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/acs-agent/acs-agent/agent/event"
)

// damageFiles are the files that a store is broken with in the tests.
type damageFiles func(t *testing.T, o Options) []string

func named(pattern string) damageFiles {
	return func(t *testing.T, o Options) []string {
		found := files(t, o, pattern)
		if len(found) == 0 {
			t.Fatalf("no file is like %s", pattern)
		}
		return found[:1]
	}
}

// last is like named, but takes the newest file; the newest table holds passes that still wait.
func last(pattern string) damageFiles {
	return func(t *testing.T, o Options) []string {
		found := files(t, o, pattern)
		if len(found) == 0 {
			t.Fatalf("no file is like %s", pattern)
		}
		return found[len(found)-1:]
	}
}

// flip turns a bit over, at a part of the file's length.
func flip(part float64) func(t *testing.T, path string) {
	return func(t *testing.T, path string) {
		rewrite(t, path, func(text []byte) []byte {
			end := len(bytes.TrimRight(text, "\x00")) // logs are as long as they may become
			text[min(end-1, int(part*float64(end)))] ^= 0x10
			return text
		})
	}
}

func rewrite(t *testing.T, path string, change func([]byte) []byte) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, change(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func half(t *testing.T, path string) {
	rewrite(t, path, func(text []byte) []byte { return text[:len(bytes.TrimRight(text, "\x00"))/2] })
}

func empty(t *testing.T, path string) { rewrite(t, path, func([]byte) []byte { return nil }) }

func noEnd(t *testing.T, path string) {
	rewrite(t, path, func(text []byte) []byte {
		clear(text[max(0, len(text)-4096):])
		return text
	})
}

func noise(t *testing.T, path string) {
	rewrite(t, path, func(text []byte) []byte { return append(text, "some garbage behind the end"...) })
}

func remove(t *testing.T, path string) {
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}

// snapshot makes a journal of three tables and a log, as a power cut would leave it: 400 passes, of which the uplink has got 150,
// some aside, and records. The copy is o.
func snapshot(t *testing.T) (o Options) {
	t.Helper()
	live := testOptions(t, "visits", "exam")
	for i := range 3 {
		j := open(t, live)
		appendInOrder(t, j, 100*i+1, 100*i+100)
		if i == 0 {
			settle(t, j.Source("visits"), 60, event.Aside{Seq: 7, State: event.Dead, Reason: "why"}, event.Aside{Seq: 9, State: event.Held})
			apply(t, j, "exam", "week/1", "sent")
		}
		shut(t, j)
	}
	j := open(t, live)
	appendInOrder(t, j, 301, 400)
	settle(t, j.Source("visits"), 150, event.Aside{Seq: 120, State: event.Dead})
	settle(t, j.Source("exam"), 400)
	if err := j.Drop(t.Context(), "visits", event.Held, 9); err != nil {
		t.Fatal(err)
	}
	apply(t, j, "exam", "week/1", "confirmed")
	apply(t, j, "exam", "week/2", "ready")
	o = live
	o.Repeatable = o.Uplinks
	dir := t.TempDir()
	o.Dir, o.KeyFile = filepath.Join(dir, "journal"), filepath.Join(dir, "journal.key")
	if err := os.CopyFS(dir, os.DirFS(filepath.Dir(live.Dir))); err != nil {
		t.Fatal(err)
	}
	shut(t, j)
	return o
}

func apply(t *testing.T, j *Journal, uplink, key, value string) {
	t.Helper()
	if err := j.Records(uplink).Apply(t.Context(), event.Change{Key: key, Value: []byte(value)}); err != nil {
		t.Fatal(err)
	}
}

// madeWhole waits until everything is read back.
func madeWhole(t *testing.T, j *Journal) Salvage {
	t.Helper()
	select {
	case <-j.Salvaged():
	case <-time.After(time.Minute):
		s, _ := j.Salvage()
		t.Fatalf("not read back after a minute: %+v", s)
	}
	s, _ := j.Salvage()
	return s
}

func TestEveryDamageIsSurvived(t *testing.T) {
	for _, c := range []struct {
		name   string
		file   damageFiles
		damage func(*testing.T, string)
		broken bool // the store is put aside
		lost   int  // at most so many passes
		unsaid bool // a power cut looks the same
	}{
		{"list of tables: flipped at the beginning", named("MANIFEST"), flip(0), true, 0, false},
		{"list of tables: flipped in the middle", named("MANIFEST"), flip(0.5), true, 0, false},
		{"list of tables: cut", named("MANIFEST"), half, true, 0, false},
		{"list of tables: empty", named("MANIFEST"), empty, true, 0, false},
		{"list of tables: garbage behind", named("MANIFEST"), noise, true, 0, false},
		{"list of tables: deleted", named("MANIFEST"), remove, true, 0, false},
		{"table: flipped in a block", named("*.sst"), flip(0.1), corrected, 100, false},
		{"table: flipped in the index", named("*.sst"), func(t *testing.T, p string) {
			rewrite(t, p, func(text []byte) []byte { text[len(text)-40] ^= 1; return text })
		}, true, 0, false},
		{"table: flipped at the end", named("*.sst"), flip(1), true, 0, false},
		{"table: end zeroed", named("*.sst"), noEnd, true, 100, false},
		{"table: cut", named("*.sst"), half, true, 100, false},
		{"table: empty", named("*.sst"), empty, true, 100, false},
		{"table: deleted", named("*.sst"), remove, true, 100, false},
		{"table of passes that wait: flipped in a block", last("*.sst"), flip(0.1), corrected, 100, false},
		{"table of passes that wait: cut", last("*.sst"), half, true, 100, false},
		{"table of passes that wait: deleted", last("*.sst"), remove, true, 100, false},
		{"log: flipped in its head", named("*.mem"), flip(0.00001), true, 0, false},
		{"log: flipped at the beginning", named("*.mem"), flip(0.02), true, 2, false},
		{"log: flipped in the middle", named("*.mem"), flip(0.5), true, 2, false},
		{"log: flipped at the end", named("*.mem"), flip(0.9999), false, 1, true},
		{"log: cut", named("*.mem"), half, false, 100, true},
		{"log: empty", named("*.mem"), empty, false, 100, true},
		{"log: deleted", named("*.mem"), remove, false, 100, true},
		{"log: garbage behind", named("*.mem"), noise, false, 0, false},
		{"value log: flipped", named("*.vlog"), func(t *testing.T, p string) {
			rewrite(t, p, func(text []byte) []byte { text[3] ^= 1; return text })
		}, true, 0, false},
		{"value log: empty", named("*.vlog"), empty, false, 0, false},
		{"value log: deleted", named("*.vlog"), remove, false, 0, false},
		{"DISCARD: flipped", named("DISCARD"), func(t *testing.T, p string) {
			rewrite(t, p, func(text []byte) []byte { text[3] ^= 1; return text })
		}, false, 0, false},
		{"DISCARD: empty", named("DISCARD"), empty, false, 0, false},
		{"DISCARD: deleted", named("DISCARD"), remove, false, 0, false},
		{"register of keys: empty", named("KEYREGISTRY"), empty, true, 0, false},
		{"register of keys: cut", named("KEYREGISTRY"), half, true, 0, false},
		{"register of keys: flipped", named("KEYREGISTRY"), flip(0.5), false, 0, false},
		{"register of keys: deleted", named("KEYREGISTRY"), remove, false, 0, false},
		{"lock of the store: garbage", named("LOCK"), noise, false, 0, false},
		{"lock of the agent: garbage", named("lock.agent"), noise, false, 0, false},
		{"lock of the agent: deleted", named("lock.agent"), remove, false, 0, false},
		{"ballast: empty", named("ballast"), empty, false, 0, false},
		{"ballast: deleted", named("ballast"), remove, false, 0, false},
		{"data keys: one copy flipped", named("keys.a"), flip(0.5), false, 0, false},
		{"data keys: one copy empty", named("keys.b"), empty, false, 0, false},
		{"data keys: one copy deleted", named("keys.a"), remove, false, 0, false},
		{"numbers: empty", named("../journal.numbers"), empty, false, 0, false},
		{"numbers: deleted", named("../journal.numbers"), remove, false, 0, false},
		{"list of tables and numbers: deleted", func(_ *testing.T, o Options) []string {
			return []string{filepath.Join(o.Dir, "MANIFEST"), o.Dir + ".numbers"}
		}, remove, true, 0, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			o := snapshot(t)
			for _, path := range c.file(t, o) {
				c.damage(t, path)
			}
			var r reports
			o.Report = r.add
			survives(t, o, c.broken, c.lost, c.unsaid)
		})
	}
}

func survives(t *testing.T, o Options, wantBroken bool, mostLost int, unsaid bool) {
	t.Helper()
	began := time.Now()
	j := open(t, o)
	seq, err := j.Append(t.Context(), testPass(1001))
	if took := time.Since(began); err != nil || seq <= 400 || took > 5*time.Second {
		t.Fatalf("a pass was taken after %v with number %d: %v", took, seq, err)
	}
	s := madeWhole(t, j)
	if wantBroken != (len(s.Folders) == 1) {
		t.Fatalf("put aside: %+v", s)
	}
	for range 2 {
		s, _ = j.Salvage()
		source := j.Source("visits")
		got := row(t, source, source.Cursor())
		sorted := slices.Clone(got)
		slices.Sort(sorted)
		if len(slices.Compact(sorted)) != len(got) || got[len(got)-1] != "1001" {
			t.Errorf("delivered: %v", got)
		}
		waiting := 0
		for _, id := range got {
			if n := len(id); n == 3 && id > "150" && id <= "400" {
				waiting++
			}
		}
		lost := 250 - waiting
		if lost > mostLost {
			t.Errorf("%d passes are lost, at most %d should be: %+v", lost, mostLost, s)
		}
		stats := j.Stats()
		if said := max(s.Lost, stats.Holes+stats.LostTail); lost > 0 && said < uint64(lost) && !unsaid {
			t.Errorf("%d passes are lost, and %d are said to be: %+v; %+v", lost, said, s, stats)
		}
		if mostLost == 0 {
			if aside := fmt.Sprint(asides(t, j, "visits", event.Dead), asides(t, j, "visits", event.Held)); aside != "[7 120] []" {
				t.Errorf("aside: %s", aside)
			}
			for key, want := range map[string]string{"week/1": "confirmed", "week/2": "ready"} {
				if v, err := j.Records("exam").Get(key); string(v) != want || err != nil {
					t.Errorf("record %s: %q, %v", key, v, err)
				}
			}
			if c := source.Cursor(); c != 150 || j.Source("exam").Cursor() != 400 {
				t.Errorf("the cursors are at %d and %d", c, j.Source("exam").Cursor())
			}
		}
		// It is the same after a start.
		shut(t, j)
		j = open(t, o)
		madeWhole(t, j)
	}
	if next, err := j.Append(t.Context(), testPass(1002)); err != nil || next <= seq {
		t.Errorf("number %d behind %d: %v", next, seq, err)
	}
	settle(t, j.Source("visits"), j.End())
	settle(t, j.Source("exam"), j.End())
	shut(t, j)
}

func TestNothingIsPutAsideForWhatAnotherStoreWouldNotMend(t *testing.T) {
	for name, spoil := range map[string]func(t *testing.T, o *Options){
		"key file missing": func(t *testing.T, o *Options) { remove(t, o.KeyFile) },
		"key file cut":     func(t *testing.T, o *Options) { half(t, o.KeyFile) },
		"key file of others": func(t *testing.T, o *Options) {
			rewrite(t, o.KeyFile, func([]byte) []byte { return bytes.Repeat([]byte("a"), 64) })
		},
		"both data key files": func(t *testing.T, o *Options) {
			for _, path := range ringPaths(o.Dir) {
				empty(t, path)
			}
		},
		"disk full": func(_ *testing.T, o *Options) { o.tuning.freeSpace = func(string) (int64, error) { return 0, nil } },
	} {
		for _, list := range []string{"sound", "damaged"} {
			t.Run(name+", list of tables "+list, func(t *testing.T) {
				t.Parallel()
				o := snapshot(t)
				if list == "damaged" {
					flip(0.5)(t, filepath.Join(o.Dir, "MANIFEST"))
				}
				spoil(t, &o)
				if j, err := Open(t.Context(), o); !errors.Is(err, ErrKey) && !errors.Is(err, ErrFull) {
					t.Errorf("%v, %v", j, err)
				}
				if folders, err := asideFolders(o.Dir); len(folders) > 0 || err != nil {
					t.Errorf("put aside: %v, %v", folders, err)
				}
			})
		}
	}
	o := testOptions(t)
	for _, system := range []string{"permission denied", "no space left on device", "read-only file system", "too many open files"} {
		if _, ok := errors.AsType[*broken](o.judge(fmt.Errorf("while opening: open 000001.sst: %s", system))); ok {
			t.Errorf("%q is held for a broken store", system)
		}
	}
}

func TestAStoreThatEndsTheProcessIsPutAside(t *testing.T) {
	o := snapshot(t)
	o.Boot = "this boot"
	marker := o.Dir + openingEnd
	for attempt, text := range []string{`{"attempt":1,"boot":"this boot"}`, `{"attempt":2,"boot":"the one before"}`, `{"attempt"`, ``} {
		if err := os.WriteFile(marker, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		shut(t, open(t, o))
		if folders, _ := asideFolders(o.Dir); len(folders) > 0 {
			t.Fatalf("put aside at attempt %d", attempt)
		}
		if _, err := os.Stat(marker); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("the attempt was not ended: %v", err)
		}
	}
	if err := os.WriteFile(marker, []byte(`{"attempt":2,"boot":"this boot"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	var r reports
	o.Report = r.add
	survives(t, o, true, 0, false)
	reason, err := os.ReadFile(filepath.Join(files(t, o, "../journal.broken-*")[0], reasonFile))
	if err != nil || !strings.Contains(string(reason), "2 starts") {
		t.Errorf("reason %q, %v", reason, err)
	}
}

// A salvage that is interrupted begins again, and nothing is there twice.
func TestASalvageThatIsCutShortBeginsAgain(t *testing.T) {
	o := snapshot(t)
	empty(t, filepath.Join(o.Dir, "MANIFEST"))
	for i := range 5 {
		j, err := Open(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		appendInOrder(t, j, 501+i, 501+i)
		shut(t, j) // at once
	}
	j := open(t, o)
	madeWhole(t, j)
	got := row(t, j.Source("visits"), 150)
	if len(got) != 255 || got[0] != "151" || got[249] != "400" || got[250] != "501" || got[254] != "505" {
		t.Errorf("%d passes: %v", len(got), got)
	}
	if v, err := j.Verify(t.Context(), nil); err != nil || !v.OK() {
		t.Errorf("%+v, %v", v, err)
	}
}

// A pass that comes when everything is read back, and none has come meanwhile, goes on behind the numbers of the old store like any
// other.
func TestTheFirstPassAfterASalvageIsDelivered(t *testing.T) {
	o := snapshot(t)
	empty(t, filepath.Join(o.Dir, "MANIFEST"))
	j := open(t, o)
	madeWhole(t, j)
	check := func(j *Journal, want ...string) {
		t.Helper()
		s := j.Source("visits")
		if got := row(t, s, 400); !slices.Equal(got, want) {
			t.Errorf("behind the old ones are %v, want %v", got, want)
		}
		var windows []string // as uplinks read, stretch by stretch
		for after := uint64(400); after < s.End(); after += 100 {
			err := s.Scan(t.Context(), after, after+100, func(_ uint64, p *event.Pass) bool {
				windows = append(windows, p.EventID)
				return true
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		if !slices.Equal(windows, want) {
			t.Errorf("stretch by stretch %v, want %v", windows, want)
		}
	}
	appendInOrder(t, j, 501, 501)
	check(j, "501")
	appendInOrder(t, j, 502, 502)
	check(j, "501", "502")
	shut(t, j)
	j = open(t, o)
	appendInOrder(t, j, 503, 503)
	check(j, "501", "502", "503")
	if v, err := j.Verify(t.Context(), nil); err != nil || !v.OK() {
		t.Errorf("%+v, %v", v, err)
	}
}

func TestASecondStoreBreaksBeforeTheFirstIsReadBack(t *testing.T) {
	o := snapshot(t)
	empty(t, filepath.Join(o.Dir, "MANIFEST"))
	full := o
	full.tuning.freeSpace = func(string) (int64, error) { return openNeeds + 1<<20, nil }
	j := open(t, full)
	appendInOrder(t, j, 501, 600)
	waitFor(t, func() bool {
		s, _ := j.Salvage()
		return s.Problem != ""
	})
	if _, err := j.Records("exam").Get("week/1"); !errors.Is(err, ErrSalvaging) {
		t.Errorf("records while they are read back: %v", err)
	}
	shut(t, j)
	remove(t, filepath.Join(o.Dir, "MANIFEST"))
	j = open(t, o)
	appendInOrder(t, j, 701, 710)
	if s := madeWhole(t, j); len(s.Folders) != 2 || s.Lost > 0 || s.Bytes == 0 {
		t.Errorf("%+v", s)
	}
	got := row(t, j.Source("visits"), 150)
	if len(got) != 360 || got[250] != "501" || got[359] != "710" {
		t.Errorf("%d passes: %v", len(got), got)
	}
	for _, folder := range files(t, o, "../journal.broken-*") {
		if err := os.RemoveAll(folder); err != nil {
			t.Fatal(err)
		}
	}
	if s, ok := j.Salvage(); ok {
		t.Errorf("with the folders gone: %+v", s)
	}
	shut(t, j)
	j = open(t, o)
	if v, err := j.Verify(t.Context(), nil); err != nil || !v.OK() || v.Passes != 510 {
		t.Errorf("%+v, %v", v, err)
	}
}

func waitFor(t *testing.T, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it does not happen")
		}
	}
}

// Where nobody knows how far an uplink was, one whose portal recognises repetitions is sent everything, and about the others a
// person decides.
func TestALostCursor(t *testing.T) {
	o := snapshot(t)
	o.Repeatable = []string{"visits"}
	// The small records stand behind the passes: in the log, and in the last block of each table.
	remove(t, files(t, o, "*.mem")[0])
	for _, path := range files(t, o, "*.sst") {
		rewrite(t, path, func(text []byte) []byte {
			at := bytes.LastIndex(text, []byte{prefixState, kindMeta})
			text[max(at, len(text)/2)] ^= 1
			return text
		})
	}
	remove(t, filepath.Join(o.Dir, "MANIFEST"))
	var r reports
	o.Report = r.add
	j := open(t, o)
	appendInOrder(t, j, 501, 501)
	s := madeWhole(t, j)
	if !s.Doubtful || s.Passes < 100 {
		t.Fatalf("%+v", s)
	}
	if got := row(t, j.Source("visits"), j.Source("visits").Cursor()); uint64(len(got)) != s.Passes+1 {
		t.Errorf("of %d passes that were read back %d are sent again", s.Passes, len(got)-1)
	}
	exam := j.Source("exam")
	if got := fmt.Sprint(row(t, exam, exam.Cursor())); got != "[501]" {
		t.Errorf("what is sent without asking: %s", got)
	}
	if n := len(asides(t, j, "exam", event.Uncertain)); uint64(n) != s.Uncertain || s.Uncertain != s.Passes {
		t.Errorf("%d passes are uncertain: %+v", n, s)
	}
}

// Who was forgotten does not come back, and is nobody who is lost.
func TestWhoWasForgottenStaysForgotten(t *testing.T) {
	o := snapshot(t)
	j := open(t, o)
	if _, err := j.Forget(t.Context(), func(p *event.Pass) bool { return p.EventID == "200" }, nil); err != nil {
		t.Fatal(err)
	}
	shut(t, j)
	empty(t, filepath.Join(o.Dir, "MANIFEST"))
	j = open(t, o)
	if s := madeWhole(t, j); s.Lost != 0 || s.Passes != 400 {
		t.Errorf("%+v", s)
	}
	if got := row(t, j.Source("visits"), 150); len(got) != 249 || slices.Contains(got, "200") {
		t.Errorf("%d passes: %v", len(got), got)
	}
}

func TestTablesAreReadBlockByBlock(t *testing.T) {
	o := testOptions(t)
	j := open(t, o)
	fillUp(t, j, 1, 2000)
	shut(t, j)
	text, failed, err := readWhole(files(t, o, "*.sst")[0])
	if err != nil || failed {
		t.Fatal(err)
	}
	count := func(text []byte) (n int, d damage) {
		d = readTable(text, func(f *found) {
			if _, _, ok := parsePassKey(f.key); ok {
				n++
			}
		})
		return n, d
	}
	if n, d := count(text); n != 2000 || d.places != 0 {
		t.Fatalf("%d passes, %+v", n, d)
	}
	worst := 0
	for at := 0; at < len(text); at += 1009 {
		hurt := bytes.Clone(text)
		hurt[at] ^= 0x40
		n, d := count(hurt)
		worst = max(worst, 2000-n)
		if d.places == 0 {
			t.Errorf("a bit flipped at %d of %d was not noticed", at, len(text))
		}
	}
	if perBlock := 2000 * (20 << 10) / len(text); worst > 2*perBlock {
		t.Errorf("one bit cost %d passes; a block has some %d", worst, perBlock)
	}
	if n, _ := count(text[:len(text)*9/10]); n < 1500 {
		t.Errorf("of a table without its end %d passes were read", n)
	}
}

func FuzzReadTable(f *testing.F) {
	f.Add([]byte{}, 0)
	f.Add(bytes.Repeat([]byte{0x10, 1, 0, 0, 0, 2}, 40), 3)
	f.Fuzz(func(_ *testing.T, text []byte, _ int) {
		readTable(text, func(*found) {})
		// The same as the content of a block whose checksum is right.
		sum := binary.AppendUvarint([]byte{0x10}, uint64(crc32.Checksum(text, castagnoli)))
		readTable(append(append(bytes.Clone(text), sum...), 0, 0, 0, byte(len(sum))), func(*found) {})
	})
}

func FuzzReadLog(f *testing.F) {
	f.Add(make([]byte, 40))
	f.Fuzz(func(_ *testing.T, text []byte) { readLog(text, func(*found) {}) })
}

// A million passes do not keep the next one waiting.
func BenchmarkBrokenStart(b *testing.B) {
	o := testOptions(b, "visits")
	j := open(b, o)
	p := testPass(1)
	var wg sync.WaitGroup
	const passes = 1_000_000
	for range 256 {
		wg.Go(func() {
			for range passes / 256 {
				if _, err := j.Append(context.Background(), p); err != nil {
					b.Error(err)
				}
			}
		})
	}
	wg.Wait()
	shut(b, j)
	for b.Loop() {
		if err := os.Truncate(filepath.Join(o.Dir, "MANIFEST"), 0); err != nil {
			b.Fatal(err)
		}
		began := time.Now()
		j := open(b, o)
		if _, err := j.Append(b.Context(), p); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(time.Since(began).Seconds(), "s/first")
		<-j.Salvaged()
		b.ReportMetric(time.Since(began).Seconds(), "s/whole")
		shut(b, j)
	}
}
