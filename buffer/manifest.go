package buffer

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/dgraph-io/badger/v4"
)

// The manifest of the store: a head, then records, each with its length u32 and its checksum u32 before it.
const (
	manifestHead  = 8
	recordHead    = 8
	manifestUnit  = 512 // what a disk writes in whole or not at all
	manifestTorn  = "the end of the store's manifest was torn off by a power cut and is removed"
	manifestSizes = 64 << 20 // no manifest of ours comes near; a larger one is left to the store
)

// mendManifest removes a record at the end of the store's manifest of which a power cut has let only a part reach the disk: the
// store refuses to open with it. Nothing is lost: the store does nothing of what a record says before the record is on disk.
// A record that is damaged otherwise stays, and so does everything that is not at the end.
func mendManifest(dir string, log *slog.Logger) error {
	path := filepath.Join(dir, badger.ManifestFilename)
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && info.Size() > manifestSizes {
		return nil
	}
	if err != nil {
		return err
	}
	text, err := os.ReadFile(path) //nolint:gosec // the path is the operator's
	if err != nil {
		return err
	}
	keep, torn := tornRecord(text)
	if !torn {
		return nil
	}
	log.Warn(manifestTorn, "bytes", len(text)-keep, "of", len(text))
	f, err := os.OpenFile(path, os.O_WRONLY, 0o600) //nolint:gosec // the path is the operator's
	if err != nil {
		return err
	}
	err = f.Truncate(int64(keep))
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("remove the torn end of the manifest: %w", err)
	}
	return nil
}

// tornRecord finds the last record if it is torn: it is not what its checksum says, it is the last by its length as far as that
// is there, and some sector of it was never written. keep is where it begins.
func tornRecord(text []byte) (keep int, torn bool) {
	at, zeros := manifestHead, -1 // zeros: where records without anything begin that reach to at; the end of an earlier cut
	for {
		rest := len(text) - at
		if rest < recordHead {
			return 0, false // the store itself leaves a rest as short as this out
		}
		length := int64(binary.BigEndian.Uint32(text[at:]))
		sum := binary.BigEndian.Uint32(text[at+4:])
		end := int64(at) + recordHead + length
		if end > int64(len(text)) || crc32.Checksum(text[at+recordHead:end], crc32.MakeTable(crc32.Castagnoli)) != sum {
			begin := at
			if zeros >= 0 {
				begin = zeros // its own beginning may be what was not written
			} else if end != int64(len(text)) && !unwritten(text, at, at+recordHead) {
				return 0, false // its length is there, and it is not the last
			}
			return begin, unwritten(text, begin, len(text))
		}
		switch {
		case length > 0:
			zeros = -1
		case zeros < 0:
			zeros = at
		}
		at = int(end)
	}
}

// unwritten says whether some sector has nothing but zeros between from and to.
func unwritten(text []byte, from, to int) bool {
	for from < to {
		end := min(to, (from/manifestUnit+1)*manifestUnit)
		empty := true
		for _, b := range text[from:end] {
			empty = empty && b == 0
		}
		if empty {
			return true
		}
		from = end
	}
	return false
}
