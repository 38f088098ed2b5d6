package cardholders

import (
	"strconv"
	"strings"

	"github.com/acs-agent/acs-agent/agent/table"
)

// readPair reads two words: both numbers that stand on a card, or the two halves of one.
func readPair(first, last string, into []number) ([]number, string) {
	if table.IsDigits(last) {
		if _, _, found := cutFacility(first); found {
			first, last = last, first
		}
	}
	if facility, rest, found := cutFacility(last); found && table.IsDigits(first) && len(first) <= 10 {
		// 0008315940  126,58404
		long, err := strconv.ParseUint(first, 10, 32)
		if err != nil {
			return into, "the first of the two numbers is larger than 32 bits hold"
		}
		short, reason := readFacility(facility, rest, nil)
		if reason != "" {
			return into, reason
		}
		n := number{low: long, bits: 32}
		for _, s := range short {
			switch {
			case s.common(n) == 0:
			case len(first) <= 8: // eight digits are the print of 24 bits
				return append(into, n, s), ""
			default:
				return append(into, n), ""
			}
		}
		return into, "the two numbers are not of one card (one of them is mistyped; look at the card)"
	}
	if table.IsDigits(first) && len(first) <= 3 && table.IsDigits(last) && len(last) == 5 {
		return readFacility(first, last, into)
	}
	return into, ""
}

// cutFacility takes 126,58404 apart, also with a point or a slash. Four or five digits before the comma are the upper half of
// 32 bits.
func cutFacility(s string) (facility, rest string, found bool) {
	i := strings.IndexAny(s, ",./")
	if i < 0 {
		return "", "", false
	}
	facility, rest = s[:i], s[i+1:]
	return facility, rest, table.IsDigits(facility) && len(facility) <= 5 && table.IsDigits(rest) && len(rest) <= 5
}

// readFacility reads the two halves that are printed with a comma between them: 8 and 16 bits, or 16 and 16.
func readFacility(facility, rest string, into []number) ([]number, string) {
	high, _ := strconv.ParseUint(facility, 10, 32)
	low, _ := strconv.ParseUint(rest, 10, 32)
	n := number{bits: 24}
	if len(facility) > 3 {
		n.bits = 32
	}
	if high >= 1<<(n.bits-16) || low >= 1<<16 {
		return into, "no number of the form 126,58404: the part before the comma is at most 255, the part after it at most 65535"
	}
	n.low = high<<16 | low
	into = append(into, n)
	if len(rest) < 5 && (facility == "0" || facility[0] != '0') {
		// A spreadsheet that takes it for a fraction writes 126,58400 as 126,584; a reader writes 126,00584 so.
		low, _ = strconv.ParseUint((rest + "0000")[:5], 10, 32)
		if filled := high<<16 | low; low < 1<<16 && filled != n.low {
			n.low, n.hint = filled, second
			into = append(into, n)
		}
	}
	return into, ""
}

// A typed is a line of IronLogic's readers: Mifare[BCD14264] 1K (0004,08) 066,53692.
type typed struct{ hex, short string }

// cutType takes such a line apart. The address that readers on a bus print before it is dropped.
func cutType(s string) (t typed, found bool) {
	if len(s) > 6 && s[5] == ' ' && table.IsDigits(s[:5]) {
		s = s[6:]
	}
	name, rest, found := strings.Cut(s, "[")
	if !found || name == "" || strings.Trim(name, letters) != "" {
		return typed{}, false
	}
	t.hex, rest, found = strings.Cut(rest, "]")
	if !found || !isHex(t.hex) || len(t.hex) < 4 {
		return typed{}, false
	}
	if words := strings.Fields(rest); len(words) > 0 {
		t.short = words[len(words)-1]
	}
	return t, true
}

const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

// readTyped joins four digits in brackets with the number behind them, which are the upper and the lower part of an EM4100
// number. More digits are a UID; the number behind it is three of its bytes in an order of their own, and is kept beside it.
func readTyped(t typed, into []number) ([]number, string) {
	var short []number
	if facility, rest, found := cutFacility(t.short); found {
		var reason string
		if short, reason = readFacility(facility, rest, nil); reason != "" {
			return into, reason
		}
		short = short[:1] // the reader printed it: no spreadsheet has been at it
		if short[0].bits != 24 {
			return into, "no number of the form 126,58404 behind the brackets"
		}
	}
	switch {
	case len(t.hex) == 4 && short != nil:
		upper, _ := strconv.ParseUint(t.hex, 16, 16)
		return append(into, number{low: upper<<24 | short[0].low, bits: 40}), ""
	case len(t.hex) == 4:
		return into, "the number behind the brackets is missing (copy the whole line of the reader)"
	case len(t.hex) != 8 && len(t.hex) != 14:
		return into, "between the brackets stand neither 4 nor 8 nor 14 digits (copy the whole line of the reader)"
	}
	into = hexadecimal(t.hex, 0, into)
	if short != nil {
		short[0].hint = hint(4 * len(t.hex)) //nolint:gosec // 32 or 56
		into = append(into, short[0])
	}
	return into, ""
}
