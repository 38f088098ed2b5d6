package reestro

import (
	"slices"
	"strings"

	"github.com/acs-agent/acs-agent/agent/table"
)

// The control digits of Russian numbers. A number that passes may still belong to nobody, or to somebody else.

// validINN checks a number of 10 digits (organizations) or 12 (persons): weighted sums modulo 11 modulo 10. It begins with the
// number of a region, of which there is no 00.
func validINN(s string) bool {
	if strings.HasPrefix(s, "00") {
		return false
	}
	switch len(s) {
	case 10:
		return weighed(s, "\x02\x04\x0a\x03\x05\x09\x04\x06\x08")
	case 12:
		return weighed(s, "\x07\x02\x04\x0a\x03\x05\x09\x04\x06\x08") && weighed(s, "\x03\x07\x02\x04\x0a\x03\x05\x09\x04\x06\x08")
	}
	return false
}

// weighed says whether the digit behind those with weights is their sum modulo 11 modulo 10.
func weighed(s, weights string) bool {
	sum := 0
	for i := range len(weights) {
		sum += int(s[i]-'0') * int(weights[i])
	}
	return sum%11%10 == int(s[len(weights)]-'0')
}

// validOGRN checks a number of 13 digits (OGRN: the first 12 modulo 11) or 15 (OGRNIP: the first 14 modulo 13), each modulo 10.
// It does not begin with a zero.
func validOGRN(s string) bool {
	if strings.HasPrefix(s, "0") {
		return false
	}
	modulus := 11
	switch len(s) {
	case 13:
	case 15:
		modulus = 13
	default:
		return false
	}
	rest := 0
	for i := range len(s) - 1 {
		rest = (rest*10 + int(s[i]-'0')) % modulus
	}
	return rest%10 == int(s[len(s)-1]-'0')
}

// lastUnchecked is the last SNILS that was given out without control digits: 001-001-998.
const lastUnchecked = "001001998"

// validSNILS checks a number of 11 digits: the sum of nine digits with weights 9 to 1, modulo 101, of which 100 counts as 0.
func validSNILS(s string) bool {
	if len(s) != 11 {
		return false
	}
	if s[:9] <= lastUnchecked {
		return true
	}
	sum := 0
	for i := range 9 {
		sum += int(s[i]-'0') * (9 - i)
	}
	return sum%101%100 == int(s[9]-'0')*10+int(s[10]-'0')
}

// digits reads a number out of whatever a spreadsheet has made of it. Zeros that it has eaten at the beginning are put back if the
// control digits then fit. lengths are the possible ones, ascending; the reason repeats nothing of the text.
func digits(text string, valid func(string) bool, lengths ...int) (number, reason string) {
	s := table.Unwrap(text)
	if table.IsScientific(s) {
		return "", "a spreadsheet has rounded the number (format the column as text and type the number again)"
	}
	if whole, found := table.CutZeroFraction(s); found {
		s = whole
	}
	s = strings.NewReplacer(" ", "", "-", "").Replace(s)
	switch {
	case !table.IsDigits(s):
		return "", "is no number"
	case strings.Trim(s, "0") == "":
		return "", "is all zeros (leave it empty if it is not known)"
	}
	if slices.Contains(lengths, len(s)) && valid(s) {
		return s, ""
	}
	for _, n := range lengths {
		if missing := n - len(s); missing == 1 || missing == 2 {
			if padded := "00"[:missing] + s; valid(padded) {
				return padded, ""
			}
		}
	}
	if slices.Contains(lengths, len(s)) {
		return "", "has a control digit that does not fit (a digit is mistyped; compare with the document)"
	}
	return "", "has too many or too few digits"
}
