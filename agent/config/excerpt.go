package config

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

const (
	// maxExcerpt is the number of characters of a line that are shown, of the maxLine bytes that are looked at.
	maxExcerpt = 120
	maxLine    = 4096
	// maxExcerpts is how many lines are shown; nobody reads on after that many mistakes.
	maxExcerpts = 1000
)

// secretWord is part of the keys behind which secrets stand. It is broad: a value that is hidden without need costs nothing.
const secretWord = `[\w.-]*(?:pas+w|passphrase|pwd|token|secret|key)[\w.-]*`

var (
	// secretValue finds a secret behind its key, also with the space behind the colon missing, and in {key: value}.
	secretValue = regexp.MustCompile(`(?i)(` + secretWord + `)["']?\s*[:=]\s*`)
	// secretWithoutColon finds it where the colon was forgotten.
	secretWithoutColon = regexp.MustCompile(`(?i)^\s*(?:- +)?["']?(` + secretWord + `)["']?\s+`)
	// userInfo finds what stands before the host in an address, also in one without a scheme.
	userInfo = regexp.MustCompile(`([\w.+-]+://|\b[\w.-]+:)[^\s"']*@`)
)

// excerpt gives a line of the file, counted from 1, as it may be shown to anybody.
func (f *file) excerpt(line int) string {
	if line < 1 || line > len(f.lines) || f.excerpts.Add(1) > maxExcerpts {
		return ""
	}
	s := f.lines[line-1]
	s = strings.TrimRight(strings.ToValidUTF8(s[:min(len(s), maxLine)], "\uFFFD"), " \t")
	switch {
	case f.isSecret(line):
		s = hideValue(s)
	case f.insideSecret(line):
		s = s[:indentation(s)] + "***"
	default:
		s = mask(s)
	}
	s = strings.ReplaceAll(s, "\t", "→")
	if utf8.RuneCountInString(s) > maxExcerpt {
		s = string([]rune(s)[:maxExcerpt-1]) + "…"
	}
	return s
}

// mask hides what looks like a secret in a line.
func mask(s string) string {
	s = hideUserInfo(s)
	for _, pattern := range []*regexp.Regexp{secretValue, secretWithoutColon} {
		for _, m := range pattern.FindAllStringSubmatchIndex(s, -1) {
			if key := s[m[2]:m[3]]; !strings.HasSuffix(strings.ToLower(key), "_file") && m[1] < len(s) {
				return s[:m[1]] + "***"
			}
		}
	}
	return s
}

func hideUserInfo(s string) string {
	if !strings.Contains(s, "@") {
		return s
	}
	return userInfo.ReplaceAllString(s, "$1***@")
}

// hideValue hides everything behind the first colon, or the whole line if there is none.
func hideValue(s string) string {
	if key, _, found := strings.Cut(s, ":"); found {
		return key + ": ***"
	}
	return s[:indentation(s)] + "***"
}

// insideSecret says whether the line continues a secret that began above it, as in a block of text.
func (f *file) insideSecret(line int) bool {
	for above := f.above[line-1]; above > 0; above = f.above[above-1] {
		if s := f.lines[above-1]; f.isSecret(above) || mask(s+" x") != s+" x" {
			return true
		}
	}
	return false
}

// outline finds for each line the nearest one above it that is indented less; 0 if there is none.
func outline(lines []string) []int {
	above := make([]int, len(lines))
	var open []int // lines, each indented more than the one before
	for i, s := range lines {
		if strings.TrimSpace(s) == "" {
			continue
		}
		for len(open) > 0 && indentation(lines[open[len(open)-1]-1]) >= indentation(s) {
			open = open[:len(open)-1]
		}
		if len(open) > 0 {
			above[i] = open[len(open)-1]
		}
		open = append(open, i+1)
	}
	return above
}

// indentation counts the bytes of white space with which a line begins.
func indentation(s string) int { return len(s) - len(strings.TrimLeft(s, " \t")) }
