package cardholders

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// tidy gives the field without invisible characters, with single plain spaces, and without any at its ends.
func tidy(field []byte) string {
	plain := true
	for i, c := range field {
		if c >= utf8.RuneSelf || c < ' ' || c == ' ' && (i == 0 || i == len(field)-1 || field[i-1] == ' ') {
			plain = false
			break
		}
	}
	if plain {
		return string(field)
	}
	var b strings.Builder
	b.Grow(len(field))
	space := false
	for _, r := range string(field) {
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

// unwrap takes off what people put around a number so that a spreadsheet leaves it alone: an apostrophe, quotes, ="…".
func unwrap(s string) string {
	if strings.HasPrefix(s, `="`) {
		s = s[1:]
	}
	return strings.Trim(s, "\"'`’‘“”«» ")
}

// isScientific says whether a spreadsheet wrote a long number as 9.00101E+11.
func isScientific(s string) bool {
	mantissa, exponent, found := strings.Cut(strings.ToUpper(s), "E+")
	return found && isDigits(exponent) && strings.Trim(mantissa, "0123456789.,") == "" && mantissa != ""
}

// cutZeroFraction takes the .0 from a number that a program has taken for a fraction.
func cutZeroFraction(s string) (whole string, found bool) {
	i := strings.IndexAny(s, ".,")
	if i <= 0 || len(s) == i+1 || len(s) > i+3 || strings.Trim(s[i+1:], "0") != "" || !isDigits(s[:i]) {
		return s, false
	}
	return s[:i], true
}

// maxName is the largest number of characters of a name.
const maxName = 200

// checkName says what keeps s from being the name of a person, or "".
func checkName(s string, from encoding) string {
	letter := false
	for _, r := range s {
		switch {
		case 'А' <= r && r <= 'я': // nearly all of them; the tables of Unicode are slow
			letter = true
		case r == '?':
			return "a question mark stands in it: letters were lost when the file was saved" + saveAsUTF8
		case unicode.IsDigit(r):
			return "a digit stands in it (do the columns fit the header?)"
		case from == windows1251 && strings.ContainsRune(otherCyrillic, r):
			// Excel in Kazakhstan writes Қ, Ә, Ң and their like with the codes of these.
			return "letters that Windows-1251 has for other languages only" + saveAsUTF8
		case unicode.IsLetter(r):
			letter = true
		case !unicode.IsMark(r) && !strings.ContainsRune(" -‐‑–—'’ʼʻ`.,()\"«»", r):
			// Among them are the signs that appear when UTF-8 is read as Windows-1251 or Latin-1.
			return "signs stand in it that belong to no name" + saveAsUTF8
		}
	}
	switch {
	case s == "":
		return "empty"
	case !letter:
		return "no letter stands in it"
	case utf8.RuneCountInString(s) > maxName:
		return "longer than 200 characters (do the columns fit the header?)"
	}
	return ""
}

const otherCyrillic = "ЂЃѓЉЊЌЋЏђљњќћџЎўЈјЅѕҐґЄєЇї"

const saveAsUTF8 = " (save the table as “CSV UTF-8”)"
