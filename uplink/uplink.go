// Package uplink is the contract between the agent and the code that talks to portals, and what all such code shares: the
// courier (batches, pace, patience, bisection, dead letters) and the HTTP client.
//
// An uplink module reads the journal through a Source, its own cursor over it. Whatever happens, each pass ends for each
// uplink as delivered, or aside as held, dead or uncertain with a reason that people can read; nothing else moves the cursor.
package uplink

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/acs-agent/acs-agent/agent/broker"
	"github.com/acs-agent/acs-agent/agent/event"
	"github.com/acs-agent/acs-agent/agent/health"
	"github.com/acs-agent/acs-agent/agent/settings"
)

// A Module is one type of portal.
type Module struct {
	// Type stands behind `type:` in the configuration; equal to the name of the folder.
	Type string
	// Summary says in one line what it reports to.
	Summary string
	// Example is a commented piece of YAML: one entry of `uplinks:`, complete.
	Example string
	// WithoutPasses: what is carried to this portal comes from elsewhere. The journal keeps no place for the uplink, and Run is
	// given no Source.
	WithoutPasses bool
	// New checks the settings and makes the uplink; it touches neither network nor disk, except to read secrets.
	New func(Env, settings.Section) (Uplink, error)
}

// Env is what the agent gives to every module.
type Env struct {
	// Name is the uplink's name in the configuration, Device that of the agent, unique in the fleet.
	Name, Device string
	// Pace keeps the pace of all requests to one host, whichever uplink sends them.
	Pace *Pace
	// UserAgent is sent with each request.
	UserAgent string
	// Readers are the names of all readers of the configuration, for settings that name some of them.
	Readers []string
	// Zone is the zone of the site: days and weeks are the site's.
	Zone *time.Location
	// Store keeps the uplink's own records. nil when only the settings are checked.
	Store Store
	// Tell publishes an event of the uplink over MQTT, as JSON. It does not wait and loses nothing that matters: who wants to
	// be sure asks the agent. No personal data, ever; ids of our own or of the portal, states, counts. Never nil.
	Tell func(event any)
	// Broker is the MQTT broker of the configuration, or nil if it names none.
	Broker *broker.Address
	// Heard is told what time it is at a portal, each time it answers over a connection that was verified: the date of the answer,
	// and within what time it was made. nil if nobody wants to know.
	Heard func(date time.Time, within time.Duration)
	// Agent is for uplinks that report on the agent itself.
	Agent Agent
	Log   *slog.Logger
}

// An Agent tells how it is doing as a whole.
type Agent interface {
	// Status describes the agent now.
	Status() health.Status
	// Changed gives a channel that is closed when the state of any part changes.
	Changed() <-chan struct{}
}

// An Uplink carries the passes of its source to one portal.
type Uplink interface {
	// Run works until ctx ends, and then returns within a second with nil. It says on its part how it is doing, and keeps
	// its counts there too. It never gives up by itself. from is nil for modules without passes.
	Run(ctx context.Context, from Source, say *health.Part) error
}

// A Commanded uplink can be asked and told things by people. The agent serves its handler on the local socket, below the
// uplink's name; the commands of the agent are its only clients. Requests may come while Run runs, and also when it does not:
// a command given while no agent runs is a record in the Store that Run finds later.
type Commanded interface {
	Commands() http.Handler
}

// A Probing uplink can find out, without sending anything that the portal keeps, whether it would be served now: `acs-agent
// doctor` asks it. Probe may be called while Run runs, keeps the portal's pace, and takes at most 30 s.
type Probing interface {
	Probe(ctx context.Context) []Finding
}

// A Finding is one thing that a probe has looked at.
type Finding struct {
	// What was looked at, in a few words: "name", "TLS", "clock", "key".
	What string
	// Seen says what was found, also if it is good. No personal data.
	Seen string
	// Err is what is wrong and what to do about it; nil if all is well.
	Err error
	// Unsure: it could not be found out, and Err says why.
	Unsure bool
	// Warning: it works all the same, and Err says what is going to be wrong.
	Warning bool
}

// A Forgetting uplink keeps records of people that can be found by a number of theirs.
type Forgetting interface {
	// Forget deletes the records of the person with that number (an IIN or INN of 12 digits, or a SNILS of 11, digits alone), or only
	// counts them. waiting are those of them of which the portal has not been told everything yet. Nothing of the number may
	// stand in an error. It may be called while Run runs.
	Forget(ctx context.Context, number string, count bool) (records, waiting int, err error)
}

// A Concealing uplink names readers at which something is shown that must never be stored as it was read, such as the number of an
// identity document.
type Concealing interface {
	// Conceals gives the names of these readers.
	Conceals() (readers []string)
	// Conceal replaces a credential that was read there by what may be stored; nothing of the original remains in it. It does so in
	// any case: the error only says why the credential is of no use, and repeats nothing of it.
	Conceal(c *event.Credential) error
}

// A Store keeps the records of one uplink: sealed like the passes, in the same database, with the same sync. Keys are texts of at
// most event.MaxKey bytes; they are not sealed and hold nothing personal, no name, number or hash of one.
type Store interface {
	// Get gives the value of a key, or nil if there is none.
	Get(key string) ([]byte, error)
	// Each calls visit for the records whose keys begin with prefix, in the order of their keys, until visit returns false.
	Each(prefix string, visit func(key string, value []byte) bool) error
	// Apply makes all changes or none of them. When it returns nil they survive a power cut. At most event.MaxChanges changes,
	// of event.MaxChangeBytes together.
	Apply(ctx context.Context, changes ...Change) error
}

// A Change sets a record, or deletes it if its Value is nil.
type Change = event.Change

// A Source is one uplink's view of the journal: an endless row of passes, numbered upwards, of which all up to the cursor are
// settled. What lies behind the cursor never changes, so that it can be walked as often as one likes; only a person who is to be
// forgotten vanishes from it.
type Source interface {
	// Cursor is the number up to which everything is settled.
	Cursor() uint64
	// Scan calls visit for the passes with numbers above after and up to upto, oldest first, until visit returns false or ctx
	// ends. Passes that are meant for other uplinks alone are left out. The pass is valid during the call only.
	Scan(ctx context.Context, after, upto uint64, visit func(seq uint64, p *event.Pass) bool) error
	// End is the number of the newest pass.
	End() uint64
	// Settle moves the cursor to upto in one durable step: the passes of the stretch that are listed go aside, all others are
	// delivered (or do not concern this uplink). At most event.MaxAside passes can be listed.
	Settle(ctx context.Context, upto uint64, delivered int, aside []event.Aside) error
	// Changed gives a channel that is closed when End grows.
	Changed() <-chan struct{}
}
