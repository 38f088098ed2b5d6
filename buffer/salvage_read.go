package buffer

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"math"
	"os"
)

// The files of the store are read here without the store: it ends the process when it meets what it does not expect. What it
// writes for us is simple, because nothing is compressed, encrypted or kept in its value log: tables of blocks, and logs of
// entries, each with a checksum. Nothing that is read is believed: lengths are compared with what is there, so that no content
// can do more than be counted as damaged. Numbers in tables are little-endian, as on every system that the agent is built for.

// versionLen is what the store adds to each key: the number of the transaction, counted down so that the newest comes first.
const versionLen = 8

// What the store notes at an entry.
const (
	entryDeleted  = 1 << 0
	entryPointer  = 1 << 1 // the value is elsewhere; never written by us
	entryInTxn    = 1 << 6
	entryEndOfTxn = 1 << 7
)

// A found is an entry of one of the store's files. Its bytes are valid during the visit only.
type found struct {
	key, value []byte
	version    uint64
	deleted    bool
	// ends: it is the mark behind a transaction, and nothing of ours.
	ends bool
}

// damage is what could not be read of a file.
type damage struct {
	// places counts the stretches of bytes that make no sense, or cannot be read.
	places int
	// state: more than passes may have been there, cursors or records for example.
	state bool
	// within: whole transactions stand behind such a stretch, so that it is not the end that a power cut has torn.
	within bool
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Limits of what is believed. Blocks of the store have 16 KiB, or one entry; tables some MiB; its logs 2 MiB.
const (
	maxStoreFile = 32 << 20
	maxBlock     = 256 << 10
	maxStoreKey  = 1 << 10
	maxEntry     = 192 << 10
)

// readWhole reads a file of the store. Where the disk does not give a page there are zeros in its place, and failed is true.
func readWhole(path string) (text []byte, failed bool, err error) {
	f, err := os.Open(path) //nolint:gosec // a file in the folder of the journal
	if err != nil {
		return nil, false, err
	}
	defer f.Close() //nolint:errcheck // it was only read
	info, err := f.Stat()
	if err != nil {
		return nil, false, err
	}
	size := min(info.Size(), maxStoreFile)
	text = make([]byte, size)
	const page = 4 << 10
	for at := int64(0); at < size; {
		n, err := f.ReadAt(text[at:min(size, at+64<<10)], at)
		at += int64(n)
		switch {
		case errors.Is(err, io.EOF):
			return text[:at], failed, nil
		case err != nil:
			clear(text[at:min(size, at+page)])
			at, failed = at+page, true
		}
	}
	return text, failed || info.Size() > size, nil
}

// readTable calls visit for every entry of a table. The table's index is not needed: blocks are found by how they end, so that a
// bad one costs one block, and a table without its index costs nothing.
func readTable(text []byte, visit func(*found)) (d damage) {
	const mostStarts = 32
	starts := []int{0} // where a block may begin
	good := 0          // up to here everything is read, or known to be lost
	for end := 8; end <= len(text); end++ {
		body, sum, ok := blockEnd(text[max(0, end-10):end])
		if !ok {
			continue
		}
		body = end - body
		for i := len(starts) - 1; i >= 0 && body-starts[i] <= maxBlock; i-- {
			begin := starts[i]
			if body <= begin || crc32.Checksum(text[begin:body], castagnoli) != sum {
				continue
			}
			first := true
			sound := eachInBlock(text[begin:body], func(f *found) {
				if first && begin > good {
					d.lost(len(f.key) > 0 && f.key[0] == prefixPass)
				}
				first = false
				visit(f)
			})
			if !sound {
				break // a checksum that fits by accident, or something else than a block
			}
			good, starts = end, append(starts[:0], end)
			break
		}
		if starts[len(starts)-1] != end {
			if len(starts) == mostStarts {
				starts = append(starts[:0], starts[1:]...)
			}
			starts = append(starts, end)
		}
	}
	if !indexFollows(text, good) {
		d.lost(false)
	}
	return d
}

func (d *damage) lost(passesOnly bool) {
	d.places++
	d.state = d.state || !passesOnly
}

// blockEnd looks whether a block ends with these bytes: its checksum as the message that the store writes, with the length of
// that as four bytes. body is how many bytes before the end the checksum begins.
func blockEnd(tail []byte) (body int, sum uint32, ok bool) {
	n := len(tail) - 4
	if n < 2 || tail[n] != 0 || tail[n+1] != 0 || tail[n+2] != 0 {
		return 0, 0, false
	}
	size := int(tail[n+3])
	if size < 2 || size > n || tail[n-size] != 0x10 {
		return 0, 0, false
	}
	value, used := binary.Uvarint(tail[n-size+1 : n])
	if used != size-1 || value > math.MaxUint32 {
		return 0, 0, false
	}
	return size + 4, uint32(value), true
}

// indexFollows says whether what is behind the blocks is the table's index, unharmed: nothing is missing before it then.
func indexFollows(text []byte, from int) bool {
	body, sum, ok := blockEnd(text[max(0, len(text)-10):])
	end := len(text) - body - 4
	if !ok || end < from {
		return false
	}
	size := int64(binary.BigEndian.Uint32(text[end:]))
	return int64(end)-size == int64(from) && crc32.Checksum(text[from:end], castagnoli) == sum
}

// eachInBlock calls visit for the entries of a block whose checksum is right. It returns false, before the first visit, if the
// block is none.
func eachInBlock(block []byte, visit func(*found)) bool {
	if len(block) < 8 {
		return false
	}
	n := int64(binary.BigEndian.Uint32(block[len(block)-4:]))
	if n == 0 || n > int64(len(block)-4)/4 {
		return false
	}
	data := block[:len(block)-4-4*int(n)]
	offsets := block[len(data) : len(block)-4]
	offset := func(i int) int {
		if i == int(n) {
			return len(data)
		}
		return int(min(binary.LittleEndian.Uint32(offsets[4*i:]), math.MaxInt32))
	}
	entry := func(i int) (overlap int, diff, value []byte, ok bool) {
		from, to := offset(i), offset(i+1)
		if from < 0 || from > to || to > len(data) || to-from < 4 {
			return 0, nil, nil, false
		}
		e := data[from:to]
		overlap, size := int(binary.LittleEndian.Uint16(e)), int(binary.LittleEndian.Uint16(e[2:]))
		if size > len(e)-4 {
			return 0, nil, nil, false
		}
		return overlap, e[4 : 4+size], e[4+size:], true
	}
	overlap, base, _, ok := entry(0)
	if !ok || overlap != 0 {
		return false
	}
	var key []byte
	for i := range int(n) {
		overlap, diff, value, ok := entry(i)
		if !ok || overlap > len(base) || overlap+len(diff) < versionLen || len(value) < 3 {
			continue
		}
		key = append(append(key[:0], base[:overlap]...), diff...)
		_, used := binary.Uvarint(value[2:])
		if used <= 0 || value[0]&entryPointer != 0 {
			continue
		}
		visit(newFound(key, value[2+used:], value[0]))
	}
	return true
}

func newFound(key, value []byte, meta byte) *found {
	n := len(key) - versionLen
	return &found{
		key: key[:n], value: value, version: math.MaxUint64 - binary.BigEndian.Uint64(key[n:]),
		deleted: meta&entryDeleted != 0, ends: meta&entryEndOfTxn != 0,
	}
}

// logHead is what a log begins with: the number of a key that is not used, and noise.
const logHead = 20

// readLog calls visit for every entry of a log. Where one is bad it looks for the next one that is not.
func readLog(text []byte, visit func(*found)) (d damage) {
	var open uint64       // the transaction whose end has not come
	var torn, sure uint64 // the first transaction that is met behind a bad stretch, and that it is known
	at, bad := min(logHead, len(text)), false
	for at < len(text) {
		f, size := logEntry(text[at:])
		if size == 0 {
			if !bad && len(bytes.Trim(text[at:], "\x00")) == 0 {
				break // the rest was never written
			}
			if !bad {
				d.lost(false)
				bad = true
				torn, sure = open, min(open, 1)
			}
			at++
			continue
		}
		bad = false
		if d.places > 0 {
			// What was torn with the last transaction is followed by that one alone.
			if sure == 0 {
				torn, sure = f.version, 1
			}
			d.within = d.within || f.version != torn
		}
		if open = f.version; f.ends {
			open = 0
		}
		visit(f)
		at += size
	}
	return d
}

// logEntry takes the entry apart with which text begins; size is 0 if none does.
func logEntry(text []byte) (f *found, size int) {
	if len(text) < 5 || text[0]&^(entryDeleted|entryInTxn|entryEndOfTxn) != 0 || text[1] != 0 {
		return nil, 0
	}
	at := 2
	keyLen, n := binary.Uvarint(text[at:])
	if n <= 0 || keyLen <= versionLen || keyLen > maxStoreKey {
		return nil, 0
	}
	at += n
	valueLen, n := binary.Uvarint(text[at:])
	if n <= 0 || valueLen > maxEntry {
		return nil, 0
	}
	at += n
	if at >= len(text) || text[at] != 0 { // an expiry, which is never set
		return nil, 0
	}
	at++
	end := at + int(keyLen) + int(valueLen)
	if end+4 > len(text) || crc32.Checksum(text[:end], castagnoli) != binary.BigEndian.Uint32(text[end:]) {
		return nil, 0
	}
	f = newFound(text[at:at+int(keyLen)], text[at+int(keyLen):end], text[0])
	return f, end + 4
}
