package exam

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"github.com/acs-agent/acs-agent/agent/table"
)

const (
	maxRosterRows = 100_000
	// maxRefused is how many refused rows are remembered one by one; the file of rejected rows has all of them.
	maxRefused = 1000
)

// columns are those of the roster.
var columns = []table.Column{
	{
		Name: "document", Required: true,
		Synonyms: []string{"passport", "document number", "документ", "паспорт", "номер документа", "серия и номер", "серия и номер документа", "серия и номер паспорта"},
	},
	{Name: "exam_date", Required: true, Synonyms: []string{"date", "дата", "дата экзамена", "день экзамена"}},
	{Name: "level", Required: true, Synonyms: []string{"exam level", "exam type", "уровень", "уровень экзамена", "тип экзамена", "вид экзамена"}},
	{Name: "result", Required: true, Synonyms: []string{"status", "exam result", "результат", "статус", "результат экзамена", "итог"}},
	{Name: "card", Synonyms: []string{"card number", "uid", "карта", "номер карты", "пропуск", "номер пропуска"}},
}

// A row is one usable row of the roster: somebody's exam on one level.
type row struct {
	line int
	// person is the hash of the document; the document itself is forgotten as soon as it is read.
	person string
	day    string // 2006-01-02
	level  int    // 1 patent, 2 temporary residence, 3 residence permit
	result int    // 1 passed, 2 failed, 0 not yet
	card   card
	signs  bool
}

// A refusal is a row that cannot be used.
type refusal struct {
	line   int
	reason string
	day    string // empty if it cannot be read
	key    string // tells it from others; of no meaning
}

// A roster is the content of the file at one moment. It does not change.
type roster struct {
	rows    []row
	refused []refusal
	// rejected is the file with the rows that were refused; empty if there are none.
	rejected string
	// rejectedErr says why that file could not be written.
	rejectedErr error
}

// readRoster reads the file and writes the rows that cannot be used beside it. The error is for a file that cannot be used at
// all. Nothing that it says repeats what stands in a field.
func readRoster(path string, documents Documents) (*roster, error) {
	r, err := table.Open(path, columns)
	if err != nil {
		return nil, err
	}
	defer r.Close() //nolint:errcheck // only read from
	ext := filepath.Ext(path)
	if !strings.EqualFold(ext, ".csv") {
		ext = ""
	}
	rejects := table.Rejected(path[:len(path)-len(ext)], r)
	defer rejects.Discard() //nolint:errcheck // does nothing after Close
	all := &roster{}
	for {
		line, err := r.Next()
		var wrong *table.RowError
		switch {
		case errors.Is(err, io.EOF):
			if len(all.refused) > 0 {
				all.rejected = rejects.Path()
			}
			all.rejectedErr = rejects.Close()
			return all, nil
		case errors.As(err, &wrong):
			rejects.AddError(wrong)
			all.refuse(refusal{line: wrong.Line, reason: wrong.Reason, key: shortHash(wrong.Error())})
			continue
		case err != nil:
			return nil, fmt.Errorf("read %s: %w", path, err)
		case len(all.rows) == maxRosterRows:
			return nil, fmt.Errorf("%s has more than %d rows", path, maxRosterRows)
		}
		one, reason := readRow(&line, documents)
		if reason != "" {
			rejects.Add(line, reason, mask)
			all.refuse(refusal{line.Line, reason, one.day, shortHash(line.Raw())})
			continue
		}
		all.rows = append(all.rows, one)
	}
}

func (a *roster) refuse(r refusal) {
	if len(a.refused) < maxRefused {
		a.refused = append(a.refused, r)
	}
}

// readRow reads one row; the reason says what is wrong with it. The day is there whenever it can be read.
func readRow(line *table.Row, documents Documents) (one row, reason string) {
	one.line = line.Line
	var problems []string
	if day, wrong := table.Date(line.Get("exam_date")); wrong == "" {
		one.day = day.Format(time.DateOnly)
	} else {
		problems = append(problems, "exam_date: "+wrong)
	}
	document := table.Unwrap(line.Field("document"))
	var err error
	if table.IsScientific(table.Tidy(document)) {
		err = errors.New("the document was rounded by a spreadsheet (format the column as text and type it again)")
	} else {
		one.person, err = documents.Hash(document)
		one.signs = hasSigns(document)
	}
	if err != nil {
		problems = append(problems, err.Error())
	}
	var ok bool
	if one.level, ok = readLevel(line.Get("level")); !ok {
		problems = append(problems, "level: write 1 (patent), 2 (temporary residence) or 3 (residence permit)")
	}
	if one.result, ok = readResult(line.Get("result")); !ok {
		problems = append(problems, "result: write 1 (passed), 2 (failed), or nothing as long as it is not known")
	}
	one.card = readCard(line.Field("card"))
	return one, strings.Join(problems, "; ")
}

func readLevel(text string) (level int, ok bool) {
	switch strings.ToLower(table.Unwrap(text)) {
	case "1", "патент", "patent":
		return 1, true
	case "2", "рвп", "temporary residence":
		return 2, true
	case "3", "внж", "residence permit":
		return 3, true
	}
	return 0, false
}

func readResult(text string) (result int, ok bool) {
	switch strings.ToLower(table.Unwrap(text)) {
	case "":
		return 0, true
	case "1", "сдал", "сдала", "passed":
		return 1, true
	case "2", "не сдал", "не сдала", "failed":
		return 2, true
	}
	return 0, false
}

// mask hides everything that could be a person's, whatever column it stands in.
func mask(column, value string) string {
	known := false
	switch tidy := table.Tidy(value); column {
	case "exam_date":
		_, reason := table.Date(tidy)
		known = reason == ""
	case "level":
		_, known = readLevel(tidy)
	case "result":
		_, known = readResult(tidy)
	}
	if known || strings.TrimSpace(value) == "" {
		return value
	}
	return "*****"
}

// shortHash tells things apart in our own records.
func shortHash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:8])
}
