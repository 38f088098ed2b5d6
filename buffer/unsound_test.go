//go:build badgerfix

package buffer

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/acs-agent/acs-agent/agent/event"
)

// tables makes a journal of three tables with 300 passes each, of which nobody has got any.
func tables(t *testing.T) (o Options) {
	t.Helper()
	o = testOptions(t, "visits")
	o.Repeatable = o.Uplinks
	for i := range 3 { // each run leaves a table
		j := open(t, o)
		fillUp(t, j, 300*i+1, 300*i+300)
		shut(t, j)
	}
	if found := files(t, o, "*.sst"); len(found) != 3 {
		t.Fatalf("tables %v", found)
	}
	return o
}

// blockDamages are the ways in which a block can be spoilt: its checksum does not fit, or its lengths make no sense.
var blockDamages = map[string]func(block []byte){
	"a flipped bit": func(block []byte) { block[1000] ^= 1 },
	"a length that makes no sense": func(block []byte) {
		body, _, _ := blockEnd(block[len(block)-10:])
		binary.BigEndian.PutUint32(block[len(block)-body-4:], 1<<30) // how many entries it has
	},
}

// spoil damages the second block of a table, which no start reads, and gives the numbers of the passes in it.
func spoil(t *testing.T, path string, damage func(block []byte)) (lost []uint64) {
	t.Helper()
	rewrite(t, path, func(table []byte) []byte {
		second := table[blockLength(table):]
		second = second[:blockLength(second)]
		readTable(second, func(f *found) {
			if _, seq, ok := parsePassKey(f.key); ok {
				lost = append(lost, seq)
			}
		})
		damage(second)
		return table
	})
	if len(lost) == 0 {
		t.Fatal("the block has no passes")
	}
	return lost
}

// blockLength is how long the block is with which text begins.
func blockLength(text []byte) int {
	for end := 10; end < len(text); end++ {
		if body, sum, ok := blockEnd(text[end-10 : end]); ok && crc32.Checksum(text[:end-body], castagnoli) == sum {
			return end
		}
	}
	return 0
}

// TestACompactionLosesNothingOfADamagedTable: whatever a compaction meets, the passes of all blocks that can be read are there in the
// end. The published store leaves out the rest of the table.
func TestACompactionLosesNothingOfADamagedTable(t *testing.T) {
	for name, damage := range blockDamages {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := tables(t)
			o.Report = func(error) {} // what was in the block
			lost := len(spoil(t, files(t, o, "*.sst")[1], damage))
			taken := 900
			for n := 901; n <= 1500; n += 100 { // more tables, until they are put together
				j := open(t, o)
				for i := n; i < n+100; i++ {
					switch _, err := j.Append(t.Context(), testPass(i)); {
					case err == nil:
						taken++
					case !errors.Is(err, ErrFailed):
						t.Fatal(err)
					}
				}
				if err := j.Close(); err != nil {
					t.Fatal(err)
				}
			}
			j := open(t, o)
			if err := j.Source("visits").Scan(t.Context(), 0, j.End(), everyPass); errors.Is(err, ErrFailed) {
				shut(t, j) // no compaction has come there: this is the first who reads it
				j = open(t, o)
			}
			found := madeWhole(t, j)
			if got := rowWithHoles(t, j.Source("visits")); got != taken-lost {
				t.Errorf("%d passes of %d are there; the block had %d", got, taken, lost)
			}
			if len(found.Folders) != 1 || found.Lost != uint64(lost) || found.Doubtful {
				t.Errorf("said: %+v", found)
			}
		})
	}
}

func everyPass(uint64, *event.Pass) bool { return true }

// rowWithHoles counts the passes that an uplink finds.
func rowWithHoles(t *testing.T, s *Source) (n int) {
	t.Helper()
	if err := s.Scan(t.Context(), 0, s.End(), func(uint64, *event.Pass) bool { n++; return true }); err != nil {
		t.Fatal(err)
	}
	return n
}

// TestADamagedBlockPutsTheStoreAside: who reads such a block is told so, and nobody goes on as if there were nothing. The next start
// reads back all other blocks.
func TestADamagedBlockPutsTheStoreAside(t *testing.T) {
	for name, damage := range blockDamages {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := tables(t)
			o.Report = func(error) {} // what was in the block
			table := files(t, o, "*.sst")[1]
			lost := spoil(t, table, damage)
			j := open(t, o)
			s := j.Source("visits")
			var last uint64
			err := s.Scan(t.Context(), 0, 900, func(seq uint64, _ *event.Pass) bool { last = seq; return true })
			if !errors.Is(err, ErrFailed) || last <= 300 || last >= lost[0] || j.Stats().Holes != 0 {
				t.Errorf("a scan came to %d, before %d, %d holes: %v", last, lost[0], j.Stats().Holes, err)
			}
			select {
			case <-j.Failed():
			default:
				t.Error("the journal has not failed")
			}
			if err := s.Settle(t.Context(), 900, 900, nil); !errors.Is(err, ErrFailed) {
				t.Errorf("the uplink has come past it: %v", err)
			}
			if _, err := j.Append(t.Context(), testPass(901)); !errors.Is(err, ErrFailed) {
				t.Errorf("a pass was taken: %v", err)
			}
			if err := j.Close(); err != nil {
				t.Fatal(err)
			}
			for range 2 {
				j = open(t, o)
				found := madeWhole(t, j)
				if len(found.Folders) != 1 || found.Lost != uint64(len(lost)) || found.Passes != uint64(900-len(lost)) || found.Doubtful {
					t.Fatalf("said: %+v", found)
				}
				reason, err := os.ReadFile(filepath.Join(found.Folders[0], reasonFile))
				if err != nil || !strings.Contains(string(reason), filepath.Base(table)) {
					t.Errorf("the reason %q, %v", reason, err)
				}
				if got := rowWithHoles(t, j.Source("visits")); got != 900-len(lost) {
					t.Errorf("%d passes", got)
				}
				shut(t, j)
			}
		})
	}
}

// TestARecordThatCannotBeReadIsNotTakenForAnOlderOne: what an uplink has noted last decides what it sends again.
func TestARecordThatCannotBeReadIsNotTakenForAnOlderOne(t *testing.T) {
	o := testOptions(t, "exam")
	large := strings.Repeat("x", 12<<10)
	for _, value := range []string{"ready", "sent"} {
		j := open(t, o)
		apply(t, j, "exam", "a", large) // a block of its own
		apply(t, j, "exam", "b", value)
		apply(t, j, "exam", "c", large)
		apply(t, j, "exam", "d", large)
		apply(t, j, "exam", "e", large)
		shut(t, j)
	}
	all := files(t, o, "*.sst")
	rewrite(t, all[len(all)-1], func(table []byte) []byte {
		for at := 0; blockLength(table[at:]) > 0; at += blockLength(table[at:]) {
			block, has := table[at:at+blockLength(table[at:])], false
			readTable(block, func(f *found) { has = has || bytes.Equal(f.key, recordKey("exam", "b")) })
			if has {
				block[0] ^= 1
				return table
			}
		}
		t.Fatal("the record is not found")
		return nil
	})
	j, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close() //nolint:errcheck // it has failed
	if value, err := j.Records("exam").Get("b"); err == nil {
		t.Errorf("the record is %q", value)
	}
	err = j.Records("exam").Each("", func(key string, value []byte) bool {
		if key == "b" {
			t.Errorf("the record is %q", value)
		}
		return true
	})
	if err == nil {
		t.Error("all records could be read")
	}
}
