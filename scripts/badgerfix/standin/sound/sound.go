// Package sound lets the tables of the store say that a block of theirs cannot be read. As it is published, whoever reads such a table
// takes the block for its end: a compaction leaves out all that stands behind it and deletes the table, without an error.
package sound

import (
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"sync/atomic"
)

// A Mark belongs to a table and keeps the first error of reading it.
type Mark struct{ first atomic.Pointer[error] }

// Err is the first error of reading the table; nil if all that was read of it is sound.
func (m *Mark) Err() error {
	if err := m.first.Load(); err != nil {
		return *err
	}
	return nil
}

// Reading begins to read a block, and what it returns is to be deferred. Lengths that make no sense, which end in a panic, and pages
// that the disk does not give, which end the process, become errors of the block. report is told of the first error of a table; it may
// be nil.
func (m *Mark) Reading(table string, report func(error)) func(*error) {
	before := debug.SetPanicOnFault(true)
	return func(err *error) {
		debug.SetPanicOnFault(before)
		switch r := recover().(type) {
		case nil:
		case runtime.Error:
			*err = errors.New("its lengths make no sense, or the disk does not give it")
		default:
			panic(r)
		}
		if *err == nil {
			return
		}
		first := fmt.Errorf("a block of %s cannot be read: %w", table, *err)
		if m.first.CompareAndSwap(nil, &first) && report != nil {
			report(first)
		}
	}
}

// All gives the error of the first mark that has one.
func All[T interface{ Sound() error }](groups ...[]T) error {
	for _, tables := range groups {
		for _, t := range tables {
			if err := t.Sound(); err != nil {
				return err
			}
		}
	}
	return nil
}
