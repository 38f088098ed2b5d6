package cardholders

import (
	"strconv"
	"strings"
	"unicode"

	"github.com/acs-agent/acs-agent/agent/table"
)

// readCard gives every number that the text of a card can mean. Nothing is chosen: "12345678" is a decimal number and a
// hexadecimal one, and both stay. The usual reading stands first, the others are marked as second.
//
// Without a number and without a reason the text is a text, such as that of a QR code. The reason says why it cannot be
// either, and does not repeat it.
func readCard(text string, into []number) (readings []number, reason string) {
	s := latinHex(table.Unwrap(text))
	switch {
	case s == "":
		return into, "empty"
	case !strings.ContainsFunc(s, isLetterOrDigit):
		return into, "neither a digit nor a letter stands in it"
	case table.IsScientific(s):
		return into, "a spreadsheet has rounded the number to the form 1.2E+10 (format the column as text and type the number again)"
	}
	if typ, found := cutType(s); found {
		return readTyped(typ, into)
	}
	if hex, found := strings.CutPrefix(strings.ToLower(s), "0x"); found && isHex(hex) {
		return hexadecimal(hex, 0, into), ""
	}
	if hex, found := strings.CutSuffix(strings.ToLower(s), "h"); found && isHex(hex) && len(hex) >= 5 {
		return hexadecimal(hex, 0, into), "" // so Tasmota prints it
	}
	if !strings.Contains(s, " ") {
		return readWord(s, into)
	}
	switch words := strings.Fields(s); {
	case len(words) == 2 && !isThousands(words):
		return readPair(words[0], words[1], into)
	case isBytes(words):
		return hexadecimal(strings.Join(words, ""), 0, into), ""
	case isThousands(words):
		return digits(strings.Join(words, ""), into), ""
	}
	return into, ""
}

// readWord reads a text without spaces.
func readWord(s string, into []number) ([]number, string) {
	if whole, found := table.CutZeroFraction(s); found && len(whole) > 3 {
		s = whole
	}
	if facility, rest, found := cutFacility(s); found {
		return readFacility(facility, rest, into)
	}
	for _, separator := range [...]string{":", "-"} {
		if !strings.Contains(s, separator) {
			continue
		}
		if pairs := strings.Split(s, separator); isBytes(pairs) {
			return hexadecimal(strings.Join(pairs, ""), 0, into), ""
		}
	}
	switch {
	case table.IsDigits(s):
		return digits(s, into), ""
	case isHex(s) && len(s) >= 5:
		return hexadecimal(s, 0, into), ""
	}
	return into, ""
}

// digits reads a text of digits alone, whose leading zeros may be gone. What cannot be a number at all, because it is too
// long, has no reading.
func digits(s string, into []number) []number {
	alternative := hint(0)
	if len(s) <= 13 { // 13 digits hold 40 bits
		v, _ := strconv.ParseUint(s, 10, 64)
		switch {
		case v < 1<<32:
			into = append(into, number{low: v, bits: 32})
			if len(s) <= 8 && v < 1<<24 { // eight digits are the print of 24 bits
				into = append(into, number{low: v, bits: 24})
			}
			alternative = second
		case v < 1<<40:
			into = append(into, number{low: v, bits: 40, hint: second})
		}
		if facility, rest := v/100_000, v%100_000; len(s) == 8 && facility < 1<<8 && rest < 1<<16 {
			// 12658404 is 126,58404 without the comma.
			into = append(into, number{low: facility<<16 | rest, bits: 24, hint: second})
		}
	}
	if len(s) >= 5 {
		into = hexadecimal(s, alternative, into)
	}
	return into
}

// hexadecimal reads digits of which leading zeros may be gone: the length is the next that cards have.
func hexadecimal(s string, as hint, into []number) []number {
	if len(s) > longest/4 {
		return into
	}
	var n number
	for _, bits := range [...]uint8{24, 32, 40, 48, 56, 64, longest} {
		if n.bits = bits; 4*len(s) <= int(bits) {
			break
		}
	}
	for i := range len(s) {
		n.high = n.high<<4 | uint16(n.low>>60)
		n.low = n.low<<4 | uint64(hexDigit(s[i]))
	}
	n.hint = as
	n = narrow(n)
	into = append(into, n)
	if n.bits == 56 {
		// IronLogic prints bytes 3 to 6 of such a UID before bytes 0 to 2, so the text can be either order.
		into = append(into, rotate(n, 4), rotate(n, 3))
	}
	return into
}

// rotate moves the first bytes of a 56-bit number to its end.
func rotate(n number, bytes int) number {
	n.low = (n.low<<(8*bytes) | n.low>>(56-8*bytes)) & (1<<56 - 1)
	n.hint |= second
	return n
}

func isLetterOrDigit(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

func hexDigit(c byte) byte {
	switch {
	case c <= '9':
		return c - '0'
	case c <= 'F':
		return c - 'A' + 10
	default:
		return c - 'a' + 10
	}
}

func isHex(s string) bool {
	for i := range len(s) {
		c := s[i] | 0x20
		if (c < '0' || c > '9' || s[i] != c) && (c < 'a' || c > 'f') {
			return false
		}
	}
	return s != ""
}

// isBytes says whether the parts are the bytes of a UID, two digits each.
func isBytes(parts []string) bool {
	for _, p := range parts {
		if len(p) != 2 || !isHex(p) {
			return false
		}
	}
	return 3 <= len(parts) && len(parts) <= longest/8
}

// isThousands says whether the words are one number that a spreadsheet has spaced out: 8 315 940.
func isThousands(words []string) bool {
	for i, w := range words {
		if !table.IsDigits(w) || len(w) > 3 || i > 0 && len(w) != 3 {
			return false
		}
	}
	return true
}

// latinHex replaces the Cyrillic А, В, С and Е by the Latin letters that look the same, if the text is a hexadecimal number
// with them and cannot have been meant otherwise.
func latinHex(s string) string {
	folded := strings.Map(func(r rune) rune {
		for i, c := range [...]rune{'А', 'В', 'С', 'Е', 'а', 'в', 'с', 'е'} {
			if r == c {
				return rune("ABCEABCE"[i])
			}
		}
		return r
	}, s)
	if folded == s || !isHex(folded) || len(folded) < 6 || !strings.ContainsAny(folded, "0123456789") {
		return s
	}
	return folded
}
