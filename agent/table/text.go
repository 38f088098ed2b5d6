package table

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Tidy gives s without invisible characters, with single plain spaces, and without any at its ends.
func Tidy(s string) string {
	plain := true
	for i := range len(s) {
		if c := s[i]; c >= utf8.RuneSelf || c < ' ' || c == ' ' && (i == 0 || i == len(s)-1 || s[i-1] == ' ') {
			plain = false
			break
		}
	}
	if plain {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	space := false
	for _, r := range s {
		switch {
		case unicode.IsSpace(r):
			space = b.Len() > 0
		case isInvisible(r):
		default:
			if space {
				b.WriteByte(' ')
				space = false
			}
			b.WriteRune(r)
		}
	}
	return b.String()
}

// isInvisible says whether r leaves no trace on paper, so that it cannot have been meant.
func isInvisible(r rune) bool {
	return r == 0xAD || 0x200B <= r && r <= 0x200F || r == 0x2060 || r == 0xFEFF
}

// Unwrap takes off what people put around a number so that a spreadsheet leaves it alone: an apostrophe, quotes, ="…".
func Unwrap(s string) string {
	if strings.HasPrefix(s, `="`) {
		s = s[1:]
	}
	return strings.Trim(s, "\"'`’‘“”«» ")
}

// IsScientific says whether a spreadsheet wrote a long number as 9.00101E+11: its digits are lost.
func IsScientific(s string) bool {
	mantissa, exponent, found := strings.Cut(strings.ToUpper(s), "E+")
	return found && IsDigits(exponent) && strings.Trim(mantissa, "0123456789.,") == "" && mantissa != ""
}

// CutZeroFraction takes the .0 from a number that a program has taken for a fraction.
func CutZeroFraction(s string) (whole string, found bool) {
	i := strings.IndexAny(s, ".,")
	if i <= 0 || len(s) == i+1 || len(s) > i+3 || strings.Trim(s[i+1:], "0") != "" || !IsDigits(s[:i]) {
		return s, false
	}
	return s[:i], true
}

// IsDigits says whether s consists of digits 0 to 9, of one at least.
func IsDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// Date reads 2026-09-01 or 01.09.2026, with or without midnight behind it, as midnight UTC of that day. The reason says why s
// is no date, with advice; it is empty if s is one.
func Date(s string) (date time.Time, reason string) {
	s = Unwrap(s)
	if i := strings.IndexAny(s, " T"); i > 0 && strings.Trim(s[i+1:], "0:.") == "" {
		s = s[:i]
	}
	for _, form := range []string{"2006-1-2", "2.1.2006"} {
		if t, err := time.Parse(form, s); err == nil && t.Year() > 0 {
			return t, ""
		}
	}
	if IsDigits(s) && len(s) == 5 {
		return time.Time{}, "a spreadsheet's count of days (format the column as text and write 2026-09-01 or 01.09.2026)"
	}
	return time.Time{}, "no date (write 2026-09-01 or 01.09.2026)"
}
