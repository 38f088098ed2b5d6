package buffer

import (
	"math/bits"

	"github.com/dgraph-io/ristretto/v2/z"
)

// checkCorrections refuses a 32-bit binary that would lose passes. There the allocator of the store's table builder, as it is
// published, begins again in its first buffer when that is full, and overwrites what it has built: tables of passes vanish
// without an error. The build tag says that the correction was asked for, the trial that it is really in.
func checkCorrections() error {
	if bits.UintSize == 32 && (!corrected || !allocatorKeeps()) {
		return ErrUncorrected
	}
	return nil
}

// allocatorKeeps tries whether what was taken from the allocator stays untouched when the allocator needs a second buffer.
func allocatorKeeps() bool {
	a := z.NewAllocator(1024, "trial")
	defer a.Release()
	const size, pieces = 700, 4 // of each 1024 bytes, only one piece fits
	var taken [pieces][]byte
	for i := range taken {
		taken[i] = a.Allocate(size)
		for k := range taken[i] {
			taken[i][k] = byte(i)
		}
	}
	for i := range taken {
		for _, b := range taken[i] {
			if b != byte(i) {
				return false
			}
		}
	}
	return true
}

// Corrected says whether this binary was built with the corrections of the store.
func Corrected() bool { return corrected }
