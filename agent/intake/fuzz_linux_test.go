package intake

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/acs-agent/acs-agent/agent/event"
)

// FuzzBattery holds that a clock with a battery that says something odd is one that has lost its time, and never one that vouches for
// a wrong one.
func FuzzBattery(f *testing.F) {
	for _, seed := range []string{"1795341600\n", "", "0", "-1", "9223372036854775807", "1e9", "1795341600 \x00", " 1795341600\t"} {
		f.Add(seed, "")
		f.Add(seed, "0.0 0 0.0\n0\nLOCAL\n")
	}
	now := time.Unix(1_795_341_600, 0)
	f.Fuzz(func(t *testing.T, epoch, adjtime string) {
		root := t.TempDir()
		dir := filepath.Join(root, "sys", "class", "rtc", "rtc0")
		if err := errors.Join(os.MkdirAll(dir, 0o700), os.Mkdir(filepath.Join(root, "etc"), 0o700),
			os.WriteFile(filepath.Join(dir, "since_epoch"), []byte(epoch), 0o600),
			os.WriteFile(filepath.Join(root, "etc", "adjtime"), []byte(adjtime), 0o600)); err != nil {
			t.Fatal(err)
		}
		var s Signs
		s.battery(root, now, almaty)
		if !s.HasBattery {
			t.Fatal("the clock is not seen")
		}
		v := judge(&evidence{Signs: s, trust: TrustAuto, wall: now})
		if v.Trusted && (s.BatteryLost || s.Ahead.Abs() > jump) {
			t.Fatalf("%q vouches: %+v", epoch, s)
		}
	})
}

// FuzzBoots holds that whatever the record of the boots says, a pass gets no time that is not between what is known, the clock goes on,
// and what it keeps afterwards can be read again.
func FuzzBoots(f *testing.F) {
	for _, seed := range []string{
		"", "null", "[]", `[{"boot":"boot 1"}]`, `[{"boot":"a","after":"2026-11-22T10:00:00Z","began":"9999-12-31T23:59:59Z"},{"boot":"a"}]`,
		`[{"boot":"a","began":"2026-11-21T10:00:00+25:00"}]`, `{"boot":1}`, `[{"boot":"b","began":"0001-01-02T00:00:00Z","since":"0001-01-01T00:00:00Z"}]`,
	} {
		f.Add([]byte(seed), int64(90), "a")
	}
	f.Add([]byte(`[{"boot":"boot 1","began":"2020-01-01T00:00:00Z","source":"synchronized"}]`), int64(-1<<62), "boot 1")
	now := time.Date(2026, time.November, 22, 10, 0, 0, 0, time.UTC)
	earliest := time.Date(2026, time.November, 1, 0, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, record []byte, up int64, of string) {
		records := memoryRecords{recordOfBoots: record}
		c := NewClockOf(Machine{
			Now: func() time.Time { return now }, SinceBoot: func() time.Duration { return time.Minute }, Boot: "boot 1",
			Signs: func(time.Time, *time.Location) Signs { return Signs{Kernel: Yes} },
		}, almaty, earliest)
		c.Trust, c.Hold, c.SendAfterHold = TrustAuto, time.Hour, true
		_ = c.Recall(records, time.Time{}) // an error is told, and the clock goes on without what was known
		c.Judge()
		if !c.Trusted() {
			t.Fatalf("a clock that is synchronised is not trusted: %+v", c.Verdict())
		}
		pass := event.Instant{Wall: now.Add(-time.Hour), Boot: of, SinceBoot: time.Duration(up)}
		if got, ok := c.Estimate(pass); ok && (got.Wall.After(now) || got.Wall.Before(earliest) || got.Trusted) {
			t.Fatalf("a pass is estimated to be of %v", got.Wall)
		}
		c.Overdue(pass)
		if err := c.Keep(t.Context()); err != nil {
			if json.Valid(record) { // a year beyond 9999 has no form
				t.Fatalf("%q: %v", record, err)
			}
			return
		}
		var kept boots
		if err := json.Unmarshal(records[recordOfBoots], &kept); err != nil || len(kept) > mostBoots && len(kept) > 1 && !json.Valid(record) {
			t.Fatalf("%q was kept: %v", records[recordOfBoots], err)
		}
		if kept.find("boot 1") == nil {
			t.Fatalf("%q was kept, without this boot", records[recordOfBoots])
		}
	})
}
