package buffer

import (
	"encoding/binary"
	"math"
)

// The keys of the store. Numbers are big-endian, so that the order of keys is the order of passes. Everything that is ever
// rewritten sorts behind the passes: a key before them that changes often would make every compaction rewrite all of them.
const (
	prefixPass   = 0x10 // segment u32, seq u64: a sealed pass
	prefixState  = 0xF0 // one of the kinds below, and what it is about
	prefixAside  = 0xF1 // uplink, 0x00, state, seq u64: a sealed pass aside
	prefixRecord = 0xF2 // uplink, 0x00, text: a sealed record of an uplink
)

// The kinds of records below prefixState.
const (
	kindAsideKey = 'a' // generation u32: when the data key of the passes aside was made
	kindCursor   = 'c' // uplink: its cursor, u64
	kindFloor    = 'f' // the oldest segment and pass that are kept
	kindKey      = 'k' // segment u32: first pass of the segment
	kindMeta     = 'm' // version of the scheme
	kindSalvage  = 'r' // broken stores that are read back, in JSON
	kindSummary  = 's' // segment u32: what a finished segment holds
)

const passKeyLen = 1 + 4 + 8

func passKey(segment uint32, seq uint64) []byte {
	return binary.BigEndian.AppendUint64(segmentPrefix(segment), seq)
}

func segmentPrefix(segment uint32) []byte {
	b := make([]byte, 1, passKeyLen)
	b[0] = prefixPass
	return binary.BigEndian.AppendUint32(b, segment)
}

func parsePassKey(key []byte) (segment uint32, seq uint64, ok bool) {
	if len(key) != passKeyLen || key[0] != prefixPass {
		return 0, 0, false
	}
	return binary.BigEndian.Uint32(key[1:]), binary.BigEndian.Uint64(key[5:]), true
}

func stateKey(kind byte) []byte { return []byte{prefixState, kind} }

func numberedKey(kind byte, number uint32) []byte {
	return binary.BigEndian.AppendUint32(stateKey(kind), number)
}

func cursorKey(uplink string) []byte { return append(stateKey(kindCursor), uplink...) }

func asidePrefix(uplink string) []byte {
	b := make([]byte, 0, len(uplink)+11)
	b = append(b, prefixAside)
	b = append(b, uplink...)
	return append(b, 0)
}

func asideKey(uplink string, state byte, seq uint64) []byte {
	return binary.BigEndian.AppendUint64(append(asidePrefix(uplink), state), seq)
}

func recordKey(uplink, key string) []byte {
	b := make([]byte, 0, 2+len(uplink)+len(key))
	b = append(b, prefixRecord)
	b = append(b, uplink...)
	b = append(b, 0)
	return append(b, key...)
}

func parseAsideKey(key []byte) (uplink string, state byte, seq uint64, ok bool) {
	const tail = 1 + 1 + 8
	n := len(key) - tail
	if n < 2 || key[0] != prefixAside || key[n] != 0 {
		return "", 0, 0, false
	}
	return string(key[1:n]), key[n+1], binary.BigEndian.Uint64(key[n+2:]), true
}

// lastPassKey sorts behind every pass.
func lastPassKey() []byte { return passKey(math.MaxUint32, math.MaxUint64) }
