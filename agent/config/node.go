package config

import (
	"strconv"
	"strings"
)

// kind is the form of a value.
type kind uint8

const (
	// null is a key with nothing behind it.
	null kind = iota
	scalar
	list
	mapping
)

func (k kind) String() string {
	return [...]string{"nothing", "a single value", "a list", "a section"}[k]
}

// A node is one value of the file. A scalar is text: nothing is a number, date or truth value until a setting of that kind is
// filled with it, so that leading zeros and the like survive.
type node struct {
	kind kind
	// text is the value of a scalar, with environment variables put in; raw is as it stands in the file.
	text, raw string
	// variables are what was put in, by name.
	variables map[string]string
	// line and column are where the value begins; keyLine and keyColumn are those of its key, 0 in a list.
	line, column, keyLine, keyColumn int

	// mistakes make the value unusable: what is wrong with it is known before any setting takes it.
	mistakes Mistakes

	entries []entry        // of a mapping, in the order of the file
	index   map[string]int // of the entries, by key
	items   []*node        // of a list
}

type entry struct {
	key   string
	value *node
}

// get gives the value below key, or nil.
func (n *node) get(key string) *node {
	if n == nil {
		return nil
	}
	if i, found := n.index[key]; found {
		return n.entries[i].value
	}
	return nil
}

// add puts a value below a key that is new.
func (n *node) add(key string, value *node) {
	if n.index == nil {
		n.index = make(map[string]int)
	}
	n.index[key] = len(n.entries)
	n.entries = append(n.entries, entry{key, value})
}

// place is where to point at: the value itself if it is a single one, otherwise the key above it.
func (n *node) place() (line, column int) {
	if n.kind != scalar && n.keyLine > 0 {
		return n.keyLine, n.keyColumn
	}
	return n.line, n.column
}

// shown is the value in quotes, as it stands in the file.
func (n *node) shown() string { return strconv.Quote(n.raw) }

// unexpanded takes the values of environment variables out of a message, since they may be secret.
func (n *node) unexpanded(message string) string {
	if n.raw == n.text {
		return message
	}
	message = strings.ReplaceAll(message, strconv.Quote(n.text), n.shown())
	for name, value := range n.variables {
		if len(value) >= 4 {
			message = strings.ReplaceAll(message, value, "${"+name+"}")
		}
	}
	return message
}

// find follows a way such as readers[1].fields.card. If it leads nowhere, find gives the last value on the way, and false.
func (n *node) find(way string) (at *node, found bool) {
	for way != "" {
		var next *node
		switch rest, isIndex := strings.CutPrefix(way, "["); {
		case isIndex:
			number, after, _ := strings.Cut(rest, "]")
			if i, err := strconv.Atoi(number); err == nil && i >= 0 && i < len(n.items) {
				next = n.items[i]
			}
			way = strings.TrimPrefix(after, ".")
		default:
			end := strings.IndexAny(way, ".[")
			if end < 0 {
				end = len(way)
			}
			next = n.get(way[:end])
			way = strings.TrimPrefix(way[end:], ".")
		}
		if next == nil {
			return n, false
		}
		n = next
	}
	return n, true
}
