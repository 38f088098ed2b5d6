package mqtt

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/acs-agent/acs-agent/agent/event"
	"github.com/acs-agent/acs-agent/agent/settings"
	"github.com/acs-agent/acs-agent/drivers"
)

// section is what stands below one reader in the configuration.
type section struct {
	// Topic is what to subscribe to; + and # are allowed.
	Topic string `yaml:"topic"`
	// Format is what sends: esp-rfid, tasmota, esphome or json.
	Format string `yaml:"format"`
	// Match tells readers on one topic apart: each path must have its value.
	Match map[string]string `yaml:"match"`
	// Fields says where things stand in a message; format json only.
	Fields struct {
		Card      string `yaml:"card"`
		Time      string `yaml:"time"`
		Event     string `yaml:"event"`
		Direction string `yaml:"direction"`
		Granted   string `yaml:"granted"`
		KnownAs   string `yaml:"known_as"`
	} `yaml:"fields"`
	// Number is how the card is written: hex, decimal or text. Default: esp-rfid hex, esphome decimal.
	Number string `yaml:"number"`
	// Bits is how long the card number is. Default: as long as it is written, and 32 for a decimal number.
	Bits int `yaml:"bits"`
	// Directions translates what stands at fields.direction. Default: in and out mean what they say.
	Directions map[string]string `yaml:"directions"`
	// Only lets through messages that have one of the values at each path; format json only.
	Only map[string][]string `yaml:"only"`
	// Denied is what to do with people whom the reader did not let in: keep or skip. Default: keep.
	Denied string `yaml:"denied"`
}

// A check collects the mistakes of one reader.
type check struct {
	reader string
	found  []error
}

func (c *check) wrong(field, advice, problem string, args ...any) {
	c.found = append(c.found, settings.Mistake{
		Field: field, Problem: "reader " + c.reader + ": " + fmt.Sprintf(problem, args...), Advice: advice,
	})
}

// newReader makes a reader of its settings.
func newReader(given drivers.Reader, zone *time.Location) (*reader, error) {
	s := section{Denied: "keep"}
	if err := given.Settings.Decode(&s); err != nil {
		return nil, err
	}
	c := &check{reader: given.Name}
	r := &reader{name: given.Name, zone: zone, bits: s.Bits, skipDenied: s.Denied == "skip"}
	var err error
	if r.filter, err = parseFilter(s.Topic); err != nil {
		c.wrong("topic", "for example tele/turnstile1/SENSOR", "%v", err)
	}
	if r.decode = formats[s.Format]; r.decode == nil {
		c.wrong("format", "write esp-rfid, tasmota, esphome or json", "%q is no format", s.Format)
	}
	for _, key := range slices.Sorted(maps.Keys(s.Match)) {
		r.match = append(r.match, condition{key: key, place: c.path("match", key), values: []string{s.Match[key]}})
	}
	c.number(r, &s)
	c.denied(&s)
	if s.Format == "json" {
		c.json(r, &s)
	} else if s.Fields != (section{}).Fields || s.Only != nil || s.Directions != nil {
		c.wrong("format", "remove them, or write format: json", "fields, only and directions belong to format json")
	}
	return r, errors.Join(c.found...)
}

func (c *check) path(field, s string) path {
	p, err := parsePath(s)
	if err != nil {
		c.wrong(field, "", "%v", err)
	}
	return p
}

func (c *check) number(r *reader, s *section) {
	r.notation = notation(s.Number)
	switch r.notation {
	case hexadecimal, decimal, plainText:
		if s.Format == "tasmota" {
			c.wrong("number", "remove it", "Tasmota says itself how a number is written")
		}
	case "":
		switch s.Format {
		case "esp-rfid":
			r.notation = hexadecimal
		case "esphome":
			r.notation = decimal
		case "json":
			c.wrong("number", "write hex, decimal or text", "how the card number is written is not said")
		}
	default:
		c.wrong("number", "write hex, decimal or text", "%q is no way to write a number", s.Number)
	}
	switch {
	case s.Bits == 0:
	case s.Bits < 8 || s.Bits > maxBits:
		c.wrong("bits", "for example 24, 32, 40 or 56", "%d is no length of a card number", s.Bits)
	case s.Format == "tasmota" || r.notation == plainText:
		c.wrong("bits", "remove it", "bits has no meaning here")
	}
}

func (c *check) denied(s *section) {
	switch {
	case s.Denied != "keep" && s.Denied != "skip":
		c.wrong("denied", "write keep or skip", "%q is unknown", s.Denied)
	case s.Denied == "skip" && s.Format != "esp-rfid" && s.Fields.Granted == "":
		c.wrong("denied", "remove it, or say with fields: {granted: …} where it stands", "nothing tells who was refused")
	}
}

func (c *check) json(r *reader, s *section) {
	if s.Fields.Card == "" {
		c.wrong("fields", `for example fields: {card: PN532.UID}; "." is the whole payload`, "where the card stands is not said")
	}
	for _, f := range []struct {
		given string
		into  *path
	}{
		{s.Fields.Card, &r.fields.card},
		{s.Fields.Time, &r.fields.time},
		{s.Fields.Event, &r.fields.event},
		{s.Fields.Direction, &r.fields.direction},
		{s.Fields.Granted, &r.fields.granted},
		{s.Fields.KnownAs, &r.fields.knownAs},
	} {
		if f.given != "" {
			*f.into = c.path("fields", f.given)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(s.Only)) {
		if len(s.Only[key]) == 0 {
			c.wrong("only", "for example only: {type: [access]}", "%s has no values", key)
		}
		r.only = append(r.only, condition{key: key, place: c.path("only", key), values: s.Only[key]})
	}
	r.directions = map[string]event.Direction{"in": event.In, "out": event.Out}
	if s.Directions != nil && s.Fields.Direction == "" {
		c.wrong("directions", "add fields: {direction: …}", "where the direction stands is not said")
	}
	for _, word := range slices.Sorted(maps.Keys(s.Directions)) {
		var d event.Direction
		if err := d.UnmarshalText([]byte(s.Directions[word])); err != nil {
			c.wrong("directions", `write in, out or unknown, for example {"1": in, "2": out}`, "%v", err)
		}
		r.directions[strings.ToLower(word)] = d
	}
}

// tellApart finds readers between which a message could not choose.
func tellApart(readers []*reader) error {
	var found []error
	for i, r := range readers {
		for _, earlier := range readers[:i] {
			if !r.toldApart(earlier) {
				c := check{reader: r.name}
				c.wrong("topic", "give both a match with the same key and different values, for example match: {hostname: turnstile-1}",
					"a message on %s could also be one of reader %s (%s)", r.filter, earlier.name, earlier.filter)
				found = append(found, c.found...)
			}
		}
	}
	return errors.Join(found...)
}
