// Package event holds what the agent carries: a pass, the credential that was shown and the moment at which it happened.
//
// It stands on the lowest floor: every other package may import it, and it imports the standard library only.
package event

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"time"
)

// A Pass is one presentation of a credential at a reader. A driver fills in what the reader told it; the agent adds the
// rest before the pass is stored. Once Pending is None nothing of it changes any more: every request that carries the pass
// is made from these fields alone, so that a request that is repeated is the same to the byte.
type Pass struct {
	// ID is made once, when the agent takes the pass, and is unique in the whole fleet.
	ID ID
	// Device is the name of the agent that read the pass: `device:` of its configuration.
	Device string
	// Reader is the name of the reader in the configuration.
	Reader     string
	Credential Credential
	Direction  Direction
	Outcome    Outcome
	// At is the moment at which the agent received the pass.
	At Instant
	// DeviceTime is what the reader's own clock said; zero if it said nothing. Readers' clocks are not to be trusted.
	DeviceTime time.Time
	// EventID is the reader's own number of this event, unique for the reader; empty if it has none.
	EventID string
	// KnownAs is what the reader itself calls the cardholder, for a technician to read; never sent to a portal.
	KnownAs string
	// Redelivered says that the source marked this as a repetition of something it sent before (an MQTT message with the
	// DUP flag). It is not stored: it only makes the agent compare EventID with what it already has.
	Redelivered bool

	// Organization is the institution that was visited.
	Organization Organization
	// Note goes to the portal with the pass.
	Note string
	// Holder is the person who held the card; zero as long as it is not known.
	Holder Holder
	// Pending tells why the pass cannot go to a portal yet; None if it can.
	Pending Pending
}

// An Organization is an institution that reports visits.
type Organization struct {
	// BIN is the business identification number: 12 digits, the last of them the control digit.
	BIN  string
	Name string
}

// A Holder is the person to whom a card was given.
type Holder struct {
	// IIN is the individual identification number: 12 digits, the last of them the control digit.
	IIN string
	// Name is surname, name and patronymic, as the portal shall see it.
	Name string
}

// An ID names one pass for ever.
type ID [16]byte

// NewID makes an ID that nobody else has.
func NewID() ID {
	var id ID
	_, _ = rand.Read(id[:]) // never fails: crypto/rand ends the process instead
	return id
}

// String gives the ID as 32 hexadecimal digits.
func (id ID) String() string { return hex.EncodeToString(id[:]) }

// MarshalText gives the ID as 32 hexadecimal digits.
func (id ID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (id *ID) UnmarshalText(text []byte) error {
	if hex.DecodedLen(len(text)) != len(id) {
		return fmt.Errorf("pass id: want %d hexadecimal digits, got %d characters", hex.EncodedLen(len(id)), len(text))
	}
	if _, err := hex.Decode(id[:], text); err != nil {
		return errors.New("pass id: not hexadecimal")
	}
	return nil
}

// Direction says which way the person went.
type Direction uint8

// The directions. Unknown is what a reader without one reports.
const (
	Unknown Direction = iota
	In
	Out
)

var directions = names[Direction]{"unknown", "in", "out"}

func (d Direction) String() string                { return directions.name(d) }
func (d Direction) MarshalText() ([]byte, error)  { return []byte(d.String()), nil }
func (d *Direction) UnmarshalText(b []byte) error { return directions.parse(d, b, "direction") }

// Outcome says what became of the presentation.
type Outcome uint8

// The outcomes. Read is all that a reader without a pass sensor can tell.
const (
	Read Outcome = iota
	Passed
	NotPassed
)

var outcomes = names[Outcome]{"read", "passed", "not-passed"}

func (o Outcome) String() string                { return outcomes.name(o) }
func (o Outcome) MarshalText() ([]byte, error)  { return []byte(o.String()), nil }
func (o *Outcome) UnmarshalText(b []byte) error { return outcomes.parse(o, b, "outcome") }

// Pending is the reason for which a pass is not complete yet.
type Pending uint8

// The reasons. A pass that is stored with one of them is held until the reason is gone.
const (
	// None: the pass is complete and its fields are final.
	None Pending = iota
	// UnknownCard: no row of the cardholders' file has this card.
	UnknownCard
	// AmbiguousCard: the number fits the cards of several people, and none of them is picked.
	AmbiguousCard
	// CardNotValid: the card is listed, but not for the day of the pass.
	CardNotValid
	// NoOrganization: neither the reader nor the cardholder belongs to an institution.
	NoOrganization
	// ClockNotSet: the clock of the device was not to be trusted when the pass was read.
	ClockNotSet
)

var pendings = names[Pending]{"none", "unknown-card", "ambiguous-card", "card-not-valid", "no-organization", "clock-not-set"}

func (p Pending) String() string                { return pendings.name(p) }
func (p Pending) MarshalText() ([]byte, error)  { return []byte(p.String()), nil }
func (p *Pending) UnmarshalText(b []byte) error { return pendings.parse(p, b, "pending") }

// names are the words for the values of an enumeration, in order.
type names[T ~uint8] []string

func (n names[T]) name(v T) string {
	if int(v) < len(n) {
		return n[v]
	}
	return fmt.Sprintf("unknown(%d)", uint8(v))
}

func (n names[T]) parse(v *T, text []byte, what string) error {
	for i, name := range n {
		if name == string(text) {
			*v = T(i)
			return nil
		}
	}
	return fmt.Errorf("%s %q: want one of %q", what, text, []string(n))
}
