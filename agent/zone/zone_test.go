package zone

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// at is the offset of the zone at noon UTC of that day.
func at(t *testing.T, name, day string) string {
	t.Helper()
	loc, err := Load(name)
	if err != nil {
		t.Fatal(err)
	}
	noon, err := time.Parse("2006-01-02 15", day+" 12")
	if err != nil {
		t.Fatal(err)
	}
	if loc.String() != name {
		t.Errorf("%s is called %s", name, loc)
	}
	return noon.In(loc).Format("-07:00")
}

func TestOffsets(t *testing.T) {
	for _, c := range []struct{ zone, day, want string }{
		{"Asia/Almaty", "2026-07-02", "+05:00"},
		{"Asia/Almaty", "2024-02-29", "+06:00"},
		{"Asia/Almaty", "2023-07-02", "+06:00"},
		{"Asia/Qostanay", "2026-01-02", "+05:00"},
		{"Asia/Qyzylorda", "2018-12-01", "+06:00"},
		{"Asia/Qyzylorda", "2019-01-01", "+05:00"},
		{"Europe/Kaliningrad", "2026-07-02", "+02:00"},
		{"Europe/Moscow", "2026-07-02", "+03:00"},
		{"Europe/Volgograd", "2020-07-02", "+04:00"},
		{"Europe/Volgograd", "2026-07-02", "+03:00"},
		{"Asia/Yekaterinburg", "2050-07-02", "+05:00"},
		{"Asia/Kamchatka", "2026-07-02", "+12:00"},
		{"Asia/Tashkent", "2026-07-02", "+05:00"},
		{"Asia/Dushanbe", "2026-07-02", "+05:00"},
		{"Asia/Bishkek", "2026-07-02", "+06:00"},
		{"Asia/Ashgabat", "2026-07-02", "+05:00"},
		{"Europe/Minsk", "2026-07-02", "+03:00"},
		{"Asia/Yerevan", "2026-07-02", "+04:00"},
		{"Asia/Baku", "2026-07-02", "+04:00"},
		{"Asia/Tbilisi", "2026-07-02", "+04:00"},
		{"UTC", "2026-07-02", "+00:00"},
		{"UTC+5", "2026-07-02", "+05:00"},
		{"UTC+05:30", "2026-07-02", "+05:30"},
		{"UTC-3", "2026-07-02", "-03:00"},
		{"UTC-09:30", "2026-07-02", "-09:30"},
		{"UTC+14", "2026-07-02", "+14:00"},
		{"UTC+0", "2026-07-02", "+00:00"},
	} {
		if got := at(t, c.zone, c.day); got != c.want {
			t.Errorf("%s on %s: %s, want %s", c.zone, c.day, got, c.want)
		}
	}
}

// TestMain runs all tests as on a device whose own zone files are from before 2024. The standard library looks at the variable
// once in the life of a process.
func TestMain(m *testing.M) {
	os.Exit(withStaleFiles(m.Run))
}

func withStaleFiles(run func() int) int {
	stale, err := os.MkdirTemp("", "zoneinfo")
	if err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(stale) }()
	if err := errors.Join(
		os.Mkdir(filepath.Join(stale, "Asia"), 0o700),
		os.WriteFile(filepath.Join(stale, "Asia", "Almaty"), alwaysSix(), 0o600),
		os.Setenv("ZONEINFO", stale),
	); err != nil {
		panic(err)
	}
	return run()
}

func TestStaleSystemFilesAreNotRead(t *testing.T) {
	theirs, err := time.LoadLocation("Asia/Almaty")
	if err != nil {
		t.Fatal(err)
	}
	if got := time.Date(2026, 7, 2, 12, 0, 0, 0, theirs).Format("-07:00"); got != "+06:00" {
		t.Fatalf("the stale file does not mislead the standard library (%s): this test proves nothing", got)
	}
	if got := at(t, "Asia/Almaty", "2026-07-02"); got != "+05:00" {
		t.Errorf("2026: %s, want +05:00", got)
	}
	if got := at(t, "Asia/Almaty", "2023-07-02"); got != "+06:00" {
		t.Errorf("2023: %s, want +06:00", got)
	}
}

// alwaysSix is a TZif file (RFC 9636, version 1) of a zone that is and was at UTC+6.
func alwaysSix() []byte {
	b := bytes.NewBufferString("TZif")
	b.Write(make([]byte, 16))
	for _, count := range []uint32{0, 0, 0, 0, 1, 4} { // one local time type, four bytes of abbreviation
		_ = binary.Write(b, binary.BigEndian, count)
	}
	_ = binary.Write(b, binary.BigEndian, int32(6*3600))
	b.Write([]byte{0, 0})
	b.WriteString("+06\x00")
	return b.Bytes()
}

func TestEveryZoneLoads(t *testing.T) {
	names := Names()
	if len(names) != 43 || !slices.IsSorted(names) {
		t.Errorf("%d zones, sorted %t; want 43, sorted", len(names), slices.IsSorted(names))
	}
	for _, name := range names {
		if _, err := Load(name); err != nil {
			t.Error(err)
		}
	}
	if len(packed) > 60<<10 {
		t.Errorf("the zones take %d bytes, want at most 60 KiB", len(packed))
	}
	if v := Version(); v < "2024a" || len(v) != 5 {
		t.Errorf("tz database %q: Kazakhstan's single zone came with 2024a", v)
	}
}

func TestUnknownZoneOffersTheNearest(t *testing.T) {
	for name, want := range map[string]string{
		"Asia/Almati":   "did you mean Asia/Almaty?",
		"asia/almaty":   "did you mean Asia/Almaty?",
		"Almaty":        "did you mean Asia/Almaty?",
		"Europe/Almaty": "did you mean Asia/Almaty?",
		"Moskow":        "did you mean Europe/Moscow?",
		"Asia/Ust Nera": "did you mean Asia/Ust-Nera?",
		"GMT+5":         "did you mean UTC+5?",
		"+05:00":        "did you mean UTC+05:00?",
		"Europe/Berlin": "not built in: UTC+5",
		"Asia/Dubai":    "not built in: UTC+5",
		"":              "not built in: UTC+5",
		"Local":         "not built in: UTC+5",
		"../etc/passwd": "not built in: UTC+5",
	} {
		_, err := Load(name)
		var unknown *UnknownError
		if !errors.As(err, &unknown) || !strings.Contains(err.Error(), want) {
			t.Errorf("Load(%q): %v; want %q", name, err, want)
		}
	}
}

func TestOffsetsThatDoNotExist(t *testing.T) {
	for _, name := range []string{"UTC+15", "UTC-13", "UTC+5:61", "UTC+05:07", "UTC+14:15", "UTC+99"} {
		if loc, err := Load(name); err == nil || !strings.Contains(err.Error(), "from UTC-12 to UTC+14") {
			t.Errorf("Load(%q) = %v, %v", name, loc, err)
		}
	}
}

func FuzzLoad(f *testing.F) {
	for _, name := range []string{"Asia/Almaty", "UTC", "UTC+05:30", "GMT-3", "Алматы"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		if loc, err := Load(name); (loc == nil) == (err == nil) {
			t.Errorf("%v and %v", loc, err)
		}
	})
}
