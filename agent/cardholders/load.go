package cardholders

import (
	"bytes"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/acs-agent/acs-agent/agent/event"
)

// Larger files are refused, so that a wrong path cannot fill the memory.
const (
	// MaxFile is the largest file in bytes.
	MaxFile = 64 << 20
	// MaxRows is the largest number of rows.
	MaxRows = 250_000
)

// Load reads a file of cardholders. Bad rows are refused one by one and stand in the report; the error is for a file that
// cannot be used at all: missing, unreadable, too large, in an unknown encoding or without header. The report is then empty.
// The file is read twice, in pieces, and never lies in memory.
func Load(path string, zone *time.Location) (*Book, Report, error) {
	f, err := os.Open(path) //nolint:gosec // the path is the operator's
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, Report{}, fmt.Errorf("cardholders: there is no file %s: put the list there, or correct its place in the configuration (%w)",
			path, fs.ErrNotExist)
	case errors.Is(err, fs.ErrPermission):
		return nil, Report{}, fmt.Errorf("cardholders: %w: give the user that runs the agent the right to read it", err)
	case err != nil:
		return nil, Report{}, fmt.Errorf("cardholders: %w", err)
	}
	defer f.Close() //nolint:errcheck // nothing was written
	about, err := f.Stat()
	switch {
	case err != nil:
		return nil, Report{}, fmt.Errorf("cardholders: %w", err)
	case !about.Mode().IsRegular():
		return nil, Report{}, fmt.Errorf("cardholders: %s is no file", path)
	case about.Size() > MaxFile:
		return nil, Report{}, fmt.Errorf("cardholders: %s is larger than %d MB", path, MaxFile>>20)
	}
	b, report, err := read(f, filepath.Base(path), zone)
	if err != nil {
		return nil, Report{}, fmt.Errorf("cardholders: read %s: %w", path, err)
	}
	return b, report, nil
}

func read(src io.ReadSeeker, name string, zone *time.Location) (*Book, Report, error) {
	enc, err := recognise(io.LimitReader(src, MaxFile))
	if err != nil {
		return nil, Report{}, err
	}
	if _, err := src.Seek(0, io.SeekStart); err != nil {
		return nil, Report{}, err
	}
	text, err := enc.open(io.LimitReader(src, MaxFile))
	if err != nil {
		return nil, Report{}, err
	}
	l := loader{
		book:          &Book{zone: zone, seed: maphash.MakeSeed()},
		report:        Report{File: name, Encoding: string(enc)},
		encoding:      enc,
		organizations: map[string]uint32{},
	}
	if err := l.readRows(newLineReader(text)); err != nil {
		return nil, Report{}, err
	}
	return l.finish(), l.report, nil
}

// A loader fills a book.
type loader struct {
	book     *Book
	report   Report
	encoding encoding
	header   header
	// organizations gives each text its place in the book's list.
	organizations map[string]uint32
	// restored and doubled count numbers with zeros put back and cards with several readings.
	restored, doubled int
	readings          []number
}

// readRows reads the header and all rows.
func (l *loader) readRows(lines *lineReader) error {
	var given byte
	var fields [][]byte
	for {
		line, err := lines.next()
		switch {
		case errors.Is(err, io.EOF):
			if l.header.columns == nil {
				return errors.New("the file is empty")
			}
			return nil
		case errors.Is(err, errLongLine):
			if l.header.columns == nil {
				return fmt.Errorf("line %d is longer than %d bytes: no CSV file", lines.number, maxLine)
			}
			l.report.refuse(lines.number, unknownColumn, fmt.Sprintf("longer than %d bytes (is a quote missing?)", maxLine))
			continue
		case err != nil:
			return err
		}
		if start := bytes.TrimSpace(line); len(start) == 0 || start[0] == '#' {
			continue
		}
		if l.header.columns == nil {
			if s, found := cutSeparator(line); found && given == 0 {
				given = s
				continue
			}
			if l.header, err = readHeader(line, given); err != nil {
				return fmt.Errorf("line %d: %w", lines.number, err)
			}
			l.report.Separator = separatorName(l.header.separator)
			for _, ignored := range l.header.ignored {
				l.report.warn(lines.number, unknownColumn, fmt.Sprintf("unknown column %.40q is ignored", ignored))
			}
			continue
		}
		if len(l.book.rows) == MaxRows {
			return fmt.Errorf("more than %d rows", MaxRows)
		}
		fields = l.readRow(line, lines.number, fields)
	}
}

// readRow takes one row over, or refuses it. It gives back the slice for the fields, to be used again.
func (l *loader) readRow(line []byte, number int, fields [][]byte) [][]byte {
	if !utf8.Valid(line) || bytes.Contains(line, []byte("\uFFFD")) || bytes.IndexByte(line, 0) >= 0 {
		l.report.refuse(number, unknownColumn, "damaged text"+saveAsUTF8)
		return fields
	}
	fields, reason := split(line, l.header.separator, fields[:0])
	if reason != "" {
		l.report.refuse(number, unknownColumn, reason)
		return fields
	}
	var of [columnCount][]byte
	empty := true
	for i, f := range fields {
		blank := len(bytes.TrimSpace(f)) == 0
		if i < len(l.header.columns) {
			of[l.header.columns[i]] = f
		} else if !blank {
			l.report.refuse(number, unknownColumn, "more fields than the header has columns (a field with the separator in it, such as 126,58404, needs quotes)")
			return fields
		}
		empty = empty && blank
	}
	if empty { // what a spreadsheet writes for rows that were cleared
		return fields
	}
	if c, reason := l.add(&of, number); reason != "" {
		l.report.refuse(number, c, reason)
	}
	return fields
}

// add puts a row into the book unless one of its fields is wrong; that one is then named with the reason.
func (l *loader) add(of *[columnCount][]byte, line int) (column, string) {
	b := l.book
	r := row{line: uint32(line)} //nolint:gosec // not more lines than bytes
	var reason string
	card := of[cardColumn]
	if len(card) > event.MaxRaw {
		return cardColumn, fmt.Sprintf("longer than %d bytes", event.MaxRaw)
	}
	if l.readings, reason = readCard(tidy(card), l.readings[:0]); reason != "" {
		return cardColumn, reason
	}
	var restored bool
	if r.iin, restored, reason = readIIN(tidy(of[iinColumn])); reason != "" {
		return iinColumn, reason
	}
	name := tidy(of[nameColumn])
	if reason = checkName(name, l.encoding); reason != "" {
		return nameColumn, reason
	}
	if r.from, reason = readDay(tidy(of[fromColumn]), firstDay); reason != "" {
		return fromColumn, reason
	}
	if r.to, reason = readDay(tidy(of[toColumn]), lastDay); reason != "" {
		return toColumn, reason
	}
	if r.to < r.from {
		return toColumn, "earlier than valid_from (are they the wrong way round?)"
	}
	r.name = b.pack(name)
	r.organization = l.organization(tidy(of[organizationColumn]))
	at := uint32(len(b.rows)) //nolint:gosec // at most MaxRows
	b.rows = append(b.rows, r)
	for _, n := range l.readings {
		b.numbers = append(b.numbers, indexed{n, at})
	}
	if len(l.readings) == 0 {
		text := strings.TrimSpace(string(card))
		b.texts = append(b.texts, indexedText{maphash.String(b.seed, text), b.pack(text), at})
	}
	if restored {
		l.restored++
	}
	if len(l.readings) > 1 {
		l.doubled++
	}
	return unknownColumn, ""
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
