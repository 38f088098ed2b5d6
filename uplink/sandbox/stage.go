package sandbox

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"slices"
)

// maxSpoolMemory is how much of a spool stays in memory, in bytes; what is more goes to a temporary file.
const maxSpoolMemory = 128 << 10

// A stage holds the rows of one request until all of it has proved right. It takes a bounded amount of memory: large requests
// are on disk. An institution is known when its last pass has been read, so that the two lie in a spool each.
type stage struct {
	institutions, passes spool
	rows                 int
}

// institution stages the BIN and the name of the institution whose passes were the last people ones.
func (s *stage) institution(people int, bin, name []byte) error {
	var count [binary.MaxVarintLen64]byte
	n := binary.PutUvarint(count[:], uint64(people)) //nolint:gosec // not negative
	return s.institutions.write(count[:n], bin, name)
}

// pass stages datetime, iin, fio and note.
func (s *stage) pass(fields [][]byte) error {
	s.rows++
	return s.passes.write(fields...)
}

// each visits all rows in their order; the fields are bin, org_name, datetime, iin, fio and note, and valid during the call.
func (s *stage) each(visit func(fields *[6][]byte) error) error {
	institutions, err := s.institutions.reader()
	if err != nil {
		return err
	}
	passes, err := s.passes.reader()
	if err != nil {
		return err
	}
	var count []byte
	var fields [6][]byte
	for {
		switch err := readFields(institutions, &count, &fields[0], &fields[1]); {
		case err == io.EOF: //nolint:errorlint // readFields gives it unwrapped, at the end alone
			return nil
		case err != nil:
			return fmt.Errorf("read staged institutions: %w", err)
		}
		people, _ := binary.Uvarint(count)
		for range people {
			if err := readFields(passes, &fields[2], &fields[3], &fields[4], &fields[5]); err != nil {
				return fmt.Errorf("read staged passes: %w", err)
			}
			if err := visit(&fields); err != nil {
				return err
			}
		}
	}
}

// drop forgets all.
func (s *stage) drop() {
	s.institutions.drop()
	s.passes.drop()
}

// A spool is a sequence of byte strings, written once and then read. The zero value is empty.
type spool struct {
	memory []byte
	file   *os.File
}

// write appends the fields, each with its length.
func (s *spool) write(fields ...[]byte) error {
	for _, field := range fields {
		s.memory = binary.AppendUvarint(s.memory, uint64(len(field)))
		s.memory = append(s.memory, field...)
	}
	if len(s.memory) < maxSpoolMemory {
		return nil
	}
	if s.file == nil {
		file, err := os.CreateTemp("", "acs-sandbox-*.spool")
		if err != nil {
			return fmt.Errorf("stage rows: %w", err)
		}
		s.file = file
	}
	if _, err := s.file.Write(s.memory); err != nil {
		return fmt.Errorf("stage rows: %w", err)
	}
	s.memory = s.memory[:0]
	return nil
}

// reader gives what was written, from the beginning.
func (s *spool) reader() (*bufio.Reader, error) {
	if s.file == nil {
		return bufio.NewReader(bytes.NewReader(s.memory)), nil
	}
	if _, err := s.file.Seek(0, io.SeekStart); err != nil {
		return nil, fmt.Errorf("read staged rows: %w", err)
	}
	return bufio.NewReader(io.MultiReader(s.file, bytes.NewReader(s.memory))), nil
}

// drop removes the file. It holds rehearsal data at most, and the system clears its folder: a failure is no one's concern.
func (s *spool) drop() {
	if s.file != nil {
		_ = s.file.Close()
		_ = os.Remove(s.file.Name())
	}
	*s = spool{}
}

// readFields fills the fields; io.EOF means that there are no more.
func readFields(r *bufio.Reader, fields ...*[]byte) error {
	for i, field := range fields {
		length, err := binary.ReadUvarint(r)
		if err == io.EOF && i == 0 { //nolint:errorlint // bufio gives it unwrapped
			return io.EOF
		}
		if err != nil {
			return fmt.Errorf("length of field %d: %w", i, err)
		}
		if length > maxText {
			return fmt.Errorf("field %d has %d bytes", i, length)
		}
		*field = slices.Grow((*field)[:0], int(length))[:length]
		if _, err := io.ReadFull(r, *field); err != nil {
			return fmt.Errorf("field %d: %w", i, err)
		}
	}
	return nil
}
