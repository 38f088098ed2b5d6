package settings

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestBytes(t *testing.T) {
	for text, want := range map[string]Bytes{
		"0B": 0, "512MiB": 512 << 20, "4MB": 4_000_000, "1 GiB": 1 << 30, "10kB": 10_000, "64KiB": 64 << 10,
	} {
		var b Bytes
		if err := b.UnmarshalText([]byte(text)); err != nil || b != want {
			t.Errorf("%q: %d, %v; want %d", text, b, err, want)
		}
		var back Bytes
		if err := back.UnmarshalText([]byte(want.String())); err != nil || back != want {
			t.Errorf("%d prints as %s and reads as %d, %v", want, want, back, err)
		}
	}
	for _, text := range []string{"", "512", "4 m", "-1MB", "1.5GB", "MB", "9999999999999GB"} {
		var b Bytes
		if err := b.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is a size: %d", text, b)
		}
	}
}

func TestDuration(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"30s": 30 * time.Second, "35d": 35 * 24 * time.Hour, "1h30m": 90 * time.Minute, "0s": 0,
	} {
		var d, back Duration
		if err := d.UnmarshalText([]byte(text)); err != nil || d.Std() != want {
			t.Errorf("%q: %v, %v; want %v", text, d, err, want)
		}
		if err := back.UnmarshalText([]byte(d.String())); err != nil || back != d {
			t.Errorf("%v prints as %s and reads as %v, %v", want, d, back, err)
		}
	}
	for _, text := range []string{"", "30", "-5s", "5 days", "d", "-3d"} {
		var d Duration
		if err := d.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is a duration: %v", text, d)
		}
	}
}

func TestSecretsNeverPrint(t *testing.T) {
	s := struct{ Key Secret }{NewSecret("hunter2")}
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		if out := fmt.Sprintf(format, s); strings.Contains(out, "hunter2") {
			t.Errorf("%s prints the secret: %s", format, out)
		}
	}
	if s.Key.Reveal() != "hunter2" || s.Key.IsZero() {
		t.Error("the secret is gone")
	}
}
