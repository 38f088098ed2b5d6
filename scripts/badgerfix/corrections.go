package main

import (
	"bytes"
	"errors"
	"fmt"
)

const (
	badger    = "github.com/dgraph-io/badger/v4"
	broker    = "github.com/mochi-mqtt/server/v2"
	ristretto = "github.com/dgraph-io/ristretto/v2"
	fsnotify  = "github.com/fsnotify/fsnotify"
)

// A correction replaces one line of one file of a module.
type correction struct {
	module, file string
	// wrong is the line as published, right the one that takes its place; both stand exactly once, without indentation.
	wrong, right string
	why          string
}

// unaligned is wrong on MIPS. Kernels there usually do what the processor cannot, a thousand times slower; an emulator does not.
const unaligned = "numbers of four bytes are read where they lie, at addresses from which not every processor can read them"

// swallowed: see the test of the same matter in the journal, TestAnErrorOfACompactionReachesItsEnd.
const swallowed = "where a part of a compaction is not begun because another has failed, the error is used up: the rest of what was to be " +
	"compacted is left out, and its sources are deleted"

// unsound: see standin/sound.
const unsound = "a block that cannot be read is taken for the end of its table: a compaction leaves out all behind it, and deletes the table"

// corrections are what the published modules do wrong.
func corrections() []correction {
	return []correction{
		{
			module: ristretto, file: "z/allocator.go",
			wrong: "atomic.StoreUint64(&a.compIdx, uint64((bufIdx+1)<<32))",
			right: "atomic.StoreUint64(&a.compIdx, uint64(bufIdx+1)<<32)",
			why:   "where int has 32 bits the shift gives 0 and a table overwrites its own beginning",
		},
		{
			module: badger, file: "levels.go",
			wrong: "defer inflightBuilders.Done(err)",
			right: "defer func() { inflightBuilders.Done(err) }()",
			why:   "the error is read before it happens: a table that was not written is taken for written, and its sources are deleted",
		},
		{
			module: badger, file: "y/y.go",
			wrong: "case err := <-t.errCh:",
			right: "case err := <-t.errCh: select { case t.errCh <- err: default: } // Finish needs it as well",
			why:   swallowed,
		},
		{
			module: badger, file: "y/y.go",
			wrong: "t.errCh <- err",
			right: "select { case t.errCh <- err: default: } // if it is full, others wait there to be told",
			why:   "errors that nobody takes any more would keep a compaction from its end",
		},
		{
			module: badger, file: "levels.go",
			wrong: `s.kv.opt.Errorf("cannot start subcompaction: %+v", err)`,
			right: `s.kv.opt.Errorf("cannot start subcompaction: %+v", err); ` +
				`go func() { _ = inflightBuilders.Finish(); close(res) }(); for t := range res { _ = t.DecrRef() }`,
			why: "nobody takes the tables of the parts that have begun: they and their goroutines stay for ever",
		},
		{
			module: broker, file: "clients.go",
			wrong: "clients := make([]*Client, 0, cl.Len())",
			right: "clients := make([]*Client, 0, len(cl.internal)) // Len would lock again",
			why:   "a lock is taken twice: closing the broker waits for ever if a client goes in between",
		},
		{
			module: ristretto, file: "z/mremap_size.go",
			wrong: "if mmapSize != uintptr(size) {",
			right: "if mmapAddr == 0 { // a second result comes by accident, and from some processors only",
			why:   "on MIPS the second result is always 0: after a power cut the store could not be opened again",
		},
		{
			module: badger, file: "table/table.go",
			wrong: "blk.entryOffsets = y.BytesToU32Slice(blk.data[entriesIndexStart:entriesIndexEnd])",
			right: "blk.entryOffsets = y.BytesToU32Slice(append([]byte(nil), blk.data[entriesIndexStart:entriesIndexEnd]...))",
			why:   unaligned,
		},
		{
			module: badger, file: "table/table.go",
			wrong: `"github.com/dgraph-io/badger/v4/pb"`,
			right: `"github.com/dgraph-io/badger/v4/pb"; "github.com/dgraph-io/badger/v4/standin/sound"`,
			why:   unsound,
		},
		{
			module: badger, file: "table/table.go",
			wrong: "ZSTDCompressionLevel int",
			right: "ZSTDCompressionLevel int; Unsound func(error) // is told of a block that cannot be read",
			why:   unsound,
		},
		{
			module: badger, file: "table/table.go",
			wrong: "IsInmemory bool // Set to true if the table is on level 0 and opened in memory.",
			right: "IsInmemory bool; sound sound.Mark",
			why:   unsound,
		},
		{
			module: badger, file: "table/table.go",
			wrong: "func (t *Table) block(idx int, useCache bool) (*Block, error) {",
			right: "func (t *Table) Sound() error { return t.sound.Err() }; " +
				"func (t *Table) block(idx int, useCache bool) (_ *Block, bad error) { defer t.sound.Reading(t.Filename(), t.opt.Unsound)(&bad)",
			why: unsound,
		},
		{
			module: badger, file: "options.go",
			wrong: "DataKey:              dk,",
			right: `DataKey: dk, Unsound: func(err error) { opt.Errorf("unsound: %w", err) },`,
			why:   unsound,
		},
		{
			module: badger, file: "levels.go",
			wrong: "err = s.kv.syncDir(s.kv.opt.Dir)",
			right: "if err = sound.All(topTables, valid); err == nil { err = s.kv.syncDir(s.kv.opt.Dir) }",
			why:   unsound,
		},
		{
			module: badger, file: "levels.go",
			wrong: `"github.com/dgraph-io/badger/v4/table"`,
			right: `"github.com/dgraph-io/badger/v4/standin/sound"; "github.com/dgraph-io/badger/v4/table"`,
			why:   unsound,
		},
		{
			module: fsnotify, file: "backend_inotify.go",
			wrong: "inEvent := (*unix.InotifyEvent)(unsafe.Pointer(&buf[offset]))",
			right: "inEvent := new(unix.InotifyEvent); copy((*[unix.SizeofInotifyEvent]byte)(unsafe.Pointer(inEvent))[:], buf[offset:])",
			why:   unaligned,
		},
	}
}

// errUpstream says that the published file has the correction.
var errUpstream = errors.New("corrected upstream")

// correct replaces the line in its file.
func (s source) correct(c correction) error {
	text, found := s[c.file]
	if !found {
		return fmt.Errorf("%s is not there any more: this version has to be looked at by a person (%s)", c.file, c.why)
	}
	text, err := c.apply(text)
	if err != nil {
		return fmt.Errorf("%s: %w", c.file, err)
	}
	s[c.file] = text
	return nil
}

// apply replaces the line, if the text is what the correction was made for.
func (c correction) apply(text []byte) ([]byte, error) {
	lines := bytes.Split(text, []byte("\n"))
	wrong, right := -1, 0
	for i, line := range lines {
		switch string(bytes.TrimSpace(line)) {
		case c.wrong:
			if wrong >= 0 {
				return nil, fmt.Errorf("%q stands there more than once", c.wrong)
			}
			wrong = i
		case c.right:
			right++
		}
	}
	switch {
	case wrong >= 0 && right == 0:
		lines[wrong] = bytes.Replace(lines[wrong], []byte(c.wrong), []byte(c.right), 1)
		return bytes.Join(lines, []byte("\n")), nil
	case wrong < 0 && right == 1:
		return nil, errUpstream
	}
	return nil, fmt.Errorf("neither %q nor its correction stands there: this version has to be looked at by a person (%s)", c.wrong, c.why)
}
