package config

import (
	"encoding"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/acs-agent/acs-agent/agent/settings"
	"github.com/acs-agent/acs-agent/agent/spelling"
)

// A decoder fills one section into a struct, and goes on after a mistake so that all are found at once. It does not use the
// YAML library's own decoding: that reads 0123 into a number as octal, quotes secrets in its messages, and speaks of types of
// the program to people who have never seen it.
type decoder struct {
	file *file
	// section is the name that the credentials of the service manager begin with.
	section  string
	mistakes Mistakes
	// secrets are the values of all that were found.
	secrets []string
	// fault is a target that cannot be filled: a mistake in the program, not in the file.
	fault error
}

var (
	nodeType   = reflect.TypeFor[*node]()
	secretType = reflect.TypeFor[settings.Secret]()
)

func (d *decoder) wrong(n *node, field, problem, advice string) {
	d.mistakes.Add(d.file.mistake(n, field, problem, advice))
}

// value fills v with n. What is not in the file, and a list or section with nothing behind its key, leaves v as it is.
func (d *decoder) value(n *node, field string, v reflect.Value) {
	if len(n.mistakes) > 0 {
		d.mistakes.Add(n.mistakes...)
		return
	}
	if v.Type() == nodeType {
		if n.kind != null {
			v.Set(reflect.ValueOf(n))
		}
		return
	}
	if v.Type() == secretType {
		d.plainSecret(n, field, v)
		return
	}
	if _, isText := v.Addr().Interface().(encoding.TextUnmarshaler); isText {
		d.scalar(n, field, v)
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		d.pointer(n, field, v)
	case reflect.Struct:
		if d.is(mapping, n, field) {
			d.structure(n, field, v, shape{})
		}
	case reflect.Map:
		d.table(n, field, v)
	case reflect.Slice:
		d.list(n, field, v)
	default:
		d.scalar(n, field, v)
	}
}

// is says whether n has the wanted form and records a mistake if it has not. A list or section may be empty.
func (d *decoder) is(want kind, n *node, field string) bool {
	if n.kind == want {
		return true
	}
	switch {
	case n.kind == null && want == scalar:
		d.wrong(n, field, "has no value", `write one behind the colon, or delete the line; a value that begins with # needs quotes`)
	case n.kind == null:
	case want == list && n.kind == scalar:
		d.wrong(n, field, "must be a list, and is a single value", "write [value], also if there is only one")
	case want == list:
		d.wrong(n, field, "must be a list, and is a section", `begin each entry with "- "`)
	case want == mapping:
		d.wrong(n, field, "must be a section, and is "+n.kind.String(), `write lines of the form "key: value" below it, indented by two spaces`)
	default:
		d.wrong(n, field, "must be a single value, and is "+n.kind.String(), "write the value on the line of its key, in quotes if it begins with [ or {")
	}
	return false
}

func (d *decoder) pointer(n *node, field string, v reflect.Value) {
	if n.kind == null && v.Type().Elem().Kind() == reflect.Struct {
		return
	}
	if v.IsNil() {
		v.Set(reflect.New(v.Type().Elem()))
	}
	d.value(n, field, v.Elem())
}

func (d *decoder) list(n *node, field string, v reflect.Value) {
	if !d.is(list, n, field) {
		return
	}
	all := reflect.MakeSlice(v.Type(), len(n.items), len(n.items))
	for i, item := range n.items {
		at := fmt.Sprintf("%s[%d]", field, i)
		if item.kind == null {
			d.wrong(item, at, "the entry is empty", "write its keys, or delete the line")
			continue
		}
		d.value(item, at, all.Index(i))
	}
	v.Set(all)
}

func (d *decoder) table(n *node, field string, v reflect.Value) {
	if v.Type().Key().Kind() != reflect.String {
		d.unfillable(field, v)
		return
	}
	if !d.is(mapping, n, field) {
		return
	}
	// A copy, so that defaults that several sections share stay what they are.
	all := reflect.MakeMap(v.Type())
	for key, value := range v.Seq2() {
		all.SetMapIndex(key, value)
	}
	for _, e := range n.entries {
		value := reflect.New(v.Type().Elem()).Elem()
		d.value(e.value, join(field, e.key), value)
		all.SetMapIndex(reflect.ValueOf(e.key).Convert(v.Type().Key()), value)
	}
	v.Set(all)
}

func (d *decoder) unfillable(field string, v reflect.Value) {
	if d.fault == nil {
		d.fault = fmt.Errorf("configuration: %s: a %s cannot be filled from a file", field, v.Type())
	}
}

// A shape says how strictly the keys of a section are looked at.
type shape struct {
	// loose lets keys pass that the struct does not have: somebody else will read them.
	loose bool
	// others are keys that may stand here and that somebody else has read.
	others []string
}

// structure fills the struct v with the section n.
func (d *decoder) structure(n *node, field string, v reflect.Value, s shape) {
	known := fieldsOf(v.Type())
	for _, e := range n.entries {
		_, ok := known[e.key]
		if ok || s.loose || slices.Contains(s.others, e.key) {
			continue
		}
		if base, isFile := strings.CutSuffix(e.key, "_file"); isFile && known[base].secret {
			continue
		}
		d.unknown(e, join(field, e.key), known, s.others)
	}
	for _, key := range slices.Sorted(maps.Keys(known)) {
		if known[key].secret {
			_, taken := known[key+"_file"]
			d.secret(n, field, key, !taken, known[key].of(v))
		} else if value := n.get(key); value != nil {
			d.value(value, join(field, key), known[key].of(v))
		}
	}
}

func (d *decoder) unknown(e entry, field string, known map[string]structField, others []string) {
	all := slices.Clone(others)
	for key, f := range known {
		all = append(all, key)
		if f.secret {
			all = append(all, key+"_file")
		}
	}
	slices.Sort(all)
	advice := "the keys that may stand here are " + strings.Join(all, ", ")
	if near := spelling.Nearest(e.key, all); len(near) > 0 {
		advice = didYouMean(near)
		// Behind a misspelt password stands a password.
		if slices.ContainsFunc(near, func(key string) bool { return known[key].secret }) {
			d.file.hide(e.value.text, &node{line: e.value.keyLine})
		}
	}
	d.mistakes.Add(d.file.unknown(e, field, advice))
}
