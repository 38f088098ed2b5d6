package mqtt

import (
	"strings"

	"github.com/acs-agent/acs-agent/agent/event"
)

// espHomeFormat reads a payload that is the card itself, plain or as a JSON text: a decimal number of 32 bits, or the bytes
// of a UID with hyphens between them. `number:` says if it is written in another way.
func (r *reader) espHomeFormat(m *message) ([]event.Pass, error) {
	text := strings.TrimSpace(string(m.payload))
	if s, ok := m.value.(string); ok {
		text = strings.TrimSpace(s)
	}
	if text == "" || r.notation != plainText && strings.Trim(text, "0") == "" {
		return nil, nil // the value is set back after a card
	}
	c := event.Credential{Format: "esphome", Text: text, Raw: cut(m.payload)}
	var err error
	switch {
	case r.notation == plainText:
		err = readable(text)
	case strings.Contains(text, "-"):
		c.Number, c.Bits, err = dashedNumber(text, r.bits)
	case r.notation == hexadecimal:
		c.Number, c.Bits, err = hexNumber(text, r.bits)
	default:
		c.Number, c.Bits, err = decimalNumber(text, r.bits)
	}
	if err != nil {
		return nil, err
	}
	return []event.Pass{{Credential: c}}, nil
}
