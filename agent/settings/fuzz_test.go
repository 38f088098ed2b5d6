package settings

import "testing"

// FuzzBytes holds that a size that was understood is not negative and is written so that it is understood again.
func FuzzBytes(f *testing.F) {
	for _, seed := range []string{"", "0B", "512MiB", "4 MB", "9999999999999999999B", "4611686018427387904B", "1KB", "-1B", "1e3B", "4MBB", "１MB"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var b, back Bytes
		if b.UnmarshalText([]byte(text)) != nil {
			return
		}
		if err := back.UnmarshalText([]byte(b.String())); err != nil || back != b || b < 0 {
			t.Fatalf("%q became %d, %q and %d, %v", text, b, b, back, err)
		}
	})
}

// FuzzDuration holds the same of durations.
func FuzzDuration(f *testing.F) {
	for _, seed := range []string{"", "30s", "35d", "65535d", "1h30m", "-5s", "106752d", "9223372036854775807ns", "1.5d", "0", "1µs", "+5s"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var d, back Duration
		if d.UnmarshalText([]byte(text)) != nil {
			return
		}
		if err := back.UnmarshalText([]byte(d.String())); err != nil || back != d || d < 0 {
			t.Fatalf("%q became %d, %q and %d, %v", text, d, d, back, err)
		}
	})
}
