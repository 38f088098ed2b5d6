package event

import (
	"encoding/hex"
	"strings"
)

// MaxRaw is the largest number of bytes that are kept of what a reader sent for one pass.
const MaxRaw = 512

// A Credential is what was shown to the reader, as the reader told it. Nothing that the reader said is thrown away: the same
// card has many printed numbers, and which of them the site uses is found out later.
type Credential struct {
	// Format names the source format, for example "rdm6300" or "ironlogic/mifare".
	Format string
	// Number is the card number as a big-endian integer, right-aligned: bit 0 is the last bit of the last byte. It has
	// (Bits+7)/8 bytes. Empty for a credential that is a text, such as a QR code.
	Number []byte
	// Bits is how many bits of the card number the reader delivered: 40 for an EM4100 card, 24 for Wiegand 26 without
	// parity, 32 or 56 for a Mifare UID. 0 for a text.
	Bits int
	// Short is the short number that the reader printed beside the long one, if it is not simply the end of it: IronLogic
	// prints three bytes of a Mifare UID as "fff,nnnnn", in one of two byte orders. 24 bits, big-endian; nil if there is none.
	Short []byte
	// Text is the credential as the reader printed it, without frame and white space; the whole credential if Bits is 0.
	Text string
	// Raw is what came over the line, frame included; at most MaxRaw bytes.
	Raw []byte
}

// Hashed ends the Format of a credential of which only the SHA-256 is kept, as 64 small hexadecimal digits in Text.
const Hashed = "/sha256"

// Canonical is the number in upper-case hexadecimal digits, leading zeros kept, or the text where there is no number.
func (c *Credential) Canonical() string {
	if c.Bits == 0 {
		return c.Text
	}
	return strings.ToUpper(hex.EncodeToString(c.Number))
}

// Same says whether two credentials from one reader are the same card.
func (c *Credential) Same(other *Credential) bool {
	return c.Bits == other.Bits && c.Canonical() == other.Canonical()
}

// Masked shows the last four characters of the credential, so that a technician can tell two cards apart and nobody can
// copy one.
func (c *Credential) Masked() string {
	if strings.HasSuffix(c.Format, Hashed) {
		return "(document)"
	}
	r := []rune(c.Canonical())
	if len(r) <= 4 {
		return "****"
	}
	return "****" + string(r[len(r)-4:])
}
