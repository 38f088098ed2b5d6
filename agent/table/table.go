// Package table reads tables that people make with spreadsheets and accounting programs: CSV files in UTF-8, UTF-16 or
// Windows-1251, with semicolons, commas or tabs, with or without quotes, with columns in any order and under any of their
// usual names. It also writes back the rows that could not be used, with the reason, as a table of the same kind.
//
// A file that would be misread is refused as a whole: unknown encoding, no header, a workbook. A row that cannot be read is
// refused alone, and the rows behind it are not touched. No error of this package repeats what stands in a field.
package table

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"unicode/utf8"
)

// MaxFile is the largest file in bytes. Larger ones are refused, so that a wrong path cannot keep the agent busy for hours.
const MaxFile = 64 << 20

// SaveAsUTF8 is advice for whoever made a file that cannot be read; it stands behind the reason.
const SaveAsUTF8 = " (save the table as “CSV UTF-8”)"

// A Column is one that the caller knows. Columns of a file that nobody knows are ignored; see Form.
type Column struct {
	// Name is the column's name in our documents, for example full_name. A header may spell it in capitals, and with spaces
	// or hyphens instead of underscores.
	Name string
	// Synonyms are the other names under which it is found, in any language.
	Synonyms []string
	// Required columns must stand in the header. Whether a field may be empty is for the caller to say.
	Required bool
}

// A Form says how a file was read.
type Form struct {
	Encoding Encoding
	// Separator stands between two fields: ';', ',', '\t' or '|'.
	Separator byte
	// HeaderLine is the number of the line that names the columns; the first line has number 1.
	HeaderLine int
	// Unknown are the columns that are ignored, as the header writes them.
	Unknown []string
}

// SeparatorName is the word for the separator.
func (f *Form) SeparatorName() string {
	switch f.Separator {
	case ';':
		return "semicolon"
	case ',':
		return "comma"
	case '\t':
		return "tab"
	default:
		return "bar"
	}
}

// A Reader gives the rows of one file, one by one; the file never lies in memory. It is for one goroutine.
type Reader struct {
	header header
	form   Form
	lines  *lineReader
	close  func() error
}

// Open opens a file and reads its header. The error is for a file that cannot be used at all, says what to do about it, and
// wraps fs.ErrNotExist for one that is not there. The file is read once to tell its encoding and once for its rows.
func Open(path string, columns []Column) (*Reader, error) {
	// A pipe would keep the opening waiting for somebody who writes.
	about, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("there is no file %s: put the list there, or correct its place in the configuration (%w)", path, fs.ErrNotExist)
	case err != nil:
		return nil, forbidden(err)
	case !about.Mode().IsRegular():
		return nil, fmt.Errorf("%s is no file", path)
	case about.Size() > MaxFile:
		return nil, fmt.Errorf("%s is larger than %d MB", path, MaxFile>>20)
	}
	f, err := os.Open(path) //nolint:gosec // the configuration names it
	if err != nil {
		return nil, forbidden(err)
	}
	r, err := New(f, columns)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("read %s: %w", path, err), f.Close())
	}
	r.close = f.Close
	return r, nil
}

func forbidden(err error) error {
	if errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("%w: give the user that runs the agent the right to read it", err)
	}
	return err
}

// New reads a table from src, from its beginning. Of more than MaxFile bytes the rest is not seen.
func New(src io.ReadSeeker, columns []Column) (*Reader, error) {
	enc, err := recognise(io.LimitReader(src, MaxFile))
	if err != nil {
		return nil, err
	}
	if _, err := src.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	text, err := enc.open(io.LimitReader(src, MaxFile))
	if err != nil {
		return nil, err
	}
	r := &Reader{form: Form{Encoding: enc}, lines: newLineReader(text), close: func() error { return nil }}
	return r, r.readHeader(newNames(columns))
}

// Form says how the file is read.
func (r *Reader) Form() Form { return r.form }

// Close closes the file.
func (r *Reader) Close() error { return r.close() }

// readHeader takes the first line that has something to say, and the line sep=; before it.
func (r *Reader) readHeader(known names) error {
	var given byte
	for {
		line, err := r.lines.next()
		switch {
		case errors.Is(err, io.EOF):
			return errors.New("the file is empty")
		case errors.Is(err, errLongLine):
			return fmt.Errorf("line %d is longer than %d bytes: no CSV file", r.lines.number, maxLine)
		case err != nil:
			return err
		case blank(line):
			continue
		}
		if s, found := cutSeparator(line); found && given == 0 {
			given = s
			continue
		}
		if r.header, err = readHeader(string(line), given, known); err != nil {
			return fmt.Errorf("line %d: %w", r.lines.number, err)
		}
		r.form.Separator, r.form.Unknown, r.form.HeaderLine = r.header.separator, r.header.unknown, r.lines.number
		return nil
	}
}

// blank says whether a line is empty or a comment.
func blank(line []byte) bool {
	start := bytes.TrimSpace(line)
	return len(start) == 0 || start[0] == '#'
}

// A RowError is a row that cannot be read. The rows behind it can.
type RowError struct {
	// Line is the number of the row's line.
	Line int
	// Reason says what is wrong, with advice in parentheses. It repeats nothing of the row.
	Reason string
}

func (e *RowError) Error() string { return fmt.Sprintf("line %d: %s", e.Line, e.Reason) }

// Next gives the next row. Empty lines, rows of empty fields and lines that begin with # are left out. The error is io.EOF
// behind the last row and a *RowError for a row that cannot be read; after any other the file can be read no further.
func (r *Reader) Next() (Row, error) {
	for {
		line, err := r.lines.next()
		switch {
		case errors.Is(err, errLongLine):
			return Row{}, &RowError{r.lines.number, fmt.Sprintf("longer than %d bytes (is a quote missing?)", maxLine)}
		case err != nil:
			return Row{}, err
		case blank(line):
			continue
		case !utf8.Valid(line), bytes.Contains(line, []byte("\uFFFD")), bytes.IndexByte(line, 0) >= 0:
			return Row{}, &RowError{r.lines.number, "damaged text" + SaveAsUTF8}
		}
		row := Row{Line: r.lines.number, raw: string(line), header: &r.header}
		var reason string
		if row.fields, reason = split(row.raw, r.form.Separator, make([]string, 0, len(r.header.columns))); reason != "" {
			return Row{}, &RowError{row.Line, reason}
		}
		empty := true
		for i, f := range row.fields {
			if strings.TrimSpace(f) == "" {
				continue
			}
			empty = false
			if i >= len(r.header.columns) {
				return Row{}, &RowError{row.Line, "more fields than the header has columns (a field with the separator in it, such as 126,58404, needs quotes)"}
			}
		}
		if !empty { // what a spreadsheet writes for rows that were cleared
			return row, nil
		}
	}
}

// A Row is one row of a table. It can be kept as long as one likes.
type Row struct {
	// Line is the number of its line in the file, from 1.
	Line   int
	raw    string
	fields []string
	header *header
}

// Get gives the field of the column of that Name: without invisible characters, with single plain spaces, and without any at
// its ends. It is empty if the file has no such column or the row ends before it.
func (r Row) Get(name string) string { return Tidy(r.Field(name)) }

// Field gives the same field as it stands in the file, without its quotes.
func (r Row) Field(name string) string {
	for i, c := range r.header.columns {
		if c == name && name != "" && i < len(r.fields) {
			return r.fields[i]
		}
	}
	return ""
}

// Raw gives the whole line as it stands in the file.
func (r Row) Raw() string { return r.raw }
