package mqtt

import (
	"slices"
	"strings"
	"time"

	"github.com/acs-agent/acs-agent/agent/event"
)

// A message is what arrived, as the formats see it.
type message struct {
	topic   string
	payload []byte
	// value is the payload as JSON; isJSON says whether it is JSON at all.
	value  any
	isJSON bool
}

func newMessage(topic string, payload []byte) *message {
	m := &message{topic: topic, payload: payload}
	m.value, m.isJSON = parseJSON(payload)
	return m
}

// A format takes the passes out of a message. No pass and no error means that the message is no card event. Passes and an
// error can come together. No error repeats anything of the payload.
type format func(*reader, *message) ([]event.Pass, error)

// formats are the values of `format:`.
var formats = map[string]format{
	"esp-rfid": (*reader).espRFIDFormat,
	"tasmota":  (*reader).tasmotaFormat,
	"esphome":  (*reader).espHomeFormat,
	"json":     (*reader).jsonFormat,
}

// A reader is one entry of the configuration, ready to read messages. It does not change any more.
type reader struct {
	name   string
	filter filter
	match  []condition
	decode format
	zone   *time.Location

	notation   notation
	bits       int
	fields     fields
	only       []condition
	directions map[string]event.Direction
	skipDenied bool
}

// A condition names a place in a message and the values that are wanted there.
type condition struct {
	key    string
	place  path
	values []string
}

func (c *condition) holds(value any) bool {
	text, found := scalar(c.place.find(value))
	if !found {
		return false
	}
	return slices.Contains(c.values, strings.TrimSpace(text))
}

// owns says whether the message came from this reader.
func (r *reader) owns(m *message) bool {
	if !r.filter.matches(m.topic) {
		return false
	}
	for i := range r.match {
		if !r.match[i].holds(m.value) {
			return false
		}
	}
	return true
}

// toldApart says whether no message can be from both readers.
func (r *reader) toldApart(other *reader) bool {
	if !r.filter.overlaps(other.filter) {
		return true
	}
	for _, mine := range r.match {
		for _, theirs := range other.match {
			if mine.key == theirs.key && mine.values[0] != theirs.values[0] {
				return true
			}
		}
	}
	return false
}

// read gives the passes in a message of this reader.
func (r *reader) read(m *message) ([]event.Pass, error) {
	passes, err := r.decode(r, m)
	kept := passes[:0]
	for _, p := range passes {
		if r.skipDenied && p.Outcome == event.NotPassed {
			continue
		}
		p.Reader = r.name
		kept = append(kept, p)
	}
	return kept, err
}
