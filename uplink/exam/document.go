package exam

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Documents says how the number of an identity document becomes its hash. All sites that report to one portal must do it alike,
// or the same person has two hashes.
type Documents struct {
	// Lower makes letters small before they are hashed. The portal's document leaves open which case is meant; capital letters
	// are the rule here.
	Lower bool
	// Latinize takes letters for Latin ones that are Cyrillic but look Latin. Otherwise a number made of such letters is refused.
	Latinize bool
}

// maxDocument is the largest number of characters of a document's number.
const maxDocument = 64

// The reasons for which a document is refused. They say nothing of the document itself.
var (
	errNoDocument    = errors.New("the document has no characters")
	errLongDocument  = errors.New("the document has more than 64 characters (do the columns fit the header?)")
	errLostDocument  = errors.New("letters of the document were lost when the file was saved (save the table as “CSV UTF-8”)")
	errMixedDocument = errors.New("the document has letters of several alphabets (type it again with one keyboard layout)")
	errCyrillic      = errors.New("the document has Cyrillic letters that look Latin " +
		"(type it again in Latin letters, or set latinize: true if your documents have no Cyrillic letters)")
	errConcealed = errors.New("the document could not be read, and nothing of it was kept (see what the reader did not understand)")
	errNoHash    = errors.New("a reader that hashes documents delivered no SHA-256 in 64 hexadecimal digits")
)

// Hash gives the SHA-256, in 64 small hexadecimal digits, of series and number as they were read: without white space and
// invisible characters, in one case, in UTF-8. Signs such as hyphens stay. The error says why the document cannot be used and
// repeats nothing of it.
func (d Documents) Hash(text string) (string, error) {
	plain, err := d.normalise(text)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256([]byte(plain))
	return hex.EncodeToString(sum[:]), nil
}

func (d Documents) normalise(text string) (string, error) {
	if !utf8.ValidString(text) || strings.ContainsAny(text, "\uFFFD?") {
		return "", errLostDocument
	}
	plain := strings.Map(func(r rune) rune {
		switch {
		case unicode.Is(unicode.White_Space, r), isInvisible(r):
			return -1
		case 0xFF01 <= r && r <= 0xFF5E: // full-width forms
			return unicode.ToUpper(r - 0xFF01 + '!')
		}
		return unicode.ToUpper(r)
	}, text)
	switch {
	case plain == "":
		return "", errNoDocument
	case utf8.RuneCountInString(plain) > maxDocument:
		return "", errLongDocument
	}
	latin, cyrillic, other, alike := false, false, false, true
	for _, r := range plain {
		switch {
		case !unicode.IsLetter(r):
		case unicode.Is(unicode.Latin, r):
			latin = true
		case unicode.Is(unicode.Cyrillic, r):
			cyrillic = true
			alike = alike && looksLatin(r) != r
		default:
			other = true
		}
	}
	switch {
	case latin && cyrillic, other && (latin || cyrillic):
		return "", errMixedDocument
	case cyrillic && alike && !d.Latinize:
		return "", errCyrillic
	case cyrillic && alike:
		plain = strings.Map(looksLatin, plain)
	}
	if d.Lower {
		plain = strings.Map(unicode.ToLower, plain)
	}
	return plain, nil
}

// isInvisible says whether r leaves no trace on paper, so that it cannot have been meant.
func isInvisible(r rune) bool {
	return r == 0xAD || 0x200B <= r && r <= 0x200F || r == 0x2060 || r == 0xFEFF
}

// looksLatin gives the Latin capital letter that looks like a Cyrillic one, or r itself.
func looksLatin(r rune) rune {
	switch r {
	case 'А':
		return 'A'
	case 'В':
		return 'B'
	case 'С':
		return 'C'
	case 'Е':
		return 'E'
	case 'Н':
		return 'H'
	case 'І':
		return 'I'
	case 'Ј':
		return 'J'
	case 'К':
		return 'K'
	case 'М':
		return 'M'
	case 'О':
		return 'O'
	case 'Р':
		return 'P'
	case 'Ѕ':
		return 'S'
	case 'Т':
		return 'T'
	case 'Х':
		return 'X'
	case 'У', 'Ү':
		return 'Y'
	}
	return r
}

// hasSigns says whether something other than letters, digits and white space stands in the document. It is hashed as it is,
// because the portal names white space alone; whether others write it is doubtful.
func hasSigns(text string) bool {
	return strings.ContainsFunc(text, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.Is(unicode.White_Space, r) && !isInvisible(r)
	})
}

// isHash says whether s is a SHA-256 as Hash gives it.
func isHash(s string) bool {
	if len(s) != hex.EncodedLen(sha256.Size) {
		return false
	}
	for i := range len(s) {
		if (s[i] < '0' || s[i] > '9') && (s[i] < 'a' || s[i] > 'f') {
			return false
		}
	}
	return true
}
