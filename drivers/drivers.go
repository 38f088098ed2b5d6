// Package drivers is the contract between the agent and the code that talks to readers.
//
// A driver turns what a reader sends into passes and hands each to Take. It knows nothing of portals, of the journal or of
// people. Every driver is a folder below this one with a Module in it; the agent's list of modules is the only place that
// names them.
//
// # The life of a driver
//
//  1. The agent collects the readers of the configuration that have the module's type, and puts those together that share a
//     line (Module.Line).
//  2. Module.New checks the settings of such a group and makes a Driver. It touches no hardware and no network, so that
//     `acs-agent check` can call it anywhere. What is wrong it returns as settings.Mistake values joined with errors.Join.
//  3. Driver.Run does the work until its context ends. A reader that is not there is no reason to return: Run says so on the
//     board, waits and tries again. If Run returns all the same, the agent runs it again after a pause.
//  4. When the context ends, Run returns within a second, with everything closed and all its goroutines ended.
package drivers

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/acs-agent/acs-agent/agent/broker"
	"github.com/acs-agent/acs-agent/agent/event"
	"github.com/acs-agent/acs-agent/agent/health"
	"github.com/acs-agent/acs-agent/agent/settings"
)

// Take stores a pass. When it returns nil the pass survives a power cut; until then nobody may be told that it was taken: no
// acknowledgement to a broker, no answer to a controller, no green light.
//
// The driver fills in Reader, Credential, Outcome and, where the reader tells them, DeviceTime, EventID, KnownAs, Redelivered
// and Direction. The agent adds everything else, and takes care of repetitions: a pass that is the same card at the same
// reader within the reader's `repeat:` time is not stored again, and Take returns nil once the first one is on disk.
//
// An error means that the pass may not be on disk. ErrFull asks for patience; the driver refuses the reader if it can, and
// otherwise keeps the pass and offers it again. Many goroutines may call Take at once and share one sync.
type Take func(context.Context, *event.Pass) error

// ErrFull is wrapped by the error of a Take that was refused because the journal or the disk is full.
var ErrFull = health.Coded(health.JournalFull, errors.New("the journal takes no more passes"))

// A Driver reads one reader, or one line of readers.
type Driver interface {
	// Run reads until ctx ends; see the package comment. On the board it reports each of its readers under the reader's name.
	Run(ctx context.Context, take Take, board *health.Board) error
}

// A Reader is one entry of `readers:` that a module is asked to serve.
type Reader struct {
	// Name is unique in the configuration.
	Name string
	// Settings are the entry's keys without those that all readers share (name, type, organization, direction, note, repeat).
	Settings settings.Section
}

// Wrong says that err is about this reader, so that the agent can point at the right one of several that New was given. It
// gives nil for nil.
func (r Reader) Wrong(err error) error {
	if err == nil {
		return nil
	}
	return &ReaderError{Reader: r.Name, Err: err}
}

// A ReaderError is what is wrong with one reader of a line.
type ReaderError struct {
	Reader string
	Err    error
}

func (e *ReaderError) Error() string { return e.Err.Error() }
func (e *ReaderError) Unwrap() error { return e.Err }

// Env is what the agent gives to every module.
type Env struct {
	// Device is the agent's own name, unique in the fleet.
	Device string
	// Zone is the zone of the site, for readers that send local time.
	Zone *time.Location
	// Broker is the MQTT broker of the configuration, or nil if it names none.
	Broker *broker.Address
	// Log is for what does not fit on the board. No personal data, no card numbers at info level or above.
	Log *slog.Logger
}

// A Module is one type of reader.
type Module struct {
	// Type stands behind `type:` in the configuration. Lower case, digits and hyphens; equal to the name of the folder.
	Type string
	// Summary says in one line what it reads, for `acs-agent drivers`.
	Summary string
	// Example is a commented piece of YAML: one entry of `readers:`, complete, from the folder's example.yaml.
	Example string
	// Line names what readers share, such as a port: readers of the type whose Line is the same are given to New together.
	// nil: each reader is alone.
	Line func(settings.Section) string
	// New makes the driver of one line.
	New func(Env, []Reader) (Driver, error)
}
