package table

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxName is the largest number of characters of a name.
const maxName = 200

// CheckName says what keeps s, from a file of that encoding, from being the name of a person, or "". It finds the names that
// were damaged on their way through programs and code pages.
func CheckName(s string, from Encoding) (reason string) {
	letter := false
	for _, r := range s {
		switch {
		case 'А' <= r && r <= 'я': // nearly all of them; the tables of Unicode are slow
			letter = true
		case r == '?':
			return "a question mark stands in it: letters were lost when the file was saved" + SaveAsUTF8
		case unicode.IsDigit(r):
			return "a digit stands in it (do the columns fit the header?)"
		case from == Windows1251 && strings.ContainsRune(otherCyrillic, r):
			// Excel in Kazakhstan writes Қ, Ә, Ң and their like with the codes of these.
			return "letters that Windows-1251 has for other languages only" + SaveAsUTF8
		case unicode.IsLetter(r):
			letter = true
		case !unicode.IsMark(r) && !strings.ContainsRune(" -‐‑–—'’ʼʻ`.,()\"«»", r):
			// Among them are the signs that appear when UTF-8 is read as Windows-1251 or Latin-1.
			return "signs stand in it that belong to no name" + SaveAsUTF8
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
