package sandbox

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
)

// A flaw is the way in which a member is not what the document asks for.
type flaw int

const (
	missing   flaw = iota // it is not there, though it is required
	misshapen             // it has another type, or is not in the document at all
	unfit                 // its value is not allowed
)

// A finding is one flaw: where it is, and what; never what stands there.
type finding struct {
	flaw  flaw
	where string
	what  string
	// code and told are for portals that tell more than the kind of the flaw.
	code, told string
}

func (f finding) String() string {
	if f.where == "" {
		return "body: " + f.what
	}
	return f.where + ": " + f.what
}

// findings are all that is wrong with one body.
type findings struct {
	list []finding
}

func (f *findings) add(found finding) { f.list = append(f.list, found) }

// of gives the findings of one kind.
func (f *findings) of(kind flaw) (found []finding) {
	for _, one := range f.list {
		if one.flaw == kind {
			found = append(found, one)
		}
	}
	return found
}

// An object is a JSON object of which the members are asked for one by one. What they lack goes to the findings.
type object struct {
	where   string
	members map[string]any
	asked   map[string]bool
	found   *findings
}

// newObject takes a value that readTree has read; ok is false, with a finding, if it is not an object.
func newObject(v any, where string, found *findings) (o *object, ok bool) {
	members, ok := v.(map[string]any)
	if !ok {
		found.add(finding{flaw: misshapen, where: where, what: "is not an object"})
		return nil, false
	}
	return &object{where: where, members: members, asked: make(map[string]bool), found: found}, true
}

func (o *object) at(name string) string {
	if o.where == "" {
		return name
	}
	return o.where + "." + name
}

// has says whether there is such a member, whatever it holds.
func (o *object) has(name string) bool {
	o.asked[name] = true
	_, there := o.members[name]
	return there
}

// lacks notes that a member is required and not there.
func (o *object) lacks(name string) {
	o.found.add(finding{flaw: missing, where: o.at(name), what: "is missing"})
}

// unfit notes that the value of a member is not allowed.
func (o *object) unfit(name, what string) {
	o.found.add(finding{flaw: unfit, where: o.at(name), what: what})
}

func (o *object) misshapen(name, what string) {
	o.found.add(finding{flaw: misshapen, where: o.at(name), what: what})
}

// text gives a member that has to be a string; nil if it is not there or no string.
func (o *object) text(name string) *string { return member[string](o, name, "is not a string") }

// flag gives a member that has to be true or false.
func (o *object) flag(name string) *bool { return member[bool](o, name, "is not true or false") }

// integer gives a member that has to be a whole number.
func (o *object) integer(name string) *int64 {
	number := member[json.Number](o, name, "is not a whole number")
	if number == nil {
		return nil
	}
	n, err := strconv.ParseInt(number.String(), 10, 64)
	if err != nil {
		o.misshapen(name, "is not a whole number")
		return nil
	}
	return &n
}

// list gives a member that has to be an array.
func (o *object) list(name string) []any {
	if list := member[[]any](o, name, "is not an array"); list != nil {
		return *list
	}
	return nil
}

// child gives a member that has to be an object.
func (o *object) child(name string) *object {
	if !o.has(name) {
		return nil
	}
	child, _ := newObject(o.members[name], o.at(name), o.found)
	return child
}

func member[T any](o *object, name, otherwise string) *T {
	if !o.has(name) {
		return nil
	}
	v, right := o.members[name].(T)
	if !right {
		o.misshapen(name, otherwise)
		return nil
	}
	return &v
}

// done notes members that were never asked for: the document does not know them.
func (o *object) done() {
	for _, name := range slices.Sorted(maps.Keys(o.members)) {
		if !o.asked[name] {
			o.misshapen(shownName(name), "is not in the document")
		}
	}
}

// required gives the value of a member, or notes that it is missing. A member of another type has been noted already.
func required[T any](o *object, name string, v *T) (value T) {
	if v != nil {
		return *v
	}
	if !o.has(name) {
		o.lacks(name)
	}
	return value
}

// place is an element's number as paths have it.
func place(i int) string { return fmt.Sprintf("[%d]", i) }
