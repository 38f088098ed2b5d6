package config

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/acs-agent/acs-agent/agent/event"
	"github.com/acs-agent/acs-agent/agent/settings"
)

// documentReader are the keys that all readers have, documentUplink those of all uplinks. The rest is the module's.
type documentReader struct {
	Name         string            `yaml:"name"`
	Type         string            `yaml:"type"`
	Organization string            `yaml:"organization"`
	Direction    string            `yaml:"direction"`
	Note         string            `yaml:"note"`
	Repeat       settings.Duration `yaml:"repeat"`
}

type documentUplink struct {
	Name string `yaml:"name"`
	Type string `yaml:"type"`
}

var (
	readerKeys = []string{"name", "type", "organization", "direction", "note", "repeat"}
	uplinkKeys = []string{"name", "type"}
)

func (ck *checker) readers(doc *document, c *Config) {
	names := make(map[string]int)
	for i, n := range doc.Readers {
		at := fmt.Sprintf("readers[%d]", i)
		if n == nil {
			continue // the mistake is recorded
		}
		r := documentReader{Repeat: settings.Duration(3 * time.Second)}
		ck.decode(n, at, "", &r, shape{loose: true})
		if n.kind != mapping {
			continue
		}
		ck.name(at, "name", r.Name, names, "readers", i)
		ck.typ(at, r.Type, "drivers")
		ck.reference(join(at, "organization"), r.Organization, c.Organizations)
		note := r.Note
		if n.get("note") == nil {
			note = r.Name
		}
		c.Readers = append(c.Readers, Reader{
			Name: r.Name, Type: r.Type, Organization: r.Organization, Direction: ck.direction(join(at, "direction"), r.Direction),
			Note: note, Repeat: r.Repeat.Std(),
			Section: &Section{file: ck.file, node: n, field: at, name: r.Name, common: readerKeys},
		})
	}
}

func (ck *checker) uplinks(doc *document, c *Config) {
	names := make(map[string]int)
	for i, n := range doc.Uplinks {
		at := fmt.Sprintf("uplinks[%d]", i)
		if n == nil {
			continue // the mistake is recorded
		}
		var u documentUplink
		ck.decode(n, at, "", &u, shape{loose: true})
		if n.kind != mapping {
			continue
		}
		ck.name(at, "name", u.Name, names, "uplinks", i)
		ck.typ(at, u.Type, "uplinks")
		c.Uplinks = append(c.Uplinks, Uplink{
			Name: u.Name, Type: u.Type,
			Section: &Section{file: ck.file, node: n, field: at, name: u.Name, common: uplinkKeys},
		})
	}
}

func (ck *checker) typ(at, typ, kind string) {
	if typ == "" {
		example := map[string]string{"drivers": "type: ironlogic", "uplinks": "type: acs"}[kind]
		ck.missing(at, "type", "the type is missing", "write for example "+example+"; acs-agent drivers lists all types")
	}
}

// reference checks that an organization is one of those that the file lists.
func (ck *checker) reference(field, id string, organizations []Organization) {
	ids := make([]string, 0, len(organizations))
	for _, o := range organizations {
		ids = append(ids, o.ID)
	}
	if id == "" || slices.Contains(ids, id) {
		return
	}
	ck.wrongf(field, meant(id, ids, "list it under organizations, with its id"), "no organization has the id %q", id)
}

func (ck *checker) direction(field, word string) event.Direction {
	words := map[string]event.Direction{"in": event.In, "out": event.Out, "unknown": event.Unknown, "": event.Unknown}
	d, ok := words[word]
	if !ok {
		delete(words, "")
		ck.wrongf(field, meant(word, slices.Sorted(maps.Keys(words)), ""), "%q is no direction", word)
	}
	return d
}
