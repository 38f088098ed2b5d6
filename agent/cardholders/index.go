package cardholders

import (
	"cmp"
	"encoding/binary"
	"hash/maphash"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"

	"github.com/acs-agent/acs-agent/agent/event"
	"github.com/acs-agent/acs-agent/agent/table"
)

// An indexed number is one reading of one row's card: 16 bytes.
type indexed struct {
	number
	row uint32
}

// An indexedText is the card of one row that is a text.
type indexedText struct {
	hash uint64
	text uint32 // where it begins in packed
	row  uint32
}

// A hit is a row that has something in common with a credential.
type hit struct {
	row uint32
	// common is the number of bits that both have; wholeText for a text.
	common int
}

const wholeText = 1 << 16

func (b *Book) sort() {
	slices.SortFunc(b.numbers, func(x, y indexed) int {
		return cmp.Or(cmp.Compare(x.tail(), y.tail()), cmp.Compare(x.row, y.row))
	})
	slices.SortFunc(b.texts, func(x, y indexedText) int {
		return cmp.Or(cmp.Compare(x.hash, y.hash), cmp.Compare(x.row, y.row))
	})
}

// hits gives the rows that fit the credential, in no order; a row can be there twice.
func (b *Book) hits(c *event.Credential) []hit {
	if c.Bits > 0 {
		return b.byNumber(numbersOf(c), nil)
	}
	if len(c.Text) > event.MaxRaw {
		return nil
	}
	if forms, _ := readCard(table.Tidy(c.Text), nil); len(forms) > 0 {
		return b.byNumber(forms, nil)
	}
	return b.byText(strings.TrimSpace(c.Text), nil)
}

func (b *Book) byNumber(forms []number, hits []hit) []hit {
	for _, f := range forms {
		i, _ := slices.BinarySearchFunc(b.numbers, f.tail(), func(n indexed, tail uint32) int { return cmp.Compare(n.tail(), tail) })
		for _, n := range b.numbers[i:] {
			if n.tail() != f.tail() {
				break
			}
			if full := f.hint.beside(); full > 0 && full == n.hint.beside() {
				// Both short numbers stand beside full ones of one length. If those are equal the row is found by them;
				// if not, it is a different card.
				continue
			}
			if common := f.common(n.number); common > 0 {
				hits = append(hits, hit{n.row, common})
			}
		}
	}
	return hits
}

func (b *Book) byText(text string, hits []hit) []hit {
	hash := maphash.String(b.seed, text)
	i, _ := slices.BinarySearchFunc(b.texts, hash, func(t indexedText, hash uint64) int { return cmp.Compare(t.hash, hash) })
	for _, t := range b.texts[i:] {
		if t.hash != hash {
			break
		}
		if b.unpack(t.text) == text {
			hits = append(hits, hit{t.row, wholeText})
		}
	}
	return hits
}

// pack appends s to the packed texts and gives its place. A text that Windows-1251 can write takes one byte for each letter,
// which halves the memory that Russian names need; all others are kept in UTF-8. The length in bytes stands first, doubled, with
// 1 added for UTF-8.
func (b *Book) pack(s string) uint32 {
	at := uint32(len(b.packed))                                                    //nolint:gosec // the file is smaller than 64 MB
	b.packed = binary.AppendUvarint(b.packed, uint64(2*utf8.RuneCountInString(s))) //nolint:gosec // not negative
	for _, r := range s {
		c, found := charmap.Windows1251.EncodeRune(r)
		if !found {
			return b.packUTF8(s, at)
		}
		b.packed = append(b.packed, c)
	}
	return at
}

// packUTF8 puts s at that place, and nothing behind it.
func (b *Book) packUTF8(s string, at uint32) uint32 {
	b.packed = binary.AppendUvarint(b.packed[:at], uint64(2*len(s)+1))
	b.packed = append(b.packed, s...)
	return at
}

func (b *Book) unpack(at uint32) string {
	head, n := binary.Uvarint(b.packed[at:])
	text := b.packed[int(at)+n:][:head/2]
	if head&1 != 0 {
		return string(text)
	}
	var s strings.Builder
	s.Grow(2 * len(text))
	for _, c := range text {
		s.WriteRune(charmap.Windows1251.DecodeByte(c))
	}
	return s.String()
}
