package intake

import (
	"slices"
	"time"
)

// mostBoots are remembered. A device that was switched off and on more often than that since a pass has lost what was known of it.
const mostBoots = 64

// A boot is what is known of the time in one boot of the device.
type boot struct {
	ID string `json:"boot"`
	// After is the newest time that was known to be right before this boot; zero if none was.
	After time.Time `json:"after,omitzero"`
	// Began is when the boot was, by the clock when it was trusted; zero if it never was.
	Began  time.Time `json:"began,omitzero"`
	Source Source    `json:"source,omitempty"`
	// Since is when the clock was trusted first, Last the newest time of this boot that was right.
	Since time.Time `json:"since,omitzero"`
	Last  time.Time `json:"last,omitzero"`
}

// boots are the latest ones in their order, oldest first.
type boots []boot

func (b boots) index(id string) int {
	return slices.IndexFunc(b, func(one boot) bool { return one.ID == id })
}

func (b boots) find(id string) *boot {
	if i := b.index(id); i >= 0 {
		return &b[i]
	}
	return nil
}

// begin gives the record of this boot and makes it if there is none.
func (b *boots) begin(id string, newest time.Time) *boot {
	if one := b.find(id); one != nil {
		return one
	}
	if n := len(*b); n >= mostBoots {
		*b = slices.Delete(*b, 0, n-mostBoots+1)
	}
	*b = append(*b, boot{ID: id, After: newest.Round(0)})
	return &(*b)[len(*b)-1]
}

// newest is the latest time that is known to be right.
func (b boots) newest() (t time.Time) {
	for i := range b {
		for _, known := range []time.Time{b[i].After, b[i].Last} {
			if known.After(t) {
				t = known
			}
		}
	}
	return t
}

// next is the first boot after the one with that id in which the clock was trusted; nil if there is none yet. A boot that is not
// known was before all others.
func (b boots) next(id string) *boot {
	for i := b.index(id) + 1; i < len(b); i++ {
		if !b[i].Began.IsZero() {
			return &b[i]
		}
	}
	return nil
}

// disprove forgets what was taken for right and cannot be, now that it is known what time it is.
func (b boots) disprove(now time.Time) (changed bool) {
	limit := now.Add(jump)
	for i := range b {
		if b[i].After.After(limit) {
			b[i].After, changed = time.Time{}, true
		}
		if b[i].Last.After(limit) || b[i].Began.After(limit) {
			b[i], changed = boot{ID: b[i].ID, After: b[i].After}, true
		}
	}
	return changed
}
