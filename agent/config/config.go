// Package config reads the agent's configuration file: one file in YAML, strict, and helpful where it is wrong. All mistakes
// of the file are found at once, each with its line, the line itself and what to write instead.
//
// The package knows the settings of the agent and those that all readers and all uplinks share. What else stands in an entry
// belongs to the module that its type names; the module gets it as a Section and this package never looks at it, except that
//
//   - ${NAME} is replaced by the environment variable NAME in every value, and $${ stands for the two characters ${;
//   - a secret x can be a credential of the service manager, or stand in a file that x_file names, or behind x itself;
//   - every single value stays the text that was written until a setting takes it, so no number loses its leading zeros.
//
// Anchors, references, merge keys and types of YAML are refused: who writes & * or ! at the beginning of a value means the sign.
package config

import (
	"time"

	"github.com/acs-agent/acs-agent/agent/event"
	"github.com/acs-agent/acs-agent/agent/settings"
)

// A Config is the part of a configuration that this package knows, and the sections of the rest. All paths in it are absolute.
type Config struct {
	// Path is the file as it was named to Load.
	Path string
	// Device is the name of this agent, unique in the fleet.
	Device string
	// Zone is the time zone of the site.
	Zone *time.Location
	// DataDir is the folder of the journal.
	DataDir string
	// Lang is the language of messages for people: "ru" or "en".
	Lang string
	// Organizations are the institutions that report visits.
	Organizations []Organization
	Cardholders   Cardholders
	Readers       []Reader
	// MQTT is nil if there is no such section.
	MQTT    *MQTT
	Buffer  Buffer
	Uplinks []Uplink
	Clock   Clock
	// Listen is the host and port of the local HTTP server; empty if there shall be none. Default: 127.0.0.1:8380.
	Listen string

	file *file
}

// An Organization is an institution and the short name that the rest of the configuration calls it by.
type Organization struct {
	ID string
	event.Organization
}

// Cardholders says where the list of cardholders is.
type Cardholders struct {
	// File is a CSV file; empty if there is none.
	File string
}

// A Reader is one entry of readers.
type Reader struct {
	Name string
	// Type names the module. Whether there is such a module is not known here: see Section.Wrong. Empty only after a mistake.
	Type string
	// Organization is the ID of one of the Organizations, or empty.
	Organization string
	// Direction is what passes at this reader count as if the reader itself does not tell.
	Direction event.Direction
	// Note goes to the portal with each pass. Default: the name.
	Note string
	// Repeat is the time within which the same card is the same pass. Default: 3s.
	Repeat time.Duration
	// Section is the module's part.
	Section *Section
}

// An Uplink is one entry of uplinks.
type Uplink struct {
	Name string
	// Type names the module. Whether there is such a module is not known here: see Section.Wrong. Empty only after a mistake.
	Type string
	// Section is the module's part.
	Section *Section
}

// Embedded is the Broker of an agent that brings its own.
const Embedded = "embedded"

// MQTT says where the broker is.
type MQTT struct {
	// Broker is an address with the scheme mqtt, mqtts, ws or wss, or Embedded.
	Broker string
	// Listen is where the embedded broker listens. Default: 127.0.0.1:1883.
	Listen   string
	Username string
	Password settings.Secret
	// CAFile has the certificates, in PEM, that the broker's own must descend from; empty for those of the system.
	CAFile string
	// Section is for mistakes that are found when the settings are used.
	Section *Section
}

// Buffer is how much the journal keeps.
type Buffer struct {
	// MaxSize is the size on disk. Default: 512MiB; at least 64MiB.
	MaxSize settings.Bytes
	// Keep is how long delivered passes are kept. Default: 35d; at least 1h.
	Keep time.Duration
	// KeyFile has the key with which the journal is sealed; it need not exist. Default: journal.key beside the configuration.
	KeyFile string
}

// The values of clock.after_hold.
const (
	// KeepHeld leaves such passes to a person.
	KeepHeld = "keep"
	// SendApproximate sends them with an estimate and says so in the note.
	SendApproximate = "send"
)

// Clock says what becomes of passes that were taken before the clock was right.
type Clock struct {
	// Hold is how long those wait whose time cannot be known any more, from when the clock is right. Default: 24h.
	Hold time.Duration
	// AfterHold says what becomes of them then: KeepHeld or SendApproximate. Default: KeepHeld.
	AfterHold string
	// Trust is what it takes to believe the clock: auto, synchronized or always. Default: auto.
	Trust string
}

// Organization gives the institution with that ID.
func (c *Config) Organization(id string) (event.Organization, bool) {
	for _, o := range c.Organizations {
		if o.ID == id {
			return o.Organization, true
		}
	}
	return event.Organization{}, false
}

// Warnings are what is unwise in the configuration but works. Sections add to them while modules decode them, so they are
// complete when all modules are made.
func (c *Config) Warnings() Mistakes {
	c.file.mu.Lock()
	defer c.file.mu.Unlock()
	return append(Mistakes(nil), c.file.warnings...)
}

// Wrong makes a mistake at a setting of the agent itself, such as "listen" or "buffer.key_file".
func (c *Config) Wrong(field, problem, advice string) Mistake {
	return c.file.wrong(field, settings.Mistake{Problem: problem, Advice: advice})
}

// Load reads the configuration. The error, if there is one, is a *Mistakes with all that is wrong.
//
// The sections of the modules are not decoded; the agent does that by making the modules, and then asks Section.Locate for the
// places of what they say. So that all mistakes of a file can be told at once, the Config comes back beside the mistakes
// wherever the text could be read at all: good for checking the sections of modules, and for nothing else.
func Load(path string) (*Config, error) {
	text, err := read(path)
	if err != nil {
		return nil, err
	}
	return parse(path, text)
}

func parse(path string, text []byte) (*Config, error) {
	f, text, wrong := newFile(path, text)
	if len(wrong) > 0 {
		return nil, &wrong
	}
	wrong = f.parse(text)
	if f.root == nil {
		return nil, wrong.Err()
	}
	ck := checker{file: f, at: make(map[string]bool)}
	ck.add(wrong...)
	c := ck.config()
	return c, ck.mistakes.Err()
}
