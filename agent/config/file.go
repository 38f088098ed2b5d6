package config

import (
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/acs-agent/acs-agent/agent/settings"
)

// A file is what all parts of one configuration share: its text, its tree, and what was noticed while it was read.
type file struct {
	// path is the file as it was named; dir is its folder, absolute.
	path, dir string
	lines     []string
	above     []int // see outline
	root      *node

	// excerpts counts the lines that were shown.
	excerpts atomic.Int32

	mu sync.Mutex // modules may decode their sections at the same time
	// warnings are what is unwise but works.
	warnings Mistakes
	// secretLines are the lines of values that turned out to be secrets.
	secretLines map[int]bool
	// secrets are the values themselves, so that no module can put one into an error.
	secrets []string
}

func (f *file) isSecret(line int) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.secretLines[line]
}

// hide makes sure that a secret is never printed. n is where it stands in the file, or nil.
func (f *file) hide(secret string, n *node) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if n != nil {
		if f.secretLines == nil {
			f.secretLines = make(map[int]bool)
		}
		f.secretLines[n.line] = true
	}
	// A shorter one would black out pieces of ordinary words, and protects nothing anyway.
	if len(secret) >= 4 && !slices.Contains(f.secrets, secret) {
		f.secrets = append(f.secrets, secret)
	}
}

func (f *file) redact(s string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, secret := range f.secrets {
		s = strings.ReplaceAll(s, secret, "***")
	}
	return strings.ReplaceAll(strings.TrimSpace(s), "\n", "; ")
}

func (f *file) warn(m Mistake) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.warnings.Add(m)
}

// mistake makes a mistake at the value n.
func (f *file) mistake(n *node, field, problem, advice string) Mistake {
	line, column := n.place()
	problem, advice = n.unexpanded(problem), n.unexpanded(advice)
	return f.mistakeAt(line, column, field, problem, advice)
}

func (f *file) mistakeAt(line, column int, field, problem, advice string) Mistake {
	return Mistake{
		File: f.path, Line: line, Column: column, Field: field,
		Problem: hideUserInfo(problem), Advice: hideUserInfo(advice), Excerpt: f.excerpt(line),
	}
}

// unknown makes a mistake at a key that does not exist.
func (f *file) unknown(e entry, field, advice string) Mistake {
	return f.mistakeAt(e.value.keyLine, e.value.keyColumn, field, "there is no key of this name here", advice)
}

// wrong makes a mistake at the value to which field leads, or at the nearest thing around it that is in the file. The words
// may be those of a module, so secrets are taken out of them.
func (f *file) wrong(field string, m settings.Mistake) Mistake {
	m.Problem, m.Advice = f.redact(m.Problem), f.redact(m.Advice)
	n, found := f.root.find(field)
	if !found {
		if twin, there := f.root.find(field + "_file"); there {
			n = twin
		}
	}
	if n == f.root {
		return Mistake{File: f.path, Line: 1, Column: 1, Field: field, Problem: m.Problem, Advice: m.Advice}
	}
	return f.mistake(n, field, m.Problem, m.Advice)
}
