package mqtt

import (
	"errors"
	"slices"
	"strings"

	"github.com/acs-agent/acs-agent/agent/event"
)

var (
	errNoObject = errors.New("the payload is no JSON object")
	errNoUID    = errors.New("an access message without a card")
)

// espRFIDFormat reads the messages of esp-rfid, versions 1 and 2. A presentation is a message of type "access"; a card that
// the reader does not know brings a message of type "WARN" as well, which is not a second presentation. With Home Assistant
// support the same stands, without a type, in TOPIC/tag.
func (r *reader) espRFIDFormat(m *message) ([]event.Pass, error) {
	object, ok := m.value.(map[string]any)
	if !ok {
		if state := path(strings.Split(m.topic, "/")); slices.Contains(state, "io") || state[len(state)-1] == "avty" {
			return nil, nil
		}
		return nil, errNoObject
	}
	typ, typed := object["type"].(string)
	if typed && typ != "access" || !typed && (object["access"] == nil || object["cmd"] != nil) {
		return nil, nil // start, heartbeat, log, or a command to the reader
	}
	uid, ok := object["uid"].(string)
	if !ok {
		return nil, errNoUID
	}
	uid = strings.TrimSpace(uid)
	if uid == "" {
		return nil, nil // opened by the button or by a command
	}
	credential, err := r.espRFIDCard(uid, m.payload)
	if err != nil {
		return nil, err
	}
	p := event.Pass{
		Credential: credential,
		DeviceTime: deviceTime(object["time"], r.zone),
		KnownAs:    knownAs(path{"username"}.text(object)),
	}
	if refused(object["access"]) {
		p.Outcome = event.NotPassed
	}
	return []event.Pass{p}, nil
}

// espRFIDCard reads a UID. The firmware writes each byte without its leading zero, so that 7-byte and 4-byte UIDs come with
// fewer digits than they have. Where the zeros were is lost; they are put in front, so that the same card gives the same
// number each time, and the format says that the number is not the one on the card.
func (r *reader) espRFIDCard(uid string, payload []byte) (event.Credential, error) {
	const format = "esp-rfid"
	if r.notation != hexadecimal {
		return r.notation.credential(format, uid, r.bits, payload)
	}
	bits, whole := r.bits, true
	switch n := len(uid); {
	case bits > 0:
		whole = n == (bits+3)/4 || n == 2*((bits+7)/8)
	case n == 6 || n == 8 || n == 10 || n == 14 || n == 20:
		bits = 4 * n // Wiegand 26, a short UID, an EM4100 card, a long UID, the longest UID
	case n < 8:
		bits, whole = 32, false
	case n < 14:
		bits, whole = 56, false
	default:
		bits, whole = 80, false
	}
	c, err := hexadecimal.credential(format, uid, bits, payload)
	if !whole {
		c.Format = "esp-rfid/unpadded"
	}
	return c, err
}

// refused says whether the reader did not open for the card: at none of its doors, if it has several.
func refused(access any) bool {
	switch a := access.(type) {
	case string:
		switch strings.ToLower(strings.TrimSpace(a)) {
		case "denied", "disabled", "expired", "wrong pin code":
			return true
		}
	case []any:
		return len(a) > 0 && !slices.ContainsFunc(a, func(door any) bool { return !refused(door) })
	}
	return false
}

// knownAs bounds the name that a reader has for somebody.
func knownAs(name string) string {
	const longest = 100
	if r := []rune(name); len(r) > longest {
		return string(r[:longest])
	}
	return name
}
