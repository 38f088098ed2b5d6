package cardholders

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// MaxRemarks is how many refusals, and how many warnings, a report lists; the rest is only counted.
const MaxRemarks = 200

// A Report says what was found in a file of cardholders. It holds no name, no IIN and no card number.
type Report struct {
	// File is the name of the file without its folder.
	File string `json:"file"`
	// Encoding and Separator are how the file was read.
	Encoding  string `json:"encoding"`
	Separator string `json:"separator"`
	// Used is the number of rows in use, Refused of those that are not, Warned of warnings.
	Used    int `json:"used"`
	Refused int `json:"refused"`
	Warned  int `json:"warned"`
	// Refusals are the refused rows and Warnings the doubtful ones, by line; at most MaxRemarks of each.
	Refusals []Remark `json:"refusals,omitempty"`
	Warnings []Remark `json:"warnings,omitempty"`
	// Notes tell what was put right without asking.
	Notes []string `json:"notes,omitempty"`
}

// A Remark is about one row.
type Remark struct {
	// Line counts from 1.
	Line int `json:"line"`
	// Column is the name that the column has in our documents, whatever the file calls it; empty for the row as a whole.
	Column string `json:"column,omitempty"`
	// Reason says what is wrong, with advice in parentheses. It does not repeat the field.
	Reason string `json:"reason"`
}

func (r Remark) String() string {
	if r.Column == "" {
		return fmt.Sprintf("%d: %s", r.Line, r.Reason)
	}
	return fmt.Sprintf("%d: %s: %s", r.Line, r.Column, r.Reason)
}

// String gives the report for people to read, a line for each remark: "cardholders.csv:7: iin: control digit does not fit".
func (r *Report) String() string {
	var b strings.Builder
	for _, x := range r.Refusals {
		fmt.Fprintf(&b, "%s:%s\n", r.File, x)
	}
	if more := r.Refused - len(r.Refusals); more > 0 {
		fmt.Fprintf(&b, "%s: and %s more refused\n", r.File, count(more, "row"))
	}
	for _, x := range r.Warnings {
		fmt.Fprintf(&b, "%s:%d: warning: %s\n", r.File, x.Line, strings.TrimPrefix(x.String(), fmt.Sprintf("%d: ", x.Line)))
	}
	if more := r.Warned - len(r.Warnings); more > 0 {
		fmt.Fprintf(&b, "%s: and %s more\n", r.File, count(more, "warning"))
	}
	for _, n := range r.Notes {
		fmt.Fprintf(&b, "%s: note: %s\n", r.File, n)
	}
	fmt.Fprintf(&b, "%s: %s in use, %d refused (%s, separated by %s)\n", r.File, count(r.Used, "row"), r.Refused, r.Encoding, r.Separator)
	return b.String()
}

func (r *Report) refuse(line int, column, reason string) {
	r.Refused++
	if len(r.Refusals) < MaxRemarks {
		r.Refusals = append(r.Refusals, Remark{Line: line, Column: column, Reason: reason})
	}
}

func (r *Report) warn(line int, column, reason string) {
	r.Warned++
	if len(r.Warnings) < MaxRemarks {
		r.Warnings = append(r.Warnings, Remark{Line: line, Column: column, Reason: reason})
	}
}

func (r *Report) note(n int, what string) {
	if n > 0 {
		r.Notes = append(r.Notes, fmt.Sprintf("%s: %d", what, n))
	}
}

func (r *Report) sort() {
	byLine := func(x, y Remark) int { return cmp.Compare(x.Line, y.Line) }
	slices.SortStableFunc(r.Warnings, byLine)
}
