package config

import (
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/acs-agent/acs-agent/agent/event"
	"github.com/acs-agent/acs-agent/agent/settings"
	"github.com/acs-agent/acs-agent/agent/spelling"
	"github.com/acs-agent/acs-agent/agent/zone"
)

// A document is the file as it is written. Entries of modules stay undecoded.
type document struct {
	Device        string                 `yaml:"device"`
	Timezone      string                 `yaml:"timezone"`
	DataDir       string                 `yaml:"data_dir"`
	Lang          string                 `yaml:"lang"`
	Organizations []documentOrganization `yaml:"organizations"`
	Cardholders   struct {
		File string `yaml:"file"`
	} `yaml:"cardholders"`
	Readers []*node `yaml:"readers"`
	MQTT    *node   `yaml:"mqtt"`
	Buffer  struct {
		MaxSize settings.Bytes    `yaml:"max_size"`
		Keep    settings.Duration `yaml:"keep"`
		KeyFile string            `yaml:"key_file"`
	} `yaml:"buffer"`
	Uplinks []*node `yaml:"uplinks"`
	Clock   struct {
		Trust     string            `yaml:"trust"`
		Hold      settings.Duration `yaml:"hold"`
		AfterHold string            `yaml:"after_hold"`
	} `yaml:"clock"`
	Listen string `yaml:"listen"`
}

type documentOrganization struct {
	ID   string `yaml:"id"`
	BIN  string `yaml:"bin"`
	Name string `yaml:"name"`
}

const (
	minSize = 64 << 20
	minKeep = settings.Duration(time.Hour)
)

var (
	deviceForm = regexp.MustCompile(`^[a-z0-9-]{1,64}$`)
	nameForm   = regexp.MustCompile(`^[\p{L}\p{N}._-]{1,64}$`)
)

const (
	adviceDevice = "write 1 to 64 small Latin letters, digits and hyphens: almaty-gate-1"
	adviceName   = "write 1 to 64 letters, digits, dots, hyphens and underscores: gate-1-in"
)

// A checker turns the tree of a file into a Config and collects what is wrong on the way.
type checker struct {
	file     *file
	mistakes Mistakes
	// at are the fields with mistakes: what follows from a mistake need not be told.
	at map[string]bool
}

func (ck *checker) add(more ...Mistake) {
	for _, m := range more {
		ck.at[m.Field] = true
	}
	ck.mistakes.Add(more...)
}

// wrong records a mistake, unless there is one at the field already.
func (ck *checker) wrong(field, problem, advice string) {
	if !ck.at[field] {
		ck.add(ck.file.wrong(field, settings.Mistake{Problem: problem, Advice: advice}))
	}
}

// missing records that a key is not there; or, if there is one that was probably meant, that that one is misspelt.
func (ck *checker) missing(section, key, problem, advice string) {
	n, _ := ck.file.root.find(section)
	for _, e := range n.entries {
		if n.get(key) == nil && len(spelling.Nearest(e.key, []string{key})) > 0 {
			ck.add(ck.file.unknown(e, join(section, e.key), didYouMean([]string{key})))
			return
		}
	}
	ck.wrong(join(section, key), problem, advice)
}

func (ck *checker) wrongf(field, advice, problem string, args ...any) {
	ck.wrong(field, fmt.Sprintf(problem, args...), advice)
}

// decode fills a struct of ours. section is what credentials begin with.
func (ck *checker) decode(n *node, field, section string, into any, s shape) {
	d := decoder{file: ck.file, section: section}
	v := reflect.ValueOf(into).Elem()
	if d.is(mapping, n, field) {
		d.structure(n, field, v, s)
	}
	ck.add(d.mistakes...)
}

func (ck *checker) config() *Config {
	doc := document{DataDir: systemData(), Lang: "en", Listen: "127.0.0.1:8380"}
	doc.Buffer.MaxSize = 512 << 20
	doc.Buffer.Keep = settings.Duration(35 * 24 * time.Hour)
	doc.Buffer.KeyFile = "journal.key"
	doc.Clock.Trust, doc.Clock.AfterHold, doc.Clock.Hold = "auto", KeepHeld, settings.Duration(24*time.Hour)
	if ck.file.root.kind != mapping {
		ck.wrong("", `the file does not consist of lines of the form "key: value"`, adviceExample)
		return nil
	}
	ck.decode(ck.file.root, "", "", &doc, shape{})
	c := &Config{
		Path: ck.file.path, Device: doc.Device, DataDir: ck.file.absolute(doc.DataDir), Lang: doc.Lang, Listen: doc.Listen,
		Cardholders: Cardholders{File: ck.file.absolute(doc.Cardholders.File)},
		Buffer: Buffer{
			MaxSize: doc.Buffer.MaxSize, Keep: doc.Buffer.Keep.Std(), KeyFile: ck.file.absolute(doc.Buffer.KeyFile),
		},
		Clock: Clock{Trust: doc.Clock.Trust, Hold: doc.Clock.Hold.Std(), AfterHold: doc.Clock.AfterHold},
		Zone:  time.UTC, // of a site without one; never nil, since modules check their settings all the same
		file:  ck.file,
	}
	ck.site(&doc, c)
	ck.buffer(&doc, c)
	ck.clock(&doc)
	ck.organizations(&doc, c)
	ck.readers(&doc, c)
	ck.uplinks(&doc, c)
	if doc.MQTT != nil {
		c.MQTT = ck.mqtt(doc.MQTT)
	}
	return c
}

func (ck *checker) site(doc *document, c *Config) {
	switch {
	case doc.Device == "":
		ck.missing("", "device", "the name of this device is missing", adviceDevice)
	case !deviceForm.MatchString(doc.Device):
		ck.wrongf("device", adviceDevice, "%q is no name for a device", doc.Device)
	}
	if doc.Timezone == "" {
		ck.missing("", "timezone", "the time zone of the site is missing", "for Kazakhstan write timezone: Asia/Almaty")
	} else {
		loc, err := zone.Load(doc.Timezone)
		var unknown *zone.UnknownError
		switch {
		case errors.As(err, &unknown):
			ck.wrongf("timezone", unknown.Advice(), "there is no time zone %q", doc.Timezone)
		case err != nil:
			ck.wrong("timezone", err.Error(), "")
		default:
			c.Zone = loc
		}
	}
	if doc.DataDir == "" {
		ck.wrong("data_dir", "the name of the folder is empty", "write the folder, or delete the line for "+systemData())
	}
	if doc.Lang != "ru" && doc.Lang != "en" {
		ck.wrongf("lang", "write ru or en", "there are no messages in %q", doc.Lang)
	}
	if doc.Listen == listenOff {
		c.Listen = ""
	} else if problem := listenProblem(doc.Listen); problem != "" {
		ck.wrong("listen", problem, "write host and port: 127.0.0.1:8380, or off for none")
	}
}

// listenOff is what stands in the place of an address where there shall be no local HTTP server.
const listenOff = "off"

// listenProblem says what is wrong with a host and port to listen at; port 0 is whichever is free.
func listenProblem(address string) string {
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Sprintf("%q is no address to listen at", address)
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil {
		return fmt.Sprintf("%q is no port: ports go from 1 to 65535", port)
	} else if n == 0 && port != "0" {
		return fmt.Sprintf("%q is no port", port)
	}
	return ""
}

func (ck *checker) buffer(doc *document, c *Config) {
	if doc.Buffer.MaxSize < minSize {
		ck.wrongf("buffer.max_size", "write at least 64MiB", "%s is too little for the journal", doc.Buffer.MaxSize)
	}
	if doc.Buffer.Keep < minKeep {
		ck.wrongf("buffer.keep", "write at least 1h; m are minutes, days are d: 35d", "%s is too short a time", doc.Buffer.Keep)
	}
	if doc.Buffer.KeyFile == "" {
		ck.wrong("buffer.key_file", "the name of the file is empty", "write a file, or delete the line for journal.key beside the configuration")
		return
	}
	within, err := filepath.Rel(c.DataDir, c.Buffer.KeyFile)
	if err == nil && within != ".." && !strings.HasPrefix(within, ".."+string(filepath.Separator)) {
		ck.wrong("buffer.key_file", "the key lies in data_dir: who gets the data would get their key as well",
			"name a file outside of data_dir, for example /etc/acs-agent/journal.key")
	}
}

func (ck *checker) organizations(doc *document, c *Config) {
	seen := make(map[string]int)
	for i, o := range doc.Organizations {
		at := fmt.Sprintf("organizations[%d]", i)
		if ck.at[at] {
			continue
		}
		ck.name(at, "id", o.ID, seen, "organizations", i)
		ck.bin(at, o.BIN)
		if strings.TrimSpace(o.Name) == "" {
			ck.missing(at, "name", "the name of the organization is missing", "write the name as the portal shall see it, in quotes if it has a colon")
		}
		c.Organizations = append(c.Organizations, Organization{o.ID, event.Organization{BIN: o.BIN, Name: o.Name}})
	}
}

// exampleBIN stands in the portal's documentation. Its control digit is wrong, but portals have been seen to take it.
const exampleBIN = "123456789012"

func (ck *checker) bin(at, bin string) {
	field := join(at, "bin")
	const advice = "copy the 12 digits from the certificate of registration"
	switch {
	case bin == "":
		ck.missing(at, "bin", "the BIN of the organization is missing", advice)
	case bin == exampleBIN:
		ck.wrongf(field, advice, "%s is the example of the documentation, not a BIN", bin)
	case event.ValidIIN(bin):
	case event.ValidIIN("0" + bin):
		ck.wrongf(field, fmt.Sprintf("did a zero get lost at the beginning? write %q", "0"+bin), "%q has 11 digits: a BIN has 12", bin)
	case len(bin) != 12 || strings.Trim(bin, "0123456789") != "":
		ck.wrongf(field, advice, "%q is no BIN: a BIN has 12 digits", bin)
	default:
		ck.wrongf(field, advice, "%s is no BIN: its control digit does not fit the other digits", bin)
	}
}

// name checks that a name is there, of the right form, and used only once among the entries of a list.
func (ck *checker) name(at, key, name string, seen map[string]int, listName string, i int) {
	field := join(at, key)
	switch {
	case name == "":
		ck.missing(at, key, fmt.Sprintf("the %s is missing", key), adviceName)
		return
	case !nameForm.MatchString(name):
		ck.wrongf(field, adviceName, "%q is no %s", name, key)
		return
	}
	if first, taken := seen[name]; taken {
		n, _ := ck.file.root.find(fmt.Sprintf("%s[%d].%s", listName, first, key))
		line, _ := n.place()
		ck.wrongf(field, "give each its own "+key, "the %s %s is used a second time; the first is on line %d", key, name, line)
		return
	}
	seen[name] = i
}

// meant advises one of the known words, or lists them all.
func meant(word string, known []string, none string) string {
	switch near := spelling.Nearest(word, known); {
	case len(near) > 0:
		return didYouMean(near)
	case len(known) > 0:
		return "it can be " + strings.Join(known, ", ")
	default:
		return none
	}
}

func didYouMean(near []string) string { return "did you mean " + strings.Join(near, " or ") + "?" }
