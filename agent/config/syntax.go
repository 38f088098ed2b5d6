package config

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// A fault is where and why the text is no YAML. Lines and columns count from 1; since is where the thing began that could not
// be finished, or 0.
type fault struct {
	line, column, sinceLine, sinceColumn int
	message                              string
}

// maxTabs is how many lines with tabs are listed.
const maxTabs = 20

// explain says in a technician's words why the text is no YAML. YAML is hard to read on after a fault, so it is the only one,
// except that all lines with tabs are listed at once.
func (f *file) explain(at fault) Mistakes {
	if tabs := f.tabs(at); len(tabs) > 0 {
		return tabs
	}
	line, column, problem, advice := f.diagnose(at)
	return Mistakes{f.mistakeAt(line, column, "", problem, advice)}
}

// tabs lists the lines that are indented with tabs, if one of them is what the fault is about.
func (f *file) tabs(at fault) Mistakes {
	indented := func(line int) bool {
		return line >= 1 && line <= len(f.lines) && strings.Contains(f.lines[line-1][:indentation(f.lines[line-1])], "\t")
	}
	if !strings.Contains(at.message, "tab") && !indented(at.line) && !indented(at.line-1) {
		return nil
	}
	var tabs Mistakes
	for line := 1; line <= len(f.lines) && len(tabs) < maxTabs; line++ {
		if indented(line) && strings.TrimSpace(f.lines[line-1]) != "" {
			tabs.Add(f.mistakeAt(line, 1, "", "the line is indented with a tab", "indent with spaces only, two for each level"))
		}
	}
	return tabs
}

var (
	colonInValue = regexp.MustCompile(`:\s+\S.*:?$`)
	noSpace      = regexp.MustCompile(`^\s*(?:- +)?[\w-]+:[^\s/]`)
)

// windowsPath is a path in double quotes, of which YAML keeps little: \t is a tab there, and \P ends a paragraph.
var windowsPath = regexp.MustCompile(`^"[A-Za-z]:\\[^\\]`)

const (
	problemBackslash  = `a backslash within "…" begins a special character`
	adviceBackslash   = `put the value in single quotes: 'C:\folder'`
	adviceQuotes      = "put the whole value in single quotes"
	adviceIndentation = "let all keys of one section begin in the same column, and indent with spaces"
)

// diagnose translates the messages of the YAML library.
func (f *file) diagnose(at fault) (line, column int, problem, advice string) {
	before, after := f.split(at.line, at.column)
	previous, _ := f.split(at.line-1, maxLine)
	line, column = at.line, at.column
	switch m := at.message; {
	case m == "mapping values are not allowed in this context":
		switch {
		case colonInValue.MatchString(before):
			return line, column, "a colon with a space behind it stands inside a value", adviceQuotes
		case noSpace.MatchString(previous):
			return line - 1, indentation(previous) + 1, "there is no space behind the colon", `write "key: value", with a space`
		}
		return line, indentation(before) + 1, "the line is indented deeper than the key above it, which has a value already", adviceIndentation
	case m == "could not find expected ':'":
		return at.sinceLine, at.sinceColumn, "there is no colon behind the key", `write "key: value", with a space behind the colon`
	case m == "did not find expected key", m == "did not find expected '-' indicator":
		problem, advice = misplaced(m, before, after)
		return line, column, problem, advice
	case m == "found unexpected end of stream", m == "found unexpected document indicator":
		return at.sinceLine, at.sinceColumn, "the quotation mark that opens here is never closed", "close it at the end of the value"
	case strings.Contains(m, "escape"), strings.Contains(m, "hexadecimal"):
		return at.sinceLine, at.sinceColumn, problemBackslash, adviceBackslash
	case strings.HasSuffix(m, "',' or ']'"):
		return f.unclosed(at, "list that opens here with [", "]")
	case strings.HasSuffix(m, "',' or '}'"):
		return f.unclosed(at, "section that opens here with {", "}")
	case m == "block sequence entries are not allowed in this context":
		return line, column, "a list cannot begin on the line of its key", `write each "- " on a line of its own below the key`
	case m == "found character that cannot start any token":
		return line, column, fmt.Sprintf("a value cannot begin with %.1s", after), adviceQuotes
	case strings.HasPrefix(m, "unknown anchor"), strings.Contains(m, "alphabetic or numeric"), strings.Contains(m, "tag"), strings.Contains(m, "URI"):
		return max(line, at.sinceLine), column, "a value cannot begin with *, & or !", adviceQuotes
	default:
		return line, column, "this is no YAML: " + m, "compare the line with the example configuration"
	}
}

// misplaced is about a line that is neither the next key nor the next entry of a list.
func misplaced(message, before, after string) (problem, advice string) {
	trimmed := strings.TrimSpace(before)
	switch {
	case strings.HasSuffix(trimmed, `"`), strings.HasSuffix(trimmed, `'`):
		return "something stands behind the closing quotation mark",
			`write '' for a quotation mark within '…', and \" within "…"; or the quotes of the line above are not closed`
	case strings.HasPrefix(after, "]"), strings.HasPrefix(after, "}"):
		return fmt.Sprintf("%.1s closes what was never opened", after), "delete it, or put the whole value in single quotes"
	case trimmed == "" && strings.HasPrefix(after, "- ") && strings.HasSuffix(message, "key"):
		return `"- " begins an entry of a list, but a key is expected here`, `write the key of the list above it, and indent "- " below the key`
	case trimmed == "" && before == "" && strings.HasPrefix(message, "did not find expected '-'"):
		return "a key stands between the entries of a list", adviceIndentation
	}
	return "the indentation fits none of the lines above", adviceIndentation
}

// unclosed points at the bracket that opens.
func (f *file) unclosed(at fault, what, end string) (line, column int, problem, advice string) {
	advice = fmt.Sprintf("write a comma between the values and %s at the end", end)
	if _, after := f.split(at.sinceLine, at.sinceColumn); strings.Contains(after, "${") {
		advice += `; within brackets put quotes around "${NAME}"`
	}
	return at.sinceLine, at.sinceColumn, "the " + what + " is not closed, or a comma is missing", advice
}

// split gives the text of a line before a column and from it on; nothing if that is too far to the right for any person.
func (f *file) split(line, column int) (before, after string) {
	if line < 1 || line > len(f.lines) || column > maxLine {
		return "", ""
	}
	s := f.lines[line-1]
	r := []rune(s[:min(len(s), utf8.UTFMax*maxLine)])
	i := min(max(column-1, 0), len(r))
	return string(r[:i]), string(r[i:])
}

// wrongCount is for a text with no document in it, or with several.
func (f *file) wrongCount(none bool) Mistake {
	if none {
		return Mistake{File: f.path, Problem: "the file is empty", Advice: adviceExample}
	}
	begun := false
	for i, s := range f.lines {
		s = strings.TrimSpace(s)
		if begun && (strings.HasPrefix(s, "---") || s == "...") {
			return f.mistakeAt(i+1, 1, "", "a second document begins here", "delete the line: the whole configuration is one document")
		}
		begun = begun || s != "" && s[0] != '#' && s != "---"
	}
	return Mistake{File: f.path, Problem: "there is more than one document in the file", Advice: "the whole configuration is one document"}
}
