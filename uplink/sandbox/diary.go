package sandbox

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

const (
	diaryFile = "rows.jsonl"
	// maxLine is the longest line that is read back, in bytes: three texts of the greatest length, each byte of them escaped.
	maxLine = 3*6*maxText + 4096
)

// A diary is the file in which the rows outlive a restart: one JSON object a line. A nil diary keeps nothing.
type diary struct {
	file *os.File
	out  *bufio.Writer
	// size is how much of the file belongs to requests that were answered; pending says that there is more.
	size    int64
	pending bool
}

// KeepIn reads the rows that dir holds from earlier runs and from now on keeps new ones there, in rows.jsonl, synced before each
// answer. The folder is made if it is missing; two Portals must not share it. Call it before the first request, and Close at
// the end. The rows lie there in the open: rehearse with people who do not exist.
func (p *Portal) KeepIn(dir string) error {
	s := p.acs.store
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.disk != nil || len(s.rows) > 0 {
		return errors.New("sandbox: the folder for rows has to be given before the first request, once")
	}
	disk, err := openDiary(dir, func(r Row) error {
		_, err := s.add(&[6][]byte{
			[]byte(r.BIN), []byte(r.Organization), []byte(r.Datetime), []byte(r.IIN), []byte(r.Name), []byte(r.Note),
		})
		return err
	})
	if err != nil {
		s.rollBack(0, 0)
		return fmt.Errorf("sandbox: read the rows in %s: %w", dir, err)
	}
	s.disk = disk
	return nil
}

// Close closes what KeepIn has opened. Requests that come later are answered with 500.
func (p *Portal) Close() error {
	s := p.acs.store
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	if s.disk == nil {
		return nil
	}
	if err := s.disk.file.Close(); err != nil {
		return fmt.Errorf("sandbox: close the file of rows: %w", err)
	}
	return nil
}

func openDiary(dir string, known func(Row) error) (_ *diary, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(filepath.Join(dir, diaryFile), os.O_RDWR|os.O_CREATE, 0o600) //nolint:gosec // the folder is the user's choice
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, file.Close())
		}
	}()
	d := &diary{file: file, out: bufio.NewWriter(file)}
	lines := bufio.NewReaderSize(file, maxLine)
	for n := 1; ; n++ {
		line, err := lines.ReadSlice('\n')
		if errors.Is(err, io.EOF) {
			break // a last line without an end was cut off by a crash, before its request was answered
		}
		if err != nil {
			return nil, fmt.Errorf("%s, line %d: %w", diaryFile, n, err)
		}
		var row Row
		if json.Unmarshal(line, &row) != nil { // its error could tell what stands there
			return nil, fmt.Errorf("%s, line %d is not a row", diaryFile, n)
		}
		if err := known(row); err != nil {
			return nil, fmt.Errorf("%s, line %d: %w", diaryFile, n, err)
		}
		d.size += int64(len(line))
	}
	return d, d.rollBack()
}

// write adds a row.
func (d *diary) write(r Row) error {
	if d == nil {
		return nil
	}
	d.pending = true
	encoder := json.NewEncoder(d.out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(r); err != nil {
		return fmt.Errorf("write a row to %s: %w", diaryFile, err)
	}
	return nil
}

// sync puts on disk what was written.
func (d *diary) sync() error {
	if d == nil || !d.pending {
		return nil
	}
	if err := d.out.Flush(); err != nil {
		return fmt.Errorf("write rows to %s: %w", diaryFile, err)
	}
	if err := d.file.Sync(); err != nil {
		return fmt.Errorf("sync %s: %w", diaryFile, err)
	}
	size, err := d.file.Seek(0, io.SeekEnd)
	if err != nil {
		return fmt.Errorf("sync %s: %w", diaryFile, err)
	}
	d.size, d.pending = size, false
	return nil
}

// rollBack takes back what was written since the last sync.
func (d *diary) rollBack() error {
	if d == nil {
		return nil
	}
	d.out.Reset(d.file)
	d.pending = false
	if err := d.file.Truncate(d.size); err != nil {
		return fmt.Errorf("take back rows in %s: %w", diaryFile, err)
	}
	if _, err := d.file.Seek(d.size, io.SeekStart); err != nil {
		return fmt.Errorf("take back rows in %s: %w", diaryFile, err)
	}
	return nil
}
