package line

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

var (
	errNoCard   = errors.New("there is no card in it")
	errHex      = errors.New("the card is not hexadecimal, or has more than 64 digits")
	errDecimal  = errors.New("the card is not decimal, or does not fit 56 bits")
	errFacility = errors.New("the card is not of the form fff,nnnnn with fff up to 255 and nnnnn up to 65535")
	errLRC      = errors.New("not ':' with hexadecimal bytes whose sum is zero")
)

// number gives the card number that is meant by s, and its bits; both are zero for a text.
func (f form) number(s string) ([]byte, int, error) {
	switch f {
	case hexadecimal:
		return hexNumber(s)
	case decimal:
		return decimalNumber(s)
	case facility:
		return facilityNumber(s)
	default:
		return nil, 0, nil
	}
}

// hexNumber has four bits for each digit, so leading zeros count.
func hexNumber(s string) ([]byte, int, error) {
	bits := 4 * len(s)
	if len(s)%2 == 1 {
		s = "0" + s
	}
	number, err := hex.DecodeString(s)
	if err != nil || bits > 256 {
		return nil, 0, errHex
	}
	return number, bits, nil
}

// decimalNumber has 32 bits, as converters print Wiegand 34 and EM-Marine cards, or 40 or 56 if 32 do not hold it. The number
// of digits says nothing: most print ten, whatever the card.
func decimalNumber(s string) ([]byte, int, error) {
	if s == "" || strings.Trim(s, "0123456789") != "" {
		return nil, 0, errDecimal
	}
	n, err := strconv.ParseUint(s, 10, 56)
	if err != nil {
		return nil, 0, errDecimal
	}
	bits := 56
	switch {
	case n < 1<<32:
		bits = 32
	case n < 1<<40:
		bits = 40
	}
	return binary.BigEndian.AppendUint64(nil, n)[8-bits/8:], bits, nil
}

var facilityForm = regexp.MustCompile(`^([0-9]{1,3})[ ,]+([0-9]{1,5})$`)

// facilityNumber has 24 bits: 8 of the facility and 16 of the number, as Wiegand 26 has.
func facilityNumber(s string) ([]byte, int, error) {
	m := facilityForm.FindStringSubmatch(s)
	if m == nil {
		return nil, 0, errFacility
	}
	high, errHigh := strconv.ParseUint(m[1], 10, 8)
	low, errLow := strconv.ParseUint(m[2], 10, 16)
	if errHigh != nil || errLow != nil {
		return nil, 0, errFacility
	}
	return binary.BigEndian.AppendUint64(nil, high<<16|low)[5:], 24, nil
}

// cutLRC gives the hexadecimal digits between ':' and the checksum, the two's complement of the sum of the bytes. What stands
// before the ':' is noise.
func cutLRC(s string) (string, error) {
	colon := strings.LastIndexByte(s, ':')
	digits := s[colon+1:]
	data, err := hex.DecodeString(digits)
	if colon < 0 || err != nil || len(data) < 2 {
		return "", errLRC
	}
	var sum byte
	for _, b := range data {
		sum += b
	}
	if sum != 0 {
		return "", fmt.Errorf("%w: the checksum is wrong", errLRC)
	}
	return digits[:len(digits)-2], nil
}
