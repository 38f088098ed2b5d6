package main

import (
	"io"
	"regexp"
	"strings"
	"text/tabwriter"

	"github.com/acs-agent/acs-agent/agent/lang"
	"github.com/acs-agent/acs-agent/uplink/exam"
)

// printPreview prints a preview in the language of the command. The module speaks English and aligns its table itself, so in
// another language the table is taken apart and aligned anew.
func (o *options) printPreview(w io.Writer, preview *exam.Preview) error {
	if o.lang.Language() == lang.English {
		return preview.Print(w)
	}
	var english strings.Builder
	if err := preview.Print(&english); err != nil {
		return err
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	inside := false
	for line := range strings.Lines(english.String()) {
		line = strings.TrimSuffix(line, "\n")
		cells := columnGap.Split(line, -1)
		switch {
		case len(cells) > 1 && cells[0] == "LINE":
			inside = true
			line = o.lang.Sprintf("LINE\tDATE\tDOCUMENT\tLEVEL\tRESULT\tPASS\tREPORTED")
		case line == "":
			inside = false
		case inside:
			for i := range cells {
				cells[i] = previewCell(o.lang, cells[i])
			}
			line = strings.Join(cells, "\t")
		default:
			state := string(preview.State) // at the end of the title
			line = strings.Replace(o.lang.Text(line), ": "+state, ": "+examWord(o.lang, state), 1)
		}
		if _, err := io.WriteString(table, line+"\n"); err != nil {
			return err
		}
	}
	return table.Flush()
}

// columnGap stands between two columns of an aligned table.
var columnGap = regexp.MustCompile(` {2,}`)

// previewCell translates a cell: a word, a level such as "2 temporary residence", or a pass such as "09:12 by card".
func previewCell(p *lang.Printer, cell string) string {
	if at, by, found := strings.Cut(cell, " by "); found {
		return at + " " + p.Word("by "+by)
	}
	if number, name, found := strings.Cut(cell, " "); found && strings.Trim(number, "0123456789") == "" {
		return number + " " + p.Word(name)
	}
	return examWord(p, cell)
}
