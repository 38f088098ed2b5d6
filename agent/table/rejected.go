package table

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

const (
	rejectedEnd = ".rejected.csv"
	// The first two columns of a table of rejected rows. When a mended table is put back as it is, they are left out.
	lineTitle   = "line"
	reasonTitle = "reason"
)

// IsRejected says whether a file of that name holds rejected rows; who takes tables from a folder leaves it there.
func IsRejected(name string) bool { return strings.HasSuffix(strings.ToLower(name), rejectedEnd) }

// A Rejects collects the rows of one table that could not be used, for the person who made it: beside roster.csv it writes
// roster.csv.rejected.csv, with the number of each row's line, the reason, and the row itself. Only the owner may read the
// file. A spreadsheet opens it: it is in UTF-8 with byte order mark, with the separator of the table.
//
// Rows lie in a temporary file until Close puts it in place, so that nobody sees half of it and memory is not taken up.
type Rejects struct {
	path   string
	header header
	file   *os.File
	out    *bufio.Writer
	err    error // the first, for Close
}

// Rejected prepares to collect the rejected rows of the table at path, which r reads. It writes nothing before the first row.
func Rejected(path string, r *Reader) *Rejects {
	return &Rejects{path: path + rejectedEnd, header: r.header}
}

// Path is where the rows are found after Close.
func (x *Rejects) Path() string { return x.path }

// Add adds a row. mask, if not nil, is given each field with the Name of its column, which is empty for one that nobody
// knows, and gives what is written instead. Errors are kept for Close.
func (x *Rejects) Add(row Row, reason string, mask func(column, value string) string) {
	fields := make([]string, len(x.header.columns))
	copy(fields, row.fields)
	if mask != nil {
		for i, c := range x.header.columns {
			fields[i] = mask(c, fields[i])
		}
	}
	x.write(strconv.Itoa(row.Line), reason, fields)
}

// AddError adds a row that could not even be read. Only the number of its line and the reason are written: where its fields
// begin and end is not known, so they could not be masked.
func (x *Rejects) AddError(err *RowError) {
	x.write(strconv.Itoa(err.Line), err.Reason, make([]string, len(x.header.columns)))
}

func (x *Rejects) write(line, reason string, fields []string) {
	if x.file == nil && x.err == nil {
		x.begin()
	}
	if x.err == nil {
		x.err = x.record(line, reason, fields)
	}
}

// begin makes the temporary file, which its owner alone may read, and writes the header. Its name does not end like a table's.
func (x *Rejects) begin() {
	x.file, x.err = os.CreateTemp(filepath.Dir(x.path), "."+filepath.Base(x.path)+".*.tmp")
	if x.err != nil {
		return
	}
	x.out = bufio.NewWriter(x.file)
	if _, x.err = x.out.Write(utf8Mark); x.err == nil {
		x.err = x.record(lineTitle, reasonTitle, x.header.titles)
	}
}

func (x *Rejects) record(line, reason string, fields []string) error {
	s := x.header.separator
	cells := make([]string, 0, 2+len(fields))
	for _, f := range append([]string{line, reason}, fields...) {
		cells = append(cells, quote(f, s))
	}
	_, err := x.out.WriteString(strings.Join(cells, string(s)) + "\r\n")
	return err
}

// quote gives a field as it stands in a file.
func quote(field string, separator byte) string {
	if !strings.ContainsAny(field, "\"\r\n"+string(separator)) && !strings.HasPrefix(field, " ") && !strings.HasPrefix(field, "#") {
		return field
	}
	return `"` + strings.ReplaceAll(field, `"`, `""`) + `"`
}

// Close puts the file in place of an old one in one step. If no row was added it removes an old one, which is no longer true.
func (x *Rejects) Close() error {
	if x.file == nil && x.err == nil {
		if err := os.Remove(x.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove the old rejected rows: %w", err)
		}
		return nil
	}
	if x.err == nil {
		x.err = x.out.Flush()
	}
	if x.err == nil {
		x.err = x.file.Sync()
	}
	if x.file != nil {
		x.err = errors.Join(x.err, x.file.Close())
	}
	if x.err == nil {
		x.err = os.Rename(x.file.Name(), x.path)
	}
	if x.err != nil {
		return fmt.Errorf("write the rejected rows: %w", errors.Join(x.err, x.Discard()))
	}
	x.file = nil
	return nil
}

// Discard forgets what was added and leaves an old file as it is. After Close it does nothing.
func (x *Rejects) Discard() error {
	if x.file == nil {
		return nil
	}
	_ = x.file.Close() // closed already if Close has failed
	err := os.Remove(x.file.Name())
	x.file = nil
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
