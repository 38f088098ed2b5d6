package event

// A Change sets a record that an uplink keeps in the journal, or deletes it if Value is nil.
type Change struct {
	// Key is a text of 1 to MaxKey bytes. It is not sealed: nothing personal stands in it.
	Key   string
	Value []byte
}

// What can be changed in one step.
const (
	// MaxChanges is the number of records.
	MaxChanges = 100
	// MaxChangeBytes is the size of all keys and values together.
	MaxChangeBytes = 64 << 10
	// MaxKey is the size of one key.
	MaxKey = 200
)
