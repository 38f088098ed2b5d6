package cardholders

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode"
)

// A column is what the fields of one column mean.
type column uint8

const (
	unknownColumn column = iota
	cardColumn
	iinColumn
	nameColumn
	organizationColumn
	fromColumn
	toColumn
	columnCount
)

func (c column) String() string {
	return [columnCount]string{"", "card", "iin", "full_name", "organization", "valid_from", "valid_to"}[c]
}

// columnOf knows the names of a column, in the form that plainName gives.
func columnOf(name string) column {
	switch name {
	case "card", "card number", "card no", "card id", "card code", "cardnumber", "uid",
		"карта", "номер карты", "код карты", "№ карты", "номер пропуска", "пропуск":
		return cardColumn
	case "iin", "иин", "жсн":
		return iinColumn
	case "full name", "fullname", "fio", "name", "фио", "ф и о", "имя", "фамилия имя отчество", "аты жөні":
		return nameColumn
	case "organization", "organisation", "organization id", "org", "org id", "организация", "учреждение", "ұйым":
		return organizationColumn
	case "valid from", "from", "действует с", "действительна с", "с", "дата начала":
		return fromColumn
	case "valid to", "valid until", "to", "until", "действует до", "действует по", "действительна до", "до", "по", "дата окончания":
		return toColumn
	}
	return unknownColumn
}

// plainName gives the name of a column in lower case, with single spaces for everything that is neither letter nor digit.
func plainName(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '№', unicode.IsLetter(r), unicode.IsDigit(r):
			return unicode.ToLower(r)
		default:
			return ' '
		}
	}, s)
	return strings.Join(strings.Fields(s), " ")
}

// A header says what the fields of each row mean.
type header struct {
	separator byte
	columns   []column
	// ignored are the names of the columns that mean nothing to the agent.
	ignored []string
}

// cutSeparator reads the line sep=; that Excel understands and some programs write.
func cutSeparator(line []byte) (separator byte, found bool) {
	line = bytes.Trim(line, "\" ")
	if len(line) == 5 && bytes.EqualFold(line[:4], []byte("sep=")) && bytes.IndexByte([]byte(";,\t|"), line[4]) >= 0 {
		return line[4], true
	}
	return 0, false
}

// readHeader reads the line that names the columns. Unless a separator is given, it is the one that makes the most sense of
// the line. The error repeats nothing of the line: in a file without header it is a person's row.
func readHeader(line []byte, given byte) (header, error) {
	separators := []byte(";,\t")
	if given != 0 {
		separators = []byte{given}
	}
	var best header
	most := -1
	for _, separator := range separators {
		fields, reason := split(bytes.Clone(line), separator, nil)
		if reason != "" {
			continue
		}
		h := header{separator: separator}
		known := 0
		for _, f := range fields {
			name := tidy(f)
			c := columnOf(plainName(name))
			if c != unknownColumn {
				known++
			} else if name != "" {
				h.ignored = append(h.ignored, name)
			}
			h.columns = append(h.columns, c)
		}
		if known > most {
			best, most = h, known
		}
	}
	return best, best.check()
}

func (h *header) check() error {
	var seen [columnCount]bool
	for _, c := range h.columns {
		if c != unknownColumn && seen[c] {
			return fmt.Errorf("the header names the column %s twice", c)
		}
		seen[c] = true
	}
	var missing []string
	for _, c := range [...]column{cardColumn, iinColumn, nameColumn} {
		if !seen[c] {
			missing = append(missing, c.String())
		}
	}
	const advice = " (the first line names the columns, for example card;iin;full_name;organization;valid_from;valid_to)"
	switch len(missing) {
	case 0:
		return nil
	case 3:
		return errors.New("no header" + advice)
	default:
		return fmt.Errorf("the header has no column %s%s", strings.Join(missing, " and no column "), advice)
	}
}
