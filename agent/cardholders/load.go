package cardholders

import (
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/acs-agent/acs-agent/agent/event"
	"github.com/acs-agent/acs-agent/agent/table"
)

// MaxRows is the largest number of rows; files with more are refused, so that a wrong path cannot fill the memory.
const MaxRows = 250_000

// Load reads a file of cardholders. Bad rows are refused one by one and stand in the report; the error is for a file that
// cannot be used at all: missing, unreadable, too large, in an unknown encoding or without header. The report is then empty.
func Load(path string, zone *time.Location) (*Book, Report, error) {
	rows, err := table.Open(path, columns())
	if err != nil {
		return nil, Report{}, fmt.Errorf("cardholders: %w", err)
	}
	defer rows.Close() //nolint:errcheck // nothing was written
	b, report, err := read(rows, filepath.Base(path), zone)
	if err != nil {
		return nil, Report{}, fmt.Errorf("cardholders: read %s: %w", path, err)
	}
	return b, report, nil
}

func read(rows *table.Reader, name string, zone *time.Location) (*Book, Report, error) {
	form := rows.Form()
	l := loader{
		book:          &Book{zone: zone, seed: maphash.MakeSeed()},
		report:        Report{File: name, Encoding: string(form.Encoding), Separator: form.SeparatorName()},
		encoding:      form.Encoding,
		organizations: map[string]uint32{},
	}
	for _, unknown := range form.Unknown {
		l.report.warn(form.HeaderLine, "", fmt.Sprintf("unknown column %.40q is ignored", unknown))
	}
	if err := l.readRows(rows); err != nil {
		return nil, Report{}, err
	}
	return l.finish(), l.report, nil
}

// A loader fills a book.
type loader struct {
	book     *Book
	report   Report
	encoding table.Encoding
	// organizations gives each text its place in the book's list.
	organizations map[string]uint32
	// restored and doubled count numbers with zeros put back and cards with several readings.
	restored, doubled int
	readings          []number
}

// readRows takes the rows over, or refuses them, one by one.
func (l *loader) readRows(rows *table.Reader) error {
	for {
		row, err := rows.Next()
		var unreadable *table.RowError
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case errors.As(err, &unreadable):
			l.report.refuse(unreadable.Line, "", unreadable.Reason)
			continue
		case err != nil:
			return err
		case len(l.book.rows) == MaxRows:
			return fmt.Errorf("more than %d rows", MaxRows)
		}
		if column, reason := l.add(&row); reason != "" {
			l.report.refuse(row.Line, column, reason)
		}
	}
}

// add puts a row into the book unless one of its fields is wrong; that one is then named with the reason.
func (l *loader) add(from *table.Row) (column, reason string) {
	b := l.book
	r := row{line: uint32(from.Line)} //nolint:gosec // not more lines than bytes
	card := from.Field(cardColumn)
	if len(card) > event.MaxRaw {
		return cardColumn, fmt.Sprintf("longer than %d bytes", event.MaxRaw)
	}
	if l.readings, reason = readCard(table.Tidy(card), l.readings[:0]); reason != "" {
		return cardColumn, reason
	}
	var restored bool
	if r.iin, restored, reason = readIIN(from.Get(iinColumn)); reason != "" {
		return iinColumn, reason
	}
	name := from.Get(nameColumn)
	if reason = table.CheckName(name, l.encoding); reason != "" {
		return nameColumn, reason
	}
	if r.from, reason = readDay(from.Get(fromColumn), firstDay); reason != "" {
		return fromColumn, reason
	}
	if r.to, reason = readDay(from.Get(toColumn), lastDay); reason != "" {
		return toColumn, reason
	}
	if r.to < r.from {
		return toColumn, "earlier than valid_from (are they the wrong way round?)"
	}
	r.name = b.pack(name)
	r.organization = l.organization(from.Get(organizationColumn))
	at := uint32(len(b.rows)) //nolint:gosec // at most MaxRows
	b.rows = append(b.rows, r)
	for _, n := range l.readings {
		b.numbers = append(b.numbers, indexed{n, at})
	}
	if len(l.readings) == 0 {
		text := strings.TrimSpace(card)
		b.texts = append(b.texts, indexedText{maphash.String(b.seed, text), b.pack(text), at})
	}
	if restored {
		l.restored++
	}
	if len(l.readings) > 1 {
		l.doubled++
	}
	return "", ""
}

// organization keeps each text once, and gives its place.
func (l *loader) organization(text string) uint32 {
	at, found := l.organizations[text]
	if !found {
		at = uint32(len(l.book.organizations)) //nolint:gosec // at most MaxRows
		text = strings.Clone(text)
		l.organizations[text] = at
		l.book.organizations = append(l.book.organizations, text)
	}
	return at
}

// finish gives the book without spare memory, and completes the report.
func (l *loader) finish() *Book {
	b := l.book
	b.rows = slices.Clone(b.rows)
	b.numbers = slices.Clone(b.numbers)
	b.texts = slices.Clone(b.texts)
	b.packed = slices.Clone(b.packed)
	b.organizations = slices.Clone(b.organizations)
	b.sort()
	l.warnOfCollisions()
	l.report.sort()
	l.report.Used = len(b.rows)
	l.report.note(l.restored, "IINs with leading zeros put back")
	l.report.note(l.doubled, "cards whose number can be read in more than one way, all of which are kept")
	return b
}
