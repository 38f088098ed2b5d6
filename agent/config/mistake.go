package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// A Mistake is one thing that is wrong with the configuration, or only unwise, in the words of the person who has to mend it.
type Mistake struct {
	// File is the configuration file as it was named to Load.
	File string `json:"file"`
	// Line and Column count from 1; a column is a character. Both are 0 if the mistake is not at any one place.
	Line   int `json:"line,omitempty"`
	Column int `json:"column,omitempty"`
	// Field is the way to the key from the top of the file, such as readers[1].topic; empty for the file as a whole.
	Field string `json:"field,omitempty"`
	// Problem says what is wrong.
	Problem string `json:"problem"`
	// Advice says what to write instead; it can be empty.
	Advice string `json:"advice,omitempty"`
	// Excerpt is the line as it stands in the file, except that secrets are replaced by asterisks.
	Excerpt string `json:"excerpt,omitempty"`

	cause error
}

// String gives the mistake in up to three lines: place and problem, the excerpt, the advice.
func (m Mistake) String() string {
	var b strings.Builder
	b.WriteString(m.File)
	if m.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", m.Line, max(1, m.Column))
	}
	if m.Field != "" {
		b.WriteString(": " + m.Field)
	}
	b.WriteString(": " + m.Problem)
	if m.Excerpt != "" {
		fmt.Fprintf(&b, "\n%5d | %s", m.Line, m.Excerpt)
	}
	if m.Advice != "" {
		b.WriteString("\n      = " + m.Advice)
	}
	return b.String()
}

// Mistakes are all that is wrong with a configuration, in the order of the file. As an error it is used as a pointer:
//
//	var wrong *config.Mistakes
//	if errors.As(err, &wrong) { … }
type Mistakes []Mistake

// Add puts more mistakes in their places. One that says the same of the same place as another is left out, so that a
// section can be checked twice.
func (m *Mistakes) Add(more ...Mistake) {
	for _, one := range more {
		at, _ := slices.BinarySearchFunc(*m, one, func(x, y Mistake) int {
			return cmp.Or(
				cmp.Compare(x.File, y.File), cmp.Compare(x.Line, y.Line), cmp.Compare(x.Column, y.Column),
				cmp.Compare(x.Field, y.Field), cmp.Compare(x.Problem, y.Problem),
			)
		})
		if at < len(*m) && same((*m)[at], one) {
			continue
		}
		*m = slices.Insert(*m, at, one)
	}
}

func same(x, y Mistake) bool {
	return x.File == y.File && x.Line == y.Line && x.Column == y.Column && x.Field == y.Field && x.Problem == y.Problem
}

// Err is m as an error, or nil if there is no mistake.
func (m *Mistakes) Err() error {
	if m == nil || len(*m) == 0 {
		return nil
	}
	return m
}

// Error gives all mistakes, each as its String.
func (m *Mistakes) Error() string {
	all := make([]string, 0, len(*m))
	for _, one := range *m {
		all = append(all, one.String())
	}
	return strings.Join(all, "\n")
}

// Unwrap gives what the operating system said, for errors.Is with fs.ErrNotExist and its like.
func (m *Mistakes) Unwrap() []error {
	var causes []error
	for _, one := range *m {
		if one.cause != nil {
			causes = append(causes, one.cause)
		}
	}
	return causes
}
