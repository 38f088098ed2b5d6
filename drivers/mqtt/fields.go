package mqtt

import (
	"errors"
	"slices"
	"strings"

	"github.com/acs-agent/acs-agent/agent/event"
)

// fields says where in a JSON message the parts of a pass stand.
type fields struct {
	card, time, event, direction, granted, knownAs path
}

// maxEventID bounds the number that a device gives to an event.
const maxEventID = 64

var (
	errNotJSON    = errors.New("the payload is no JSON")
	errCardKind   = errors.New("what stands in the place of the card is neither a text nor a number")
	errEventID    = errors.New("the number of the event is longer than 64 characters")
	errNoEventID  = errors.New("the message has no number of the event")
	wordsOfDenial = []string{"false", "0", "no", "denied", "refused"}
)

// jsonFormat reads whatever the settings describe. A message without a card, or one that `only:` does not let through, is no
// card event.
func (r *reader) jsonFormat(m *message) ([]event.Pass, error) {
	if !m.isJSON {
		return nil, errNotJSON
	}
	for _, o := range r.only {
		if !o.holds(m.value) {
			return nil, nil
		}
	}
	found := r.fields.card.find(m.value)
	if found == nil {
		return nil, nil
	}
	text, ok := scalar(found)
	if _, truth := found.(bool); truth || !ok {
		return nil, errCardKind
	}
	if text = strings.TrimSpace(text); text == "" {
		return nil, nil
	}
	credential, err := r.notation.credential("json", text, r.bits, m.payload)
	if err != nil {
		return nil, err
	}
	p := event.Pass{Credential: credential}
	if err := r.describe(&p, m.value); err != nil {
		return nil, err
	}
	return []event.Pass{p}, nil
}

// describe fills in what stands beside the card.
func (r *reader) describe(p *event.Pass, value any) error {
	if f := r.fields.time; f != nil {
		p.DeviceTime = deviceTime(f.find(value), r.zone)
	}
	if f := r.fields.knownAs; f != nil {
		p.KnownAs = knownAs(f.text(value))
	}
	if f := r.fields.direction; f != nil {
		p.Direction = r.directions[strings.ToLower(f.text(value))]
	}
	if f := r.fields.granted; f != nil && slices.Contains(wordsOfDenial, strings.ToLower(f.text(value))) {
		p.Outcome = event.NotPassed
	}
	if f := r.fields.event; f != nil {
		p.EventID = f.text(value)
		switch {
		case p.EventID == "":
			return errNoEventID
		case len(p.EventID) > maxEventID:
			return errEventID
		}
	}
	return nil
}
