package cardholders

import (
	"fmt"
	"maps"
	"slices"
)

// A collision is what is doubtful about a row because of an earlier one, from harmless to grave.
type collision uint8

const (
	noCollision collision = iota
	// repeated: the same person with the same card, and another name or organization.
	repeated
	// sameTail: different cards of two people with the same last bits.
	sameTail
	// shortOf: the number of one is the end of the number of the other.
	shortOf
	// sameCard: two people with one card.
	sameCard
)

const (
	// maxCollisions is how many rows are remembered as doubtful. Beyond it the file is wrong as a whole.
	maxCollisions = 20_000
	// maxNeighbours is how many rows with the same end are compared with each.
	maxNeighbours = 16
)

// warnOfCollisions finds the rows whose passes will be held, so that the file can be mended before anybody stands at the door.
func (l *loader) warnOfCollisions() {
	type doubt struct {
		collision
		with uint32
	}
	doubts := map[uint32]doubt{}
	note := func(x, y uint32, c collision) {
		if x > y {
			x, y = y, x
		}
		if c > doubts[y].collision && (len(doubts) < maxCollisions || doubts[y].collision > noCollision) {
			doubts[y] = doubt{c, x}
		}
	}
	b := l.book
	for i, n := range b.numbers {
		for j := i - 1; j >= max(0, i-maxNeighbours) && b.numbers[j].tail() == n.tail(); j-- {
			other := b.numbers[j]
			note(other.row, n.row, b.collide(other.row, n.row, compare(other.number, n.number)))
		}
	}
	for i, t := range b.texts {
		for j := i - 1; j >= max(0, i-maxNeighbours) && b.texts[j].hash == t.hash; j-- {
			note(b.texts[j].row, t.row, b.collide(b.texts[j].row, t.row, sameCard))
		}
	}
	for _, r := range slices.Sorted(maps.Keys(doubts)) {
		l.report.warn(int(b.rows[r].line), cardColumn, doubts[r].words(b.rows[doubts[r].with].line))
	}
}

// compare says what two readings with the same last 24 bits have to do with each other. Where a reading is only possible and
// the rest of the number differs, there is nothing to warn of.
func compare(x, y number) collision {
	common := x.common(y)
	certain := (x.hint|y.hint)&second == 0
	switch {
	case x.hint.beside() > 0 && x.hint.beside() == y.hint.beside():
		return sameTail // the full numbers beside them are compared as well
	case common > 0 && x.bits == y.bits && (x.hint&y.hint)&second == 0:
		return sameCard
	case common > 0 && certain:
		return shortOf
	case certain:
		return sameTail
	}
	return noCollision
}

// collide weighs what the numbers say against the people and the days.
func (b *Book) collide(x, y uint32, c collision) collision {
	first, other := &b.rows[x], &b.rows[y]
	switch {
	case x == y, first.to < other.from, other.to < first.from:
		return noCollision
	case first.iin != other.iin:
		return c
	case c == sameCard && (first.organization != other.organization || b.unpack(first.name) != b.unpack(other.name)):
		return repeated
	}
	return noCollision
}

func (c collision) words(line uint32) string {
	switch c {
	case sameCard:
		return fmt.Sprintf("the same card as on line %d, which is another person's in the same period: its passes are held as ambiguous "+
			"(delete one, or give the card to one after the other with valid_from and valid_to)", line)
	case shortOf:
		return fmt.Sprintf("the end of the number is the same as on line %d, which is another person's: one of the two has the number in a short "+
			"form, and readers that deliver no more cannot tell them apart (write the full number in both)", line)
	case sameTail:
		return fmt.Sprintf("the last 24 bits are the same as on line %d, which is another person's: at a reader that delivers no more (Wiegand 26) "+
			"the passes of both are held as ambiguous", line)
	default:
		return fmt.Sprintf("the same person and card as on line %d, with another name or organization: line %d counts", line, line)
	}
}
