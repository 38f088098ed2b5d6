package cardholders

import "github.com/acs-agent/acs-agent/agent/event"

// A number is one reading of a card: an integer of so many bits. The longest that occurs is the ten-byte UID.
type number struct {
	// low holds the last 64 bits, high the 16 above them.
	low  uint64
	high uint16
	bits uint8
	// hint is what the search and the warnings have to know about the reading.
	hint hint
}

// hint marks a reading that does not stand for the whole card, or not with certainty. Its low seven bits are the length of the
// full number that stands beside a short one, or 0.
type hint uint8

// second marks a reading that is possible, while another one of the same text is the usual one.
const second hint = 0x80

// beside gives the length of the full number that was written beside this short one; 0 if there was none.
func (h hint) beside() int { return int(h &^ second) }

const (
	// shortest is the number of bits below which numbers are never compared by their ends: 16 bits would fit a stranger's
	// card too easily, and no reader delivers less than the 24 bits of Wiegand 26.
	shortest = 24
	// longest is what a number holds.
	longest = 80
)

// tail is the last 24 bits: what every form of a card has, and what the index is sorted by.
func (n number) tail() uint32 { return uint32(n.low & (1<<shortest - 1)) }

// common gives the number of last bits that both numbers have, or 0 if they differ in them.
func (n number) common(other number) int {
	bits := min(n.bits, other.bits)
	if bits <= 64 {
		if (n.low^other.low)<<(64-bits) != 0 {
			return 0
		}
		return int(bits)
	}
	if n.low != other.low || (n.high^other.high)<<(longest-bits) != 0 {
		return 0
	}
	return int(bits)
}

// bigEndian reads the last bits of b; bits that b does not have are not counted.
func bigEndian(b []byte, bits int) number {
	bits = max(0, min(bits, 8*len(b), longest))
	var n number
	for _, c := range b {
		n.high = n.high<<8 | uint16(n.low>>56)
		n.low = n.low<<8 | uint64(c)
	}
	n.bits = uint8(bits)
	if bits <= 64 {
		n.high = 0
		n.low &= 1<<bits - 1
	} else {
		n.high &= 1<<(bits-64) - 1
	}
	return n
}

// narrow takes the padding from a number of 48 bits. Only IronLogic's web controllers write such numbers, and they fill what
// their reader did not deliver with zeros: as 48 bits, 0000007EE424 would be another card than 55007EE424.
func narrow(n number) number {
	if n.bits != 48 {
		return n
	}
	for _, bits := range [...]uint8{24, 32, 40} {
		if n.low>>bits == 0 {
			n.bits = bits
			return n
		}
	}
	return n
}

// numbersOf gives the forms in which a reader delivered a card: the number, and the short number beside it.
func numbersOf(c *event.Credential) []number {
	forms := make([]number, 0, 2)
	if n := narrow(bigEndian(c.Number, c.Bits)); n.bits >= shortest {
		forms = append(forms, n)
	}
	if len(c.Short) == shortest/8 {
		short := bigEndian(c.Short, shortest)
		short.hint = hint(max(0, min(c.Bits, longest)))
		forms = append(forms, short)
	}
	return forms
}
