package config

import (
	"errors"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v4"
)

// This is the only file that knows the YAML library: everything else works on nodes.

// parse makes the tree of the file. The mistakes are those of a text that is no YAML, or that uses what is not allowed here.
func (f *file) parse(text []byte) Mistakes {
	var document yaml.Node
	err := yaml.Load(text, &document)
	var several *yaml.LoadErrors
	var one *yaml.LoadError
	switch {
	case err == nil:
	case errors.As(err, &several):
		// Both are about the number of documents: the values themselves are not constructed here.
		return Mistakes{f.wrongCount(strings.Contains(several.Error(), "no documents"))}
	case errors.As(err, &one):
		return f.explain(fault{one.Mark.Line, one.Mark.Column, one.ContextMark.Line, one.ContextMark.Column, one.Message})
	default:
		return f.explain(fault{message: err.Error()})
	}
	if len(document.Content) != 1 {
		return Mistakes{f.wrongCount(true)}
	}
	c := converter{file: f}
	f.root = c.node(document.Content[0], "")
	return c.mistakes
}

// A converter turns the library's tree into ours.
type converter struct {
	file     *file
	mistakes Mistakes
}

func (c *converter) node(y *yaml.Node, field string) *node {
	n := &node{line: y.Line, column: y.Column}
	if sign := beginning(y); sign != "" {
		c.wrong(n, field, fmt.Sprintf("a value cannot begin with %s", sign), "put the value in single quotes")
		return n
	}
	if _, source := c.file.split(y.Line, y.Column); windowsPath.MatchString(source) {
		c.wrong(n, field, problemBackslash, adviceBackslash)
	}
	switch y.Kind {
	case yaml.MappingNode:
		n.kind = mapping
		c.mapping(n, y, field)
	case yaml.SequenceNode:
		n.kind = list
		for i, item := range y.Content {
			n.items = append(n.items, c.node(item, fmt.Sprintf("%s[%d]", field, i)))
		}
	default:
		if y.ShortTag() != "!!null" {
			n.kind, n.raw = scalar, y.Value
			c.expand(n, field)
		}
	}
	return n
}

// wrong makes the value n unusable.
func (c *converter) wrong(n *node, field, problem, advice string) {
	m := c.file.mistakeAt(n.line, n.column, field, problem, advice)
	n.mistakes.Add(m)
	c.mistakes.Add(m)
}

func (c *converter) mapping(n *node, y *yaml.Node, field string) {
	for i := 0; i+1 < len(y.Content); i += 2 {
		key, value := y.Content[i], y.Content[i+1]
		if key.Kind != yaml.ScalarNode || beginning(key) != "" {
			c.mistakes.Add(c.file.mistakeAt(key.Line, key.Column, field, "a key must be a single word", `write "key: value"`))
			continue
		}
		at := join(field, key.Value)
		if key.Value == "<<" {
			c.mistakes.Add(c.file.mistakeAt(key.Line, key.Column, at, "merge keys have no use here", "write out the keys that this entry shall have"))
			continue
		}
		if first := n.get(key.Value); first != nil {
			c.mistakes.Add(c.file.mistakeAt(key.Line, key.Column, at,
				fmt.Sprintf("the key stands here a second time; the first is on line %d", first.keyLine), "delete one of the two lines"))
			continue
		}
		v := c.node(value, at)
		v.keyLine, v.keyColumn = key.Line, key.Column
		n.add(key.Value, v)
	}
}

// beginning names the sign with which a value begins that means something else in YAML: anchors, references to them, and
// types. None of them has a use here, and a technician who writes such a sign means the sign.
func beginning(y *yaml.Node) string {
	switch {
	case y.Kind == yaml.AliasNode:
		return "*"
	case y.Anchor != "":
		return "&"
	case y.Style&yaml.TaggedStyle != 0, y.Tag == "!":
		return "!"
	}
	return ""
}

func join(field, key string) string {
	if field == "" {
		return key
	}
	return field + "." + key
}
