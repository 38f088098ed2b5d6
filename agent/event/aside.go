package event

// State is where a pass is, for one uplink, that is neither waiting nor delivered.
type State uint8

// The states aside. The numbers are stored; never change them.
const (
	// Held: not ready yet; it goes on by itself when the reason is gone.
	Held State = 1
	// Dead: the portal refused this pass alone; a person looks at it.
	Dead State = 2
	// Uncertain: it may have been delivered and the portal cannot be asked; a person decides.
	Uncertain State = 3
)

var states = names[State]{"", "held", "dead", "uncertain"}

func (s State) String() string                { return states.name(s) }
func (s State) MarshalText() ([]byte, error)  { return []byte(s.String()), nil }
func (s *State) UnmarshalText(b []byte) error { return states.parse(s, b, "state") }

// Aside is a pass that an uplink puts aside.
type Aside struct {
	// Seq is its place in the journal.
	Seq   uint64
	State State
	// Reason is for people to read: the portal's own words, or ours. No personal data.
	Reason string
	// Pending is why a held pass is held.
	Pending Pending
}

// MaxAside is how many passes can be put aside in one step.
const MaxAside = 500
