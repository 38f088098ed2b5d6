// Package settings is the language in which a module and the configuration file talk: a module states what it wants with a
// struct and `yaml:"…"` tags, says what is wrong with it as a Mistake, and never learns where the text came from.
package settings

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// A Section is a module's own part of the configuration file.
type Section interface {
	// Decode fills the struct that into points to. What the file does not mention keeps the value it had, so defaults are set
	// before. Fields are found by their `yaml` tag; a field of type Secret named x is also found as x_file and in the
	// service manager's credentials. An unknown key and a value of the wrong kind are errors that carry file and line.
	Decode(into any) error
	// Text is the single value below key as it stands in the file, or "" if it is not there.
	Text(key string) string
	// Path makes a path absolute that is relative to the folder of the configuration file.
	Path(path string) string
}

// A Mistake is one thing that is wrong with a section, in the words of the person who has to mend it. A module returns as many
// as it finds, joined with errors.Join; the configuration adds file and line.
type Mistake struct {
	// Field is the key below which the mistake stands; empty for the section as a whole.
	Field string
	// Problem says what is wrong, beginning in lower case: `"14" is no BIN: a BIN has 12 digits`.
	Problem string
	// Advice says what to write instead, or where to look.
	Advice string
}

func (m Mistake) Error() string {
	s := m.Problem
	if m.Field != "" {
		s = m.Field + ": " + s
	}
	if m.Advice != "" {
		s += " (" + m.Advice + ")"
	}
	return s
}

// A Secret is a password or key. It prints as asterisks everywhere, so that none can reach a log.
type Secret struct{ value string }

// NewSecret hides value.
func NewSecret(value string) Secret { return Secret{value} }

// Reveal gives the secret itself, for the one place that needs it.
func (s Secret) Reveal() string { return s.value }

// IsZero says that no secret is set.
func (s Secret) IsZero() bool { return s.value == "" }

// String is the same for every secret.
func (s Secret) String() string { return "***" }

// GoString is the same for every secret.
func (s Secret) GoString() string { return "***" }

// MarshalText is the same for every secret.
func (s Secret) MarshalText() ([]byte, error) { return []byte("***"), nil }

// Bytes is a size such as 512MiB or 4MB. Units: B, kB, MB, GB (powers of 1000) and KiB, MiB, GiB (powers of 1024).
type Bytes int64

var units = []struct {
	name   string
	factor int64
}{
	{"KiB", 1 << 10},
	{"MiB", 1 << 20},
	{"GiB", 1 << 30},
	{"kB", 1e3},
	{"KB", 1e3},
	{"MB", 1e6},
	{"GB", 1e9},
	{"B", 1},
}

// UnmarshalText reads a whole number and a unit.
func (b *Bytes) UnmarshalText(text []byte) error {
	s := strings.TrimSpace(string(text))
	for _, u := range units {
		number, found := strings.CutSuffix(s, u.name)
		if !found {
			continue
		}
		n, err := strconv.ParseInt(strings.TrimSpace(number), 10, 64)
		if err != nil || n < 0 || n > (1<<62)/u.factor {
			break
		}
		*b = Bytes(n * u.factor)
		return nil
	}
	return fmt.Errorf("%q is no size: write a whole number and a unit, for example 512MiB or 4MB", s)
}

// MarshalText writes the largest unit that leaves a whole number.
func (b Bytes) MarshalText() ([]byte, error) { return []byte(b.String()), nil }

func (b Bytes) String() string {
	best := fmt.Sprintf("%dB", int64(b))
	var size int64 = 1
	for _, u := range units {
		if u.factor > size && b != 0 && int64(b)%u.factor == 0 && u.name != "KB" {
			best, size = fmt.Sprintf("%d%s", int64(b)/u.factor, u.name), u.factor
		}
	}
	return best
}

// Duration is a span such as 30s, 5m, 24h or 35d; d is a day of 24 hours.
type Duration time.Duration

// UnmarshalText reads days, or whatever time.ParseDuration reads.
func (d *Duration) UnmarshalText(text []byte) error {
	s := strings.TrimSpace(string(text))
	if days, found := strings.CutSuffix(s, "d"); found {
		if n, err := strconv.ParseUint(days, 10, 16); err == nil {
			*d = Duration(n) * Duration(24*time.Hour)
			return nil
		}
	}
	v, err := time.ParseDuration(s)
	if err != nil || v < 0 {
		return fmt.Errorf("%q is no duration: write a number and a unit, for example 30s, 5m, 24h or 35d", s)
	}
	*d = Duration(v)
	return nil
}

// Std gives the duration as the standard library's type.
func (d Duration) Std() time.Duration { return time.Duration(d) }

func (d Duration) String() string {
	if day := Duration(24 * time.Hour); d >= day && d%day == 0 {
		return fmt.Sprintf("%dd", d/day)
	}
	return time.Duration(d).String()
}

// MarshalText writes what UnmarshalText reads.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }
