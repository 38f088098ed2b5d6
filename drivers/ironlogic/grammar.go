package ironlogic

import (
	"errors"
	"regexp"
	"strconv"
	"strings"
)

// A printed line is
//
//	[address SP] ( type "[" hex "]" *SP [ [subtype] *SP "(" atqa "," sak ")" *SP ] fff "," nnnnn | "No card" )
//
// The reader prints "No card" when the card is taken away. fff,nnnnn is the low end of the number, 8 and 16 bits in decimal;
// leading zeros may be missing.
var (
	cardForm = regexp.MustCompile(
		`([A-Za-z0-9-]+)\[([0-9A-Fa-f]{2,40})\] *(?:[A-Za-z0-9+./-]{0,16} *\([0-9A-Fa-f]{1,4},[0-9A-Fa-f]{1,2}\) *)?([0-9]{1,3}),([0-9]{1,5})$`)
	noCardForm  = regexp.MustCompile(`(?i)no card$`)
	addressForm = regexp.MustCompile(`([0-9]{5}) $`)
)

// types are the words that are known to stand before the bracket. Others are taken as they come, but behind these the line may
// begin with noise that looks like letters.
var types = []string{"Em-Marine", "Mifare", "HID", "iCode", "Temic", "Cod433", "Dallas"}

// longestType is the number of characters of a type that is not known.
const longestType = 16

// printed is what one line says.
type printed struct {
	// address is five digits, or empty.
	address string
	// away: no card; all other fields are empty.
	away bool
	// kind is the type in lower case.
	kind string
	// hex is what stood in the brackets, upper case.
	hex string
	// facility and number are fff and nnnnn, not checked for their ranges.
	facility, number uint32
	// text is the line without address and noise.
	text string
}

var errForm = errors.New("not of the form that IronLogic readers print")

// parse reads a line. Noise may stand before it, not behind.
func parse(line []byte) (printed, error) {
	// What cannot be printed is noise, and what stands before it is a part of it.
	start := len(line)
	for start > 0 && ' ' <= line[start-1] && line[start-1] <= '~' {
		start--
	}
	s := strings.TrimSpace(string(line[start:]))
	if at := noCardForm.FindStringIndex(s); at != nil {
		return printed{address: addressBefore(s[:at[0]]), away: true}, nil
	}
	m := cardForm.FindStringSubmatchIndex(s)
	if m == nil {
		return printed{}, errForm
	}
	kind, begins, known := cutType(s[m[2]:m[3]])
	if !known && len(kind) > longestType {
		return printed{}, errForm
	}
	p := printed{kind: strings.ToLower(kind), hex: strings.ToUpper(s[m[4]:m[5]]), text: s[m[0]+begins:]}
	if begins == 0 {
		p.address = addressBefore(s[:m[0]])
	}
	p.facility, p.number = decimal(s[m[6]:m[7]]), decimal(s[m[8]:m[9]])
	return p, nil
}

// cutType takes noise off a type that is known and says where the type begins.
func cutType(word string) (kind string, begins int, known bool) {
	for _, t := range types {
		if at := len(word) - len(t); at >= 0 && strings.EqualFold(word[at:], t) {
			return t, at, true
		}
	}
	return word, 0, false
}

func addressBefore(s string) string {
	if m := addressForm.FindStringSubmatch(s); m != nil {
		return m[1]
	}
	return ""
}

// decimal reads at most five digits.
func decimal(s string) uint32 {
	n, err := strconv.ParseUint(s, 10, 32)
	if err != nil {
		return 1 << 24 // no number of a card: refused by every range
	}
	return uint32(n)
}
