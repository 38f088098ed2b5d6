package mqtt

import (
	"errors"
	"fmt"
	"math/bits"
	"strconv"
	"strings"

	"github.com/acs-agent/acs-agent/agent/event"
)

// tasmotaFormat reads the sensor messages of Tasmota. Only the card readers in them count; the same topic carries every other
// sensor of the board.
func (r *reader) tasmotaFormat(m *message) ([]event.Pass, error) {
	object, ok := m.value.(map[string]any)
	if !ok {
		return nil, errNoObject
	}
	var (
		passes []event.Pass
		wrong  []error
	)
	for _, sensor := range tasmotaSensors {
		card, ok := object[sensor.key].(map[string]any)
		if !ok {
			continue
		}
		credential, err := sensor.read(card)
		switch {
		case err != nil:
			wrong = append(wrong, fmt.Errorf("%s: %w", sensor.key, err))
			continue
		case credential.Bits == 0:
			continue
		}
		credential.Format, credential.Raw = sensor.format, cut(m.payload)
		passes = append(passes, event.Pass{Credential: credential, DeviceTime: deviceTime(object["Time"], r.zone)})
	}
	return passes, errors.Join(wrong...)
}

// tasmotaSensors are the card readers that Tasmota knows. read gives no bits for what is no card.
var tasmotaSensors = []struct {
	key, format string
	read        func(map[string]any) (event.Credential, error)
}{
	{"Wiegand", "tasmota/wiegand", tasmotaWiegand},
	{"RDM6300", "tasmota/rdm6300", tasmotaRDM6300},
	{"PN532", "tasmota/pn532", tasmotaUID},
	{"RC522", "tasmota/rc522", tasmotaUID},
}

var (
	errNoCard = errors.New("no UID where one belongs")
	errParity = errors.New("the number is zero: a parity error on the Wiegand line (check D0, D1 and ground)")
	errSize   = errors.New("a size that no Wiegand code has")
)

// tasmotaWiegand reads UID and Size. Size counts the two parity bits, the UID is without them. The UID is a number, or with
// SetOption123 hexadecimal digits with an "h" behind them. Firmware from before February 2022 leaves a parity bit in front
// of the UID of a 34-bit code. A code with a parity error comes as UID 0. Sizes 4 and 8 are the keys of a keypad.
func tasmotaWiegand(card map[string]any) (event.Credential, error) {
	size, err := strconv.Atoi(path{"Size"}.text(card))
	if err != nil {
		return event.Credential{}, errSize
	}
	if size == 4 || size == 8 {
		return event.Credential{}, nil
	}
	text := path{"UID"}.text(card)
	digits, base := text, 10
	if h, found := strings.CutSuffix(text, "h"); found {
		digits, base = h, 16
	}
	uid, err := strconv.ParseUint(digits, base, 64)
	if err != nil || len(digits) > 20 {
		return event.Credential{}, errNoCard
	}
	data := size - 2
	if size == 34 {
		uid &= 0xFFFFFFFF
	}
	switch {
	case data < 8 || data > 64:
		return event.Credential{}, errSize
	case uid == 0:
		return event.Credential{}, errParity
	case bits.Len64(uid) > data:
		return event.Credential{}, fmt.Errorf("%w for its size", errLong)
	}
	c := event.Credential{Text: text}
	c.Number, c.Bits, err = hexNumber(strconv.FormatUint(uid, 16), data)
	return c, err
}

// tasmotaRDM6300 reads the 32 bits that are left of an EM4100 number: the firmware drops the first of its five bytes.
func tasmotaRDM6300(card map[string]any) (event.Credential, error) {
	c := event.Credential{Text: path{"UID"}.text(card)}
	if len(c.Text) != 8 {
		return c, errNoCard
	}
	var err error
	c.Number, c.Bits, err = hexNumber(c.Text, 32)
	return c, err
}

// tasmotaUID reads the UID of a Mifare card: 4, 7 or 10 bytes.
func tasmotaUID(card map[string]any) (event.Credential, error) {
	c := event.Credential{Text: path{"UID"}.text(card)}
	if n := len(c.Text); n != 8 && n != 14 && n != 20 {
		return c, errNoCard
	}
	var err error
	c.Number, c.Bits, err = hexNumber(c.Text, 0)
	return c, err
}
