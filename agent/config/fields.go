package config

import (
	"reflect"
	"strings"
)

// A structField is a field of a struct that a key of the file fills.
type structField struct {
	index  []int
	secret bool
}

// of gives the field within v, and makes the embedded structs on the way to it.
func (f structField) of(v reflect.Value) reflect.Value {
	for i, at := range f.index {
		if i > 0 && v.Kind() == reflect.Pointer {
			if v.IsNil() {
				v.Set(reflect.New(v.Type().Elem()))
			}
			v = v.Elem()
		}
		v = v.Field(at)
	}
	return v
}

// fieldsOf gives the fields of a struct by key: the name in the `yaml` tag, or the name of the field in lower case. The fields
// of a struct with the option inline count as those of the struct around it, and the outer one wins where both have a key.
func fieldsOf(t reflect.Type) map[string]structField {
	fields := make(map[string]structField)
	for i := range t.NumField() {
		field := t.Field(i)
		name, options, _ := strings.Cut(field.Tag.Get("yaml"), ",")
		inner := field.Type
		if inner.Kind() == reflect.Pointer {
			inner = inner.Elem()
		}
		switch {
		case !field.IsExported() || name == "-":
		case strings.Contains(options, "inline") && inner.Kind() == reflect.Struct:
			for key, f := range fieldsOf(inner) {
				if outer, taken := fields[key]; !taken || len(outer.index) > len(f.index)+1 {
					fields[key] = structField{append([]int{i}, f.index...), f.secret}
				}
			}
		default:
			if name == "" {
				name = strings.ToLower(field.Name)
			}
			fields[name] = structField{[]int{i}, field.Type == secretType}
		}
	}
	return fields
}
