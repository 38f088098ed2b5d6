package exam

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"github.com/acs-agent/acs-agent/agent/table"
)

// leastDigits is how many hexadecimal digits two numbers of a card must have in common: 24 bits, the least that readers deliver.
const leastDigits = 6

// A card is what the roster says of somebody's card: every number that its text can mean, in hexadecimal digits, and the hash of
// the text itself for cards that are no number.
type card struct {
	numbers []string
	text    string
}

// readCard reads the forms in which cards are printed: 55007EE424, 55:00:7E:E4:24, 0x7EE424, 0008315940, 126,58404. Digits alone
// can be a decimal or a hexadecimal number, and both are kept: a card that then fits two people decides nothing.
func readCard(printed string) card {
	s := table.Unwrap(table.Tidy(printed))
	if s == "" {
		return card{}
	}
	c := card{text: hashText(s)}
	add := func(digits int, v uint64) { c.numbers = append(c.numbers, fmt.Sprintf("%0*X", digits, v)) }
	if facility, number, found := strings.Cut(s, ","); found {
		facility = facility[strings.LastIndexByte(facility, ' ')+1:] // IronLogic prints its type before it
		f, err1 := strconv.ParseUint(facility, 10, 8)
		n, err2 := strconv.ParseUint(strings.TrimSpace(number), 10, 16)
		if err1 == nil && err2 == nil {
			add(leastDigits, f<<16|n)
		}
		return c
	}
	if v, err := strconv.ParseUint(s, 10, 40); err == nil && table.IsDigits(s) {
		switch {
		case v < 1<<24:
			add(8, v)
			add(leastDigits, v)
		case v < 1<<32:
			add(8, v)
		default:
			add(10, v)
		}
	}
	digits := strings.NewReplacer(":", "", "-", "", " ", "").Replace(strings.TrimPrefix(strings.ToUpper(s), "0X"))
	if len(digits)%2 == 1 {
		digits = "0" + digits
	}
	if _, err := hex.DecodeString(digits); err == nil && leastDigits <= len(digits) && len(digits) <= 20 {
		c.numbers = append(c.numbers, digits)
	}
	return c
}

// hashText is what is kept of a card that is a text, since nobody knows what people put into a code.
func hashText(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

// common says how many hexadecimal digits a card and what was seen at a reader have in common, counted from the end: as many as
// both have, and at least leastDigits; or 0 if they are different cards.
func (c *card) common(s *sighting) int {
	if s.Text != "" && s.Text == c.text {
		return len(c.text)
	}
	best := 0
	for _, seen := range [...]string{s.Number, s.Short} {
		for _, listed := range c.numbers {
			n := min(len(seen), len(listed))
			if n >= leastDigits && n > best && seen[len(seen)-n:] == listed[len(listed)-n:] {
				best = n
			}
		}
	}
	return best
}
