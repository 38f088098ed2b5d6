package ironlogic

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"

	"github.com/acs-agent/acs-agent/agent/event"
)

var (
	errRange = errors.New("fff,nnnnn is larger than 255,65535")
	errShort = errors.New("a card was kept although its fff,nnnnn does not fit the number in brackets: " +
		"this firmware prints in another byte order, so compare with the number that the portal has")
)

// credential makes a credential of a printed card. If it returns both, the credential is good and the error is a doubt.
//
// The three forms, worked out from real lines:
//
//	Em-Marine[5500] 126,58404       the number is 55 00, then 126, then 58404: 55007EE424
//	Mifare[77242CF0] 044,09335      the UID as printed; fff,nnnnn are its first three bytes in reverse order, 2C 2477
//	Mifare[3AAC2280045646] 004,22086  UID bytes 3-6, then 0-2: the UID is 0456463AAC2280; fff,nnnnn are its first three
func (p *printed) credential(raw []byte) (event.Credential, error) {
	c := event.Credential{Format: "ironlogic/" + p.kind, Text: p.text, Raw: bytes.Clone(raw), Bits: 4 * len(p.hex)}
	digits := p.hex
	if len(digits)%2 == 1 {
		digits = "0" + digits
	}
	number, err := hex.DecodeString(digits)
	if err != nil {
		return event.Credential{}, errForm
	}
	c.Number = number
	short, inRange := p.short()
	switch {
	case len(p.hex) == 4 && !inRange:
		return event.Credential{}, errRange
	case len(p.hex) == 4:
		c.Number, c.Bits = append(number, short...), 40
		return c, nil
	case p.kind == "mifare" && len(number) == 4:
		err = doubt(short, []byte{number[2], number[1], number[0]})
	case p.kind == "mifare" && len(number) == 7:
		c.Number = append(number[4:7:7], number[:4]...)
		err = doubt(short, c.Number[:3])
	case !inRange:
		err = errShort
	}
	if inRange && !bytes.HasSuffix(c.Number, short) {
		c.Short = short
	}
	return c, err
}

func doubt(short, want []byte) error {
	if !bytes.Equal(short, want) {
		return errShort
	}
	return nil
}

// short gives fff,nnnnn as three bytes, nil if it is out of range.
func (p *printed) short() ([]byte, bool) {
	if p.facility > 0xFF || p.number > 0xFFFF {
		return nil, false
	}
	return binary.BigEndian.AppendUint32(nil, p.facility<<16|p.number)[1:], true
}
