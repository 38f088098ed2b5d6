package config

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/acs-agent/acs-agent/agent/settings"
)

// A Section is one entry of the configuration that a module reads. It implements settings.Section.
type Section struct {
	file *file
	node *node
	// field is the way to the section: readers[1].
	field string
	// name is what the section's credentials begin with.
	name string
	// secrets are those that Decode has found.
	secrets []string
	// common are the keys that every such section has and that the module does not see.
	common []string
}

var _ settings.Section = (*Section)(nil)

// Decode implements settings.Section. Its error is a *Mistakes, unless the struct itself is one that cannot be filled: it may
// have texts, numbers, truth values, types with UnmarshalText, settings.Secret, and structs, pointers, slices and maps of these.
// A value is taken as the text that stands in the file, so no string loses its zeros, whatever YAML would make of it.
func (s *Section) Decode(into any) error {
	v := reflect.ValueOf(into)
	if v.Kind() != reflect.Pointer || v.IsNil() || v.Elem().Kind() != reflect.Struct {
		return fmt.Errorf("configuration: %s: decode into %T: want a pointer to a struct", s.field, into)
	}
	d := decoder{file: s.file, section: s.name}
	d.structure(s.node, s.field, v.Elem(), shape{others: s.common})
	for _, secret := range d.secrets {
		if !slices.Contains(s.secrets, secret) {
			s.secrets = append(s.secrets, secret)
		}
	}
	if d.fault != nil {
		return d.fault
	}
	return d.mistakes.Err()
}

// Text implements settings.Section. Environment variables are put in.
func (s *Section) Text(key string) string {
	if n := s.node.get(key); n != nil {
		return n.text
	}
	return ""
}

// Path implements settings.Section.
func (s *Section) Path(path string) string { return s.file.absolute(path) }

// Wrong makes a mistake of the section. The field is the way to a key within the section, such as "type", "topic" or
// "fields.card"; if it is not in the file, or empty, the mistake stands at the section itself.
func (s *Section) Wrong(field, problem, advice string) Mistake {
	switch {
	case field == "":
		field = s.field
	case strings.HasPrefix(field, "["):
		field = s.field + field
	default:
		field = join(s.field, field)
	}
	return s.file.wrong(field, settings.Mistake{Problem: problem, Advice: advice})
}

// Locate gives what a module returned as mistakes with their places in the file. It finds settings.Mistake values and the
// errors of Decode, wrapped and joined as they may be; any other error becomes a mistake of the section as a whole.
func (s *Section) Locate(err error) Mistakes {
	var found Mistakes
	s.locate(err, &found)
	return found
}

func (s *Section) locate(err error, found *Mistakes) {
	//nolint:errorlint // the tree of errors is walked by hand, since every branch can hold mistakes
	switch e := err.(type) {
	case nil:
		return
	case *Mistakes:
		found.Add(*e...)
		return
	case settings.Mistake:
		found.Add(s.Wrong(e.Field, e.Problem, e.Advice))
		return
	case *settings.Mistake:
		found.Add(s.Wrong(e.Field, e.Problem, e.Advice))
		return
	case interface{ Unwrap() []error }:
		if holdsMistakes(err) || strings.Contains(err.Error(), "\n") {
			for _, one := range e.Unwrap() {
				s.locate(one, found)
			}
			return
		}
	case interface{ Unwrap() error }:
		if holdsMistakes(err) {
			s.locate(e.Unwrap(), found)
			return
		}
	}
	found.Add(s.Wrong("", err.Error(), ""))
}

func holdsMistakes(err error) bool {
	var located *Mistakes
	var value settings.Mistake
	var pointer *settings.Mistake
	return errors.As(err, &located) || errors.As(err, &value) || errors.As(err, &pointer)
}

// String names the section, and nothing of its content.
func (s *Section) String() string { return s.field }

// GoString names the section, and nothing of its content.
func (s *Section) GoString() string { return s.field }
