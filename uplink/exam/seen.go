package exam

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/acs-agent/acs-agent/agent/event"
	"github.com/acs-agent/acs-agent/uplink"
)

const (
	seenPrefix = "seen/"
	// chunkSize is the size at which a record of passes is full. A full one is never written again, so that a pass costs no more
	// than one small record.
	chunkSize = 8 << 10
	// maxDirty is how many records one step changes: together they stay below event.MaxChangeBytes.
	maxDirty = 5
	// maxDay is how many different cards and documents of one day are kept.
	maxDay = 20_000
)

// A sighting is the first pass of a card or document on one day. Numbers of documents are never in it, nor texts of codes.
type sighting struct {
	// Document is the hash of a document.
	Document string `json:"d,omitempty"`
	// Number and Short are a card's numbers in hexadecimal digits; Text is the hash of a card that is a text.
	Number string    `json:"n,omitempty"`
	Short  string    `json:"s,omitempty"`
	Text   string    `json:"t,omitempty"`
	Reader string    `json:"r"`
	At     time.Time `json:"at"`
}

func (s *sighting) identity() string {
	return s.Document + "/" + s.Number + "/" + s.Short + "/" + s.Text
}

// sight says what was shown to the reader. The error is for a document that cannot be used.
func (e *exam) sight(p *event.Pass) (s sighting, err error) {
	s = sighting{Reader: p.Reader, At: p.At.Wall.In(e.zone).Truncate(time.Second)}
	c := &p.Credential
	switch {
	case strings.HasSuffix(c.Format, event.Hashed):
		s.Document = strings.ToLower(c.Text)
		switch {
		case s.Document == "":
			err = errConcealed
		case !isHash(s.Document):
			err = errNoHash
		}
	case c.Bits == 0 && slices.Contains(e.DocumentReaders, p.Reader):
		s.Document, err = e.documents().Hash(c.Text)
	case c.Bits == 0:
		s.Text = hashText(strings.TrimSpace(c.Text))
	default:
		s.Number = c.Canonical()
		s.Short = strings.ToUpper(hex.EncodeToString(c.Short))
	}
	return s, err
}

// A diary keeps who was seen at the exam's readers, by days, in the Store. It is for one goroutine.
type diary struct {
	store uplink.Store
	days  map[string]*page
	dirty map[string]*page // by key
}

// A page is one day: what is known of it, and the newest record, which is not full.
type page struct {
	known  map[string]struct{}
	number int
	last   []sighting
	size   int
}

func newDiary(store uplink.Store) *diary {
	return &diary{store: store, days: make(map[string]*page), dirty: make(map[string]*page)}
}

func seenKey(day string, number int) string { return fmt.Sprintf("%s%s/%04d", seenPrefix, day, number) }

// seenOn calls visit for everything that was seen on a day.
func seenOn(store uplink.Store, day string, visit func(sighting)) error {
	var wrong error
	err := store.Each(seenPrefix+day+"/", func(_ string, value []byte) bool {
		var list []sighting
		if wrong = json.Unmarshal(value, &list); wrong != nil {
			return false
		}
		for _, s := range list {
			visit(s)
		}
		return true
	})
	if err == nil && wrong != nil {
		err = fmt.Errorf("record of passes: %w", wrong)
	}
	return err
}

// open gives the page of a day, as it was left.
func (d *diary) open(day string) (*page, error) {
	if p := d.days[day]; p != nil {
		return p, nil
	}
	if len(d.days) > 8 { // passes come nearly in order: a few days are open at a time
		d.close()
	}
	p := &page{known: make(map[string]struct{})}
	err := d.store.Each(seenPrefix+day+"/", func(_ string, value []byte) bool {
		var list []sighting
		if json.Unmarshal(value, &list) != nil {
			list = nil // a damaged record is written over by nobody: the next has a new number
		}
		for _, s := range list {
			p.known[s.identity()] = struct{}{}
		}
		p.number++
		p.last, p.size = list, len(value)
		return true
	})
	if err != nil {
		return nil, fmt.Errorf("passes of %s: %w", day, err)
	}
	if p.number > 0 {
		p.number--
		if p.size >= chunkSize || p.last == nil {
			p.number, p.last, p.size = p.number+1, nil, 0
		}
	}
	d.days[day] = p
	return p, nil
}

// close forgets the pages of days, unless something of them is not in the Store yet.
func (d *diary) close() {
	if len(d.dirty) == 0 {
		clear(d.days)
	}
}

// add notes a sighting unless it is known. full says that the day has no room for it.
func (d *diary) add(s *sighting) (fresh, full bool, err error) {
	day := s.At.Format(time.DateOnly)
	p, err := d.open(day)
	if err != nil {
		return false, false, err
	}
	if _, known := p.known[s.identity()]; known {
		return false, false, nil
	}
	if len(p.known) >= maxDay {
		return false, true, nil
	}
	p.known[s.identity()] = struct{}{}
	if p.size >= chunkSize {
		// The full record keeps its content until it is written.
		d.dirty[seenKey(day, p.number)] = &page{last: p.last}
		p.number, p.last, p.size = p.number+1, nil, 0
	}
	p.last = append(p.last, *s)
	p.size += 100 + len(s.identity()) + len(s.Reader)
	d.dirty[seenKey(day, p.number)] = p
	return true, false, nil
}

// write puts into the Store what was added.
func (d *diary) write(ctx context.Context) error {
	if len(d.dirty) == 0 {
		return nil
	}
	changes := make([]uplink.Change, 0, len(d.dirty))
	for key, p := range d.dirty {
		value, err := json.Marshal(p.last)
		if err != nil {
			return err
		}
		changes = append(changes, uplink.Change{Key: key, Value: value})
	}
	if err := d.store.Apply(ctx, changes...); err != nil {
		// What is in memory is not on disk: begin again from there.
		d.days, d.dirty = make(map[string]*page), make(map[string]*page)
		return fmt.Errorf("keep passes: %w", err)
	}
	clear(d.dirty)
	return nil
}

// absorb takes everything that waits in the source into the diary and settles it. fresh says whether anything was new.
func (e *exam) absorb(ctx context.Context, from uplink.Source, d *diary) (fresh bool, err error) {
	for from.Cursor() < from.End() && ctx.Err() == nil {
		some, err := e.absorbStretch(ctx, from, d)
		if err != nil {
			return fresh, err
		}
		fresh = fresh || some
	}
	return fresh, ctx.Err()
}

func (e *exam) absorbStretch(ctx context.Context, from uplink.Source, d *diary) (fresh bool, err error) {
	end := from.End()
	upto, stopped, delivered := from.Cursor(), false, 0
	var aside []event.Aside
	var wrong error
	err = from.Scan(ctx, upto, end, func(seq uint64, p *event.Pass) bool {
		if p.Outcome != event.NotPassed && (slices.Contains(e.Readers, p.Reader) || slices.Contains(e.DocumentReaders, p.Reader)) {
			a := event.Aside{Seq: seq, State: event.Dead}
			switch s, err := e.sight(p); {
			case p.Pending == event.ClockNotSet:
				a.State, a.Pending, a.Reason = event.Held, p.Pending, "the day is not known: the clock was not set"
			case err != nil:
				a.Reason = err.Error()
			default:
				var some, full bool
				if some, full, wrong = d.add(&s); wrong != nil {
					return false
				}
				fresh = fresh || some
				if full {
					a.Reason = fmt.Sprintf("more than %d cards and documents on one day", maxDay)
				}
			}
			if a.Reason != "" {
				aside = append(aside, a)
			} else {
				delivered++
			}
		}
		upto = seq
		stopped = len(d.dirty) >= maxDirty || len(aside) >= event.MaxAside
		return !stopped
	})
	switch {
	case err != nil:
		return false, err
	case wrong != nil:
		return false, wrong
	case ctx.Err() != nil:
		return false, ctx.Err()
	}
	if !stopped {
		upto = end // what Scan left out concerns others
	}
	// First the diary, then the cursor: killed in between, the same passes come again and are known.
	if err := d.write(ctx); err != nil {
		return false, err
	}
	return fresh, from.Settle(ctx, upto, delivered, aside)
}
