package sandbox

import (
	"errors"
	"fmt"
	"slices"
	"sync"
)

// maxRows bounds the memory of a store: 2 million rows with the usual repetition of names take about 200 MB.
const maxRows = 2_000_000

var (
	errFull   = errors.New("it holds as many rows as it can")
	errClosed = errors.New("it is closed")
)

// store keeps each row once, in the order of their arrival. Texts that repeat are kept once as well.
type store struct {
	mu      sync.Mutex
	max     int
	texts   []string
	numbers map[string]uint32
	rows    []packedRow
	known   map[packedRow]struct{}
	repeats int
	disk    *diary // nil: memory only
	closed  bool
}

// packedRow is a row of which each text is a number in the store's list.
type packedRow struct {
	at                                 instant
	bin, organization, iin, name, note uint32
}

func newStore() *store {
	return &store{max: maxRows, numbers: make(map[string]uint32), known: make(map[packedRow]struct{})}
}

// commit takes all rows of a stage, or on an error none.
func (s *store) commit(staged *stage) (added, repeats int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return 0, 0, errClosed
	}
	before, textsBefore := len(s.rows), len(s.texts)
	err = staged.each(func(fields *[6][]byte) error {
		fresh, err := s.add(fields)
		if err != nil || !fresh {
			return err
		}
		return s.disk.write(unpack(s.texts, s.rows[len(s.rows)-1]))
	})
	total := len(s.rows) - before
	if err == nil {
		err = s.disk.sync()
	}
	if err != nil {
		s.rollBack(before, textsBefore)
		return 0, 0, errors.Join(err, s.disk.rollBack())
	}
	repeats = staged.rows - total
	s.repeats += repeats
	return total, repeats, nil
}

// rollBack forgets all but the first rows and texts.
func (s *store) rollBack(rows, texts int) {
	for _, row := range s.rows[rows:] {
		delete(s.known, row)
	}
	for _, text := range s.texts[texts:] {
		delete(s.numbers, text)
	}
	s.rows, s.texts = s.rows[:rows], s.texts[:texts]
}

// add keeps a row unless it is known.
func (s *store) add(fields *[6][]byte) (fresh bool, err error) {
	at, ok := parseInstant(fields[2])
	if !ok {
		return false, errors.New("datetime is not of the document's form")
	}
	row := packedRow{
		at:  at,
		bin: s.number(fields[0]), organization: s.number(fields[1]),
		iin: s.number(fields[3]), name: s.number(fields[4]), note: s.number(fields[5]),
	}
	if _, known := s.known[row]; known {
		return false, nil
	}
	if len(s.rows) >= s.max {
		return false, fmt.Errorf("%w: %d", errFull, s.max)
	}
	s.known[row] = struct{}{}
	s.rows = append(s.rows, row)
	return true, nil
}

// number finds the place of a text in the list, or makes one.
func (s *store) number(text []byte) uint32 {
	if n, known := s.numbers[string(text)]; known {
		return n
	}
	n := uint32(len(s.texts)) //nolint:gosec // at most five for each row
	kept := string(text)
	s.texts = append(s.texts, kept)
	s.numbers[kept] = n
	return n
}

func unpack(texts []string, r packedRow) Row {
	return Row{
		BIN: texts[r.bin], Organization: texts[r.organization], Datetime: r.at.String(),
		IIN: texts[r.iin], Name: texts[r.name], Note: texts[r.note],
	}
}

func (s *store) counts() (rows, repeats int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.rows), s.repeats
}

// snapshot gives the rows and texts of this moment; what comes later is appended behind them.
func (s *store) snapshot() ([]packedRow, []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clip(s.rows), slices.Clip(s.texts)
}

// Rows calls visit for each row that was kept when it was called, in the order of arrival, until visit returns false.
func (p *Portal) Rows(visit func(Row) bool) {
	rows, texts := p.acs.store.snapshot()
	for _, row := range rows {
		if !visit(unpack(texts, row)) {
			return
		}
	}
}

// Has says whether the very same row is kept.
func (p *Portal) Has(r Row) bool {
	at, ok := parseInstant([]byte(r.Datetime))
	if !ok {
		return false
	}
	s := p.acs.store
	s.mu.Lock()
	defer s.mu.Unlock()
	packed := packedRow{at: at}
	for _, f := range []struct {
		text  string
		place *uint32
	}{
		{r.BIN, &packed.bin},
		{r.Organization, &packed.organization},
		{r.IIN, &packed.iin},
		{r.Name, &packed.name},
		{r.Note, &packed.note},
	} {
		n, known := s.numbers[f.text]
		if !known {
			return false
		}
		*f.place = n
	}
	_, known := s.known[packed]
	return known
}
