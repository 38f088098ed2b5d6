package mqtt

import (
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/acs-agent/acs-agent/agent/event"
)

const (
	// maxBits is the longest card number: twice as long as the longest UID in use.
	maxBits = 128
	// maxText bounds, in bytes, a credential that is a text.
	maxText = 512
	// decimalBits is how long a decimal number is taken to be: what the common firmwares print is a number of 32 bits.
	decimalBits = 32
)

// What is wrong with a card number. None of the texts repeats the number.
var (
	errNotHex     = errors.New("the card is not a hexadecimal number")
	errNotDecimal = errors.New("the card is not a decimal number")
	errZero       = errors.New("the card number is zero: no card has it, some readers send it after a reading error")
	errLong       = errors.New("the card number is too long")
	errText       = errors.New("the card is a text that is too long or has characters that cannot be printed")
)

// hexNumber reads hexadecimal digits, upper or lower case; an odd number of them is taken to lack a zero in front. bits is
// how long the number is, or 0: as long as it is written.
func hexNumber(text string, bits int) (number []byte, n int, err error) {
	if len(text) == 0 || len(text) > 2*maxBits/4 {
		return nil, 0, errNotHex
	}
	if len(text)%2 == 1 {
		text = "0" + text
	}
	number, err = hex.DecodeString(text)
	if err != nil {
		return nil, 0, errNotHex
	}
	if bits == 0 {
		bits = 8 * len(number)
	}
	return fit(number, bits)
}

// decimalNumber reads decimal digits. bits is how long the number is, or 0: 32.
func decimalNumber(text string, bits int) (number []byte, n int, err error) {
	if text == "" || len(text) > 40 || strings.Trim(text, "0123456789") != "" {
		return nil, 0, errNotDecimal
	}
	value, ok := new(big.Int).SetString(text, 10)
	if !ok {
		return nil, 0, errNotDecimal
	}
	if bits == 0 {
		bits = decimalBits
		if value.BitLen() > bits {
			return nil, 0, fmt.Errorf("%w for %d bits: say with bits how long it is", errLong, bits)
		}
	}
	return fit(value.Bytes(), bits)
}

// dashedNumber reads bytes with hyphens between them, as ESPHome prints a UID: 74-10-37-94.
func dashedNumber(text string, bits int) (number []byte, n int, err error) {
	pieces := strings.Split(text, "-")
	for _, piece := range pieces {
		if len(piece) != 2 {
			return nil, 0, errNotHex
		}
	}
	return hexNumber(strings.Join(pieces, ""), bits)
}

// fit brings a number to bits bits, right-aligned in whole bytes.
func fit(number []byte, bits int) ([]byte, int, error) {
	value := new(big.Int).SetBytes(number)
	switch {
	case value.Sign() == 0:
		return nil, 0, errZero
	case bits > maxBits || value.BitLen() > bits:
		return nil, 0, fmt.Errorf("%w for %d bits", errLong, min(bits, maxBits))
	}
	return value.FillBytes(make([]byte, (bits+7)/8)), bits, nil
}

// readable refuses texts that are no credential.
func readable(text string) error {
	if text == "" || len(text) > maxText || !utf8.ValidString(text) {
		return errText
	}
	const groupSeparator = 0x1D // stands between the fields of a GS1 code
	for _, r := range text {
		if r != groupSeparator && !unicode.IsPrint(r) {
			return errText
		}
	}
	return nil
}

// notation is how a card is written.
type notation string

const (
	hexadecimal notation = "hex"
	decimal     notation = "decimal"
	plainText   notation = "text"
)

// credential reads a card that is written in this notation.
func (n notation) credential(format, text string, bits int, payload []byte) (event.Credential, error) {
	c := event.Credential{Format: format, Text: text, Raw: cut(payload)}
	var err error
	switch n {
	case hexadecimal:
		c.Number, c.Bits, err = hexNumber(text, bits)
	case decimal:
		c.Number, c.Bits, err = decimalNumber(text, bits)
	default:
		err = readable(text)
	}
	return c, err
}

// cut bounds what is kept of a payload.
func cut(payload []byte) []byte {
	n := min(len(payload), event.MaxRaw)
	return payload[:n:n]
}
