package buffer

import (
	"bytes"
	"context"
	"crypto/cipher"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
)

// A wreck is what can be known of the stores that were put aside and not read back yet.
type wreck struct {
	folders []string
	damage  damage
	// state has the small records: all below prefixState.
	state map[string]relic
	keys  []dataKey
	aeads map[ringPlace]cipher.AEAD
	// spans are the passes that a key was seen of, by segment; highest is the newest of all.
	spans   map[uint32]stretch
	highest uint64
	floors  []floor         // where the row of each store began
	pasts   []salvageRecord // what each store stood in for
}

type ringPlace struct {
	kind   byte
	number uint32
}

// A relic is the newest that was found of a key. rank grows from one transaction to the next, and from one store to the next.
type relic struct {
	rank    uint64
	value   []byte
	deleted bool
}

// rankOf puts an entry in its order. The numbers of transactions begin anew with each store.
func rankOf(folder int, f *found) uint64 { return uint64(folder+1)<<48 | f.version&(1<<48-1) } //nolint:gosec // a few folders

// each visits all that can be read in the files of the wreck.
func (w *wreck) each(ctx context.Context, visit func(rank uint64, f *found) error) (d damage, err error) {
	for i, folder := range w.folders {
		for _, path := range storeFiles(folder) {
			if err := ctx.Err(); err != nil {
				return d, err
			}
			text, failed, readErr := readWhole(path)
			if readErr != nil || failed {
				d.lost(false)
			}
			read := readTable
			if filepath.Ext(path) == ".mem" {
				read = readLog
			}
			part := read(text, func(f *found) {
				if err == nil && !f.ends {
					err = visit(rankOf(i, f), f)
				}
			})
			if err != nil {
				return d, err
			}
			d.places += part.places
			d.state = d.state || part.state
		}
	}
	return d, nil
}

// storeFiles are the files of a store that hold entries. A pattern that is wrong would be our fault, and finds nothing.
func storeFiles(folder string) (files []string) {
	for _, pattern := range []string{"*.sst", filepath.Join(orphanage, "*.sst"), "*.mem"} {
		found, _ := filepath.Glob(filepath.Join(folder, pattern))
		slices.Sort(found)
		files = append(files, found...)
	}
	return files
}

// survey reads the small records and the data keys. Passes are not looked at.
func survey(ctx context.Context, folders []string, devices []cipher.AEAD) (*wreck, error) {
	w := &wreck{
		folders: folders, state: map[string]relic{}, aeads: map[ringPlace]cipher.AEAD{}, spans: map[uint32]stretch{},
		floors: make([]floor, len(folders)), pasts: make([]salvageRecord, len(folders)),
	}
	// Each store has one of these at a time.
	floors, pasts := make([]uint64, len(folders)), make([]uint64, len(folders))
	var err error
	w.damage, err = w.each(ctx, func(rank uint64, f *found) error {
		if id, seq, ok := parsePassKey(f.key); ok {
			span, seen := w.spans[id]
			if !seen {
				span = stretch{seq, seq}
			}
			w.spans[id] = stretch{min(span.from, seq), max(span.to, seq)}
			w.highest = max(w.highest, seq)
			return nil
		}
		i := rank>>48 - 1
		switch {
		case f.deleted:
		case bytes.Equal(f.key, stateKey(kindFloor)) && rank > floors[i] && len(f.value) == 12:
			floors[i], w.floors[i] = rank, floor{binary.BigEndian.Uint32(f.value), binary.BigEndian.Uint64(f.value[4:])}
		case bytes.Equal(f.key, stateKey(kindSalvage)) && rank > pasts[i]:
			var past salvageRecord
			if json.Unmarshal(f.value, &past) == nil {
				pasts[i], w.pasts[i] = rank, past
			}
		}
		if len(f.key) < 2 || f.key[0] != prefixState {
			return nil
		}
		if known, ok := w.state[string(f.key)]; !ok || known.rank < rank {
			w.state[string(f.key)] = relic{rank, slices.Clone(f.value), f.deleted}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, folder := range folders {
		if tables, err := listedTables(folder); err != nil && tables == nil && isMissingTable(err) {
			w.damage.lost(false)
		}
		if err := w.readKeys(folder, devices); err != nil {
			return nil, err
		}
	}
	for i := range w.keys {
		place := ringPlace{w.keys[i].kind, w.keys[i].number}
		if w.aeads[place], err = aeadIn(w.keys, place.kind, place.number); err != nil {
			return nil, err
		}
	}
	return w, nil
}

// errTableMissing: the store lists a table that is not there.
var errTableMissing = errors.New("is missing")

func isMissingTable(err error) bool { return errors.Is(err, errTableMissing) }

// readKeys reads the key ring of a store or, of one from before there was any, the data keys in its records.
func (w *wreck) readKeys(folder string, devices []cipher.AEAD) error {
	ring, _, err := readKeyring(folder, devices)
	if err == nil {
		w.keys = append(w.keys, ring.keys...)
		return nil
	}
	if !errors.Is(err, errNoRing) {
		return fmt.Errorf("the data keys in %s: %w", folder, err)
	}
	for key, r := range w.state {
		if kind := key[1]; len(key) != 6 || r.deleted || len(r.value) <= 8 || kind != kindKey && kind != kindAsideKey {
			continue
		}
		number := binary.BigEndian.Uint32([]byte(key[2:]))
		place := []byte(key)
		if key[1] == kindKey {
			place = keyPlace(number, binary.BigEndian.Uint64(r.value))
		}
		plain, err := unwrap(devices[0], r.value[8:], place)
		if err != nil {
			w.damage.lost(false)
			continue
		}
		w.keys = append(w.keys, dataKey{key[1], number, plain})
	}
	return nil
}

// numbered gives the records of a kind by their numbers.
func (w *wreck) numbered(kind byte) map[uint32][]byte {
	all := make(map[uint32][]byte)
	for key, r := range w.state {
		if key[1] == kind && len(key) == 6 && !r.deleted {
			all[binary.BigEndian.Uint32([]byte(key[2:]))] = r.value
		}
	}
	return all
}

// cursors gives the places of the uplinks.
func (w *wreck) cursors() map[string]uint64 {
	all := make(map[string]uint64)
	for key, r := range w.state {
		if key[1] == kindCursor && len(key) > 2 && !r.deleted && len(r.value) == 8 {
			all[key[2:]] = binary.BigEndian.Uint64(r.value)
		}
	}
	return all
}

// floor is where the row began. In a store that stood in for another one, and had not read that back yet, it is where the other
// one's row began.
func (w *wreck) floor() floor {
	for i := len(w.floors) - 1; i > 0; i-- {
		if !w.pasts[i].Pending {
			return w.floors[i]
		}
	}
	return w.floors[0]
}

// seams are the segments with which a store began that stood in for another one; the value is up to where passes were stored for
// certain then.
func (w *wreck) seams() map[uint32]uint64 {
	all := make(map[uint32]uint64)
	for _, past := range w.pasts {
		for _, id := range past.Seams {
			all[id] = 0
		}
	}
	for _, past := range w.pasts {
		if n := len(past.Seams); n > 0 {
			all[past.Seams[n-1]] = past.Proven
		}
	}
	return all
}

// highestSoon gives the highest number of a pass or cursor in the newest files of the stores, where it must be; in all of them
// if those tell nothing. It takes well under a second.
func highestSoon(folders []string) (highest uint64) {
	const tables = 8
	visit := func(f *found) {
		if _, seq, ok := parsePassKey(f.key); ok {
			highest = max(highest, seq)
		}
		if len(f.key) > 2 && f.key[0] == prefixState && f.key[1] == kindCursor && len(f.value) == 8 && !f.deleted {
			highest = max(highest, binary.BigEndian.Uint64(f.value))
		}
	}
	for _, folder := range folders {
		files := storeFiles(folder)
		slices.Reverse(files) // logs first, and then the tables that were made last
		read := 0
		for _, path := range files {
			if filepath.Ext(path) == ".mem" {
				if text, _, err := readWhole(path); err == nil {
					readLog(text, visit)
				}
				continue
			}
			if read >= tables && highest > 0 {
				break
			}
			if text, _, err := readWhole(path); err == nil {
				readTable(text, visit)
				read++
			}
		}
	}
	return highest
}
