// Package cardholders knows who holds which card: it reads the file of cardholders, says what is wrong with it row by row, and
// finds the person for a credential.
//
// One card has many numbers: 55007EE424, 007EE424, 0008315940 and 126,58404 are all printed or delivered for the same card. A
// row may have any of them, and so may a reader. They are compared by their last bits, as many as both have and at least 24;
// see Book.Find for what happens when that fits several people. No person is ever guessed.
//
// UIDs of Mifare cards are taken in the order in which the card sends them, and seven bytes also in the order of IronLogic's
// readers. A reader that turns the bytes of a UID round is set right where it is configured, not here.
//
// Nothing that this package says in errors, reports and logs contains a name, an IIN or a card number.
package cardholders

import (
	"fmt"
	"hash/maphash"
	"slices"
	"time"

	"github.com/acs-agent/acs-agent/agent/event"
)

// A Book is the content of one file of cardholders. It does not change, so that any number of goroutines may ask it. A book of
// 100,000 people takes about 10 MB: rows are of fixed size, point at nothing, and the names lie packed in one piece of memory.
type Book struct {
	zone *time.Location
	rows []row
	// numbers holds every reading of every card, by the last 24 bits and then by row.
	numbers []indexed
	// texts holds the cards that are no number, by hash and then by row.
	texts []indexedText
	seed  maphash.Seed
	// packed holds names and texts; see pack.
	packed        []byte
	organizations []string
}

// A row is one usable row of the file.
type row struct {
	iin          uint64
	name         uint32 // where it begins in packed
	line         uint32
	organization uint32
	from, to     day // both inclusive
}

func (r *row) valid(on day) bool { return r.from <= on && on <= r.to }

// An Answer says who held a card at a moment.
type Answer struct {
	// Holder is the person; zero unless Pending is event.None.
	Holder event.Holder
	// OrganizationID is the text of the organization column: an id, a BIN or a name as the configuration has it. Empty if the
	// row has none.
	OrganizationID string
	// Pending is event.None, event.UnknownCard, event.AmbiguousCard or event.CardNotValid.
	Pending event.Pending
	// Detail says which lines of the file decided, for a technician; no personal data. Empty if there are none.
	Detail string
}

// Len is the number of rows in use.
func (b *Book) Len() int { return len(b.rows) }

// Find says who held the card at that time. The day begins and ends by the clock of the site.
//
// Of all rows that have a number in common with the credential those count that have the most bits in common. A row with the
// full number therefore beats a stranger's row with only the end of it: the full number is certain, while an end of 24 bits
// fits one card in 16 million. If several people have rows with the most bits in common, the days decide between them; if those do
// not, the card is ambiguous. When none of these rows is valid on the day, a valid row with a shorter number counts if it is
// one of the same person; of somebody else it does not, because it may be a different card.
//
// A text is compared as it stands, or as a number if it is one of the forms in which numbers are printed.
func (b *Book) Find(c *event.Credential, at time.Time) Answer {
	hits := b.hits(c)
	if len(hits) == 0 {
		return Answer{Pending: event.UnknownCard}
	}
	slices.SortFunc(hits, func(x, y hit) int {
		if x.common != y.common {
			return y.common - x.common
		}
		return int(x.row) - int(y.row)
	})
	most := hits
	for i := range hits {
		if hits[i].common != hits[0].common {
			most = hits[:i]
			break
		}
	}
	on := dayOf(at.In(b.zone).Date())
	first, other := b.holders(most, func(r *row) bool { return r.valid(on) })
	if first == nil && len(most) < len(hits) {
		first, other = b.holders(hits[len(most):], func(r *row) bool {
			return r.valid(on) && slices.ContainsFunc(most, func(h hit) bool { return b.rows[h.row].iin == r.iin })
		})
	}
	switch {
	case first == nil:
		return Answer{Pending: event.CardNotValid, Detail: b.notValid(most, on)}
	case other != nil:
		return Answer{
			Pending: event.AmbiguousCard,
			Detail:  fmt.Sprintf("lines %d and %d fit and belong to different people", first.line, other.line),
		}
	}
	return Answer{
		Holder:         event.Holder{IIN: fmt.Sprintf("%0*d", iinDigits, first.iin), Name: b.unpack(first.name)},
		OrganizationID: b.organizations[first.organization],
		Detail:         fmt.Sprintf("line %d", first.line),
	}
}

// holders gives the first of the rows that are wanted, and the first of those that belongs to another person than it.
func (b *Book) holders(hits []hit, wanted func(*row) bool) (first, other *row) {
	for _, h := range hits {
		switch r := &b.rows[h.row]; {
		case !wanted(r):
		case first == nil:
			first = r
		case r.iin != first.iin:
			return first, r
		}
	}
	return first, nil
}

func (b *Book) notValid(hits []hit, on day) string {
	r := &b.rows[hits[0].row]
	if on < r.from {
		return fmt.Sprintf("line %d is valid from %v", r.line, r.from)
	}
	return fmt.Sprintf("line %d was valid to %v", r.line, r.to)
}
