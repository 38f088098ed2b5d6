package table

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode"
)

// names are the columns that the caller knows.
type names struct {
	columns []Column
	// byPlain gives the Name of a column for each of its names in the form that plainName gives.
	byPlain map[string]string
}

func newNames(columns []Column) names {
	n := names{columns, make(map[string]string)}
	for _, c := range columns {
		n.byPlain[plainName(c.Name)] = c.Name
		for _, s := range c.Synonyms {
			n.byPlain[plainName(s)] = c.Name
		}
	}
	return n
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
	// columns has the Name of each column, empty for one that nobody knows; titles is what the file calls them.
	columns []string
	titles  []string
	unknown []string
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
func readHeader(line string, given byte, known names) (header, error) {
	separators := []byte(";,\t")
	if given != 0 {
		separators = []byte{given}
	}
	var best header
	most := -1
	for _, separator := range separators {
		titles, reason := split(line, separator, nil)
		if reason != "" {
			continue
		}
		h := header{separator: separator}
		count := 0
		for _, title := range titles {
			title = Tidy(title)
			name, found := known.byPlain[plainName(title)]
			switch {
			case found:
				count++
			case title != "" && title != lineTitle && title != reasonTitle:
				h.unknown = append(h.unknown, title)
			}
			h.columns = append(h.columns, name)
			h.titles = append(h.titles, title)
		}
		if count > most {
			best, most = h, count
		}
	}
	return best, best.check(known.columns)
}

func (h *header) check(known []Column) error {
	seen := make(map[string]bool)
	for _, c := range h.columns {
		if c != "" && seen[c] {
			return fmt.Errorf("the header names the column %s twice", c)
		}
		seen[c] = true
	}
	delete(seen, "")
	var missing, all []string
	for _, c := range known {
		all = append(all, c.Name)
		if c.Required && !seen[c.Name] {
			missing = append(missing, c.Name)
		}
	}
	advice := " (the first line names the columns, for example " + strings.Join(all, ";") + ")"
	switch {
	case len(seen) == 0:
		return errors.New("no header" + advice)
	case len(missing) > 0:
		return fmt.Errorf("the header has no column %s%s", strings.Join(missing, " and no column "), advice)
	}
	return nil
}
